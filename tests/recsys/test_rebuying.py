import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.behaviour import rebuying
from recsys.behaviour.rebuying import Habits, Rebuying
from recsys.types import EventKind, EventLog

DAY = 86_400
START = 1_700_000_000
YEAR = 365
MILK, SOAP, SOFA = ("Food", "Milk"), ("Home", "Soap"), ("Home", "Sofas")
EVERY = {MILK: 7, SOAP: 60}  # days; nobody buys a sofa twice
VIEW, PURCHASE = (tuple(EventKind).index(kind) for kind in (EventKind.VIEW, EventKind.PURCHASE))
THOROUGH = settings(max_examples=150, deadline=None, derandomize=True, database=None)

Deed = tuple[int, int, float]  # user, item, day


def log_of(deeds: list[Deed], *, n_items: int, kind: int = PURCHASE) -> EventLog:
    users, items, days = (np.array(column) for column in zip(*sorted(deeds, key=_day), strict=True))
    return EventLog(
        user_rows=users.astype(np.int32),
        item_rows=items.astype(np.int32),
        kinds=np.full(len(deeds), kind, np.int8),
        at=(START + days * DAY).astype(np.int64),
        order_rows=np.full(len(deeds), -1, np.int32),
        user_ids=tuple(f"u{n}" for n in range(int(users.max()) + 1)),
        item_ids=tuple(f"i{n}" for n in range(n_items)),
    )


def _day(deed: Deed) -> float:
    return deed[2]


@pytest.fixture(scope="module")
def shop() -> tuple[EventLog, list[tuple[str, ...]]]:
    """A year of 300 shoppers: item n is milk, soap or a sofa; half of them never buy soap again."""
    draw = np.random.default_rng(4)
    categories = [(MILK, SOAP, SOFA)[n % 3] for n in range(30)]
    deeds: list[Deed] = []
    for user in range(300):
        for item in draw.choice(30, 6, replace=False).tolist():
            every = EVERY.get(categories[item])
            day = float(draw.uniform(0, 60))
            deeds.append((user, item, day))
            if every is None or (categories[item] == SOAP and user % 2):
                continue
            while (day := day + float(draw.normal(every, every / 10))) < YEAR:
                deeds.append((user, item, day))
    return log_of(deeds, n_items=30), categories


@pytest.fixture(scope="module")
def learnt(shop: tuple[EventLog, list[tuple[str, ...]]]) -> Rebuying:
    return rebuying.fit(*shop)


def habits(learnt: Rebuying, deeds: list[tuple[int, float]]) -> Habits:
    """Of (item, day) purchases."""
    places = np.array([item for item, _ in deeds], np.int64)
    at = START + DAY * np.array([day for _, day in deeds], np.float64)
    return rebuying.habits(learnt, places, places, at)


def test_each_category_has_its_interval(learnt: Rebuying) -> None:
    found = {path: learnt.seconds[learnt.row(path)] / DAY for path in (MILK, SOAP)}

    assert found == pytest.approx(EVERY, rel=0.05)


def test_each_category_has_its_share_of_those_who_come_back(learnt: Rebuying) -> None:
    shares = [float(learnt.shares[learnt.row(path)]) for path in (MILK, SOAP, SOFA)]

    assert shares == pytest.approx([1, 0.5, 0], abs=0.05)


def test_every_item_of_a_category_has_about_its_interval(learnt: Rebuying) -> None:
    days = learnt.seconds[: learnt.n_items] / DAY

    assert days[0::3] == pytest.approx(np.full(10, 7), rel=0.05)
    assert days[1::3] == pytest.approx(np.full(10, 60), rel=0.05)


def test_an_item_that_lasts_longer_than_its_kind_is_known_once_enough_bought_it() -> None:
    often = [(user, 0, 10.0 * n) for user in range(100) for n in range(10)]
    rarely = [(user, 1, 50.0 * n) for user in range(100) for n in range(3)]
    once = [(0, 2, 0.0), (0, 2, 50.0)]
    log = log_of([*often, *rarely, *once], n_items=3)

    days = rebuying.fit(log, [MILK] * 3).seconds / DAY

    assert days[0] == pytest.approx(10, rel=0.1)
    assert days[1] == pytest.approx(50, rel=0.1)
    assert 10 < days[2] < 1.3 * days[3]  # one pause says little: near its category's


def test_one_faithful_shopper_does_not_outvote_the_rest() -> None:
    daily = [(0, 0, float(n)) for n in range(300)]
    monthly = [(user, 0, 30.0 * n) for user in range(1, 50) for n in range(4)]

    found = rebuying.fit(log_of([*daily, *monthly], n_items=1), [MILK])

    assert found.seconds[0] == pytest.approx(30 * DAY, rel=0.01)


def test_a_basket_with_an_item_twice_is_one_purchase() -> None:
    deeds = [(user, 0, day + part) for user in range(50) for day in (0, 20) for part in (0, 0.1)]

    found = rebuying.fit(log_of(deeds, n_items=1), [MILK])

    assert found.seconds[0] == pytest.approx(20 * DAY, rel=0.01)


def test_who_bought_only_yesterday_does_not_count_as_lost() -> None:
    back = [(user, 0, day) for user in range(100) for day in (0.0, 30.0, 60.0, 90.0)]
    new = [(user, 0, 89.0) for user in range(100, 1_000)]

    found = rebuying.fit(log_of([*back, *new], n_items=1), [MILK])

    assert found.shares[0] == pytest.approx(1)


def test_only_purchases_teach(shop: tuple[EventLog, list[tuple[str, ...]]]) -> None:
    log = log_of([(0, 0, 0.0), (0, 0, 9.0)], n_items=30, kind=VIEW)

    found = rebuying.fit(log, shop[1])

    assert np.isinf(found.seconds).all()
    assert not found.shares.any()


def test_where_nothing_is_bought_twice_nothing_comes_back() -> None:
    learnt = rebuying.fit(log_of([(0, 0, 0.0), (1, 1, 9.0)], n_items=2), [MILK, ()])
    habit = habits(learnt, [(0, 0.0), (1, 9.0)])

    assert rebuying.due(habit, START + 1e9).tolist() == [0, 0]
    assert np.isinf(rebuying.hidden_until(habit)).all()


def test_the_arrays_bring_everything_back(learnt: Rebuying) -> None:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **learnt.arrays())
    file.seek(0)

    again = rebuying.from_arrays(dict(np.load(file, allow_pickle=False)))

    assert again.categories == learnt.categories
    assert again.seconds.tolist() == learnt.seconds.tolist()
    assert again.shares.tolist() == learnt.shares.tolist()
    assert again.row(SOAP) == learnt.row(SOAP)


@pytest.mark.parametrize(
    "broken",
    [
        {"rebuying_seconds": np.ones(3, np.float32)},
        {"rebuying_shares": np.full(34, 2, np.float32)},
        {"rebuying_seconds": np.full(34, np.nan, np.float32)},
        {"rebuying_categories": np.array("no json")},
        {"rebuying_categories": np.array("[" + "[]," * 40 + "[]]")},
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    learnt: Rebuying, broken: dict[str, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=r"rebuying|Expecting"):
        rebuying.from_arrays({**learnt.arrays(), **broken})


def test_an_item_the_model_has_not_met_follows_its_category_or_the_shop(learnt: Rebuying) -> None:
    assert learnt.row(MILK) == learnt.n_items
    assert learnt.row(("Unheard", "of")) == learnt.row(()) == len(learnt.seconds) - 1


def test_a_need_rises_to_its_interval_and_then_fades(learnt: Rebuying) -> None:
    habit = habits(learnt, [(0, 0.0)])
    week = float(learnt.seconds[0])

    due = [float(rebuying.due(habit, START + part * week)[0]) for part in (0, 0.5, 1, 2, 7, 40)]

    assert due[0] == 0
    assert due[0] < due[1] < due[2] > due[3] > due[4] > due[5]
    assert due[2] == pytest.approx(float(habit.shares[0]))
    assert due[4] == pytest.approx(due[2] / 2)


def test_milk_is_due_before_soap_and_a_sofa_never(learnt: Rebuying) -> None:
    habit = habits(learnt, [(0, 0.0), (1, 0.0), (2, 0.0)])

    week, two_months = (rebuying.due(habit, START + days * DAY) for days in (7, 60))

    assert week.argmax() == 0
    assert week[1] < week[0] / 4
    assert two_months[1] > two_months[0]
    assert week[2] == two_months[2] == 0


def test_what_was_bought_stays_out_until_its_interval_is_over(learnt: Rebuying) -> None:
    habit = habits(learnt, [(0, 10.0), (1, 10.0), (2, 10.0)])

    days = (rebuying.hidden_until(habit) - START) / DAY

    assert days[:2] == pytest.approx([17, 70], rel=0.05)
    assert np.isinf(days[2])


def test_soap_each_fortnight_comes_back_sooner_than_soap_once(learnt: Rebuying) -> None:
    days = range(0, 141, 14)

    own, once = (habits(learnt, [(1, day) for day in those]) for those in (days, [140]))

    assert rebuying.hidden_until(own)[0] < START + 165 * DAY < rebuying.hidden_until(once)[0]


def test_a_model_of_some_items_keeps_their_rows_and_all_categories(learnt: Rebuying) -> None:
    some = learnt.of(np.array([4, 0]))

    assert some.n_items == 2
    assert some.seconds[:2].tolist() == learnt.seconds[[4, 0]].tolist()
    for path in (*learnt.categories, ()):
        assert some.seconds[some.row(path)] == learnt.seconds[learnt.row(path)]
        assert some.shares[some.row(path)] == learnt.shares[learnt.row(path)]


def test_a_shoppers_own_rhythm_overrules_everybodys(learnt: Rebuying) -> None:
    usual = habits(learnt, [(1, 0.0)])
    own = habits(learnt, [(1, 20.0 * n) for n in range(10)])

    assert usual.seconds[0] == pytest.approx(60 * DAY, rel=0.05)
    assert own.seconds[0] == pytest.approx(20 * DAY, rel=0.3)
    assert own.shares[0] > 0.9


def test_who_has_bought_two_sofas_may_want_a_third(learnt: Rebuying) -> None:
    habit = habits(learnt, [(2, 0.0), (2, 100.0)])

    assert np.isfinite(rebuying.hidden_until(habit)[0])
    assert rebuying.due(habit, START + 200 * DAY)[0] > 0


def test_where_nobody_comes_back_a_habit_is_ones_own() -> None:
    habit = habits(Rebuying.nothing(1), [(0, 0.0), (0, 30.0), (0, 60.0)])

    assert habit.seconds == pytest.approx([30 * DAY])


def test_items_of_one_row_keep_their_own_dates(learnt: Rebuying) -> None:
    row = learnt.row(MILK)

    habit = rebuying.habits(
        learnt, np.array([70, 60]), np.array([row, row]), np.array([5.0, 9.0]) * DAY
    )

    assert habit.places.tolist() == [60, 70]
    assert (habit.bought_at / DAY).tolist() == [9, 5]


def test_who_bought_nothing_has_no_habit(learnt: Rebuying) -> None:
    habit = habits(learnt, [])

    assert rebuying.due(habit, START).tolist() == []
    assert rebuying.hidden_until(habit).tolist() == []


@THOROUGH
@given(
    deeds=st.lists(st.tuples(st.integers(0, 29), st.floats(0, 400)), max_size=30),
    now=st.floats(-100, 10_000),
)
def test_whatever_was_bought_is_due_within_bounds_and_after_its_purchase(
    learnt: Rebuying, deeds: list[tuple[int, float]], now: float
) -> None:
    habit = habits(learnt, deeds)

    due = rebuying.due(habit, START + now * DAY)
    until = rebuying.hidden_until(habit)

    assert habit.places.tolist() == sorted({item for item, _ in deeds})
    assert ((due >= 0) & (due <= 1)).all()
    assert (until > habit.bought_at).all()
    last = {item: max(day for one, day in deeds if one == item) for item, _ in deeds}
    assert (habit.bought_at - START) / DAY == pytest.approx(
        [last[item] for item in habit.places.tolist()],
        abs=1e-9,  # days: seconds since 1970 hold no less
    )
