"""Thousands of made-up expressions over a shop with holes: arrays, one item and an oracle agree."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from recsys import expressions
from recsys.types import Item

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BRANDS = ("A", "B", "Été", "a b")
TAGS = ("new", "sale", "bio")
Answer = Callable[[Item | None, Item | None], Any]  # None is missing or unknown


@dataclass(frozen=True)
class Told:
    """An expression as text, and what a plain reading of the rules says it is worth."""

    text: str
    answer: Answer


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  a test that can be repeated


def shop(chance: random.Random, n: int = 60) -> dict[str, Item]:
    def maybe(value: Any, missing: Any = None) -> Any:
        return missing if chance.random() < 0.3 else value

    items = {}
    for number in range(n):
        price = maybe(Decimal(chance.randint(0, 400)) / 10)
        attributes = {
            "tags": maybe("|".join(chance.sample(TAGS, chance.randint(1, 3)))),
            "size": maybe(chance.choice(["1", "2", "2.0", " 3 ", "L", "-1e1"])),
            "bio": maybe(chance.choice(["true", "No", "1", "perhaps"])),
            "out": maybe(chance.choice(["2026-11-20", "2026-12-01T00:00:00Z", "soon"])),
            "cost": maybe(str(chance.randint(1, 30))),
        }
        items[f"i{number}"] = Item(
            item_id=f"i{number}",
            title=chance.choice(["Red Apple", "GREEN apple", "Pear"]),
            brand=maybe(chance.choice(BRANDS), ""),
            category=maybe(chance.choice([("G",), ("G", "F"), ("GG", "F")]), ()),
            price=price,
            was_price=maybe(price + 5) if price is not None else None,
            stock=maybe(chance.randint(0, 3)),
            attributes={name: text for name, text in attributes.items() if text is not None},
            created_at=maybe(NOW - timedelta(days=chance.randint(0, 90), hours=7)),
        )
    return items


def lifted(work: Callable[..., Any]) -> Callable[..., Any]:
    """A function of known values as one that gives missing for any missing one."""

    def worked(*given: Any) -> Any:
        if any(value is None for value in given):
            return None
        try:
            found = work(*given)
        except (ArithmeticError, ValueError):
            return None
        return None if isinstance(found, float) and not math.isfinite(found) else found

    return worked


def number_of(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def moment_of(text: str | None) -> float | None:
    try:
        read = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if read is None else (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def discount(item: Item) -> float | None:
    if item.price is None:
        return None
    return 0.0 if item.was_price is None else float((item.was_price - item.price) / item.was_price)


def margin(item: Item) -> float | None:
    cost = item.attributes.get("cost")
    return float((item.price - Decimal(cost)) / item.price) if cost and item.price else None


NUMBERS: dict[str, Callable[[Item], float | None]] = {
    "price": lambda item: None if item.price is None else float(item.price),
    "was_price": lambda item: None if item.was_price is None else float(item.was_price),
    "discount": discount,
    "margin": margin,
    "stock": lambda item: item.stock,
    "age_days": lambda item: (
        None
        if item.created_at is None
        else (NOW.timestamp() - item.created_at.timestamp()) / 86_400
    ),
    "size": lambda item: number_of(item.attributes.get("size")),
    'attributes["size"]': lambda item: number_of(item.attributes.get("size")),
    "nowhere": lambda _: None,
}
TEXTS: dict[str, Callable[[Item], str | None]] = {
    "brand": lambda item: item.brand or None,
    "title": lambda item: item.title,
    "category": lambda item: "/".join(item.category) or None,
    "item_id": lambda item: item.item_id,
    "currency": lambda item: item.currency,
    "attributes.bio": lambda item: item.attributes.get("bio"),
}
FLAGS: dict[str, Callable[[Item], bool | None]] = {
    "in_stock": lambda item: item.stock is None or item.stock > 0,
    "bio": lambda item: {"true": True, "no": False, "1": True}.get(
        item.attributes.get("bio", "").lower()
    ),
}
TIMES: dict[str, Callable[[Item], float | None]] = {
    "created_at": lambda item: None if item.created_at is None else item.created_at.timestamp(),
    "out": lambda item: moment_of(item.attributes.get("out")),
}
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


class Writer:
    """Draws expressions, each with its meaning; nothing is shared with the room under test."""

    def __init__(self, seed: int) -> None:
        self.chance = seeded(seed)

    def property(self, known: dict[str, Any]) -> Told:
        name = self.chance.choice(sorted(known))
        read = known[name]
        if self.chance.random() < 0.25:
            return Told(f"item.{name}", lambda _, page: None if page is None else read(page))
        return Told(name, lambda item, _: None if item is None else read(item))

    def number(self, depth: int) -> Told:  # noqa: PLR0911  one for each way to write it
        pick = self.chance.random()
        if depth <= 0 or pick < 0.4:
            if self.chance.random() < 0.4:
                value = self.chance.choice([0, 1, 2, 19.9, 0.25, 7, 1e3])
                return Told(repr(value), lambda *_: value)
            known = {name: read for name, read in NUMBERS.items() if name != "size"}
            return self.property(known)
        if pick < 0.7:
            sign = self.chance.choice("+-*/")
            left, right = self.number(depth - 1), self.number(depth - 1)
            work = lifted(
                {
                    "+": lambda a, b: a + b,
                    "-": lambda a, b: a - b,
                    "*": lambda a, b: a * b,
                    "/": lambda a, b: a / b,
                }[sign]
            )
            text = f"({left.text} {sign} {right.text})"
            return Told(text, lambda *at: work(left.answer(*at), right.answer(*at)))
        if pick < 0.8:
            of = self.condition(depth - 1)
            text = f"((({of.text}) == true) * 2)"  # a bare attribute would be read as a number
            return Told(text, lambda *at: lifted(lambda x: 2.0 * x)(of.answer(*at)))
        name = self.chance.choice(["abs", "min", "max", "sqrt", "default", "-"])
        first, second = self.number(depth - 1), self.number(depth - 1)
        if name == "default":
            return Told(
                f"default({first.text}, {second.text})",
                lambda *at: second.answer(*at) if first.answer(*at) is None else first.answer(*at),
            )
        if name in {"min", "max"}:
            both = lifted({"min": min, "max": max}[name])
            text = f"{name}({first.text}, {second.text})"
            return Told(text, lambda *at: both(first.answer(*at), second.answer(*at)))
        one = lifted({"abs": abs, "sqrt": math.sqrt, "-": lambda x: -x}[name])
        return Told(f"{name}({first.text})", lambda *at: one(first.answer(*at)))

    def compared(self, depth: int) -> Told:
        sign = self.chance.choice(sorted(ORDERS))
        kind = self.chance.choice(["number", "text", "flag", "time"])
        if kind == "number":
            left, right = self.number(depth), self.number(depth)
        elif kind == "time":
            days = self.chance.randint(0, 60)
            left = self.property({"created_at": TIMES["created_at"]})
            right = Told(f"now - {days} days", lambda *_: NOW.timestamp() - days * 86_400)
            if self.chance.random() < 0.5:
                left = self.property({"out": TIMES["out"]})
        else:
            sign = self.chance.choice(["==", "!="])
            if kind == "text":
                left = self.property(TEXTS)
                value = self.chance.choice([*BRANDS, "G/F", "Pear", "i3", "1"])
                right = Told(f'"{value}"', lambda *_: value)
                if self.chance.random() < 0.3:
                    right = self.property(TEXTS)
            else:
                left = self.property({"in_stock": FLAGS["in_stock"]})
                right = self.condition(depth - 1)
                right = Told(f"({right.text})", right.answer)
        work = lifted(ORDERS[sign])
        text = f"{left.text} {sign} {right.text}"
        return Told(text, lambda *at: work(left.answer(*at), right.answer(*at)))

    def looked(self) -> Told:
        opposite = self.chance.random() < 0.3
        how = self.chance.choice(["in", "in numbers", "has", "contains", "starts with", "under"])
        if how == "in":
            of, values = self.property(TEXTS), self.chance.sample([*BRANDS, "Pear", "i7"], 3)
            right, test = str(list(values)), lambda text: text in values
        elif how == "in numbers":
            of = self.property({name: NUMBERS[name] for name in ("price", "stock", "size")})
            many = self.chance.choice([3, 40])
            numbers = [self.chance.randint(-20, 400) / 10 for _ in range(many)]
            right, test = str(numbers), lambda value: value in numbers
        elif how == "has":
            tag = self.chance.choice([*TAGS, "F"])
            of = self.property({"tags": lambda item: item.attributes.get("tags")})
            right, test = f'"{tag}"', lambda text: tag in text.split("|")
            if self.chance.random() < 0.3:
                of = self.property({"category": TEXTS["category"]})
                test = lambda text: tag in text.split("/")  # noqa: E731
        elif how == "under":
            path = self.chance.choice(["G", "G/F", "GG"])
            of = self.property({"category": TEXTS["category"]})
            right, test = f'"{path}"', lambda text: (text + "/").startswith(path + "/")
        else:
            part = self.chance.choice(["APPLE", "red", "é", "P"])
            of = self.property(TEXTS)
            right = f"'{part}'"
            test = {
                "contains": lambda text: part.casefold() in text.casefold(),
                "starts with": lambda text: text.casefold().startswith(part.casefold()),
            }[how]
        words = f"{'not ' if opposite else ''}{how.removesuffix(' numbers')}"
        work = lifted(lambda value: test(value) is not opposite)
        if how == "has":  # a missing set is an empty one
            work = lambda text: (text is not None and test(text)) is not opposite  # noqa: E731
        return Told(f"{of.text} {words} {right}", lambda *at: work(of.answer(*at)))

    def condition(self, depth: int) -> Told:
        pick = self.chance.random()
        if depth <= 0 or pick < 0.2:
            if self.chance.random() < 0.2:
                return self.property(FLAGS)
            return self.looked()
        if pick < 0.45:
            return self.compared(depth - 1)
        if pick < 0.55:
            number = self.chance.random() < 0.5
            of = self.number(depth - 1) if number else self.condition(depth - 1)
            text = f"({of.text} + 0)" if number else f"(({of.text}) == true)"
            return Told(f"{text} is missing", lambda *at: of.answer(*at) is None)
        if pick < 0.65:
            of = self.condition(depth - 1)
            return Told(f"not ({of.text})", lambda *at: lifted(lambda x: not x)(of.answer(*at)))
        parts = [self.condition(depth - 1) for _ in range(self.chance.randint(2, 3))]
        word = self.chance.choice(["and", "or"])

        def joined(*at: Item | None) -> bool | None:
            answers = [part.answer(*at) for part in parts]
            decisive = word == "or"
            if decisive in answers:
                return decisive
            return None if None in answers else not decisive

        return Told(f" {word} ".join(f"({part.text})" for part in parts), joined)


@pytest.fixture(scope="module")
def items() -> dict[str, Item]:
    return shop(seeded(98765))


@pytest.mark.parametrize("seed", range(6))
def test_arrays_one_item_and_the_oracle_keep_the_same_items(items, seed: int) -> None:
    writer = Writer(seed)
    ids = (*items, "unknown")
    places = {item_id: place for place, item_id in enumerate(ids)}
    columns = expressions.Columns.of(places, items)
    kept = 0
    for _ in range(500):
        told = writer.condition(4)
        page = writer.chance.choice([None, *items.values()])
        read = expressions.compile(told.text) if len(told.text) <= 2_000 else None
        if read is None:
            continue

        mask = read.mask(columns, context=page, now=NOW)

        wanted = [told.answer(items.get(item_id), page) is True for item_id in ids]
        assert mask.tolist() == wanted, told.text
        some = writer.chance.sample(sorted(items), 3)
        alone = [read.holds(items[item_id], context=page, now=NOW) for item_id in some]
        assert alone == [bool(mask[places[item_id]]) for item_id in some], told.text
        few = np.array([places[item_id] for item_id in some])
        assert read.mask(columns.at(few), context=page, now=NOW).tolist() == alone, told.text
        kept += 0 < sum(wanted) < len(ids)
    assert kept > 100  # not everything is trivially all or nothing


@pytest.mark.parametrize("seed", range(3))
def test_boosts_of_arrays_one_item_and_the_oracle_are_the_same_number(items, seed: int) -> None:
    writer = Writer(100 + seed)
    places = {item_id: place for place, item_id in enumerate(items)}
    columns = expressions.Columns.of(places, items)
    for _ in range(300):
        told = writer.number(4)
        page = writer.chance.choice([None, *items.values()])
        if len(told.text) > 2_000:
            continue
        read = expressions.compile(told.text)

        values = read.values(columns, context=page, now=NOW)

        wanted = [told.answer(item, page) or 0.0 for item in items.values()]
        assert values.tolist() == np.array(wanted, np.float64).astype(np.float32).tolist(), (
            told.text
        )
        item = writer.chance.choice(list(items.values()))
        assert read.value(item, context=page, now=NOW) == values[places[item.item_id]], told.text


def test_functions_of_one_item_are_those_of_all_to_the_last_bit(items) -> None:
    columns = expressions.Columns.of({item_id: n for n, item_id in enumerate(items)}, items)
    for text in ("exp(-age_days / 30)", "log1p(price)", "sqrt(price) * margin"):
        read = expressions.compile(text)

        together = read.values(columns, now=NOW).tolist()

        assert together == [read.value(item, now=NOW) for item in items.values()]
        assert len(set(together)) > 10
