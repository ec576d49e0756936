"""Every copy provider answers a brief the same way."""

import pytest

from generative.brief import clean
from generative.checks.claims import judge
from generative.copy.candidate import CopyProvider
from generative.copy.extractive import ExtractiveCopy
from generative.copy.language_model import INSTALL, LlamaCopy, identity
from generative.copy.limits import limits
from generative.copy.template import TemplateCopy
from generative.types import Brief, ItemFacts

ITEM = ItemFacts(
    item_id="boutique-1",
    title="Black Leather Backpack",
    description="Handmade leather backpack with sturdy straps and a padded back. Looks great at the office.",
    category=("Boutique", "Bags"),
    price="109.99",
)


@pytest.fixture(params=["template", "extractive", "llama"], scope="module")
def provider(request: pytest.FixtureRequest) -> CopyProvider:
    if request.param == "template":
        return TemplateCopy()
    if request.param == "extractive":
        return ExtractiveCopy()
    if identity("") == "none":
        request.getfixturevalue("skip_or_fail")(f"no language model installed: {INSTALL}")
    return LlamaCopy(gguf_path="", samples=2, threads=1, timeout_seconds=60)


def test_candidates_name_their_provider_and_seed(provider: CopyProvider) -> None:
    candidates = provider.write(clean(Brief(item=ITEM)), seed=7)

    assert candidates
    assert {candidate.provider for candidate in candidates} == {provider.name}
    assert all(candidate.seed >= 7 for candidate in candidates)


def test_candidates_have_all_three_words(provider: CopyProvider) -> None:
    room = limits("hero")
    for candidate in provider.write(clean(Brief(item=ITEM, size="hero")), seed=0):
        assert candidate.copy.headline
        assert candidate.copy.tagline
        assert 0 < len(candidate.copy.action) <= room.action


def test_only_a_model_marks_its_words_as_generated(provider: CopyProvider) -> None:
    for candidate in provider.write(clean(Brief(item=ITEM)), seed=0):
        assert candidate.ai_generated == (provider.name == "llama")


def test_an_empty_item_gets_no_invented_words(provider: CopyProvider) -> None:
    written = provider.write(clean(Brief(item=ItemFacts(item_id="", title=""))), seed=0)

    assert provider.name == "template" or written == []


def test_what_the_facts_do_not_say_is_not_said(provider: CopyProvider) -> None:
    if provider.name == "template":
        return  # its fixed words are trusted, not judged
    brief = clean(Brief(item=ITEM, size="hero"))

    for candidate in provider.write(brief, seed=0):
        assert judge(candidate.copy, brief).support == 1.0
