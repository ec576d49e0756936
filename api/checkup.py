"""The data doctor for whoever opens the console: bounded, and asked by one at a time."""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine

from recsys.behaviour import doctor
from recsys.behaviour.doctor import Finding, Level
from recsys.behaviour.doctor import reading as intake
from recsys.catalogue.shelf import Shelf
from recsys.database import reading

NEWEST = 200_000  # events: about a second of one core, whatever the log's size
REMEMBER_SECONDS = 300.0
AGAIN_SECONDS = 10.0  # even to whoever asks for a fresh one


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found, when, and in how many of the newest events."""

    findings: tuple[Finding, ...]
    checked_at: datetime
    events: int

    @property
    def worst(self) -> Level:
        return doctor.worst(self.findings)

    @property
    def whole(self) -> bool:
        """Whether every event was read, and not only the newest."""
        return self.events < NEWEST


@dataclass(eq=False)
class Checkup:
    """The last report, remembered; who asks while one is made waits for it instead of a second."""

    _report: Report | None = None
    _at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, engine: Engine, shelf: Shelf, *, fresh: bool = False) -> Report:
        with self._lock:
            age = time.monotonic() - self._at
            if self._report is None or age > (AGAIN_SECONDS if fresh else REMEMBER_SECONDS):
                self._report = _made(engine, shelf)
                self._at = time.monotonic()
            return self._report


def _made(engine: Engine, shelf: Shelf) -> Report:
    now = datetime.now(UTC)
    with reading(engine) as session:
        deeds = intake.from_database(session, newest=NEWEST)
        found = doctor.check(deeds, doctor.of_items(shelf.items.values()), now=now)
    return Report(findings=tuple(found), checked_at=now, events=len(deeds))
