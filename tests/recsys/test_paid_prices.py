"""What a purchase says was paid: read in three dialects, kept, and reckoned into one currency."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from recsys.behaviour import events, spool
from recsys.behaviour.vocabulary import parse_event
from recsys.catalogue import items
from recsys.database import reading, writing
from recsys.errors import InvalidEvent
from recsys.outcomes import money
from recsys.outcomes.money import Bought
from recsys.tables import EventRow
from recsys.types import Event, EventKind, Item

NOW = datetime(2026, 11, 22, 15, 2, tzinfo=UTC)
OURS = {"event_id": "e", "user_id": "u", "item_id": "i", "kind": "purchase"}
IDS = ("listed", "abroad", "unlisted")
LISTED, ABROAD, UNLISTED = range(3)
NOT_SAID = float("nan")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as opened:
        yield opened


def read(payload: dict[str, object]) -> list[tuple[Decimal | None, str | None]]:
    return [(one.price, one.currency) for one in parse_event(payload, received_at=NOW)]


@pytest.mark.parametrize("price", [3.5, "3.50", "3.5000"])
def test_our_own_purchase_names_price_and_currency(price: object) -> None:
    assert read({**OURS, "price": price, "currency": "eur"}) == [(Decimal("3.5000"), "EUR")]


def test_a_view_has_no_price_to_keep() -> None:
    assert read({**OURS, "kind": "view", "price": 3.5, "currency": "EUR"}) == [(None, None)]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"price": -1}, "price"),
        ({"price": "1,50"}, "price"),
        ({"price": "NaN"}, "price"),
        ({"price": 1e300}, "price"),
        ({"price": True}, "price"),
        ({"price": 1, "currency": "euros"}, "currency"),
        ({"price": 1, "currency": 978}, "currency"),
    ],
)
def test_what_cannot_have_been_paid_is_refused(said: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidEvent) as told:
        read({**OURS, **said})

    assert told.value.field == field


def test_ga4_says_the_price_of_each_item_and_one_currency() -> None:
    params = {
        "transaction_id": "T",
        "currency": "USD",
        "items": [{"item_id": "a", "price": 3.5, "quantity": 2}, {"item_id": "b"}],
    }

    found = read({"name": "purchase", "client_id": "c", "params": params})

    assert found == [(Decimal("3.5000"), "USD"), (None, None)]


def test_segment_says_the_price_of_each_product() -> None:
    said = {"order_id": "o", "currency": "CHF", "products": [{"product_id": "a", "price": "19"}]}

    assert read({"event": "Order Completed", "userId": "u", "properties": said}) == [
        (Decimal("19.0000"), "CHF")
    ]


@pytest.mark.parametrize("price", [-3, "3,50", [1], "free"])
def test_an_order_outweighs_a_price_that_cannot_be_read(price: object) -> None:
    said = {"order_id": "o", "products": [{"product_id": "a", "price": price}]}

    assert read({"event": "Order Completed", "userId": "u", "properties": said}) == [(None, None)]


def an_event(**changes: object) -> Event:
    made = Event(event_id="e", user_id="u", item_id="i", kind=EventKind.PURCHASE, at=NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_database_keeps_it(session: Session) -> None:
    paid = an_event(price=Decimal("1234567.0305"), currency="EUR")

    events.record(session, [paid, an_event(event_id="f")])

    kept = session.execute(
        select(EventRow.price, EventRow.currency).order_by(EventRow.event_id)
    ).all()
    assert [tuple(row) for row in kept] == [(Decimal("1234567.0305"), "EUR"), (None, None)]


def test_the_spool_keeps_it(engine: Engine, tmp_path: Path) -> None:
    spool.append(tmp_path, [an_event(price=Decimal("3.5000"), currency="EUR")])

    assert spool.drain(tmp_path, engine) == 1

    with reading(engine) as session:
        kept = session.execute(select(EventRow.price, EventRow.currency)).one()
    assert tuple(kept) == (Decimal("3.5000"), "EUR")


def came_to(
    session: Session, *deeds: tuple[int, float, float, str | None]
) -> tuple[list[float], str]:
    """Of each purchase: which item, how many, what it says was paid, and in what."""
    items.put_many(
        session,
        [
            Item(item_id="listed", title="x", price=Decimal(2), currency="EUR"),
            Item(item_id="abroad", title="x", price=Decimal(5), currency="USD"),
        ],
    )
    names = tuple(dict.fromkeys(currency for *_, currency in deeds if currency))
    bought = Bought(
        items=np.array([item for item, *_ in deeds], np.int64),
        quantities=np.array([float(n) for _, n, *_ in deeds]),
        prices=np.array([price for _, _, price, _ in deeds]),
        currencies=np.array([names.index(one) if one else -1 for *_, one in deeds], np.int64),
        currency_names=names,
    )
    found = money.revenue(session, IDS, bought)
    return found.money.tolist(), found.currency


def test_what_was_paid_goes_before_what_the_catalogue_asks_now(session: Session) -> None:
    found = came_to(
        session, (LISTED, 2, 1.5, "EUR"), (LISTED, 2, 1.25, None), (LISTED, 3, NOT_SAID, None)
    )

    assert found == ([3.0, 2.5, 6.0], "EUR")


def test_a_price_in_another_currency_gives_way_to_the_catalogues(session: Session) -> None:
    found = came_to(
        session, (LISTED, 1, NOT_SAID, None), (LISTED, 1, 1.5, "EUR"), (LISTED, 1, 99.0, "JPY")
    )

    assert found == ([2.0, 1.5, 2.0], "EUR")


def test_what_neither_says_in_the_usual_currency_is_unknown(session: Session) -> None:
    found, currency = came_to(
        session, (LISTED, 1, NOT_SAID, None), (LISTED, 1, NOT_SAID, None),
        (ABROAD, 1, NOT_SAID, None), (ABROAD, 1, 4.0, None), (UNLISTED, 1, NOT_SAID, None),
    )  # fmt: skip

    assert currency == "EUR"
    assert found[:2] == [2.0, 2.0]
    assert np.isnan(found[2:]).all()


def test_the_currency_is_the_one_of_most_purchases(session: Session) -> None:
    found = came_to(
        session, (LISTED, 1, 1.0, "USD"), (UNLISTED, 1, 3.0, "USD"), (LISTED, 1, NOT_SAID, None)
    )

    assert found[1] == "USD"
    assert found[0][:2] == [1.0, 3.0]
    assert np.isnan(found[0][2])


def test_prices_alone_are_reckoned_where_nobody_names_a_currency(session: Session) -> None:
    assert came_to(session, (UNLISTED, 2, 3.0, None)) == ([6.0], "")


def test_nothing_bought_is_no_money(session: Session) -> None:
    assert came_to(session) == ([], "")


@pytest.mark.parametrize(
    ("said", "odd"),
    [(2.0, 0), (19.0, 0), (0.21, 0), (200.0, 1), (0.02, 1), (0.0, 0), (NOT_SAID, 0)],
)
def test_a_price_in_cents_is_noticed(session: Session, said: float, odd: int) -> None:
    items.put_many(session, [Item(item_id="listed", title="x", price=Decimal(2), currency="EUR")])
    bought = Bought(
        items=np.array([LISTED, LISTED]),
        quantities=np.array([1.0, 1.0]),
        prices=np.array([2.0, said]),
        currencies=np.array([0, 0]),
        currency_names=("EUR",),
    )

    assert money.revenue(session, IDS, bought).odd == odd
