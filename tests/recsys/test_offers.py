"""An offer ends by the clock: nothing is written, nothing runs, and nobody sees the old price again."""

import io
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from recsys.answers.then import shelf_at
from recsys.catalogue import items, shelf
from recsys.catalogue.feeds import FeedFormat, parse_item, read_feed
from recsys.catalogue.merchant import from_google
from recsys.catalogue.shelf import Shelf
from recsys.database import connect, reading, writing
from recsys.errors import InvalidItem
from recsys.learning.bundle import ModelBundle
from recsys.serving import assortment as assortments
from recsys.serving.assortment import Demand, Standing
from recsys.tables import ItemRow
from recsys.types import Item

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
END = NOW + timedelta(hours=1)
T, E = NOW.timestamp(), END.timestamp()
TEA = Item(
    item_id="tea", title="Tea", price=Decimal(3), was_price=Decimal(5), offer_until=END, stock=1
)
CUP = Item(item_id="cup", title="Cup", price=Decimal(9))


def prices(one: Shelf) -> tuple[Decimal | None, Decimal | None]:
    return one.items["tea"].price, one.items["tea"].was_price


def test_the_former_price_holds_from_the_very_moment_of_the_end() -> None:
    stand = Shelf.of([TEA, CUP], now=T)

    assert stand.at(E - 0.001) is stand
    after = stand.at(E)
    assert prices(stand) == (3, 5)
    assert prices(after) == (5, None)
    assert after.items["tea"].offer_until is None
    assert after.items["cup"] is CUP
    assert after.revision == stand.revision
    assert after.at(E + 9) is after


def test_offers_end_one_after_the_other() -> None:
    later = replace(TEA, item_id="rye", offer_until=END + timedelta(hours=1))
    stand = Shelf.of([TEA, later], now=T)

    first = stand.at(E)
    second = first.at(E + 3_600)

    assert (first.items["tea"].price, first.items["rye"].price) == (5, 3)
    assert (second.items["tea"].price, second.items["rye"].price) == (5, 5)
    assert stand.at(E + 3_600).items == second.items


def test_a_shelf_says_what_an_end_has_changed() -> None:
    stand = Shelf.of([TEA, CUP], now=T)

    assert set(stand.at(E).since(stand.identity) or ()) == {"tea"}


def test_a_write_ends_or_renews_an_offer() -> None:
    stand = Shelf.of([TEA], now=T).at(E)

    again = stand.changed([replace(TEA, offer_until=END + timedelta(hours=2))], revision=1, now=E)
    plain = again.changed([replace(TEA, was_price=None, offer_until=None)], revision=2, now=E)

    assert prices(again) == (3, 5)
    assert prices(again.at(E + 7_200)) == (5, None)
    assert prices(plain.at(E + 9e9)) == (3, None)


def test_an_offer_that_has_ended_before_it_was_read_is_never_shown() -> None:
    assert prices(Shelf.of([TEA], now=E)) == (5, None)
    assert prices(Shelf.empty().changed([TEA], revision=1, now=E)) == (5, None)


def test_filters_and_pools_know_the_former_price_at_once() -> None:
    cheap = Standing(
        in_stock=True, now=NOW, demands=(Demand(name="filter", expression="price < 4"),)
    )
    stand = Shelf.of([TEA, CUP], now=T)
    one = assortments.of(ModelBundle.empty(), stand)
    after = assortments.of(ModelBundle.empty(), stand.at(E), before=one)

    assert int(one.pool(cheap).mask.sum()) == 1
    assert int(after.pool(cheap).mask.sum()) == 0


def test_a_shelf_follows_the_clock_without_a_write(database_url: str) -> None:
    engine = connect(database_url)
    with writing(engine) as session:
        items.put_many(session, [TEA, CUP])
    with reading(engine) as session:
        before = shelf.refresh(session, Shelf.empty(), now=T)
        same = shelf.refresh(session, before, now=E - 1)
        after = shelf.refresh(session, same, now=E)
        assert (prices(before), prices(after)) == ((3, 5), (5, None))
        assert same is before
        assert after.revision == before.revision
        assert items.get(session, "tea", now=NOW) == replace(
            TEA, created_at=before.items["tea"].created_at
        )
        assert items.get(session, "tea", now=END).price == 5  # type: ignore[union-attr]
    engine.dispose()


def test_queries_that_read_prices_alone_know_the_former_one(database_url: str) -> None:
    engine = connect(database_url)
    with writing(engine) as session:
        items.put_many(session, [TEA, CUP])
    with reading(engine) as session:

        def price(now: datetime) -> Decimal:
            return session.scalars(
                select(items.price_at(now)).where(ItemRow.item_id == "tea")
            ).one()

        found = price(NOW), price(END)
    engine.dispose()

    assert found == (3, 5)


def test_an_ended_offer_does_not_come_back_with_a_new_price(database_url: str) -> None:
    engine = connect(database_url)
    with writing(engine) as session:
        items.put_many(session, [TEA, replace(TEA, item_id="rye")])
        inside = items.patch(session, "tea", {"price": Decimal(4)}, now=NOW)
        after = items.patch(session, "rye", {"price": Decimal(4)}, now=END)
        unpriced = items.patch(session, "tea", {"price": None}, now=NOW)

    assert (inside.price, inside.was_price, inside.offer_until) == (4, 5, END)
    assert (after.price, after.was_price, after.offer_until) == (4, None, None)
    assert (unpriced.price, unpriced.was_price, unpriced.offer_until) == (None, None, None)
    engine.dispose()


def test_an_answer_of_then_is_made_again_at_the_price_of_then(database_url: str) -> None:
    engine = connect(database_url)
    with writing(engine) as session:
        items.put_many(session, [TEA])
    with reading(engine) as session:
        now = shelf.refresh(session, Shelf.empty(), now=E + 60)
        written = shelf_at(session, now.revision, now=now)
    engine.dispose()

    assert prices(now) == (5, None)
    assert prices(written.at(T)) == (3, 5)
    assert prices(written.at(E)) == (5, None)
    assert (written.ended(T), written.ended(E)) == (0, 1)


def test_many_threads_that_meet_an_end_see_one_price() -> None:
    stand, seen = Shelf.of([TEA, *(replace(CUP, item_id=f"c{n}") for n in range(500))], now=T), []
    gate = threading.Barrier(8)

    def look() -> None:
        gate.wait()
        seen.extend(prices(stand.at(E)) for _ in range(200))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(seen) == {(Decimal(5), None)}


GOOGLE = {"price": "5 EUR", "sale_price": "3 EUR"}


def google(dates: str) -> dict[str, object]:
    return from_google({**GOOGLE, "sale_price_effective_date": dates}, now=NOW)


@pytest.mark.parametrize(
    ("dates", "end"),
    [
        ("2026-11-20T00:00+0100/2026-11-20T14:00+0100", NOW + timedelta(hours=1)),
        ("2026-11-01T00:00Z/2026-11-20T13:00:00Z", END),
        ("2026-11-20/2026-11-20", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-20T00:00/2026-11-20T13:00", END),
    ],
)
def test_a_sale_in_effect_ends_when_the_feed_says(dates: str, end: datetime) -> None:
    assert google(dates) == {"price": "3 EUR", "was_price": "5 EUR", "offer_until": end}


@pytest.mark.parametrize(
    "dates",
    [
        "2026-11-21T00:00Z/2026-11-22T00:00Z",
        "2026-11-01/2026-11-19",
        "2026-11-20T12:00Z/2026-11-20T12:00Z",
    ],
)
def test_a_sale_that_has_not_begun_or_is_over_leaves_the_regular_price(dates: str) -> None:
    assert google(dates) == {}


@pytest.mark.parametrize("dates", ["soon", "2026-11-20", "/", "a/b", "2026-11-20/99999999-01-01"])
def test_a_sale_whose_dates_nobody_can_read_is_refused_with_its_field(dates: str) -> None:
    with pytest.raises(InvalidItem) as refused:
        google(dates)
    assert refused.value.field == "sale_price_effective_date"


def test_a_feed_line_with_unreadable_dates_is_told_and_the_next_is_read() -> None:
    feed = (
        b"id,title,price,sale_price,sale_price_effective_date\n"
        b"a,Tea,5 EUR,3 EUR,soon\n"
        b"b,Tea,5 EUR,3 EUR,2020-01-01T00:00Z/2099-01-01T00:00Z\n"
        b"c,Tea,5 EUR,3 EUR,\n"
    )

    bad, good, endless = [found for _, found in read_feed(io.BytesIO(feed), FeedFormat.CSV)]

    assert isinstance(bad, InvalidItem)
    assert isinstance(good, Item)
    assert good.offer_until == datetime(2099, 1, 1, tzinfo=UTC)
    assert isinstance(endless, Item)
    assert (endless.price, endless.was_price, endless.offer_until) == (3, 5, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"price": 3, "offer_until": "2026-11-20T12:00:00Z"}, "offer_until"),
        ({"price": 3, "was_price": 5, "offer_until": "tomorrow"}, "offer_until"),
        ({"price": 3, "was_price": 5, "offer_until": "2026-11-20T12:00:00"}, "offer_until"),
    ],
)
def test_an_end_that_leads_to_no_price_is_refused(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidItem) as refused:
        parse_item("a", {"title": "Tea", **fields})
    assert refused.value.field == field


def test_our_own_field_is_read() -> None:
    item = parse_item(
        "a", {"title": "T", "price": 3, "was_price": 5, "offer_until": "2026-11-20T13:00:00+01:00"}
    )

    assert item.offer_until == NOW
