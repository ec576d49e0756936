import numpy as np
import pytest
from scipy import sparse

from recsys.learning.examining import evaluation, market, segments
from recsys.learning.split import HoldOut
from recsys.models import histories
from recsys.models.histories import Histories

ITEM_IDS = tuple(f"i{n}" for n in range(6))


def _histories(*rows: list[int], n_items: int = 6) -> Histories:
    users = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    items = np.array([item for row in rows for item in row], np.int64)
    kinds = np.zeros(len(items), np.int8)
    return histories.from_deeds(users, items, kinds, n_users=len(rows), n_items=n_items)


def _holdout(*pairs: tuple[list[int], list[int]]) -> HoldOut:
    targets = np.zeros((len(pairs), 6), np.float32)
    for row, (_, wanted) in enumerate(pairs):
        targets[row, wanted] = 1
    return HoldOut(
        fold_in=_histories(*[had for had, _ in pairs]), targets=sparse.csr_array(targets)
    )


def _market(*rows: list[int], paths: market.Paths | None = None) -> market.Market:
    return market.of(_histories(*rows), ITEM_IDS, paths)


def _named(found: tuple[segments.Segment, ...], family: str) -> dict[str, list[int]]:
    return {one.name: one.shoppers.tolist() for one in found if one.family == family}


def test_shoppers_are_grouped_by_what_was_known_of_them() -> None:
    holdout = _holdout(([0], [1]), ([0, 1, 2], [3]), ([2], [4]), ([1], []))

    found = _named(segments.of(holdout, _market([0], [1])), "history")

    assert found == {"1 item in the history": [0, 2], "2-4 items in the history": [1]}


def test_a_newcomer_is_told_only_the_newest() -> None:
    short = segments.newest(_histories([3, 1, 4], [5], []), 2)

    assert [short.take([n]).items.tolist() for n in range(3)] == [[1, 4], [5], []]
    assert short.ages.tolist() == [1, 0, 0]


def test_shortened_histories_are_ranked_anew_but_what_was_had_stays_out() -> None:
    holdout = _holdout(([0, 1], [2]), ([1, 0], [3]))

    def repeats(told: Histories) -> np.ndarray:  # what was told is best, then the lower rows
        scores = np.zeros(told.shape, np.float32) - np.arange(6)
        scores[told.owners, told.items] = 10
        return scores + 0.5 * (told.sizes[:, None] == 0) * np.arange(6) ** 2

    examined = evaluation.examine(repeats, holdout)
    made = [one for one in segments.of(holdout, _market([0])) if one.name == "told nothing"]
    (told_nothing,) = segments.measure(repeats, holdout, examined, tuple(made))

    assert examined.ranked[0, 0] == 2
    assert told_nothing.values["ndcg@20"][0] == pytest.approx(1 / np.log2(5))  # now 5, 4, 2, 3


def test_targets_are_divided_by_how_well_they_sell() -> None:
    sold = [[0]] * 4 + [[1]] * 3 + [[2]] * 2 + [[3], [4], [5]]
    holdout = _holdout(([1], [0, 5]), ([0], [2]))

    found = _named(segments.of(holdout, _market(*sold)), "taste")

    assert segments.tastes(_market(*sold)).tolist() == [0, 1, 1, 2, 2, 2]
    assert found == {
        "targets in bestsellers": [0],
        "targets in the middle": [1],
        "targets in the long tail": [0],
    }


def test_a_segment_counts_only_its_own_targets() -> None:
    paths = {"i0": ("Shop", "Tea"), "i1": ("Shop", "Tea"), "i5": ("Shop", "Pots", "Iron")}
    holdout = _holdout(([1], [0, 5]), ([0], [5]))
    score = evaluation.by_counts(np.array([9, 0, 0, 0, 0, 8], np.float32))
    examined = evaluation.examine(score, holdout)

    made = segments.of(holdout, _market([0], paths=paths))
    measured = {
        one.segment.name: one.values["ndcg@20"].tolist()
        for one in segments.measure(score, holdout, examined, made)
        if one.segment.family == "category"
    }

    assert measured == {"Tea": [1.0], "Pots": [pytest.approx(1 / np.log2(3)), 1.0]}


def test_categories_are_those_of_the_widest_level_that_divides() -> None:
    paths = {"i0": ("Shop", "Tea"), "i1": ("Shop", "Pots"), "i2": ("Shop",)}

    found = _market([0], paths=paths)

    assert found.names == ("Pots", "Tea")
    assert found.categories.tolist() == [1, 0, -1, -1, -1, -1]


def test_a_hold_out_of_nobody_has_no_segment() -> None:
    holdout = _holdout(([0], [1])).batch(0, 0)

    assert segments.of(holdout, _market([0])) == ()


def test_a_single_shopper_is_in_segments_without_an_error_bar() -> None:
    holdout = _holdout(([0], [1]))
    score = evaluation.by_counts(np.ones(6, np.float32))

    found = segments.measure(
        score,
        holdout,
        evaluation.examine(score, holdout),
        segments.of(holdout, _market([0], [1])),
    )

    assert {one.figures["ndcg@20_se"] for one in found} == {0.0}
    assert {one.segment.family for one in found} == {"history", "knows", "taste"}


def test_a_score_that_is_not_a_number_is_refused() -> None:
    holdout = _holdout(([0], [1]))

    with pytest.raises(ValueError, match="not a number"):
        evaluation.examine(evaluation.by_counts(np.full(6, np.nan, np.float32)), holdout)
