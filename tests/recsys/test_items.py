"""The catalogue's rows, on SQLite and PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recsys.catalogue import items
from recsys.database import writing
from recsys.errors import UnknownItem
from recsys.types import Item

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as opened:
        yield opened


def an_item(item_id: str = "i-1", title: str = "Whole Milk", **changes: object) -> Item:
    return Item(item_id=item_id, title=title, **changes)


def test_an_item_comes_back_as_it_was_put(session: Session) -> None:
    item = Item(
        item_id="a/b 🥛",
        title="<b>Milk</b>",
        description="Fresh.",
        category=("Grocery", "Dairy"),
        brand="Acme",
        price=Decimal("3.49"),
        was_price=Decimal("4.00"),
        currency="USD",
        image_url="/media/m.jpg",
        url="https://shop.example/m",
        stock=3,
        hidden=True,
        attributes={"size": "1 gal"},
        created_at=NOW,
    )

    created = items.put(session, item)

    assert created
    assert items.get(session, "a/b 🥛") == item


def test_a_second_put_replaces_and_keeps_the_day_of_birth(session: Session) -> None:
    items.put(session, an_item(price=Decimal(1)), now=NOW)

    created = items.put(session, an_item(title="Skimmed Milk"), now=NOW.replace(year=2027))

    found = items.get(session, "i-1")
    assert not created
    assert found is not None
    assert (found.title, found.price, found.created_at) == ("Skimmed Milk", None, NOW)


def test_of_two_in_a_batch_the_later_counts(session: Session) -> None:
    written = items.put_many(
        session, [an_item(title="first"), an_item("i-2"), an_item(title="last")]
    )

    found = items.get(session, "i-1")
    assert written == 2
    assert found is not None
    assert found.title == "last"


def test_a_large_batch_is_written_whole_under_one_revision(session: Session) -> None:
    items.put_many(session, [an_item(f"i-{n}") for n in range(1_201)])

    revision, changed = items.changed_since(session, 0)
    assert revision == 1
    assert len(changed) == items.count(session).total == 1_201


def test_an_empty_batch_is_no_write(session: Session) -> None:
    assert items.put_many(session, []) == 0
    assert items.changed_since(session, 0) == (0, [])


def test_changed_since_gives_only_what_was_written_later(session: Session) -> None:
    items.put_many(session, [an_item("i-1"), an_item("i-2")])
    seen, _ = items.changed_since(session, 0)

    items.patch(session, "i-2", {"stock": 0})

    revision, changed = items.changed_since(session, seen)
    assert revision == seen + 1
    assert [item.item_id for item in changed] == ["i-2"]
    assert items.changed_since(session, revision) == (revision, [])


def test_patch_changes_only_what_it_names(session: Session) -> None:
    items.put(session, an_item(price=Decimal("2.00"), stock=5, brand="Acme"), now=NOW)

    patched = items.patch(session, "i-1", {"price": Decimal("1.50"), "hidden": True})

    assert patched == an_item(
        price=Decimal("1.50"), stock=5, brand="Acme", hidden=True, created_at=NOW
    )
    assert items.get(session, "i-1") == patched


@pytest.mark.parametrize(
    ("price", "was_price"),
    [
        (Decimal("1.00"), Decimal("3.00")),
        (Decimal("3.00"), None),
        (Decimal("4.00"), None),
        (None, None),
    ],
)
def test_patch_drops_a_former_price_that_promises_no_saving(
    session: Session, price: Decimal | None, was_price: Decimal | None
) -> None:
    items.put(session, an_item(price=Decimal("2.00"), was_price=Decimal("3.00")))

    assert items.patch(session, "i-1", {"price": price}).was_price == was_price


@pytest.mark.parametrize("item_id", ["nothing", "nul\x00", "\ud800"])
def test_an_unknown_id_is_told_apart(session: Session, item_id: str) -> None:
    assert items.get(session, item_id) is None
    with pytest.raises(UnknownItem):
        items.patch(session, item_id, {"stock": 1})


def test_patch_refuses_other_fields(session: Session) -> None:
    with pytest.raises(ValueError, match="title"):
        items.patch(session, "i-1", {"title": "x"})


def test_get_many_keeps_the_order_asked_for(session: Session) -> None:
    items.put_many(session, [an_item(f"i-{n}") for n in range(5)])

    found = items.get_many(session, ["i-3", "missing", "i-1", "i-3"])

    assert list(found) == ["i-3", "i-1"]


def test_count_tells_hidden_and_sold_out(session: Session) -> None:
    items.put_many(
        session,
        [an_item("1", hidden=True), an_item("2", stock=0), an_item("3", stock=2), an_item("4")],
    )

    assert items.count(session) == items.CatalogueCounts(total=4, hidden=1, out_of_stock=1)
