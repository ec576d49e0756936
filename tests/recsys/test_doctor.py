"""Each check finds the fault that was planted, and finds nothing in a clean log."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from recsys.behaviour import doctor
from recsys.behaviour.doctor import Deeds, Finding, Goods, Level
from recsys.types import EventLog, Item

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAYS, USERS, ITEMS = 60, 300, 60
MS, HOUR, DAY = 1_000, 3_600_000, 86_400_000
VIEW, PURCHASE = 0, 2
FIRST = int(BEGAN.timestamp()) * MS


def clean() -> Deeds:
    """300 shoppers who look in the evening at any second, and buy a third a while later."""
    draw = np.random.default_rng(11)
    n = USERS * 30
    users, items = draw.integers(0, USERS, n), draw.integers(0, ITEMS, n)
    days = draw.integers(0, DAYS, n)
    of_day = np.clip(draw.normal(18 * HOUR, 3 * HOUR, n), 0, DAY - 1).astype(np.int64)
    viewed = FIRST + days * DAY + of_day
    buys = np.flatnonzero(draw.random(n) < 1 / 3)
    bought = viewed[buys] + draw.integers(60 * MS, HOUR, len(buys))
    return made(
        np.concatenate([users, users[buys]]),
        np.concatenate([items, items[buys]]),
        np.repeat([VIEW, PURCHASE], [n, len(buys)]),
        np.concatenate([viewed, bought]),
    )


def made(users: np.ndarray, items: np.ndarray, kinds: np.ndarray, at: np.ndarray) -> Deeds:
    order = np.argsort(at, kind="stable")
    return Deeds(
        users=users[order].astype(np.int32),
        items=items[order].astype(np.int32),
        kinds=kinds[order].astype(np.int8),
        at=at[order].astype(np.int64),
        user_ids=tuple(f"u{n}" for n in range(int(users.max(initial=0)) + 1)),
        item_ids=tuple(f"i{n}" for n in range(int(items.max(initial=0)) + 1)),
        rows_named=lambda rows: tuple(f"row {row}" for row in rows),
    )


def joined(deeds: Deeds, *, user: int, item: np.ndarray, kind: int, at: np.ndarray) -> Deeds:
    """The log with more deeds of one shopper."""
    n = len(at)
    return made(
        np.concatenate([deeds.users, np.full(n, user)]),
        np.concatenate([deeds.items, np.broadcast_to(item, n)]),
        np.concatenate([deeds.kinds, np.full(n, kind)]),
        np.concatenate([deeds.at, at]),
    )


def goods(prices: Callable[[int], str] = lambda n: f"{10 + n % 7}.99", **fields: object) -> Goods:
    made_of = {"category": ("Toys",), "created_at": BEGAN - timedelta(days=30), **fields}
    return doctor.of_items(
        Item(item_id=f"i{n}", title=f"Thing {n}", price=Decimal(prices(n)), **made_of)
        for n in range(ITEMS)
    )


def found(findings: Iterable[Finding]) -> dict[str, Level]:
    return {one.name: one.level for one in findings if one.level is not Level.PASS}


def named(findings: Iterable[Finding], name: str) -> Finding:
    return next(one for one in findings if one.name == name)


def test_a_clean_log_has_no_fault() -> None:
    assert found(doctor.check(clean(), goods(), now=NOW)) == {}


@pytest.mark.parametrize("seed", range(5))
def test_a_checkerboard_has_no_fault(checkerboard, seed: int) -> None:
    log: EventLog = checkerboard(seed=seed)
    shop = doctor.of_items(Item(item_id=one, title=one) for one in log.item_ids)

    findings = doctor.check(doctor.of_log(log), shop, now=NOW)

    assert found(findings) == {"missing prices": Level.FAIL}  # its items have none


def fast_bot(deeds: Deeds) -> Deeds:
    at = FIRST + np.cumsum(np.full(300, 400)) + 7 * DAY
    return joined(deeds, user=USERS, item=np.arange(300) % ITEMS, kind=VIEW, at=at)


def tireless_bot(deeds: Deeds) -> Deeds:
    at = FIRST + 3 * DAY + np.sort(np.random.default_rng(1).integers(0, HOUR, 700)) // 2000 * 2000
    return joined(deeds, user=USERS, item=np.arange(700) % ITEMS, kind=VIEW, at=at)


def regular_bot(deeds: Deeds) -> Deeds:
    at = FIRST + 3 * DAY + np.arange(80) * 60 * MS
    return joined(deeds, user=USERS, item=np.arange(80) % ITEMS, kind=VIEW, at=at)


@pytest.mark.parametrize("bot", [fast_bot, tireless_bot, regular_bot])
def test_a_bot_is_found_by_its_speed_its_hours_and_its_rhythm(bot) -> None:
    findings = doctor.check(bot(clean()), goods(), now=NOW)

    assert found(findings) == {"bots": Level.WARN}
    assert f"'u{USERS}'" in named(findings, "bots").message


def test_a_large_basket_at_one_second_is_no_bot() -> None:
    deeds = joined(
        clean(), user=USERS, item=np.arange(ITEMS), kind=PURCHASE, at=np.full(ITEMS, FIRST + HOUR)
    )

    assert found(doctor.check(deeds, goods(), now=NOW)) == {}


def test_one_shopper_with_a_third_of_the_events_fails() -> None:
    deeds = clean()
    users = deeds.users.copy()
    users[::3] = 4

    findings = doctor.check(replace(deeds, users=users), now=NOW)

    assert found(findings)["one shopper"] is Level.FAIL
    assert "'u4'" in named(findings, "one shopper").message


def test_the_same_deed_under_another_id_is_found_and_shown() -> None:
    deeds = clean()
    twice = np.sort(np.concatenate([np.arange(len(deeds)), np.arange(0, len(deeds), 50)]))

    findings = doctor.check(_rows(deeds, twice), now=NOW)

    finding = named(findings, "duplicates")
    assert found(findings) == {"duplicates": Level.WARN}
    assert finding.count == len(range(0, len(deeds), 50))
    assert finding.rows[0] == "row 1"
    assert len(finding.rows) == 20


def test_the_same_event_id_twice_is_a_retry() -> None:
    deeds = clean()
    rows = np.sort(np.concatenate([np.arange(len(deeds)), np.arange(0, len(deeds), 50)]))

    findings = doctor.check(replace(_rows(deeds, rows), ids=rows), now=NOW)

    assert found(findings) == {}


@pytest.mark.parametrize(("user", "later"), [(7, 10 * 60 * MS), (8, 0)])
def test_a_basket_that_comes_again_is_found(user: int, later: int) -> None:
    basket = np.array([3, 1, 4, 15, 9, 26])
    at = np.full(6, FIRST + 5 * DAY)
    deeds = joined(clean(), user=7, item=basket, kind=PURCHASE, at=at)
    deeds = joined(deeds, user=user, item=basket[::-1], kind=PURCHASE, at=at + later)

    finding = named(doctor.check(deeds, now=NOW), "bursts")

    assert (finding.level, finding.count) == (Level.WARN, 6)


def test_the_weekly_shopping_is_no_burst() -> None:
    basket, at = np.array([3, 1, 4, 15, 9, 26]), np.full(6, FIRST + 5 * DAY)
    deeds = joined(clean(), user=7, item=basket, kind=PURCHASE, at=at)
    deeds = joined(deeds, user=7, item=basket, kind=PURCHASE, at=at + 7 * DAY)

    assert found(doctor.check(deeds, now=NOW)) == {}


def _moved(deeds: Deeds, rows: np.ndarray, at: np.ndarray | int) -> Deeds:
    times = deeds.at.copy()
    times[rows] = at
    return made(deeds.users, deeds.items, deeds.kinds, times)


def _rows(deeds: Deeds, rows: np.ndarray) -> Deeds:
    kept = {name: getattr(deeds, name)[rows] for name in ("users", "items", "kinds", "at")}
    return replace(deeds, **kept)


def _future(deeds: Deeds) -> Deeds:
    return _moved(deeds, np.arange(3), int(datetime(2099, 1, 1, tzinfo=UTC).timestamp()) * MS)


def _epoch(deeds: Deeds) -> Deeds:
    return _moved(deeds, np.arange(3), 0)


def _dates_only(deeds: Deeds) -> Deeds:
    rows = np.arange(0, len(deeds), 2)
    return _moved(deeds, rows, deeds.at[rows] // DAY * DAY)


def _set_back(deeds: Deeds) -> Deeds:
    times = deeds.at.copy()
    times[5000:5010] -= 3 * DAY
    return replace(deeds, at=times, in_given_order=True)


def _other_zone(deeds: Deeds) -> Deeds:
    week = (deeds.at - FIRST) // (7 * DAY)
    return _moved(deeds, week == 4, deeds.at[week == 4] - 7 * HOUR)


def _lost_day(deeds: Deeds) -> Deeds:
    return _rows(deeds, (deeds.at - FIRST) // DAY != 22)


@pytest.mark.parametrize(
    ("plant", "name", "level"),
    [
        (_future, "future", Level.FAIL),
        (_epoch, "ancient", Level.WARN),
        (_dates_only, "time of day", Level.WARN),
        (_set_back, "order of time", Level.WARN),
        (_other_zone, "time zones", Level.WARN),
        (_lost_day, "silent days", Level.WARN),
    ],
)
def test_a_wrong_clock_is_found(plant, name: str, level: Level) -> None:
    findings = doctor.check(plant(clean()), now=NOW)

    assert found(findings)[name] is level
    assert named(findings, name).rows


def test_a_lost_day_is_named() -> None:
    assert "2026-01-27" in named(doctor.check(_lost_day(clean()), now=NOW), "silent days").message


def test_a_file_sorted_by_shopper_is_not_a_clock_set_back() -> None:
    deeds = clean()
    by_user = _rows(deeds, np.argsort(deeds.users, kind="stable"))

    assert found(doctor.check(replace(by_user, in_given_order=True), now=NOW)) == {}


def test_three_zones_in_one_file_are_told() -> None:
    deeds = clean()
    zones = np.resize(np.array([0, 60, 330], np.int16), len(deeds))

    finding = named(doctor.check(replace(deeds, zones=zones), now=NOW), "time zones")

    assert finding.level is Level.WARN
    assert "+5.5 h" in finding.message


def test_items_outside_the_catalogue_are_counted() -> None:
    shop = goods()
    few = replace(shop, item_ids=(*(f"other-{n}" for n in range(30)), *shop.item_ids[30:]))

    levels = found(doctor.check(clean(), few, now=NOW))

    assert levels == {"unknown items": Level.FAIL, "untouched items": Level.WARN}


def test_an_empty_catalogue_is_told() -> None:
    levels = found(doctor.check(clean(), doctor.of_items(()), now=NOW))

    assert levels == {"unknown items": Level.WARN}


def test_deeds_before_their_item_existed_are_found() -> None:
    shop = goods()
    created = shop.created.copy()
    created[5] = FIRST + 40 * DAY

    finding = named(
        doctor.check(clean(), replace(shop, created=created), now=NOW), "before its item"
    )

    assert finding.level is Level.WARN
    assert finding.count > 50


def test_a_catalogue_imported_after_the_events_is_not_a_leak() -> None:
    shop = replace(goods(), created=np.full(ITEMS, float(FIRST + 90 * DAY)))

    assert found(doctor.check(clean(), shop, now=NOW)) == {}


def test_purchases_written_before_their_views_are_a_leak() -> None:
    deeds = clean()
    views = deeds.kinds == VIEW
    # All views stamped when a nightly job wrote them.
    late = _moved(deeds, views, deeds.at[views] + 2 * DAY)

    assert found(doctor.check(late, now=NOW))["bought before seen"] in {Level.WARN, Level.FAIL}


def test_a_log_imported_twice_repeats_itself_after_the_cut() -> None:
    deeds = clean()
    early = _rows(deeds, deeds.at < FIRST + 6 * DAY)
    again = _rows(early, np.arange(len(early) // 10))
    twice = made(
        *(
            np.concatenate([getattr(early, name), getattr(again, name)])
            for name in ("users", "items", "kinds")
        ),
        np.concatenate([early.at, again.at + 20 * DAY]),
    )

    assert found(doctor.check(twice, now=NOW))["repeats"] is Level.WARN


@pytest.mark.parametrize(("every", "level"), [(30, Level.WARN), (6, Level.FAIL)])
def test_cents_among_euros_are_found(every: int, level: Level) -> None:
    shop = goods(lambda n: "1499" if n % every == 0 else f"{10 + n % 7}.99")

    finding = named(doctor.check(clean(), shop, now=NOW), "price units")

    assert (finding.level, finding.count) == (level, ITEMS // every)
    assert finding.rows[0] == "i0"


def test_a_category_that_spreads_widely_is_no_unit_error() -> None:
    draw = np.random.default_rng(4)
    prices = np.exp(draw.normal(3, 1.2, ITEMS))

    assert found(doctor.check(clean(), goods(lambda n: f"{prices[n]:.2f}"), now=NOW)) == {}


def test_prices_of_nothing_and_two_currencies_are_told() -> None:
    shop = goods(lambda n: "0" if n % 10 == 0 else "9.99")
    mixed = replace(
        shop, currencies=(np.arange(ITEMS) % 3 == 0).astype(np.int32), currency_names=("EUR", "USD")
    )

    levels = found(doctor.check(clean(), mixed, now=NOW))

    assert levels == {"missing prices": Level.WARN, "currencies": Level.WARN}


def _only(n: int) -> Deeds:
    return _rows(clean(), np.arange(n))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_next_to_nothing_fails_without_an_error(n: int) -> None:
    findings = doctor.check(_only(n), goods(), now=NOW)

    assert found(findings)["amount"] is Level.FAIL
    assert doctor.worst(findings) is Level.FAIL


def test_all_rows_equal_fail_as_too_little_and_without_a_time_to_cut() -> None:
    deeds = _rows(clean(), np.zeros(5_000, np.int64))

    levels = found(doctor.check(deeds, goods(), now=NOW))

    for name in ("amount", "window", "one shopper", "duplicates"):
        assert levels[name] is Level.FAIL


def test_too_few_to_expect_much_is_a_warning() -> None:
    assert found(doctor.check(_only(900), now=NOW))["amount"] is Level.WARN


def test_times_that_no_calendar_has_raise_nothing() -> None:
    deeds = _moved(clean(), np.arange(4), np.array([-(10**14), 25 * 10**13, 10**15, 9 * 10**15]))

    levels = found(doctor.check(deeds, goods(), now=NOW))

    assert levels["future"] is Level.FAIL
    assert levels["ancient"] is Level.WARN
