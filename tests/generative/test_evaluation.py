"""Figures of copy against values worked out by hand."""

import math

import pytest

from generative import evaluation
from generative.types import ItemFacts

LINES = ["Soft wool for cold days.", "Soft wool for warm days.", "A bag of canvas."]


def test_a_line_is_verbatim_when_its_words_stand_in_a_row() -> None:
    description = "Made of soft, grey wool. It keeps you warm."

    assert evaluation.is_verbatim("Soft grey wool.", description)
    assert not evaluation.is_verbatim("Grey soft wool", description)
    assert not evaluation.is_verbatim("oft grey", description)
    assert not evaluation.is_verbatim("", description)
    assert evaluation.verbatim([("Soft grey wool", description), ("A wool", description)]) == 0.5


def test_distinct_counts_different_pairs_of_words() -> None:
    # 4 + 4 + 3 pairs, of which "soft wool" and "wool for" come twice.
    assert evaluation.distinct(LINES, 2) == pytest.approx(9 / 11)
    assert evaluation.distinct([], 2) == 0.0


def test_openers_are_counted_without_case_or_marks() -> None:
    assert evaluation.openers(["Soft wool", "soft, warm", "A bag"]) == {"soft": 2, "a": 1}
    assert evaluation.top_opener(LINES) == pytest.approx(2 / 3)
    assert evaluation.opener_entropy(["One", "Two", "Three", "Four"]) == pytest.approx(2.0)
    assert evaluation.opener_entropy(["One", "One"]) == 0.0


def test_bleu_is_one_for_the_reference_and_nothing_without_a_common_word() -> None:
    line = "a soft grey wool scarf for cold days"

    assert evaluation.bleu([line], [[line]]) == pytest.approx(1.0)
    assert evaluation.bleu([line], [["entirely different"]]) == 0.0
    assert evaluation.bleu(["a soft"], [[line]]) < evaluation.bleu([line], [[line]])


def test_bleu_punishes_shortness_as_papineni_says() -> None:
    # All of three words match; the brevity penalty alone is left.
    found = evaluation.bleu(["one two three"], [["one two three four five six"]])

    assert found == pytest.approx(math.exp(1 - 6 / 3))


def test_rouge_l_is_the_f1_of_the_longest_common_subsequence() -> None:
    # "soft wool days" in order: 3 of 4 words said, 3 of 5 wanted.
    found = evaluation.rouge_l(["soft wool days now"], [["soft grey wool cold days"]])

    assert found == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))


def test_self_bleu_is_one_where_every_line_is_the_same() -> None:
    assert evaluation.self_bleu(["the same soft line"] * 3) == pytest.approx(1.0)
    assert evaluation.self_bleu(["one two", "three four"]) == 0.0


def test_support_is_the_share_of_words_that_the_facts_hold() -> None:
    item = ItemFacts(item_id="1", title="Wool scarf", description="A grey scarf.")

    assert evaluation.support([("Grey scarf", item), ("Golden trumpet", item)]) == 0.5
