"""A campaign's lines differ where its catalogue allows it, and never fail where it does not."""

from collections import Counter
from dataclasses import replace

import pytest

from generative import evaluation
from generative.campaigning import diversity
from generative.campaigning.diversity import ALIKE, FRESH, OPENED, Said
from generative.copy.rewording import varied
from generative.floor import floor
from generative.studio import Studio
from generative.types import Brief, ItemFacts

MANY = 40


@pytest.fixture
def studio(config, monkeypatch):
    """Words alone: banners are not the subject."""
    made = Studio(replace(config, copy_providers=("extractive", "template")))
    monkeypatch.setattr(made, "_draw", _no_picture)
    return made


def _no_picture(*_args, **_options):
    from types import SimpleNamespace

    return SimpleNamespace(banner=None, provenance={}, checks={}, audit={})


def campaign(studio, items):
    said = Said(items=len(items))
    lines = []
    for item in items:
        made = studio.make(
            Brief(item=item), avoid=said.avoid(item.item_id), worn=said.worn(item.item_id)
        )
        said.tell(item.item_id, made.copy.tagline)
        lines.append(made)
    return lines


def alike(n=MANY, description="Fits well for breakfast and snacks."):
    """A shelf of yogurts that all have the same one sentence."""
    return [
        ItemFacts(
            item_id=f"y{number}",
            title=f"Yogurt {chr(65 + number % 26)}{number // 26}",
            description=description,
            category=("Grocery", "Dairy"),
        )
        for number in range(n)
    ]


def test_an_opener_is_worn_once_a_tenth_of_the_items_open_with_it():
    said = diversity.said([("a", "Fits here."), ("b", "Fits there.")], items=20)

    assert said.quota == 2
    assert said.avoid("c") == {"fits"}
    assert said.worn("c")("Fits well for breakfast.") == OPENED
    assert said.worn("c")("Ripens slowly in the sun.") == FRESH


def test_an_items_own_lines_wear_nothing_of_it():
    said = diversity.said([("a", "Fits a table of oak.")], items=4)

    assert said.avoid("a") == frozenset()
    assert said.worn("a")("Fits a table of oak.") == FRESH


def test_a_line_that_says_what_anothers_says_is_worn():
    said = diversity.said([("a", "Made of brown wool from the hills.")], items=100)

    assert said.worn("b")("Made of brown wool from the hills.") == ALIKE
    assert said.worn("b")("A round table for four guests.") == FRESH


def test_one_item_may_always_open_as_it_does():
    assert Said(items=3).quota == 1


def test_no_opener_has_more_than_a_tenth_of_a_campaign_while_there_are_others(studio):
    described = [
        replace(
            item,
            description=f"Fits well for breakfast. {word} taste with a hint of herbs. Keeps {word.lower()} for a week.",
        )
        for item, word in zip(
            alike(20), ("Sharp", "Mild", "Sweet", "Round", "Deep") * 4, strict=True
        )
    ]

    made = campaign(studio, described)

    lines = [one.copy.tagline for one in made]
    assert evaluation.top_opener(lines) <= 0.1


def test_a_shelf_that_has_one_sentence_does_not_say_it_forty_times(studio):
    lines = [one.copy.tagline for one in campaign(studio, alike())]

    assert max(Counter(lines).values()) <= 4
    assert evaluation.top_opener(lines) <= 0.1


def test_where_nothing_else_can_be_said_the_line_is_said_again_and_marked(studio):
    bare = [replace(item, description="", category=()) for item in alike(12)]

    made = campaign(studio, bare)

    assert {one.copy.tagline for one in made} == {"Picked for you."}
    assert made[-1].checks["worn"] == OPENED


def test_without_a_campaign_nothing_is_worn(studio):
    item = alike(1)[0]

    assert [studio.make(Brief(item=item)).checks["worn"] for _ in range(3)] == [FRESH] * 3


def test_kept_words_that_are_worn_give_way(studio):
    first = alike(1)[0]
    kept = studio.make(Brief(item=first)).copy.tagline
    said = diversity.said([("other", kept)], items=1)

    again = studio.make(Brief(item=first), avoid=said.avoid("y0"), worn=said.worn("y0"))

    assert again.copy.tagline != kept


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("Fits well for breakfast and snacks.", "For breakfast and snacks."),
        ("Fits the breakfast table.", "For the breakfast table."),
        ("A popular choice for porridge.", "Try it for porridge."),
        ("Can be enjoyed at breakfast time.", "Enjoyed at breakfast time."),
        ("Fits well in salads.", "Dairy in salads."),
    ],
)
def test_a_clause_is_said_in_other_words_and_no_others(line, meant):
    brief = Brief(item=alike(1)[0])

    said = varied([line], brief)

    assert line in said
    assert meant in said


def test_which_words_an_item_shows_is_its_own_and_stays():
    floors = [floor(Brief(item=item)).copy.tagline for item in alike()]

    assert floors == [floor(Brief(item=item)).copy.tagline for item in alike()]
    assert len(set(floors)) == 4
    assert evaluation.top_opener(floors) < 0.5


def test_another_language_is_left_as_it_is():
    brief = Brief(item=alike(1)[0], locale="de")

    assert varied(["Fits well for breakfast."], brief) == ["Fits well for breakfast."]
