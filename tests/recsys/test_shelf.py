"""The shelf: what may be shown right now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from recsys.catalogue import items, shelf
from recsys.catalogue.shelf import Shelf
from recsys.database import reading, writing
from recsys.types import Item

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
IDS = ("i-0", "unknown", "i-1", "i-2")


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
    before.rows(IDS)
    with writing(engine) as session:
        items.patch(session, "i-1", {"hidden": True, "stock": 0})
    with reading(engine) as session:
        after = shelf.refresh(session, before)

    assert after.rows(IDS).hidden.tolist() == [False, False, True, False]
    assert after.rows(IDS).out_of_stock.tolist() == [False, False, True, False]
    assert before.rows(IDS).hidden.tolist() == [False] * 4
    assert after.newest() == (an_item(0),)


def test_a_database_restored_from_a_backup_replaces_the_shelf(engine: Engine) -> None:
    with writing(engine) as session:
        items.put(session, an_item(0))
    ahead = Shelf.of([an_item(7)], revision=99)

    with reading(engine) as session:
        assert shelf.refresh(session, ahead).items == {"i-0": an_item(0)}


def test_rows_are_made_once_for_each_order_of_items() -> None:
    stand = Shelf.of([an_item(0), an_item(1, stock=0), an_item(2, hidden=True)])

    rows = stand.rows(IDS)

    assert rows.known.tolist() == [True, False, True, True]
    assert rows.hidden.tolist() == [False, False, False, True]
    assert rows.out_of_stock.tolist() == [False, False, True, False]
    assert stand.rows(IDS) is rows


def test_rows_mended_equal_rows_made_anew() -> None:
    stand = Shelf.of([an_item(n, stock=n % 3) for n in range(50)])
    ids = tuple(f"i-{n}" for n in range(60))
    stand.rows(ids)
    changes = [an_item(n, stock=2, hidden=n % 2 == 0) for n in range(40, 55)]

    mended = stand.changed(changes, revision=2)

    anew = Shelf.of(mended.items.values())
    for name in ("known", "hidden", "out_of_stock"):
        assert np.array_equal(getattr(mended.rows(ids), name), getattr(anew.rows(ids), name))


def test_arrays_cannot_be_written() -> None:
    rows = Shelf.of([an_item(0)]).rows(IDS)

    with pytest.raises(ValueError, match="read-only"):
        rows.hidden[0] = True


def test_category_mask_takes_a_path_and_all_below_it() -> None:
    stand = Shelf.of(
        [
            an_item(0, category=("Grocery", "Fruit", "Apples")),
            an_item(1, category=("Grocery", "Fruitcake")),
            an_item(2, category=("Grocery",)),
        ]
    )

    assert stand.category_mask(IDS, ("Grocery", "Fruit")).tolist() == [True, False, False, False]
    assert stand.category_mask(IDS, ("Grocery",)).tolist() == [True, False, True, True]
    assert stand.category_mask(IDS, ()).tolist() == [True, False, True, True]


def test_category_masks_follow_a_change_of_category() -> None:
    stand = Shelf.of([an_item(0, category=("A",))])
    stand.category_mask(IDS, ("B",))

    moved = stand.changed([an_item(0, category=("B",))], revision=2)

    assert moved.category_mask(IDS, ("B",)).tolist() == [True, False, False, False]


def test_ten_thousand_category_filters_do_not_pile_up() -> None:
    stand = Shelf.of([an_item(0)])

    for number in range(1_000):
        stand.category_mask(IDS, (f"c-{number}",))

    assert len(stand._memory.masks) <= 256


def test_newest_comes_first_and_equals_go_by_id() -> None:
    twins = [replace(an_item(1), item_id=name) for name in ("b", "a")]

    stand = Shelf.of([an_item(0), *twins, an_item(2), an_item(3, hidden=True)])

    assert [item.item_id for item in stand.newest()] == ["i-2", "a", "b", "i-0"]
