from dataclasses import replace

import numpy as np
import pytest

from recsys.errors import NotEnoughData
from recsys.learning import split
from recsys.types import EventKind, EventLog

DISMISS = tuple(EventKind).index(EventKind.DISMISS)


def _log(*deeds: tuple[int, int, int], n_users: int = 4, n_items: int = 6) -> EventLog:
    users, items, at = zip(*deeds, strict=True)
    return EventLog(
        user_rows=np.array(users, np.int32),
        item_rows=np.array(items, np.int32),
        kinds=np.zeros(len(deeds), np.int8),
        at=np.array(at, np.int64),
        order_rows=np.full(len(deeds), -1, np.int32),
        user_ids=tuple(f"u{n}" for n in range(n_users)),
        item_ids=tuple(f"i{n}" for n in range(n_items)),
    )


def _both(cut: split.Split) -> list[tuple[list[int], list[int]]]:
    found = []
    for half in (cut.validation, cut.test):
        found += [
            (sorted(half.fold_in.take([n]).items.tolist()), half.targets[[n]].indices.tolist())
            for n in range(len(half))
        ]
    return found


def test_training_sees_nothing_from_the_cut_on(checkerboard) -> None:
    log = checkerboard()

    cut = split.temporal(log, seed=1)

    before = log.at < cut.cut_at
    assert before.mean() == pytest.approx(0.9, abs=0.01)
    pairs = set(zip(log.user_rows[before].tolist(), log.item_rows[before].tolist(), strict=True))
    assert len(cut.train.items) == len(pairs)


def test_targets_are_new_to_the_shopper_and_known_to_training() -> None:
    past = [(0, 0, 1), (0, 1, 2), (1, 1, 3), (1, 2, 4), (2, 0, 5), (2, 2, 6), (3, 0, 7), (3, 1, 8)]
    bought_again, something_new, never_sold_before = (0, 0, 90), (0, 2, 91), (0, 5, 92)

    cut = split.temporal(
        _log(*past, bought_again, something_new, never_sold_before), seed=1, share=0.25
    )

    assert _both(cut) == [([0, 1], [2])]


def test_events_of_the_cuts_own_second_all_belong_to_the_hold_out() -> None:
    log = _log(*[(n % 3, n % 4, n) for n in range(8)], (0, 5, 100), (1, 5, 100), (2, 5, 100))

    cut = split.temporal(log, seed=1)

    assert cut.cut_at == 100
    assert len(cut.train.items) == 8


def test_halves_do_not_depend_on_the_other_shoppers(checkerboard) -> None:
    log = checkerboard()
    again = checkerboard(n_users=121)

    first = dict(zip(log.user_ids, split._draws(log, np.arange(120), 5).tolist(), strict=True))
    second = dict(zip(again.user_ids, split._draws(again, np.arange(121), 5), strict=True))

    assert first.items() <= second.items()
    assert 0.3 < np.mean([draw % 2 == 0 for draw in first.values()]) < 0.7


def test_a_shopper_chooses_or_examines_never_both(checkerboard) -> None:
    log = checkerboard()
    positions = np.arange(len(log))
    log = replace(log, user_rows=(positions % 120).astype(np.int32))  # everybody comes back late

    cut = split.temporal(log, seed=1)

    assert len(cut.validation) + len(cut.test) > 60
    assert abs(len(cut.validation) - len(cut.test)) < 40


def test_at_most_so_many_shoppers_are_examined_and_always_the_same(
    checkerboard, monkeypatch
) -> None:
    monkeypatch.setattr(split, "MOST_EXAMINED", 5)

    first = split.temporal(checkerboard(), seed=1).test
    second = split.temporal(checkerboard(), seed=1).test

    assert len(first) == 5
    assert first.fold_in.items.tolist() == second.fold_in.items.tolist()


def test_what_was_taught_is_what_training_holds(checkerboard) -> None:
    log = checkerboard()

    for cut in (split.temporal(log, seed=1), split.by_users(log, seed=1)):
        rows = log.item_rows[cut.taught]
        pairs = np.unique(log.user_rows[cut.taught].astype(np.int64) * 1000 + rows)
        assert len(cut.train.items) == len(pairs)


def test_held_out_shoppers_teach_nothing(checkerboard) -> None:
    log = checkerboard()

    cut = split.by_users(log, seed=1, share=0.2)

    teachers = np.unique(log.user_rows[cut.taught])
    assert len(cut.train) == len(teachers)
    assert len(teachers) + len(cut.validation) + len(cut.test) == 120
    assert min(len(cut.validation), len(cut.test)) > 10


def test_of_a_held_out_shopper_the_newest_fifth_must_be_found(checkerboard) -> None:
    cut = split.by_users(checkerboard(), seed=1)

    assert (np.diff(cut.test.targets.indptr) == 2).all()  # of ten deeds
    assert (cut.test.fold_in.sizes == 8).all()
    assert sorted(cut.test.fold_in.take([0]).ages.tolist()) == list(range(8))
    both = set(cut.test.fold_in.take([0]).items) & set(cut.test.targets[[0]].indices)
    assert both == set()


def test_a_held_out_shopper_of_one_item_cannot_be_examined() -> None:
    log = _log(*[(n, n % 4, n) for n in range(40)], n_users=40)

    cut = split.by_users(log, seed=1, share=0.3)

    assert len(cut.validation) + len(cut.test) == 0


def test_a_dismissal_is_no_interest(checkerboard) -> None:
    log = checkerboard()
    dismissed = replace(log, kinds=np.where(log.item_rows == 3, DISMISS, log.kinds).astype(np.int8))

    cut = split.temporal(dismissed, seed=1)

    assert 3 not in cut.item_rows.tolist()


def test_a_repeated_deed_counts_once() -> None:
    log = _log(*[(n % 2, n % 2 + 2 * (n % 3 == 0), n) for n in range(60)])

    assert split.temporal(log, seed=1).train.sizes.max() == 2


def test_nobody_comes_back_gives_empty_hold_outs() -> None:
    log = _log(
        *[(0, n % 4, n) for n in range(5)], *[(1, n % 4, 10 + n) for n in range(5)], (2, 1, 90)
    )

    cut = split.temporal(log, seed=1)

    assert (len(cut.validation), len(cut.test)) == (0, 0)


@pytest.mark.parametrize(
    "deeds",
    [
        [(0, n % 5, n) for n in range(50)],  # one shopper
        [(n % 3, 0, n) for n in range(50)],  # one item
        [(n % 3, n % 5, 7) for n in range(50)],  # one moment: nothing lies before it
    ],
)
def test_too_little_says_what_is_needed(deeds: list[tuple[int, int, int]]) -> None:
    with pytest.raises(NotEnoughData, match="at least 2 and 2"):
        split.temporal(_log(*deeds), seed=1)


def test_an_empty_log_says_to_import() -> None:
    nothing = np.zeros(0, np.int32)
    log = EventLog(
        user_rows=nothing,
        item_rows=nothing,
        kinds=nothing.astype(np.int8),
        at=nothing.astype(np.int64),
        order_rows=nothing,
        user_ids=(),
        item_ids=(),
    )

    with pytest.raises(NotEnoughData, match="import"):
        split.temporal(log, seed=1)
