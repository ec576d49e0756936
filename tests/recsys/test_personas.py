from decimal import Decimal

import pytest

from recsys.catalogue.shelf import Shelf
from recsys.serving.personas import persona_of
from recsys.types import EventKind, Item, Persona, UserHistory


@pytest.fixture
def priced() -> Shelf:
    fruit = [
        Item(item_id=f"f{n}", title="F", category=("Grocery", "Fruit", "Any"), price=Decimal(n))
        for n in range(1, 10)
    ]
    sofa = Item(item_id="sofa", title="S", category=("Boutique", "Sofas"))
    flat = Item(item_id="flat", title="Flat", category=("Books",), price=Decimal(5))
    return Shelf.of([*fruit, sofa, flat])


def _viewed(*item_ids: str, kind: EventKind = EventKind.VIEW) -> UserHistory:
    return UserHistory(item_ids=item_ids, kinds=(kind,) * len(item_ids))


@pytest.mark.parametrize(
    ("item_ids", "expected"),
    [
        (("f1", "f2"), Persona(categories=("Fruit",), price_band="value")),
        (("f4", "f6"), Persona(categories=("Fruit",), price_band="mid")),
        (("f8", "f9", "sofa"), Persona(categories=("Fruit",), price_band="premium")),
        (("sofa",), Persona(categories=("Sofas",), price_band="any")),
        (("flat",), Persona(categories=("Books",), price_band="mid")),
        (("sofa", "f5"), Persona(categories=("Fruit",), price_band="mid")),
        (("unknown",), Persona()),
        ((), Persona()),
    ],
)
def test_a_persona_is_the_favourite_category_and_its_price_band(
    priced: Shelf, item_ids: tuple[str, ...], expected: Persona
) -> None:
    assert persona_of(priced, _viewed(*item_ids)) == expected


def test_what_was_dismissed_says_nothing(priced: Shelf) -> None:
    assert persona_of(priced, _viewed("f1", kind=EventKind.DISMISS)) == Persona()


def test_an_empty_shelf_knows_everyone_only() -> None:
    assert persona_of(Shelf.empty(), _viewed("f1")).label == "everyone"
