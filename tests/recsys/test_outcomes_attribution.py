"""Every deed finds the one slate it is owed to, the same as a clerk with a list would."""

import numpy as np
import pytest

from recsys.outcomes import attribution
from recsys.outcomes.attribution import CART, CLICK, NOTHING, PURCHASE, Credit, Deeds, Rule, Shown

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MORNING = 1_700_000_000.0
USUAL = Rule()


def shown(*rows: tuple[int, int, int, float]) -> Shown:
    """Rows of (slate, item, user, at)."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Shown(
        slates=np.array(columns[0], np.int64),
        items=np.array(columns[1], np.int64),
        users=np.array(columns[2], np.int64),
        at=np.array(columns[3], np.float64) + MORNING,
    )


def deeds(*rows: tuple[int, int, int, float, int]) -> Deeds:
    """Rows of (user, item, kind, at, slate that is named or -1)."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), (), ()]
    return Deeds(
        users=np.array(columns[0], np.int64),
        items=np.array(columns[1], np.int64),
        kinds=np.array(columns[2], np.int64),
        at=np.array(columns[3], np.float64) + MORNING,
        slates=np.array(columns[4], np.int64),
    )


def owed(of: Shown, done: Deeds, rule: Rule = USUAL) -> list[int]:
    return attribution.credit(of, done, rule).impressions.tolist()


TWICE = shown((0, 7, 1, 0), (0, 8, 1, 0), (1, 7, 1, 10 * MINUTE))


def test_a_deed_goes_to_the_slate_it_names_and_not_to_the_last() -> None:
    found = attribution.credit(TWICE, deeds((1, 7, CLICK, 20 * MINUTE, 0)), Rule())

    assert found.impressions.tolist() == [0]
    assert found.named.tolist() == [True]


def test_without_a_name_it_goes_to_the_last_slate_that_showed_the_item() -> None:
    done = deeds((1, 7, CLICK, 20 * MINUTE, NOTHING), (1, 8, CLICK, 20 * MINUTE, NOTHING))

    found = attribution.credit(TWICE, done, Rule())

    assert found.impressions.tolist() == [2, 1]
    assert not found.named.any()


def test_a_slate_after_the_deed_has_no_part_in_it() -> None:
    assert owed(TWICE, deeds((1, 7, CLICK, 5 * MINUTE, NOTHING))) == [0]
    assert owed(TWICE, deeds((1, 7, CLICK, -1, NOTHING))) == [NOTHING]
    assert owed(TWICE, deeds((1, 7, CLICK, 10 * MINUTE, NOTHING))) == [2]


@pytest.mark.parametrize(
    ("kind", "window"), [(CLICK, 30 * MINUTE), (CART, 24 * HOUR), (PURCHASE, 7 * DAY)]
)
def test_each_kind_has_its_own_window(kind: int, window: float) -> None:
    once = shown((0, 7, 1, 0))

    assert owed(once, deeds((1, 7, kind, window, NOTHING))) == [0]
    assert owed(once, deeds((1, 7, kind, window + 1, NOTHING))) == [NOTHING]


def test_the_windows_can_be_set() -> None:
    rule = Rule(click_seconds=10.0, purchase_seconds=20.0)
    done = deeds((1, 7, CLICK, 11, NOTHING), (1, 7, PURCHASE, 19, NOTHING))

    assert owed(shown((0, 7, 1, 0)), done, rule) == [NOTHING, 0]


def test_other_shoppers_and_other_items_are_not_confused() -> None:
    done = deeds((2, 7, CLICK, 1, NOTHING), (1, 9, CLICK, 1, NOTHING))

    assert owed(TWICE, done) == [NOTHING, NOTHING]


def test_a_slate_that_did_not_hold_the_item_is_named_in_vain() -> None:
    done = deeds((1, 8, CLICK, 12 * MINUTE, 1), (1, 99, CLICK, 12 * MINUTE, 1))

    assert owed(TWICE, done) == [1, NOTHING]  # the first is owed to the last that did show it


def test_a_named_slate_may_seem_to_come_a_little_later_but_not_much() -> None:
    once = shown((0, 7, 1, 0))

    assert owed(once, deeds((1, 7, CLICK, -299, 0))) == [0]
    assert owed(once, deeds((1, 7, CLICK, -301, 0))) == [NOTHING]
    assert owed(once, deeds((1, 7, CLICK, 31 * DAY, 0))) == [NOTHING]


def test_what_nobody_known_was_shown_is_owed_only_by_name() -> None:
    once = shown((0, 7, -1, 0))

    assert owed(once, deeds((1, 7, CLICK, 1, NOTHING))) == [NOTHING]
    assert owed(once, deeds((1, 7, CLICK, 1, 0))) == [0]


def test_a_purchase_goes_to_the_slate_that_was_clicked_not_to_one_that_only_showed() -> None:
    done = deeds((1, 7, CLICK, MINUTE, 0), (1, 7, PURCHASE, HOUR, NOTHING))

    assert owed(TWICE, done) == [0, 0]
    assert owed(TWICE, done, Rule(clicked_first=False)) == [0, 2]


def test_a_click_tells_who_an_unknown_visitor_was() -> None:
    once = shown((0, 7, -1, 0))
    done = deeds((5, 7, CLICK, MINUTE, 0), (5, 7, PURCHASE, HOUR, NOTHING))

    assert owed(once, done) == [0, 0]


def test_each_deed_counts_once() -> None:
    found = attribution.credit(TWICE, deeds((1, 7, CLICK, 20 * MINUTE, NOTHING)), Rule())

    assert found.counts(np.array([CLICK]), CLICK, 3).tolist() == [0, 0, 1]
    assert found.counts(np.array([CLICK]), PURCHASE, 3).tolist() == [0, 0, 0]


def test_nothing_shown_or_nothing_done_is_no_trouble() -> None:
    assert owed(shown(), deeds((1, 7, CLICK, 1, NOTHING), (1, 7, CLICK, 1, 0))) == [NOTHING] * 2
    assert owed(TWICE, deeds()) == []


def clerk(of: Shown, done: Deeds, rule: Rule) -> list[int]:  # noqa: C901 the plain way, in one piece
    """The same by hand, deed by deed."""
    windows = rule.windows()
    answers = [NOTHING] * len(done.at)

    def last(row: int, touches: list[tuple[float, int]]) -> int:
        window = windows[done.kinds[row]]
        near = [t for t in touches if 0 <= done.at[row] - t[0] <= window]
        return max(near, key=lambda t: t[0])[1] if near else NOTHING

    def touched(row: int) -> list[tuple[float, int]]:
        pair = (done.users[row], done.items[row])
        return [(of.at[n], n) for n in range(len(of.at)) if (of.users[n], of.items[n]) == pair]

    def clicks(row: int) -> list[tuple[float, int]]:
        return [
            (done.at[n], answers[n])
            for n in range(len(done.at))
            if done.kinds[n] == CLICK
            and answers[n] >= 0
            and (done.users[n], done.items[n]) == (done.users[row], done.items[row])
        ]

    for row in range(len(done.at)):
        for n in range(len(of.at)):
            age = done.at[row] - of.at[n]
            if (of.slates[n], of.items[n]) == (done.slates[row], done.items[row]) and (
                -rule.skew_seconds <= age <= rule.named_seconds
            ):
                answers[row] = n
    for row in range(len(done.at)):
        if answers[row] < 0 and done.kinds[row] not in {CART, PURCHASE}:
            answers[row] = last(row, touched(row))
    for row in range(len(done.at)):
        if answers[row] < 0 and done.kinds[row] in {CART, PURCHASE}:
            found = last(row, clicks(row))
            answers[row] = last(row, touched(row)) if found < 0 else found
    return answers


@pytest.mark.parametrize("seed", range(8))
def test_columns_say_what_a_clerk_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    slates = [
        (slate, item, user, at)
        for slate, at in enumerate(random.permutation(60) * 7 * MINUTE)
        for user in [int(random.integers(-1, 5))]
        for item in random.choice(8, 3, replace=False).tolist()
    ]
    done = [
        (
            int(random.integers(0, 5)),
            int(random.integers(0, 8)),
            int(random.choice([CLICK, CART, PURCHASE])),
            at,
            int(random.integers(-1, 60)) if random.random() < 0.3 else NOTHING,
        )
        for at in random.permutation(150) * 3 * MINUTE + 1
    ]
    rule = Rule(purchase_seconds=2 * HOUR, cart_seconds=HOUR)

    assert owed(shown(*slates), deeds(*done), rule) == clerk(shown(*slates), deeds(*done), rule)


def test_the_order_of_the_rows_does_not_matter() -> None:
    random = np.random.default_rng(9)
    done = deeds(*[(1, int(item), CLICK, float(at), NOTHING) for at, item in enumerate([7, 8] * 9)])
    order = random.permutation(len(done.at))

    one: Credit = attribution.credit(TWICE, done, Rule())
    other = attribution.credit(TWICE, deeds_in(done, order), Rule())

    assert np.array_equal(one.impressions[order], other.impressions)


def deeds_in(done: Deeds, order: np.ndarray) -> Deeds:
    return Deeds(
        users=done.users[order],
        items=done.items[order],
        kinds=done.kinds[order],
        at=done.at[order],
        slates=done.slates[order],
    )
