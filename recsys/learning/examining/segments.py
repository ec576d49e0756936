"""Which shoppers and which items a mean hides: the same hold-out, cut by who asks and what for.

    T shoppers of the hold-out   S of them in a segment   I items

Four families, each over the same ranked lists:
    history    how many items the model knew of the shopper
    knows      every shopper again, told only the newest 0, 1, 2 or 5 items: what a newcomer gets
    taste      targets among the bestsellers (head), in the middle, or in the long tail
    category   targets of one category
A shopper without a target in a segment is no part of it, so an empty segment is not made at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.learning.examining import evaluation, metrics
from recsys.learning.examining.evaluation import Depths, Examination, Score
from recsys.learning.examining.market import Market
from recsys.learning.split import HoldOut
from recsys.models.histories import Histories

HISTORY, KNOWS, TASTE, CATEGORY = "history", "knows", "taste", "category"
KNOWN = (0, 1, 2, 5)
HEAD_SHARE, TAIL_SHARE = 1 / 3, 1 / 3  # of all deeds, not of items: a few items make the head
MOST_CATEGORIES = 12  # the largest by shoppers; more tests would only blunt each of them
MOST_NEWCOMERS = 2_000  # shoppers ranked again with a shortened history; SE about .005 of NDCG
FIGURES = Depths(recall=(20,), ndcg=(20,))

_LENGTHS = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 29), (30, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """`shoppers` are rows of the hold-out, `targets` (S, I) those of their targets that count."""

    family: str
    name: str
    shoppers: NDArray[np.int64]  # (S,)
    targets: Any
    fold_in: Histories | None = None  # None: the hold-out's own histories

    def __len__(self) -> int:
        return len(self.shoppers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A scorer in a segment: one number a shopper, in the order of `segment.shoppers`."""

    segment: Segment
    values: metrics.Metrics
    figures: dict[str, float]


def of(holdout: HoldOut, market: Market) -> tuple[Segment, ...]:
    """Every segment that somebody is in."""
    families = (_by_history, _by_knowledge)
    found = [segment for family in families for segment in family(holdout)]
    found += [*_by_taste(holdout, market), *_by_category(holdout, market)]
    return tuple(segment for segment in found if len(segment))


def measure(
    score: Score, holdout: HoldOut, examined: Examination, segments: tuple[Segment, ...]
) -> tuple[Measured, ...]:
    """The segments' figures from the lists at hand; only shortened histories are ranked anew."""
    return tuple(_measured(score, holdout, examined, segment) for segment in segments)


def newest(histories: Histories, n: int) -> Histories:
    """The same shoppers with only their newest `n` items."""
    kept = np.minimum(histories.sizes, n)
    skipped = histories.sizes - kept
    indptr = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    at = np.repeat(histories.indptr[:-1] + skipped - indptr[:-1], kept) + np.arange(indptr[-1])
    return Histories(
        indptr=indptr,
        items=histories.items[at],
        ages=histories.ages[at],
        kinds=histories.kinds[at],
        n_items=histories.n_items,
    )


def tastes(market: Market) -> NDArray[np.int8]:
    """0 head, 1 middle, 2 tail (I,): the bestsellers that make a third of all deeds, and so on."""
    order = np.argsort(-market.counts, kind="stable")
    before = np.cumsum(market.counts[order]) - market.counts[order]  # deeds of better sellers
    share = before / max(int(market.counts.sum()), 1)
    classes = np.where(share < HEAD_SHARE, 0, np.where(share < 1 - TAIL_SHARE, 1, 2))
    found = np.zeros(len(order), np.int8)
    found[order] = classes
    return found


def _measured(score: Score, holdout: HoldOut, examined: Examination, segment: Segment) -> Measured:
    if segment.fold_in is None:
        ranked = examined.ranked[segment.shoppers]
    else:
        ranked = _again(score, holdout, segment, segment.fold_in)
    values = metrics.per_user(
        ranked, segment.targets, recall_at=FIGURES.recall, ndcg_at=FIGURES.ndcg
    )
    return Measured(segment=segment, values=values, figures=metrics.summary(values))


def _again(
    score: Score, holdout: HoldOut, segment: Segment, fold_in: Histories
) -> NDArray[np.int64]:
    """Lists from shortened histories; all that was had stays out, as it does in the full ones."""
    had = holdout.masked if holdout.masked is not None else holdout.fold_in.matrix()
    asked = HoldOut(fold_in=fold_in, targets=segment.targets, masked=had[segment.shoppers])
    return evaluation.examine(score, asked, depths=FIGURES).ranked


def _by_history(holdout: HoldOut) -> Iterator[Segment]:
    sizes = holdout.fold_in.sizes
    for low, high in _LENGTHS:
        inside = (sizes >= low) & (sizes <= (high if high is not None else sizes))
        name = f"{low}" if low == high else (f"{low}-{high}" if high is not None else f"{low}+")
        items = "item" if name == "1" else "items"
        yield _some(holdout, HISTORY, f"{name} {items} in the history", np.flatnonzero(inside))


def _by_knowledge(holdout: HoldOut) -> Iterator[Segment]:
    for n in KNOWN:
        rows = np.flatnonzero(holdout.fold_in.sizes >= max(n, 1))
        rows = rows[np.diff(holdout.targets.indptr)[rows] > 0][:MOST_NEWCOMERS]
        shortened = newest(holdout.fold_in.take(rows), n)
        told = {0: "told nothing", 1: "told only the newest item"}.get(
            n, f"told only the newest {n} items"
        )
        yield _some(holdout, KNOWS, told, rows, fold_in=shortened)


def _by_taste(holdout: HoldOut, market: Market) -> Iterator[Segment]:
    classes = tastes(market)
    for number, name in enumerate(("bestsellers", "the middle", "the long tail")):
        yield _wanting(holdout, TASTE, f"targets in {name}", classes == number)


def _by_category(holdout: HoldOut, market: Market) -> Iterator[Segment]:
    found = [
        _wanting(holdout, CATEGORY, name, market.categories == number)
        for number, name in enumerate(market.names)
    ]
    found.sort(key=lambda segment: (-len(segment), segment.name))
    yield from found[:MOST_CATEGORIES]


def _wanting(holdout: HoldOut, family: str, name: str, items: NDArray[np.bool_]) -> Segment:
    """Everybody with a target among these items, and only those targets."""
    wanted = sparse.csr_array(holdout.targets).copy()
    wanted.data = np.where(items[wanted.indices], wanted.data, 0)
    wanted.eliminate_zeros()
    rows = np.flatnonzero(np.diff(wanted.indptr) > 0)
    return Segment(family=family, name=name, shoppers=rows, targets=wanted[rows])


def _some(
    holdout: HoldOut,
    family: str,
    name: str,
    rows: NDArray[np.int64],
    *,
    fold_in: Histories | None = None,
) -> Segment:
    rows = rows[np.diff(holdout.targets.indptr)[rows] > 0]
    targets = holdout.targets[rows]
    return Segment(family=family, name=name, shoppers=rows, targets=targets, fold_in=fold_in)
