"""A tuned voice's words: those of the entry and words that claim nothing, and never money."""

import re

import pytest

from generative.checks.parse import parse
from generative.checks.vocabulary import FUNCTION, HARMLESS
from generative.copy.word_grammar import GLUE, stock, word_grammar
from generative.types import ItemFacts

ITEM = ItemFacts(
    item_id="1",
    title="Vine-Ripe Tomatoes, loose, No. 3",
    description="Rinse 2 boxes of 500 g tomatoes, only $4.99, 20% less. Great in salads.",
    category=("Grocery", "Vegetables"),
    brand="Store brand",
    price="4.99",
    attributes={"size": "500 g"},
)


def word_forms(item: ItemFacts) -> frozenset[str]:
    """Every word, in lower case, that the grammar of an item can print."""
    runs = (*stock(item).first, *GLUE)
    return frozenset(word.lower() for run in runs for word in run.split())


def test_glue_is_free_in_the_checks_and_claims_nothing():
    free = FUNCTION | HARMLESS

    assert [word for word in GLUE if word not in free] == []
    assert [claim.text for word in GLUE for claim in parse(f"{word} it")[1]] == []


def test_the_entrys_words_are_there_and_no_other():
    words = word_forms(ITEM) - set(GLUE)

    assert (
        words
        == {
            *(
                "vine-ripe",
                "ripe",
                "tomatoes",
                "rinse",
                "2",
                "boxes",
                "500",
                "g",
                "great",
                "salads",
            ),
            *("a", "less", "an"),
        }
        & words
    )
    assert {"vine-ripe", "tomatoes", "salads", "boxes"} <= words


def test_a_run_keeps_the_order_of_the_entry_and_ends_where_it_ends():
    item = ItemFacts(item_id="1", title="Bag", description="A soft brown leather bag with a zip.")

    runs = stock(item).runs

    assert {"a soft brown leather bag", "brown leather bag", "leather bag", "zip"} <= set(runs)
    assert not [run for run in runs if "zip" in run and "leather" in run]
    assert "soft brown" not in runs


def test_what_the_entry_denies_or_sets_beside_the_item_is_not_offered():
    item = ItemFacts(
        item_id="1",
        title="Bag",
        description="Canvas bag without leather. Pairs with a wool coat. Strap sold separately.",
    )

    words = word_forms(item)

    assert "canvas" in words
    assert not {"leather", "wool", "coat", "strap"} & words


def test_a_number_stays_with_what_it_counts_and_a_pack_number_is_none():
    numbers = {run for run in stock(ITEM).runs if re.search(r"\d", run)}

    assert {"2 boxes", "500 g tomatoes"} <= numbers
    assert not [run for run in numbers if "3" in run]


def test_no_money_and_no_share_can_be_written_only_a_slot():
    rules = word_grammar(ITEM, "hero")

    assert "4.99" not in rules
    assert "20" not in rules
    assert "$" not in rules
    assert "{price}" in rules


@pytest.mark.parametrize(("size", "priced"), [("hero", True), ("square", True)])
def test_a_slot_is_offered_only_for_a_price_that_is_there(size, priced):
    free = ItemFacts(item_id="1", title="Cup", description="White cup.")

    assert ("{price}" in word_grammar(ITEM, size)) is priced
    assert "{price}" not in word_grammar(free, size)


def test_no_tagline_may_open_with_a_worn_word():
    rules = word_grammar(ITEM, "hero", avoid=frozenset({"great", "enjoy"}))
    lead = next(line for line in rules.splitlines() if line.startswith("lead"))
    opening = next(line for line in rules.splitlines() if line.startswith("opening"))

    assert '"Enjoy"' not in lead
    assert '"Great"' not in opening
    assert '"Discover"' in lead


def test_an_entry_of_nothing_still_has_rules():
    assert "root" in word_grammar(ItemFacts(item_id="1", title="?"), "hero")


def test_an_attribute_is_offered_where_it_says_a_colour_or_more_than_a_kind():
    item = ItemFacts(
        item_id="1",
        title="Mug",
        description="Land a big one with this mug.",
        attributes={"style": "consumable", "colour": "olive", "fit": "loose fit"},
    )

    words = word_forms(item) - set(GLUE)

    assert {"olive", "loose", "mug"} <= words
    assert not {"consumable", "big"} & words
