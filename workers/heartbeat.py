"""Tells the ledger that a run is alive, and the run that it should stop."""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from recsys.database import writing
from recsys.learning import runs

log = logging.getLogger(__name__)

_AT_MOST_EVERY = (
    0.5  # seconds between two progress rows: a fit reports far more often than anyone looks
)


class Heartbeat:
    """Beats when progress is reported, and from a thread while a long step reports nothing.

    The thread falls silent `patience` seconds after the last report, so that a fit that hangs
    is found by the sweep like one that was killed.
    """

    def __init__(self, engine: Engine, run_id: str, *, every: float, patience: float) -> None:
        self._engine = engine
        self._run_id = run_id
        self._every = every
        self._patience = patience
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._wanted = True
        self._stage, self._progress, self._curves = "starting", 0.0, dict[str, list[float]]()
        self._reported = self._written = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def report(self, stage: str, progress: float, curves: Mapping[str, list[float]]) -> bool:
        """Take note of progress; False once the run was cancelled or given to another."""
        now = time.monotonic()
        with self._lock:
            due = stage != self._stage or now - self._written >= _AT_MOST_EVERY
            self._stage, self._progress = stage, progress
            self._curves = {name: list(values) for name, values in curves.items()}
            self._reported = now
        return self.beat() if due else self._wanted

    def beat(self) -> bool:
        """Write the row now. A database that is away for a moment does not end a run."""
        with self._lock:
            try:
                with writing(self._engine) as session:
                    self._wanted = runs.beat(
                        session,
                        self._run_id,
                        stage=self._stage,
                        progress=self._progress,
                        curves=self._curves,
                        now=datetime.now(UTC),
                    )
            except OperationalError as error:
                log.warning("run %s: no heartbeat written: %s", self._run_id, error.orig)
            self._written = time.monotonic()
            return self._wanted

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            if time.monotonic() - self._reported < self._patience:
                self.beat()
