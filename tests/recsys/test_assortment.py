"""The assortment: the model's items and the shelf's others by place, mended as made anew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.serving import assortment as assortments
from recsys.serving.assortment import Assortment, Demand, Standing
from recsys.serving.eligibility import Allowed
from recsys.types import Item

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _pool(one: Assortment, *demands: Demand, in_stock: bool = True) -> list[str]:
    pool = one.pool(Standing(in_stock=in_stock, now=NOW, demands=demands))
    return [one.item_ids[place] for place in np.flatnonzero(pool.mask)]


def _state(one: Assortment) -> list[object]:
    arrays = (one.visible, one.hidden, one.in_stock, one.created, one.popularity)
    return [dict(zip(one.item_ids, array.tolist(), strict=True)) for array in arrays]


def test_model_rows_come_first_and_what_it_has_not_met_after(
    bundle: ModelBundle, shelf: Shelf
) -> None:
    one = assortments.of(bundle, shelf)

    assert one.item_ids[: one.n_known] == bundle.item_ids
    assert one.item_ids[one.n_known :] == ("brand-new",)
    assert [one.places[item_id] for item_id in one.item_ids] == list(range(len(one.item_ids)))


def test_an_item_that_left_the_shelf_has_a_place_but_is_not_visible(
    bundle: ModelBundle, shelf: Shelf
) -> None:
    fewer = Shelf.of(item for item in shelf.items.values() if item.item_id != "item-010")

    one = assortments.of(bundle, fewer)

    assert not one.visible[one.places["item-010"]]
    assert not one.hidden[one.places["item-010"]]


@pytest.mark.parametrize("seed", range(5))
def test_mended_is_as_made_anew(bundle: ModelBundle, shelf: Shelf, seed: int) -> None:
    draw = np.random.default_rng(seed)
    one = assortments.of(bundle, shelf)
    _pool(one, Demand(name="filter", expression="price < 20"))
    ids = sorted(shelf.items)
    for turn in range(6):
        changes = [
            replace(
                shelf.items[ids[place]],
                stock=int(draw.integers(0, 2)),
                hidden=bool(draw.random() < 0.3),
                created_at=NOW - timedelta(days=int(draw.integers(0, 9))),
            )
            for place in draw.choice(len(ids), 5, replace=False)
        ]
        if turn == 3:
            changes.append(Item(item_id="another", title="Another"))
        shelf = shelf.changed(changes, revision=shelf.revision + 1)
        one = assortments.of(bundle, shelf, before=one)

        anew = assortments.of(bundle, Shelf.of(shelf.items.values()))

        assert _state(one) == _state(anew)
        assert [one.item_ids[place] for place in one.newest()] == [
            anew.item_ids[place] for place in anew.newest()
        ]
        demand = Demand(name="filter", expression="stock > 0")
        assert _pool(one, demand) == _pool(anew, demand)


def test_a_new_item_takes_a_place_at_the_end_and_nobody_else_moves(
    bundle: ModelBundle, shelf: Shelf
) -> None:
    one = assortments.of(bundle, shelf)
    _pool(one, Demand(name="filter", expression="price < 20"))
    for item_id in ("zebra", "another"):
        new = Item(item_id=item_id, title="x", price=Decimal(1), created_at=NOW)
        shelf = shelf.changed([new], revision=shelf.revision + 1)

        before, one = one, assortments.of(bundle, shelf, before=one)

        assert one.item_ids == (*before.item_ids, item_id)
        assert one.places[item_id] == len(one.places) - 1 == len(before.places)
        assert list(one.places) == list(one.item_ids)
        assert item_id in _pool(one, Demand(name="filter", expression="price < 20"))
        assert item_id in {one.item_ids[place] for place in one.newest()[:2]}
        assert item_id not in before.places
        assert before.columns.n == len(before.item_ids)


def test_what_a_change_leaves_as_it_is_is_shared(bundle: ModelBundle, shelf: Shelf) -> None:
    one = assortments.of(bundle, shelf)
    dearer = replace(shelf.items["item-003"], price=Decimal(999))

    mended = assortments.of(bundle, shelf.changed([dearer], revision=1), before=one)

    assert mended.visible is one.visible
    assert mended.in_stock is one.in_stock
    assert mended.created is one.created
    assert "item-003" in _pool(mended, Demand(name="filter", expression="price == 999"))


def test_the_same_shelf_is_the_same_assortment(bundle: ModelBundle, shelf: Shelf) -> None:
    one = assortments.of(bundle, shelf)

    assert assortments.of(bundle, shelf, before=one) is one


def test_another_model_is_another_assortment(bundle: ModelBundle, shelf: Shelf) -> None:
    one = assortments.of(bundle, shelf)

    other = assortments.of(ModelBundle.empty(), shelf, before=one)

    assert other.n_known == 0
    assert sorted(other.item_ids) == sorted(shelf.items)


def test_arrays_cannot_be_written(bundle: ModelBundle, shelf: Shelf) -> None:
    one = assortments.of(bundle, shelf)

    for array in (
        one.visible,
        one.hidden,
        one.in_stock,
        one.pool(Standing(in_stock=True, now=NOW)).mask,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = True


def test_a_pool_counts_each_item_under_the_first_rule_that_met_it() -> None:
    stand = Shelf.of(
        [
            Item(item_id="a", title="x", brand="A"),
            Item(item_id="b", title="x", brand="B"),
            Item(item_id="c", title="x", brand="B", stock=0),
            Item(item_id="d", title="x", brand="B", stock=0, hidden=True),
            Item(item_id="e", title="x"),
        ]
    )
    one = assortments.of(ModelBundle.empty(), stand)

    pool = one.pool(
        Standing(
            in_stock=True,
            now=NOW,
            demands=(Demand(name="rule:1", expression='brand == "B"', keeps=False),),
        )
    )

    assert pool.counts == {"hidden": 1, "out_of_stock": 1, "rule:1": 1}
    assert np.flatnonzero(pool.mask).tolist() == [0, 4]  # no brand is not brand B


def test_what_cannot_be_told_is_neither_kept_nor_forbidden() -> None:
    one = assortments.of(ModelBundle.empty(), Shelf.of([Item(item_id="e", title="x")]))
    text = 'brand == "B"'

    assert _pool(one, Demand(name="n", expression=text)) == []
    assert _pool(one, Demand(name="n", expression=text, keeps=False)) == ["e"]


def test_a_filter_of_time_is_asked_at_its_moment() -> None:
    new = Item(item_id="new", title="x", created_at=NOW - timedelta(days=1))
    one = assortments.of(ModelBundle.empty(), Shelf.of([new]))
    fresh = (Demand(name="filter", expression="created_at > now - 2 days"),)

    pools = [
        one.pool(Standing(in_stock=True, demands=fresh, now=NOW + timedelta(days=later)))
        for later in (0, 5)
    ]

    assert [pool.mask.tolist() for pool in pools] == [[True], [False]]


def test_a_filter_beside_the_pages_item_is_asked_of_that_item() -> None:
    items = [Item(item_id=f"p{n}", title="x", price=n) for n in range(1, 5)]
    stand = Shelf.of(items)
    one = assortments.of(ModelBundle.empty(), stand)
    dearer = (Demand(name="filter", expression="price > item.price"),)

    masks = [
        one.pool(Standing(in_stock=True, demands=dearer, context=item, now=NOW)).mask.tolist()
        for item in items[1:3]
    ]

    assert masks == [[False, False, True, True], [False, False, False, True]]


def test_ten_thousand_filters_do_not_pile_up(bundle: ModelBundle, shelf: Shelf) -> None:
    one = assortments.of(bundle, shelf)

    for number in range(1_000):
        _pool(one, Demand(name="filter", expression=f"price < {number}"))

    assert len(one._pools) <= 256


def test_dropped_places_count_once_under_the_first_rule() -> None:
    pool_mask = np.array([True, True, False, True])

    allowed = Allowed.of_mask(pool_mask)
    both = Allowed(allowed.pool, {"exclude": [0, 2], "seen": [0, 1]})

    assert both.counts == {"exclude": 1, "seen": 1}
    assert both.mask.tolist() == [False, False, False, True]
    assert both.keeps(np.arange(4)).tolist() == [False, False, False, True]
    assert [both.may(place) for place in range(4)] == [False, False, False, True]
    assert both.n_rows == 1
