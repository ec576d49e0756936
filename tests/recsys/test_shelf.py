"""The shelf: what may be shown right now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from recsys.catalogue import items, shelf
from recsys.catalogue.shelf import Shelf
from recsys.database import reading, writing
from recsys.types import Item

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def an_item(number: int, **changes: object) -> Item:
    day = NOW + timedelta(days=number)
    return Item(item_id=f"i-{number}", title="x", created_at=day, **changes)


def test_an_empty_database_gives_an_empty_shelf(engine: Engine) -> None:
    with reading(engine) as session:
        assert shelf.refresh(session, Shelf.empty()).items == {}


def test_refresh_keeps_the_same_shelf_while_nothing_is_written(engine: Engine) -> None:
    with writing(engine) as session:
        items.put(session, an_item(0))
    with reading(engine) as session:
        first = shelf.refresh(session, Shelf.empty())

        assert shelf.refresh(session, first) is first
        assert first.items == {"i-0": an_item(0)}


def test_a_hidden_item_is_hidden_at_the_next_refresh(engine: Engine) -> None:
    with writing(engine) as session:
        items.put_many(session, [an_item(0), an_item(1)])
    with reading(engine) as session:
        before = shelf.refresh(session, Shelf.empty())
    with writing(engine) as session:
        items.patch(session, "i-1", {"hidden": True, "stock": 0})
    with reading(engine) as session:
        after = shelf.refresh(session, before)

    assert after.items["i-1"].hidden
    assert not after.items["i-1"].in_stock
    assert not before.items["i-1"].hidden
    assert after.newest() == (an_item(0),)


def test_a_database_restored_from_a_backup_replaces_the_shelf(engine: Engine) -> None:
    with writing(engine) as session:
        items.put(session, an_item(0))
    ahead = Shelf.of([an_item(7)], revision=99)

    with reading(engine) as session:
        assert shelf.refresh(session, ahead).items == {"i-0": an_item(0)}


def test_what_was_written_since_an_earlier_shelf_is_remembered() -> None:
    first = Shelf.of([an_item(0), an_item(1)])
    second = first.changed([an_item(1, stock=3)], revision=1)
    third = second.changed([an_item(1, stock=4), an_item(2)], revision=2)

    assert third.since(first.identity) == {"i-1": an_item(1, stock=4), "i-2": an_item(2)}
    assert third.since(second.identity) == {"i-1": an_item(1, stock=4), "i-2": an_item(2)}
    assert third.since(third.identity) == {}
    assert third.since(Shelf.of([an_item(0)]).identity) is None
    assert first.since(third.identity) is None


def test_a_shelf_too_old_to_follow_is_not_followed() -> None:
    first = stand = Shelf.of([an_item(0)])

    for number in range(65):
        stand = stand.changed([an_item(0, stock=number)], revision=number)

    assert stand.since(first.identity) is None
    assert stand.items["i-0"].stock == 64


@pytest.mark.parametrize("n_items", [10, 5_000])
def test_writing_over_a_shelf_leaves_it_as_it_was(n_items: int) -> None:
    first = Shelf.of(an_item(n) for n in range(n_items))

    second = first.changed([an_item(3, stock=1), an_item(n_items)], revision=1)
    third = second.changed([an_item(3, stock=2)], revision=2)

    assert [one.items["i-3"].stock for one in (first, second, third)] == [None, 1, 2]
    assert [len(one.items) for one in (first, second, third)] == [n_items, n_items + 1, n_items + 1]
    assert f"i-{n_items}" not in first.items


def test_many_changes_end_in_one_layer() -> None:
    stand = Shelf.of(an_item(n) for n in range(5_000))

    for start in range(0, 5_000, 500):
        stand = stand.changed([an_item(n, stock=n) for n in range(start, start + 500)], revision=1)

    assert [item.stock for item in stand.items.values()].count(None) == 0
    assert {item.item_id: item.stock for item in stand.items.values()} == {
        f"i-{n}": n for n in range(5_000)
    }


def test_newest_comes_first_and_equals_go_by_id() -> None:
    twins = [replace(an_item(1), item_id=name) for name in ("b", "a")]

    stand = Shelf.of([an_item(0), *twins, an_item(2), an_item(3, hidden=True)])

    assert [item.item_id for item in stand.newest()] == ["i-2", "a", "b", "i-0"]
