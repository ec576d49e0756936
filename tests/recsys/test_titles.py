"""A row's title says only what is true of all its items."""

import pytest

from recsys.serving.titles import title
from recsys.types import Item, Recommendation, Source


def _row(*items: Item, source: Source = Source.PERSONAL) -> list[Recommendation]:
    return [
        Recommendation(item_id=item.item_id, rank=rank, score=1.0, source=source)
        for rank, item in enumerate(items, start=1)
    ]


APPLE = Item(item_id="a", title="Apple", brand="Orchard", category=("Food", "Fruit", "Apples"))
PEAR = Item(item_id="p", title="Pear", brand="Orchard", category=("Food", "Fruit", "Pears"))
BREAD = Item(item_id="b", title="Bread", brand="Mill", category=("Food", "Bakery"))
LAMP = Item(item_id="l", title="Lamp", category=("Home",))


@pytest.mark.parametrize(
    ("template", "items", "about", "expected"),
    [
        ("More {category}", [APPLE, PEAR], None, "More Fruit"),
        ("More {category}", [APPLE, PEAR, BREAD], None, "More Food"),
        ("More {category}", [APPLE, LAMP], None, "Picked for you"),
        ("More of {brand}", [APPLE, PEAR], None, "More of Orchard"),
        ("More of {brand}", [APPLE, BREAD], None, "Picked for you"),
        ("More of {brand}", [LAMP], None, "Picked for you"),
        ("Goes with {item}", [PEAR], APPLE, "Goes with Apple"),
        ("Goes with {item}", [PEAR], None, "Picked for you"),
        ("Fresh today", [LAMP], None, "Fresh today"),
        ("", [LAMP], None, "Picked for you"),
    ],
)
def test_a_name_is_filled_in_only_where_it_holds(template, items, about, expected) -> None:
    assert title(template, _row(*items), items, about) == expected


def test_an_empty_row_has_a_title_too() -> None:
    assert title("More {category}", [], [], None) == "For you"


@pytest.mark.parametrize("source", list(Source))
def test_every_source_has_a_plain_title(source: Source) -> None:
    said = title("{brand}", _row(LAMP, source=source), [LAMP], None)

    assert said
    assert "{" not in said


def test_a_hostile_name_is_only_text() -> None:
    odd = Item(item_id="x", title="{brand} <b>&", brand="{item}", category=("c",))

    assert title("From {brand}", _row(odd), [odd], odd) == "From {item}"
    assert title("Like {item}", _row(odd), [odd], odd) == "Like {brand} <b>&"


@pytest.mark.parametrize("template", ["Picked for you", "Picked for you in {category}"])
def test_bestsellers_for_a_stranger_are_not_called_picked_for_you(template: str) -> None:
    bestsellers = _row(APPLE, PEAR, source=Source.POPULAR)

    assert title(template, bestsellers, [APPLE, PEAR], None) == "Popular right now"
    mixed = [*_row(APPLE), *bestsellers[1:]]
    assert title(template, mixed, [APPLE, PEAR], None).startswith("Picked for you")


def test_what_fills_up_is_not_called_similar_to_the_pages_item() -> None:
    alike, other = _row(PEAR, source=Source.SIMILAR), _row(BREAD, source=Source.POPULAR)

    assert title("Similar to {item}", alike, [PEAR], APPLE) == "Similar to Apple"
    assert title("Similar to {item}", alike + other, [PEAR, BREAD], APPLE) == "Similar items"


def test_a_row_of_nothing_keeps_a_title_that_names_nothing() -> None:
    assert title("Picked for you", [], [], None) == "Picked for you"
