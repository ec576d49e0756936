"""Why an item was chosen is in its brief only where it changes a word, so that few creatives are made."""

from dataclasses import replace

import pytest

from generative.brief import AGAIN, clean, copy_key, key
from generative.copy.audience import eyebrows
from generative.types import Audience


def test_what_comes_back_says_so_above_its_headline(brief):
    again = replace(brief, audience=Audience(categories=("Fruit",)), reason=AGAIN)

    assert eyebrows(clean(again)) == ("Buy it again",)
    assert key(again, "f") != key(replace(again, reason=""), "f")


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es", "ar", "he", "ja", "zh", "xx"])
def test_it_says_so_in_every_language_that_has_fixed_words(brief, locale):
    assert eyebrows(clean(replace(brief, reason=AGAIN, locale=locale)))


@pytest.mark.parametrize("reason", ["similar", "popular", "because_viewed", "new"])
def test_a_reason_that_changes_no_word_changes_no_key(brief, reason):
    assert key(replace(brief, reason=reason), "f") == key(brief, "f")


def test_the_words_below_are_the_same_whatever_the_reason(brief):
    assert copy_key(replace(brief, reason=AGAIN), "f") == copy_key(brief, "f")
