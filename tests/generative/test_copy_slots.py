import pytest

from generative.copy.slots import amounts, fill, unfilled
from generative.types import ItemFacts

OFFER = ItemFacts(item_id="a", title="Tea", price="4.00", was_price="5.00")


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", "€4.00 instead of €5.00, -20%"),
        ("de", "4,00\u00a0€ instead of 5,00\u00a0€, -20\u00a0%"),
        ("ja", "€4.00 instead of €5.00, -20%"),
    ],
)
def test_slots_are_filled_from_facts_in_the_languages_own_way(locale, said):
    assert fill("{price} instead of {was}, {saving}", OFFER, locale) == said


def test_a_slot_with_nothing_to_say_is_named():
    item = ItemFacts(item_id="a", title="Tea", price="4.00")

    assert unfilled("now {price}", item) == ""
    assert unfilled("was {was}", item) == "slot {was} has no amount"
    assert unfilled("{margin}", item) == "unknown slot {margin}"


@pytest.mark.parametrize(
    ("price", "was", "saving"),
    [
        ("4.00", "4.10", ""),
        ("2.00", "3.00", "-33%"),
        ("0", "3.00", ""),
        ("5.00", "4.00", ""),
        ("abc", "4.00", ""),
    ],
)
def test_a_saving_is_rounded_down_and_never_invented(price, was, saving):
    item = ItemFacts(item_id="a", title="Tea", price=price, was_price=was)

    assert amounts(item, "en")["saving"] == saving


def test_money_without_a_hundredth_part_is_printed_whole():
    item = ItemFacts(item_id="a", title="Tea", price="1280.00", currency="JPY")

    assert amounts(item, "ja")["price"] == "¥1,280"
