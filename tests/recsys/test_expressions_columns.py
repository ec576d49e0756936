"""Columns: made on first use, mended for the few items that change, the same as new ones always."""

import random
from collections import ChainMap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from recsys import expressions
from recsys.expressions import Columns
from recsys.expressions.nodes import Kind
from recsys.types import Item

NOW = datetime(2026, 11, 23, tzinfo=UTC)
QUESTIONS = (
    "price < 20",
    'brand == "b3"',
    'brand in ["b1", "b2", "b9"]',
    'title contains "7"',
    'tags has "t1"',
    "size > 3",
    "size is missing",
    'category under "c1"',
    "age_days < 10",
    "in_stock",
    "not organic",
    "discount > 0.1",
)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  a test that can be repeated


def item(chance: random.Random, item_id: str) -> Item:
    price = Decimal(chance.randint(100, 4_000)) / 100
    return Item(
        item_id=item_id,
        title=f"Title {chance.randint(0, 99)}",
        brand=chance.choice(["", "b1", "b2", "b3", f"b{chance.randint(4, 9)}"]),
        price=chance.choice([None, price, price]),
        was_price=price * 2 if chance.random() < 0.5 else None,
        category=(f"c{chance.randint(0, 3)}", "x"),
        stock=chance.choice([None, 0, 2]),
        attributes={
            name: chance.choice(values)
            for name, values in (("tags", ["t1|t2", "t2"]), ("size", ["2", "5"]), ("organic", "yn"))
            if chance.random() < 0.6
        },
        created_at=NOW - timedelta(days=chance.randint(0, 30)),
    )


def answers(columns: Columns) -> list[list[bool]]:
    return [expressions.condition(text).mask(columns, now=NOW).tolist() for text in QUESTIONS]


def places_of(ids: list[str]) -> dict[str, int]:
    return {item_id: place for place, item_id in enumerate(ids)}


def test_a_column_is_made_when_it_is_first_asked_for() -> None:
    chance = seeded(1)
    columns = Columns.of({"a": 0}, {"a": item(chance, "a")})
    assert columns.made() == ()

    read = expressions.condition('price < 20 and brand == "b1"')
    read.mask(columns, now=NOW)
    warmed = Columns.of({"a": 0}, {"a": item(chance, "a")})
    warmed.make(read.reads)

    assert set(columns.made()) == {("price", Kind.NUMBER), ("brand", Kind.TEXT)} == set(read.reads)
    assert set(warmed.made()) == set(columns.made())


@pytest.mark.parametrize("seed", range(5))
def test_mended_columns_answer_as_new_ones_do(seed: int) -> None:
    chance = seeded(seed)
    ids = [f"i{n}" for n in range(40)]
    items = {item_id: item(chance, item_id) for item_id in ids[:35]}
    columns = Columns.of(places_of(ids), items)
    for step in range(30):
        if step % 3 == 0:
            before = answers(columns)
        written = {
            item_id: item(chance, item_id)
            for item_id in chance.sample([*ids, "elsewhere"], chance.randint(0, 4))
        }
        if step % 5 == 4:  # an item that the model has not met: known, written now, or neither
            ids = [*ids, f"n{step}"]
            written |= {f"n{step}": item(chance, f"n{step}")} if chance.random() < 0.5 else {}
        if step % 11 == 10:
            ids = chance.sample(ids, len(ids))
        items = {**items, **written}
        old, columns = columns, columns.changed(written, places_of(ids))

        assert answers(columns) == answers(Columns.of(places_of(ids), items))
        if step % 3 == 0:
            assert answers(old) == before


def test_a_column_in_which_nothing_changed_is_shared() -> None:
    chance = seeded(3)
    items = {f"i{n}": item(chance, f"i{n}") for n in range(9)}
    places = places_of(list(items))
    columns = Columns.of(places, items)
    answers(columns)

    cheaper = replace(items["i3"], price=Decimal("0.01"), was_price=None)
    mended = columns.changed({"i3": cheaper}, places)

    changed = {key for key in columns.made() if columns.column(*key) is not mended.column(*key)}
    assert changed <= {("price", Kind.NUMBER), ("discount", Kind.NUMBER)}
    assert ("price", Kind.NUMBER) in changed


def test_thousands_of_writes_are_remembered() -> None:
    ids = [f"i{n}" for n in range(5_000)]
    items = {item_id: Item(item_id=item_id, title="x", price=Decimal(1)) for item_id in ids}
    columns = Columns.of(places_of(ids), ChainMap({}, items))
    for start in range(0, 5_000, 500):
        written = {
            name: replace(items[name], price=Decimal(9)) for name in ids[start : start + 500]
        }
        columns = columns.changed(written, places_of(ids))

    assert expressions.condition("price == 9").mask(columns, now=NOW).all()


def test_layers_of_a_catalogue_are_read_from_the_top() -> None:
    old, new = Item(item_id="a", title="x", brand="old"), Item(item_id="a", title="x", brand="new")
    items = ChainMap({"a": new}, {"a": old, "b": old, "not placed": old})

    columns = Columns.of({"b": 0, "a": 1}, items)

    assert expressions.condition('brand == "new"').mask(columns, now=NOW).tolist() == [False, True]


def test_the_number_of_columns_is_bounded_and_answers_stay_right() -> None:
    names = [f"n{n}" for n in range(200)]
    full = Item(item_id="a", title="x", attributes={name: str(n) for n, name in enumerate(names)})
    columns = Columns.of({"a": 0, "b": 1}, {"a": full, "b": Item(item_id="b", title="y")})

    for _ in range(2):
        for n, name in enumerate(names):
            mask = expressions.condition(f"{name} == {n}").mask(columns, now=NOW)
            assert mask.tolist() == [True, False]

    assert len(columns.made()) <= 64


def test_made_up_names_leave_nothing_behind() -> None:
    columns = Columns.of({"a": 0}, {"a": Item(item_id="a", title="x")})

    for n in range(500):
        assert not expressions.condition(f"made_up_{n} > 1").mask(columns, now=NOW).any()

    assert columns.made() == ()
    later = columns.changed(
        {"a": Item(item_id="a", title="x", attributes={"made_up_1": "2"})}, {"a": 0}
    )
    assert expressions.condition("made_up_1 > 1").mask(later, now=NOW).tolist() == [True]


def test_an_attribute_that_no_item_has_is_told() -> None:
    columns = Columns.of(
        {"a": 0}, {"a": Item(item_id="a", title="x", attributes={"colour": "red"})}
    )
    read = expressions.condition('colour == "red" and colr == "red" and was_price > 1')

    assert columns.lacking(read.reads) == ("attributes.colr",)


def test_texts_that_nothing_has_any_more_do_not_pile_up() -> None:
    places = {"a": 0, "b": 1}
    columns = Columns.of(places, {name: Item(item_id=name, title="t") for name in places})
    read = expressions.condition('title contains "t"')
    for n in range(3_000):
        read.mask(columns, now=NOW)
        columns = columns.changed({"a": Item(item_id="a", title=f"t{n}")}, places)

    assert len(columns.column("title", Kind.TEXT).words) < 1_100
    assert expressions.condition('title == "t2999"').mask(columns, now=NOW).tolist() == [
        True,
        False,
    ]


def test_a_few_places_answer_as_the_whole_does() -> None:
    chance = seeded(6)
    items = {f"i{n}": item(chance, f"i{n}") for n in range(50)}
    columns = Columns.of(places_of(list(items)), items)
    places = np.array([7, 3, 3, 49, 0])

    for text in QUESTIONS:
        read = expressions.condition(text)
        whole = read.mask(columns, now=NOW)
        assert read.mask(columns.at(places), now=NOW).tolist() == whole[places].tolist()
        assert read.mask(columns.at(places[:0]), now=NOW).shape == (0,)


def test_an_empty_assortment_has_empty_answers() -> None:
    columns = Columns.of({}, {})

    assert answers(columns) == [[]] * len(QUESTIONS)
    assert expressions.compile("1 + 1").values(columns, now=NOW).shape == (0,)


def test_an_answer_is_the_caller_s_own() -> None:
    items = {"a": Item(item_id="a", title="x", price=Decimal(3))}
    columns = Columns.of({"a": 0}, items)

    for text in ("price", "price > 1", "in_stock", "true", "1"):
        read = expressions.compile(text)
        read.values(columns, now=NOW)[:] = 7
        if read.is_condition:
            read.mask(columns, now=NOW)[:] = False

    assert expressions.compile("price").values(columns, now=NOW).tolist() == [3.0]
    assert expressions.condition("in_stock and price > 1").mask(columns, now=NOW).tolist() == [True]


def test_many_readers_meet_columns_that_are_being_made_and_mended() -> None:
    chance = seeded(8)
    items = {f"i{n}": item(chance, f"i{n}") for n in range(200)}
    places = places_of(list(items))
    columns = Columns.of(places, items)
    wanted = answers(Columns.of(places, items))
    changes = [{f"i{n}": replace(items[f"i{n}"], title=f"new {n}")} for n in range(20)]

    with ThreadPoolExecutor(8) as pool:
        read = [pool.submit(answers, columns) for _ in range(30)]
        mended = [pool.submit(columns.changed, written, places) for written in changes]

    assert all(found.result() == wanted for found in read)
    for written, successor in zip(changes, mended, strict=True):
        assert answers(successor.result()) == answers(Columns.of(places, {**items, **written}))
