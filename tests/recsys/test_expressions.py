"""The language of filters and boosts: what each operator keeps, and what is said of what it refuses."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from recsys import expressions
from recsys.errors import InvalidExpression
from recsys.types import Item

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KETTLE = Item(
    item_id="kettle",
    title="Steel Kettle 1.7 l",
    brand="Hearth",
    category=("Home", "Kitchen", "Kettles"),
    price=Decimal("19.99"),
    was_price=Decimal("24.99"),
    stock=3,
    attributes={
        "tags": "new | refurbished;eco,quiet",
        "watts": "2200",
        "loud": "no",
        "cost": "12",
        "release": "2026-11-20",
        "Screen size": "0",
        "now": "then",
    },
    created_at=NOW - timedelta(days=3),
)
CUP = Item(
    item_id="cup",
    title="Cup",
    brand="Clay",
    category=("Home", "Kitchen"),
    price=Decimal("4.50"),
    stock=0,
    created_at=NOW - timedelta(days=90),
)
BARE = Item(item_id="bare", title="Bare")


def holds(text: str, item: Item = KETTLE, context: Item | None = None) -> bool:
    return expressions.condition(text).holds(item, context=context, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "price == 19.99",
        "price != 20 and price < 20 and price <= 19.99 and price > 19.98 and price >= 19.99",
        "price in [1, 19.99] and price not in [2, -3]",
        "19.99 == price",
        "was_price - price == 5",
        "discount > 20% and discount < 0.21",
        "margin > 0.39 and margin < 0.4 and cost == 12",
        "stock == 3 and in_stock",
        "in_stock == true and in_stock != false",
        'brand == "Hearth" and brand != "hearth"',
        "brand == 'Hearth'",
        'brand in ["Clay", "Hearth"] and brand not in ["Clay"]',
        'title contains "STEEL" and title contains "1.7"',
        'title starts with "steel k"',
        'category == "Home/Kitchen/Kettles" and category under "Home/Kitchen"',
        'category under "Home / Kitchen / Kettles" and not category under "Home/Kit"',
        'category has "Kitchen" and not category has "Kit"',
        'tags has "refurbished" and tags has "eco" and tags has "quiet" and not tags has "qui"',
        "watts > 1800 and watts == 2200 and watts in [2200]",
        'watts == "2200" and watts in ["2200"] and watts starts with "22"',
        "not loud",
        "loud == false",
        'release > now - 7 days and release < "2026-11-21" and now - release > 2 days',
        'attributes["Screen size"] == 0 and attributes.now == "then"',
        "age_days == 3 and created_at > now - 4 days and created_at <= now - 72 hours",
        'created_at >= "2026-11-20" and created_at < "2026-11-20T00:00:01+00:00"',
        "(now - created_at) / 1 day == 3 and created_at + 2 weeks > now",
        "volume is missing and watts is not missing and price is not missing",
        "price * 2 - 4 / 2 + 1 == 38.98 and -price < 0 and 2 + 3 * 4 == 14 and (2 + 3) * 4 == 20",
        "abs(-price) == price and min(price, 5, 7) == 5 and max(price, 5) == price",
        "sqrt(16) == 4 and exp(0) == 1 and log1p(0) == 0 and default(volume, 7) == 7",
        "price < 5 or price > 10",
        "not price < 5 and not (price < 5 or brand == 'Clay')",
        "true and not false",
        "PRICE_NOT_KNOWN is missing AND price < 20 OR false",
        "30 minutes == 0.5 hours and 60 seconds == 1 minute",
        'item_id == "kettle" and currency == "EUR"',
        "brand == brand and brand != title",
        "(price < 20) == in_stock",
    ],
)
def test_what_holds_for_a_kettle(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


def test_or_binds_less_than_and() -> None:
    assert holds("true or true and false")
    assert not holds("(true or true) and false")


def test_the_page_s_item_is_compared_with() -> None:
    assert holds("price > item.price and brand != item.brand", KETTLE, CUP)
    assert not holds("category == item.category", KETTLE, CUP)
    assert holds("category under item.category", KETTLE, CUP)
    assert holds("title contains item.title", CUP, CUP)
    assert holds("item.price < 5 and item.age_days > 80", KETTLE, CUP)
    assert holds("watts > item.watts - 1", KETTLE, KETTLE)


def test_without_a_page_s_item_all_of_it_is_missing() -> None:
    assert not holds("price > item.price")
    assert not holds("not price > item.price")
    assert holds("item.price is missing and item.brand is missing and item.in_stock is missing")


TABLE = {  # T, F and ? of two conditions: and, or, not of the first
    ("T", "T"): "TTF",
    ("T", "F"): "FTF",
    ("T", "?"): "?TF",
    ("F", "T"): "FTT",
    ("F", "F"): "FFT",
    ("F", "?"): "F?T",
    ("?", "T"): "?T?",
    ("?", "F"): "F??",
    ("?", "?"): "???",
}
WRITTEN = {"T": "price < 20", "F": "price > 20", "?": "volume < 20"}


@pytest.mark.parametrize(("first", "second"), list(TABLE))
def test_the_table_of_unknowns(first: str, second: str) -> None:
    a, b = WRITTEN[first], WRITTEN[second]
    written = (f"{a} and {b}", f"{a} or {b}", f"not {a}")

    found = ""
    for text in written:
        unknown = holds(f"({text}) is missing")
        found += "?" if unknown else "T" if holds(text) else "F"
        assert holds(text) is (found[-1] == "T")  # unknown is not kept

    assert found == TABLE[first, second]


@pytest.mark.parametrize(
    "text",
    [
        "price < 5",
        "price >= 5",
        "price == 5",
        "price != 5",
        "price in [5]",
        "price not in [5]",
        'brand == "A"',
        'brand != "A"',
        'brand not in ["A"]',
        "tags has item.brand",
        'category under "A"',
        'brand not contains "a"',
        'volume not starts with "a"',
        "created_at < now",
        "age_days > 1",
        "not watts > 5",
        "organic",
        "not organic",
        "organic == false",
        "discount == 0",
        "margin > 0 or margin <= 0",
        "price + 1 > 0",
        "min(price, 1) == 1",
        "brand == item.brand",
        "brand == attributes.maker",
    ],
)
def test_what_is_missing_is_never_kept(text: str) -> None:
    assert not holds(text, BARE, BARE)
    assert holds(f"({text}) is missing", BARE, BARE)


def test_a_missing_set_is_an_empty_one() -> None:
    assert holds('not tags has "refurbished" and not category has "Kitchen"', BARE)
    assert not holds('tags has "refurbished" or (tags has "refurbished") is missing', BARE)
    assert holds('not item.tags has "refurbished"', KETTLE, BARE)


def test_an_item_that_the_catalogue_lacks_has_everything_missing() -> None:
    columns = expressions.Columns.of({"kettle": 0, "gone": 1}, {"kettle": KETTLE})

    for name in expressions.describe()["properties"]:
        mask = expressions.condition(f"{name['name']} is missing").mask(columns, now=NOW)
        assert mask.tolist() == [False, True], name
    kept = expressions.condition("in_stock or not in_stock").mask(columns, now=NOW)
    assert kept.tolist() == [True, False]


def test_numbers_that_cannot_be_are_missing() -> None:
    for text in ("price / 0", "0 / 0", "sqrt(-1)", "log1p(-1)", "log1p(-2)", "exp(1e9)"):
        assert holds(f"({text}) is missing"), text
    assert holds('"x" == "x" and (1e15 * 1e15 > 0)')
    far = " * ".join(["1e15"] * 30)
    assert holds(f"({far}) is missing")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        *((text, "T") for text in ("12", " -1.5e3 ")),
        *((text, "?") for text in ("12 cm", "1,5", "nan", "inf", "0x10", "1_0", "٣", "1e999")),
    ],
)
def test_an_attribute_is_a_number_only_where_it_is_written_as_one(text: str, known: str) -> None:
    item = Item(item_id="a", title="a", attributes={"size": text})

    assert holds("(size + 0) is not missing", item) is (known == "T")
    assert holds("size is not missing", item)


def test_a_boost_is_a_number_and_what_is_missing_is_nought() -> None:
    def value(text: str, item: Item = KETTLE) -> float:
        return expressions.compile(text).value(item, now=NOW)

    assert value("0.5 * in_stock + (price < 5)") == 0.5
    assert value("price < 20") == 1.0
    assert value("price < 5") == 0.0
    assert value("discount") == pytest.approx(0.2, abs=1e-3)
    assert value("discount", BARE) == 0.0
    assert value("0.5 + discount", BARE) == 0.0
    assert value("0.5 + default(discount, 0)", BARE) == 0.5
    assert value("watts") == 2200.0
    assert np.isfinite(value(" * ".join(["1e15"] * 4)))


def test_prices_are_equal_to_the_cent() -> None:
    cents = [*range(1, 3_000, 7), 999_999_999_999]
    items = {
        str(cent): Item(item_id=str(cent), title="x", price=Decimal(cent) / 100) for cent in cents
    }
    columns = expressions.Columns.of({name: n for n, name in enumerate(items)}, items)

    for place, cent in enumerate(cents):
        mask = expressions.condition(f"price == {Decimal(cent) / 100}").mask(columns, now=NOW)
        assert np.flatnonzero(mask).tolist() == [place]


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 0, "write a condition such as price < 20"),
        ('price < "a"', 8, "price is a number and 'a' is a text"),
        ('price < "20"', 8, "write 20 without quotes"),
        ('brand < "a"', 0, "no order; write =="),
        ("brand == 5", 9, "write a text in quotes"),
        ("prise < 3", 0, "did you mean price?"),
        ("Price < 3", 0, "did you mean price?"),
        ('brnad == "A"', 0, "did you mean brand?"),
        ("in_stok", 0, "did you mean in_stock?"),
        ("price = 3", 6, "write =="),
        ("price && brand", 6, "write and"),
        ("brand == “A”", 9, "straight quotes"),
        ('brand == "A', 9, "the quote is not closed"),
        (r'brand == "A\n"', 11, "write \\\\ for one"),
        ('brand == ""', 9, "write is missing"),
        ("10 < price < 20", 11, "price > 10 and price < 20"),
        ("created_at > 30", 13, "now - 30 days"),
        ('created_at > "soon"', 13, "not a time"),
        ("price < 30 days", 8, "price is a number and this is a span of time"),
        ("age_days < 2 months", 13, "units are seconds"),
        ("now + now > 3", 6, "now - 30 days"),
        ("tags has 5", 9, "a text in quotes"),
        ('brand has "A"', 0, "contains or =="),
        ('title under "A"', 0, "only category is a path"),
        ('price contains "1"', 0, "looks into texts"),
        ("brand contains title", 15, "a text in quotes"),
        ("price in []", 10, "numbers and texts"),
        ('price in [1, "a"]', 13, "not both"),
        ('price in ["a"]', 10, "the list holds texts"),
        ("price in 3", 9, 'such as ["A", "B"]'),
        ("price", 0, "not a condition"),
        ("price and in_stock", 0, "price is a number, not a condition"),
        ("in_stock == 1", 12, "write it alone"),
        ("in_stock < true", 0, "no order; write == or !="),
        ("item", 0, "write item.price"),
        ("item. < 3", 6, "name of a property"),
        ("attributes < 3", 0, "write attributes.name"),
        ("attributes[3] < 3", 11, "with quotes"),
        ("cosine(price) > 1", 0, "there are abs, min"),
        ("abs(1, 2) > 1", 0, "abs takes 1 values, here are 2"),
        ("price < 1,5", 9, "and, or, or the end"),
        ("price is here", 9, "missing"),
        ("not", 3, "the end where"),
        ("(price < 3", 10, "parenthesis"),
        ("1e16 > price", 0, "at most 1e+15"),
        ("price < 3 $", 10, "means nothing here"),
    ],
)
def test_a_mistake_is_placed_and_says_what_to_write(text: str, at: int, says: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        expressions.condition(text)

    assert says in caught.value.message
    assert (caught.value.at, caught.value.text) == (at, text)
    assert str(caught.value).startswith(f"at character {at + 1}: ")


def test_a_number_is_a_boost_but_no_filter() -> None:
    read = expressions.compile("price * 2")

    assert not read.is_condition
    with pytest.raises(InvalidExpression, match="not a condition"):
        read.holds(KETTLE, now=NOW)


def test_an_expression_tells_what_it_reads() -> None:
    read = expressions.compile("age_days < 3 and colour == item.brand and price in [1]")

    assert read.properties == {"created_at", "attributes.colour", "price"}
    assert (read.uses_now, read.uses_context, read.is_condition) == (True, True, True)
    plain = expressions.compile("price < 3")
    assert (plain.uses_now, plain.uses_context) == (False, False)
    assert expressions.compile("price < 3") is plain


def test_the_description_names_what_the_parser_knows() -> None:
    told = expressions.describe()

    for known in told["properties"]:
        expressions.compile(f"{known['name']} is missing")
        if known["kind"] == "number":
            expressions.compile(f"{known['name']} > 1")
    for unit in told["units"]:
        assert holds(f"created_at < now - 1 {unit}") == (unit not in {"week", "weeks"})
    for function in told["functions"]:
        given = "1, 1" if function in {"min", "max", "default"} else "1"
        assert expressions.compile(f"{function}({given})").value(BARE, now=NOW) > 0


def test_the_page_about_filters_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")
    examples = page.split("```")[1].strip().splitlines()
    told = expressions.describe()

    assert len(examples) == 6
    for text in examples:
        expressions.compile(text)
    for names in ((known["name"] for known in told["properties"]), told["functions"]):
        assert [name for name in names if not re.search(rf"[`\s]{name}[`\s]", page)] == []
    for text, message in re.findall(r"^`(price < .*?)` answers `(.*?)`", page, re.MULTILINE):
        with pytest.raises(InvalidExpression, match=f"^{re.escape(message)}$"):
            expressions.compile(text)
