from dataclasses import replace

import pytest

from generative.brief import clean
from generative.checks.claims import judge
from generative.copy.candidate import Candidate
from generative.copy.prompts import example_lines
from generative.providers import MemoryLedger, write
from generative.types import Brief, Copy, ItemFacts

GOOD = Copy(headline="Pink Lady", tagline="Crisp pink apple, sweet taste.", action="Shop now")


def verdict(brief, **words):
    return judge(replace(GOOD, **words), clean(brief), forbidden=example_lines())


def test_copy_made_of_facts_passes(brief):
    assert verdict(brief).problems == ()
    assert verdict(brief).support == 1.0


@pytest.mark.parametrize(
    ("tagline", "problem"),
    [
        ("Crisp pink apple, 50% off.", "share"),
        ("Crisp pink apple, only $1.99.", "price"),
        ("Crisp pink apple, only €2.50.", "price"),
        ("Crisp pink apple with 12 vitamins.", "number 12"),
        ("Three crisp pink apples.", "amount"),
        ("Crisp pink apple on sale.", "deal"),
        ("Crisp pink apple at bargain taste.", "deal"),
        ("The best crisp pink apple.", "claim"),
        ("Organic crisp pink apple taste.", "claim"),
        ("Free crisp pink apple taste.", "claim"),
        ("Crisp pink apple, guaranteed sweet.", "claim"),
        ("Crisp <b>pink</b> apple.", "markup"),
        ("Crisp pink apple [insert taste].", "markup"),
        ("Crisp pink apple, sweet taste 🍎.", "pictogram"),
        ("Crisp pink\u202e apple, sweet taste.", "control"),
        ("As an AI I like crisp pink apple.", "prompt"),
        ("Here is the headline: crisp pink apple.", "prompt"),
        ("Woven, hemmed, and softer with every wash.", "example"),
        ("Pink Lady", "repeats the headline"),
        ("Crisp pink apple with a", "ends in the middle"),
        ("crisp pink apple, sweet taste.", "lower case"),
        ("CRISP PINK APPLE SWEET TASTE.", "shouts"),
        ("Crisp crisp pink apple taste.", "repeats itself"),
        ("Crisp pink apple!!! Sweet taste.", "punctuation"),
        ("Damn crisp pink apple taste.", "rude"),
        ("Crisp pink apple " * 9, "characters"),
        ("", "characters"),
        ("Bright galaxies whisper ancient melodies.", "of its words"),
    ],
)
def test_copy_that_says_more_than_the_facts_is_refused(brief, tagline, problem):
    problems = verdict(brief, tagline=tagline).problems

    assert any(problem in found for found in problems), problems


@pytest.mark.parametrize(
    "tagline",
    ["Crisp pink apple, €2.49.", "Crisp pink apple, reduced.", "Crisp pink apple, 28% off."],
)
def test_money_is_refused_even_where_it_is_right(brief, tagline):
    reduced = replace(brief, item=replace(brief.item, was_price="3.49"))

    problems = verdict(reduced, tagline=tagline).problems

    assert any("only a slot may" in found for found in problems), problems


@pytest.mark.parametrize(
    ("tagline", "was", "passes"),
    [
        ("Crisp pink apple, for {price}.", None, True),
        ("Crisp pink apple, now {price}, was {was}.", "3.49", True),
        ("Crisp pink apple, reduced: {saving}.", "3.49", True),
        ("Crisp pink apple, now {price}, was {was}.", None, False),
        ("Crisp pink apple, now {price}, was {was}.", "1.00", False),
        ("Crisp pink apple, reduced: {price}.", "3.49", False),
        ("Crisp pink apple, for {cost}.", None, False),
        ("Crisp pink apple, for {price.", None, False),
    ],
)
def test_a_slot_passes_where_the_catalogue_can_fill_it(brief, tagline, was, passes):
    priced = replace(brief, item=replace(brief.item, was_price=was))

    assert verdict(priced, tagline=tagline).passed is passes


def test_proofs_keep_their_places_behind_a_slot(brief):
    found = verdict(brief, headline="Now {price}: Pink Lady", tagline="Crisp and sweet.").proofs

    said = "Now {price}: Pink Lady. Crisp and sweet."
    assert [said[claim.start : claim.end] for claim, _ in found] == [
        claim.text for claim, _ in found
    ]
    assert "Crisp" in [claim.text for claim, _ in found]


def test_a_claim_that_a_field_makes_passes(item):
    organic = Brief(item=replace(item, attributes={"label": "organic"}))

    assert verdict(organic, tagline="Crisp organic pink apple.").passed


def test_what_the_facts_deny_is_not_said():
    oil = Brief(
        item=ItemFacts(item_id="x", title="Plain Oil", description="Smooth oil without a scent.")
    )

    refused = verdict(oil, headline="Plain Oil", tagline="Smooth oil, scent.")
    passed = verdict(oil, headline="Plain Oil", tagline="Smooth oil without a scent.")

    assert "the facts deny 'scent'" in refused.problems
    assert passed.passed


def test_a_text_at_its_limit_is_refused(brief):
    assert not judge(GOOD, clean(brief), at_limit=True).passed


def test_a_hero_has_more_room_than_a_rectangle(brief):
    tagline = "Crisp pink apple with a sweet, clear taste that keeps in a cool place."

    assert not verdict(brief, tagline=tagline).passed
    assert verdict(replace(brief, size="hero"), tagline=tagline).passed


def test_a_name_spelled_wrong_is_refused(item):
    melon = Brief(item=replace(item, title="Cantaloupe", description="Sweet orange melon."))

    assert verdict(melon, headline="Cantaloupe", tagline="Sweet orange melon.").passed
    assert (
        "misspelt"
        in verdict(melon, headline="Cantalope", tagline="Sweet orange melon.").problems[0]
    )


def test_a_figure_of_speech_denies_nothing():
    item = ItemFacts(
        item_id="1",
        title="Fishing Lure",
        description="Catch your limit in no time with a silver lure.",
    )
    copy = Copy(headline="Fishing Lure", tagline="Silver lure, made for your limit.", action="Buy")

    assert judge(copy, clean(Brief(item=item))).problems == ()


def test_a_line_that_its_own_provider_finds_halting_is_refused(brief):
    halting = Candidate(copy=GOOD, provider="llama", model="m", problems=("halting",))
    sound = Candidate(copy=GOOD, provider="llama", model="m")

    class Speaker:
        name = "llama"

        def write(self, *_, **__):
            return [halting, sound]

    told = write(
        [Speaker()],
        clean(brief),
        seed=0,
        ledger=MemoryLedger(),
        judged=lambda candidate, cleaned: judge(candidate.copy, cleaned),
    )

    assert [candidate for candidate, _ in told.passed] == [sound]
    assert "halting" in str(told.refused)


@pytest.mark.parametrize(
    "tagline",
    [
        "Land a big one with this spotted lure with green tail.",
        "Fits well, for example, from boat or from shore.",
    ],
)
def test_joining_words_may_come_twice_and_an_example_is_no_leak(tagline):
    item = ItemFacts(item_id="1", title="Spotted Lure", description=tagline)

    copy = Copy(headline="Spotted Lure", tagline=tagline, action="Shop now")

    assert judge(copy, clean(Brief(item=item, size="hero"))).problems == ()
