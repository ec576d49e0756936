"""What was shown again and again without a click sinks, and comes back with time.

    C candidates

A showing counts 1 and loses half of that each half-life; a click takes the whole count away. The
factor on an item's relevance is `(1 - rate) ** count`: each fresh showing costs the same share.
What a shopper was shown is one short string, kept outside: one read a request, one write an
answer. Two answers at the same moment may lose a showing of each other, which does no harm.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

LARGEST = 200  # items remembered of one shopper

_MOST = 0.99  # a rate of 1 would keep an item away for good, however long ago it was shown
_FORGOTTEN = 1 / 64  # a count below this is none
_DIGITS = 4  # of a count, as written

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How often each item was shown, decayed as of the second `at`; the newest come last."""

    at: float = 0.0
    counts: Mapping[str, float] = field(default_factory=dict)


def factor(
    shown: NDArray[np.floating],
    age_seconds: NDArray[np.floating] | float,
    *,
    half_life_seconds: float,
    rate: float,
) -> Floats:
    """What is left of relevance, in [0, 1]: of counts (C,) and how long ago those were taken (C,).

    `rate` is the share that one fresh showing takes away. An age below 0 (clocks differ) is none.
    """
    kept = 1 - min(max(rate, 0.0), _MOST)
    return np.asarray(kept ** (np.asarray(shown) * _left(age_seconds, half_life_seconds)))


def factors(
    state: Shown, item_ids: Sequence[str], now: float, *, half_life_seconds: float, rate: float
) -> Floats:
    """The factor of each of these items (C,); 1 for what was not shown."""
    if not state.counts or rate <= 0:
        return np.ones(len(item_ids))
    counts = np.fromiter(map(state.counts.get, item_ids, repeat(0.0)), np.float64)
    return factor(counts, now - state.at, half_life_seconds=half_life_seconds, rate=rate)


def seen(state: Shown, item_ids: Sequence[str], now: float, *, half_life_seconds: float) -> Shown:
    """One showing more of each of these items; what counts least is forgotten."""
    now = max(now, state.at)
    left = float(_left(now - state.at, half_life_seconds))
    counts = {item_id: count * left for item_id, count in state.counts.items()}
    for item_id in dict.fromkeys(item_ids):
        counts[item_id] = counts.pop(item_id, 0.0) + 1  # out and in: the newest stand last
    return Shown(at=now, counts=_bounded(counts))


def clicked(state: Shown, item_ids: Sequence[str]) -> Shown:
    """The state without these items: who clicks has not had enough of them."""
    gone = frozenset(item_ids)
    counts = {item_id: count for item_id, count in state.counts.items() if item_id not in gone}
    return Shown(at=state.at, counts=counts)


def write(state: Shown) -> bytes:
    """The state as a string that `read` understands."""
    counts = np.round(np.fromiter(state.counts.values(), np.float64), _DIGITS).tolist()
    return orjson.dumps([state.at, dict(zip(state.counts, counts, strict=True))])


def plain(state: Shown) -> list[Any]:
    """The state to the last digit, as JSON has it: for who must be able to use it again."""
    return [state.at, dict(state.counts)]


def read(text: str | bytes | None) -> Shown:
    """The state that was written; an empty one where there is none or it cannot be read."""
    if not text:
        return Shown()
    try:
        return of_plain(orjson.loads(text))
    except ValueError:
        return Shown()


def of_plain(told: Any) -> Shown:
    """The state that `plain` told; an empty one where it is none."""
    try:
        at, counts = told
        numbers = [float(at), *map(float, counts.values())]
    except (ValueError, TypeError, AttributeError, OverflowError):
        return Shown()
    if not all(map(math.isfinite, numbers)) or min(numbers) < 0:
        return Shown()
    return Shown(at=numbers[0], counts=_bounded(dict(zip(counts, numbers[1:], strict=True))))


def _left(age_seconds: NDArray[np.floating] | float, half_life_seconds: float) -> Floats:
    return np.asarray(0.5 ** (np.maximum(age_seconds, 0) / half_life_seconds))


def _bounded(counts: dict[str, float]) -> dict[str, float]:
    """The counts that still count; of too many the highest, and of equal ones the newest."""
    kept = {item_id: count for item_id, count in counts.items() if count >= _FORGOTTEN}
    if len(kept) <= LARGEST:
        return kept
    place = {item_id: n for n, item_id in enumerate(kept)}
    highest = sorted(kept, key=lambda item_id: (-kept[item_id], -place[item_id]))[:LARGEST]
    return {item_id: kept[item_id] for item_id in sorted(highest, key=place.__getitem__)}
