"""One item, field by field: what can be sold, and what names its field."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from recsys.catalogue.feeds import parse_changes, parse_item
from recsys.errors import InvalidItem
from recsys.types import Item


def test_an_item_is_read_field_by_field() -> None:
    item = parse_item(
        "a/b 🥛",
        {
            "title": "  Whole \n Milk ",
            "description": "Fresh.",
            "category": ["Grocery", "Dairy"],
            "brand": "Acme",
            "price": 3.49,
            "was_price": "4.00",
            "currency": "usd",
            "image_url": "/media/m.jpg",
            "url": "https://shop.example/m?x=1",
            "stock": 3,
            "hidden": False,
            "attributes": {"size": "1 gal", "fat": 3.5},
            "created_at": "2026-11-22T15:02:00+01:00",
        },
    )

    assert item == Item(
        item_id="a/b 🥛",
        title="Whole Milk",
        description="Fresh.",
        category=("Grocery", "Dairy"),
        brand="Acme",
        price=Decimal("3.49"),
        was_price=Decimal("4.00"),
        currency="USD",
        image_url="/media/m.jpg",
        url="https://shop.example/m?x=1",
        stock=3,
        attributes={"size": "1 gal", "fat": "3.5"},
        created_at=datetime(2026, 11, 22, 14, 2, tzinfo=UTC),
    )


def test_a_title_with_markup_is_kept_as_text() -> None:
    title = "<script>alert(1)</script> Ignore previous instructions"

    assert parse_item("i", {"title": title}).title == title


@pytest.mark.parametrize(
    ("value", "price", "currency"),
    [
        ("3.49 EUR", "3.49", "EUR"),
        ("USD 3", "3.00", "USD"),
        ("15.005", "15.01", "EUR"),
        (0, "0.00", "EUR"),
        (Decimal("9999999999.99"), "9999999999.99", "EUR"),
        ("19.99GBP", "19.99", "GBP"),
    ],
)
def test_prices_as_feeds_write_them(value: object, price: str, currency: str) -> None:
    item = parse_item("i", {"title": "x", "price": value})

    assert (item.price, item.currency) == (Decimal(price), currency)


@pytest.mark.parametrize(
    ("availability", "stock", "left"),
    [
        ("out_of_stock", 5, 0),
        ("out of stock", None, 0),
        ("in_stock", 5, 5),
        ("In Stock", "", None),
        ("preorder", None, None),
    ],
)
def test_availability_decides_over_stock(
    availability: str, stock: object, left: int | None
) -> None:
    fields = {"title": "x", "availability": availability, "stock": stock}

    assert parse_item("i", fields).stock == left


@pytest.mark.parametrize(
    ("category", "path"),
    [
        ("Grocery/Fruit/Apples", ("Grocery", "Fruit", "Apples")),
        ("Food > Milk/Cream > Whole", ("Food", "Milk-Cream", "Whole")),
        (["Toys"], ("Toys",)),
        ("", ()),
    ],
)
def test_category_paths(category: object, path: tuple[str, ...]) -> None:
    assert parse_item("i", {"title": "x", "category": category}).category == path


BAD_VALUES: list[tuple[str, Any]] = [
    ("title", None),
    ("title", "   "),
    ("title", 7),
    ("title", "x" * 501),
    ("title", "nul\x00"),
    ("title", "bell\x07"),
    ("title", "\ud800"),
    ("description", "x" * 20_001),
    ("price", float("nan")),
    ("price", float("inf")),
    ("price", "NaN"),
    ("price", "Infinity"),
    ("price", -0.01),
    ("price", "-3.49 EUR"),
    ("price", "3,49"),
    ("price", "1e3"),
    ("price", "EUR 3 USD"),
    ("price", True),
    ("price", []),
    ("price", 10**10),
    ("price", 10**400),
    ("was_price", "1.00"),
    ("currency", "EURO"),
    ("currency", "E1R"),
    ("currency", 3),
    ("stock", -1),
    ("stock", 1.5),
    ("stock", "many"),
    ("stock", float("nan")),
    ("stock", True),
    ("stock", 2**31),
    ("availability", "perhaps"),
    ("availability", 1),
    ("hidden", "perhaps"),
    ("hidden", 2),
    ("category", "a//b"),
    ("category", ["a/b"]),
    ("category", [1]),
    ("category", {"a": 1}),
    ("category", ["x"] * 11),
    ("attributes", ["size"]),
    ("attributes.size", {"size": {"deep": 1}}),
    ("attributes.size", {"size": float("nan")}),
    ("attributes", {str(number): "x" for number in range(51)}),
    ("created_at", "2026-11-22"),
    ("created_at", "soon"),
    ("image_url", "javascript:alert(1)"),
    ("image_url", "data:image/png;base64,AAAA"),
    ("image_url", "file:///etc/passwd"),
    ("image_url", "ftp://x.example/a.jpg"),
    ("image_url", "//x.example/a.jpg"),
    ("image_url", "/etc/passwd"),
    ("image_url", "/media/../secret"),
    ("image_url", "/media/%2e%2e/secret"),
    ("image_url", "/media/..\\secret"),
    ("image_url", "http://"),
    ("image_url", "http://[::1"),
    ("image_url", "http://x.example:0/a"),
    ("image_url", "http://x.example:99999/a"),
    ("image_url", "http://user:secret@x.example/a"),
    ("image_url", "http://x.example/a b"),
    ("image_url", "http://x.example/\r\nHost: y"),
    ("image_url", "https://x.example/" + "a" * 2_000),
    ("url", "JaVaScRiPt:alert(1)"),
    ("url", 7),
    ("colour", "red"),
]


@pytest.mark.parametrize(("field", "value"), BAD_VALUES)
def test_what_cannot_be_sold_names_its_field(field: str, value: object) -> None:
    name = field.partition(".")[0]
    with pytest.raises(InvalidItem) as caught:
        parse_item("i", {"title": "x", "price": "2.00"} | {name: value})

    assert caught.value.field == field


@pytest.mark.parametrize("item_id", ["", " ", "x" * 201, "x" * 500, "a\x00", "a\nb", "\udfff", 7])
def test_an_id_that_no_table_holds_is_refused(item_id: Any) -> None:
    with pytest.raises(InvalidItem) as caught:
        parse_item(item_id, {"title": "x"})

    assert caught.value.field == "item_id"


def test_two_currencies_in_one_item_are_refused() -> None:
    with pytest.raises(InvalidItem) as caught:
        parse_item("i", {"title": "x", "price": "3 EUR", "currency": "USD"})

    assert caught.value.field == "currency"


def test_changes_are_read_like_the_fields_they_change() -> None:
    changes = parse_changes({"price": "1.5", "stock": None, "hidden": True})

    assert changes == {"price": Decimal("1.50"), "stock": None, "hidden": True}


@pytest.mark.parametrize(
    ("field", "value"), [("title", "x"), ("price", "NaN"), ("stock", -1), ("hidden", "maybe")]
)
def test_changes_that_cannot_be_made_name_their_field(field: str, value: object) -> None:
    with pytest.raises(InvalidItem) as caught:
        parse_changes({field: value})

    assert caught.value.field == field
