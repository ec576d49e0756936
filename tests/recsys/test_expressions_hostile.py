"""Text that nobody would send on purpose: refused as InvalidExpression, or answered; never anything else."""

import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from recsys import expressions
from recsys.errors import InvalidExpression
from recsys.types import Item

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ITEM = Item(
    item_id="a",
    title="A \x00 ",
    brand="B",
    price=Decimal("1.50"),
    attributes={"tags": "x|y", "size": "9" * 1_000, "when": "0001-01-01T00:00:00+23:59"},
    created_at=NOW,
)
VALID = (
    'price < 20 and brand in ["A", "B"] and not tags has "refurbished"',
    "price > item.price or category == item.category",
    "created_at > now - 30 days and discount >= 20% and size <= 1e3",
    'default(margin, 0) * -0.5 + abs(log1p(price)) / max(1, 2) > 0 and attributes["x y"] is missing',
    'category under "Grocery/Fruit" and title starts with "a" or in_stock is not missing',
)
WORDS = r"""
    and or not in has contains starts with under is missing true false now item attributes price
    brand category tags created_at in_stock age_days __class__ size min default exp days hours
    ( ) [ ] , . < > <= >= == != + - * / % 1 0 1e15 1e-300 0.5 30 'a' "b" "A/B" '' \ ٣ ß = & “ 😀
"""
TOKENS = [*WORDS.split(), "\x00", "\u202e"]


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  a test that can be repeated


def answered(text: str) -> bool:
    """Whether it was read; every answer it then gives is asked for too."""
    refused: InvalidExpression | None = None
    try:
        read = expressions.compile(text)
    except InvalidExpression as caught:
        refused = caught
    if refused is not None:
        assert 0 <= refused.at <= len(text)
        assert refused.message.isprintable()
        assert str(refused).encode()
        return False
    if read.is_condition:
        assert read.holds(ITEM, context=ITEM, now=NOW) in {True, False}
    value = read.value(ITEM, now=NOW)
    assert abs(value) < float("inf")
    return True


def steps(work: Callable[[], Any]) -> int:
    """Calls made, of Python's functions and of those it is written in."""
    count = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_random_characters_are_refused_or_answered() -> None:
    chance = seeded(98765)
    alphabet = [
        *map(chr, range(256)),
        *"()[]\"'<>=!+-*/%.,0123456789",
        *"\u202e\u2066é😀\ud800٣\u0085",
    ]
    read = [
        answered("".join(chance.choices(alphabet, k=chance.randint(0, 60)))) for _ in range(3_000)
    ]

    assert set(read) <= {True, False}  # whatever else was raised has ended the test
    assert not all(read)


def test_random_words_of_the_language_are_refused_or_answered() -> None:
    chance = seeded(98765)
    read = 0
    for _ in range(6_000):
        read += answered(" ".join(chance.choices(TOKENS, k=chance.randint(1, 12))))

    assert read > 20


def test_expressions_that_were_damaged_are_refused_or_answered() -> None:
    chance = seeded(98765)
    read = 0
    for _ in range(4_000):
        text = list(chance.choice(VALID))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            text[at : at + chance.randint(0, 6)] = chance.choice(["", *TOKENS, *text[:5]])
        read += answered("".join(text))

    assert read > 200


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2_000,
        "(" * 999 + "true" + ")" * 999,
        "not " * 499 + "true",
        "-" * 1_999 + "1",
        "abs(" * 400 + "1" + ")" * 400,
        "((true) == " * 180,
        "1" * 2_000 + " > 0",
        "1e99999999 > price",
        "0." + "0" * 1_990 + "1 < price",
        '"' + "a" * 1_999,
        '"' + "\\" * 1_999,
        'brand in ["' + '","' * 600 + '"]',
        "price in [" + "1," * 900 + "1]",
        " or ".join(["price < 1"] * 200),
        " + ".join(["1"] * 500),
        " " * 2_000,
        "\x00" * 100,
        "price < 1" + "\u202e",
        "\ud800",
        'brand == "\udfff"',
        "a" * 2_000 + "b",
        "price < 1 and " * 10_000,
        "[" * 500,
        "." * 500,
        "item." * 300,
        "attributes[" * 150,
        'attributes["' + "x" * 1_900 + '"]' + "(" * 20,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_would_hang_or_overflow_is_refused_in_few_steps(text: str) -> None:
    assert steps(lambda: answered(text)) < 60_000
    assert not answered(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 23 + "true" + ")" * 23,
        "not " * 24 + "true",
        " or ".join(["price < 1"] * 100),
        " + ".join(["1"] * 100) + " > 0",
        "price in [" + ",".join(map(str, range(200))) + "]",
        "a" * 1_990,
        '"' + "a" * 1_900 + '" == brand',
        "((((((((price < 1) == in_stock) == in_stock) + 1 > 0) == in_stock) + 1 > 0) == true))",
        "brand == '" + "\u202e\x00😀" * 100 + "'",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_the_largest_that_is_allowed_is_answered_in_few_steps(text: str) -> None:
    assert steps(lambda: answered(text)) < 60_000
    assert answered(text)


@pytest.mark.parametrize("name", ["__class__", "__dict__", "__init__", "keys", "get", "attributes"])
def test_no_name_leads_out_of_the_language(name: str) -> None:
    for text in (f"attributes.{name}", f"item.attributes.{name}", f'attributes["{name}"]'):
        assert expressions.condition(f"{text} is missing").holds(ITEM, context=ITEM, now=NOW)
    for text in (
        f"price.{name} > 1",
        f"item.price.{name} > 1",
        f"now.{name} is missing",
        f"'a'.{name} is missing",
        f"(price).{name} is missing",
        f"attributes.tags.{name} is missing",
        f"{name}() > 1",
        f"attributes.{name}()",
        f"brand[{name!r}] is missing",
    ):
        with pytest.raises(InvalidExpression):
            expressions.compile(text)


def test_hidden_fields_of_an_item_cannot_be_asked_for() -> None:
    item = Item(item_id="a", title="a", description="secret", hidden=True, url="u", image_url="i")

    for name in ("description", "hidden", "url", "image_url"):
        assert expressions.condition(f"attributes.{name} is missing").holds(item, now=NOW)


def test_an_attribute_s_text_cannot_break_an_answer() -> None:
    for text in (
        "9" * 1_000,
        "-" * 1_000,
        "1e999",
        "0001-01-01T00:00:00+23:59",
        "|,;" * 300,
        "\x00",
    ):
        item = Item(item_id="a", title="a", price=Decimal(1), attributes={"x": text, "cost": text})
        for question in (
            "x > 1",
            "x > now",
            'x has "a"',
            'x == "a"',
            "x",
            "margin > 0",
            "cost > 0",
        ):
            assert expressions.condition(question).holds(item, now=NOW) in {True, False}
