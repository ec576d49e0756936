from decimal import Decimal

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.serving import assortment as assortments
from recsys.serving import personas
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


def persona_of(shelf: Shelf, history: UserHistory) -> Persona:
    return personas.persona_of(assortments.of(ModelBundle.empty(), shelf), history)


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


def test_an_assortment_that_follows_another_knows_the_prices_as_they_are_now(priced: Shelf) -> None:
    random = np.random.default_rng(5)
    shelf = priced
    one = assortments.of(ModelBundle.empty(), shelf)
    asked = _viewed("f1", "f3", "f5", "f8", "f12", "flat")
    told: list[tuple[Shelf, Persona]] = []
    for revision in range(1, 40):
        number = int(random.integers(1, 14))
        price = None if random.random() < 0.2 else Decimal(int(random.integers(1, 20)))
        aisle = ("Fruit", "Bread")[int(random.integers(2))]
        written = Item(item_id=f"f{number}", title="F", category=("Grocery", aisle), price=price)
        shelf = shelf.changed([written], revision=revision)
        before, one = one, assortments.of(one.bundle, shelf, before=one)
        told.append((shelf, personas.persona_of(one, asked)))
        personas.persona_of(before, asked)  # a request that began before the change

    assert len({persona for _, persona in told}) > 1
    assert [persona for _, persona in told] == [
        persona_of(Shelf.of(shelf.items.values()), asked) for shelf, _ in told
    ]


def test_of_two_departments_alike_the_one_that_comes_first(priced: Shelf) -> None:
    assert persona_of(priced, _viewed("sofa", "flat")).categories == ("Books",)
    assert persona_of(priced, _viewed("flat", "sofa")).categories == ("Books",)
