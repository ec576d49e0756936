"""What a check says: a level, one sentence, how many rows, and the first of them by name."""

from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

ROWS_SHOWN = 20  # enough to look a fault up; the rest are only counted


class Level(StrEnum):
    """PASS: nothing to do. WARN: a model learns, but worse. FAIL: mend it before training."""

    PASS = "PASS"  # noqa: S105 a level, not a secret
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`rows` are at most `ROWS_SHOWN` of the `count` places: line numbers, event ids or item ids."""

    level: Level
    name: str
    message: str
    count: int = 0
    rows: tuple[str, ...] = ()


def plain(finding: Finding) -> dict[str, object]:
    """The finding as JSON has it."""
    return {**asdict(finding), "level": finding.level.value, "rows": list(finding.rows)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A finding whose places are still positions: of events, or of items where `of_items`."""

    level: Level
    message: str
    positions: NDArray[np.int64] | None = None
    of_items: bool = False


def well(message: str) -> Fault:
    return Fault(level=Level.PASS, message=message)


def graded(share: float, *, warn: float, fail: float) -> Level:
    """The level of a share of faulty rows: WARN from `warn` on, FAIL from `fail` on."""
    if share >= fail:
        return Level.FAIL
    return Level.WARN if share >= warn else Level.PASS


def percent(share: float) -> str:
    """A share in words that never round something to nothing."""
    return "under 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"  # noqa: PLR2004 the words' own


def many(number: int, noun: str) -> str:
    """A number and its noun: 1 event, 2 events."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
