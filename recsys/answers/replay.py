"""An answer made again, and two models asked the same: pure comparisons of ranked lists.

RBO is the rank-biased overlap of Webber, Moffat and Zobel (2010), extrapolated, with p = 0.9: the
first ten places carry 86 % of its weight. It takes lists of unequal length and without the same
items, which Kendall's tau does not.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsys.answers.entry import Answer
from recsys.types import Slate

RBO_P = 0.9
_SAME_SCORE = 1e-5  # relative: the same sum of float32 in another order
_TOLD = 20  # places told of that differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that was not as it was, or what came of it.

    `what` is one of model, history, catalogue, rules; or of items, sources, scores.
    """

    what: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """`exact` says that the same items came in the same order, from the same sources and scores."""

    exact: bool
    slate: Slate
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One request answered by two models, and what was clicked of what it was answered in truth."""

    segment: Mapping[str, str]  # of each kind of segment, the one it belongs to
    first: tuple[str, ...]
    second: tuple[str, ...]
    clicked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike two models answer `requests`; means over them. Hit rates are over `clicked_requests`."""

    requests: int
    changed: int  # slates that are not the same, item by item
    overlap: float
    rank_biased_overlap: float
    clicked_requests: int
    first_hit_rate: float | None
    second_hit_rate: float | None


def by_revision(answers: Sequence[Answer]) -> list[Answer]:
    """A sample with those of one catalogue together, so that the shelf of each is set up once.

    The catalogues come as they do in the sample, not by their age: whoever has to stop has not seen
    only the first days of the week.
    """
    turns = {one.catalogue_revision: turn for turn, one in reversed([*enumerate(answers)])}
    return sorted(answers, key=lambda one: turns[one.catalogue_revision])


def compare(answer: Answer, slate: Slate, *, causes: Sequence[Difference] = ()) -> Replay:
    """An answer as it was and as it is made again; `causes` are what could not be set up as it was."""
    found = list(causes)
    now = slate.recommendations
    items = tuple(one.item_id for one in now)
    if items != tuple(answer.item_ids):
        found.append(Difference(what="items", detail=_places(answer.item_ids, items)))
    elif tuple(one.source for one in now) != tuple(answer.sources):
        sources = [one.source for one in now]
        found.append(Difference(what="sources", detail=_places(answer.sources, sources)))
    elif not _same_scores(answer.scores, [one.score for one in now]):
        furthest = max(abs(then - one.score) for then, one in zip(answer.scores, now, strict=True))
        found.append(Difference(what="scores", detail=f"they differ by up to {furthest:.3g}"))
    exact = not any(one.what in {"items", "sources", "scores"} for one in found)
    return Replay(exact=exact, slate=slate, differences=tuple(found))


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """The share of the longer list that both hold; 1 for two empty ones."""
    longest = max(len(first), len(second))
    return len(set(first) & set(second)) / longest if longest else 1.0


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], *, p: float = RBO_P) -> float:
    """Extrapolated RBO (equation 32 of the paper) of two lists without repeats."""
    short, long_ = sorted((first, second), key=len)
    s, n = len(short), len(long_)
    if not s:
        return 0.0 if n else 1.0
    left: set[str] = set()
    right: set[str] = set()
    agreed = [0]  # how many items both prefixes hold, by depth
    for depth in range(n):
        right.add(long_[depth])
        if depth < s:
            left.add(short[depth])
        agreed.append(len(left & right))
    at_s, at_n = agreed[s], agreed[n]
    total = sum(agreed[d] / d * p**d for d in range(1, n + 1))
    total += sum(at_s * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    rest = ((at_n - at_s) / n + at_s / s) * p**n
    return (1 - p) / p * total + rest


def likeness(pairs: Sequence[Pair]) -> Likeness:
    clicked = [pair for pair in pairs if pair.clicked]
    return Likeness(
        requests=len(pairs),
        changed=sum(pair.first != pair.second for pair in pairs),
        overlap=_mean([overlap(pair.first, pair.second) for pair in pairs]),
        rank_biased_overlap=_mean([rank_biased_overlap(pair.first, pair.second) for pair in pairs]),
        clicked_requests=len(clicked),
        first_hit_rate=_hit_rate([(pair.first, pair.clicked) for pair in clicked]),
        second_hit_rate=_hit_rate([(pair.second, pair.clicked) for pair in clicked]),
    )


def segments(pairs: Sequence[Pair]) -> dict[str, dict[str, Likeness]]:
    """The same for each kind of segment, and each segment of it."""
    groups: dict[str, dict[str, list[Pair]]] = {}
    for pair in pairs:
        for kind, name in pair.segment.items():
            groups.setdefault(kind, {}).setdefault(name, []).append(pair)
    return {
        kind: {name: likeness(found) for name, found in sorted(by_name.items())}
        for kind, by_name in groups.items()
    }


def coverage(lists: Sequence[Sequence[str]], n_items: int) -> float:
    """The share of what could be shown that any of the lists shows."""
    return len({item_id for one in lists for item_id in one}) / n_items if n_items else 0.0


def _same_scores(then: Sequence[float], now: Sequence[float]) -> bool:
    return len(then) == len(now) and all(
        math.isclose(before, after, rel_tol=_SAME_SCORE, abs_tol=_SAME_SCORE)
        for before, after in zip(then, now, strict=True)
    )


def _places(then: Sequence[str], now: Sequence[str]) -> str:
    padded = [*then, *[None] * len(now)], [*now, *[None] * len(then)]
    told = [
        f"{place}: {before or 'nothing'} is {after or 'nothing'}"
        for place, (before, after) in enumerate(zip(*padded, strict=True), start=1)
        if before != after
    ]
    more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return "; ".join(told[:_TOLD]) + more


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0


def _hit_rate(lists: Sequence[tuple[Sequence[str], frozenset[str]]]) -> float | None:
    if not lists:
        return None
    return sum(bool(clicked & set(shown)) for shown, clicked in lists) / len(lists)
