"""A tuned voice's words: those of the entry and words that claim nothing, and never money."""

import re

import pytest

from generative.checks.parse import parse
from generative.checks.vocabulary import FUNCTION, HARMLESS
from generative.copy.word_grammar import GLUE, stock, word_forms, word_grammar
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


def test_glue_is_free_in_the_checks_and_claims_nothing():
    free = FUNCTION | HARMLESS

    assert [word for word in GLUE if word not in free] == []
    assert [claim.text for word in GLUE for claim in parse(f"{word} it")[1]] == []


def test_the_entrys_words_are_there_and_no_other():
    words = word_forms(ITEM) - set(GLUE)

    assert {"vine-ripe", "tomatoes", "salads", "rinse", "great"} <= words
    assert words <= {
        *[
            "vine-ripe",
            "tomatoes",
            "tomatoe",
            "loose",
            "rinse",
            "boxes",
            "boxe",
            "box",
            "only",
            "less",
            "great",
        ],
        *["salads", "salad", "vegetables", "vegetable"],
    } | {"vine", "ripe", "g"}


def test_a_number_stays_with_what_it_counts_and_a_pack_number_is_none():
    numbers = [word for word in stock(ITEM, "hero").word if re.search(r"\d", word)]

    assert sorted(numbers) == ["2 boxes", "500 g"]


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
    words = stock(ITEM, "hero", avoid=frozenset({"great", "enjoy"}))

    assert not {"Great", "Enjoy"} & set(words.opening)
    assert {"Great", "Enjoy"} <= set(words.first)


def test_lines_are_shorter_where_there_is_less_room():
    assert stock(ITEM, "leaderboard").tagline[1] < stock(ITEM, "hero").tagline[1]
