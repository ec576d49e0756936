"""Sentences of an entry turned about: good English in the entry's own words, and no copy."""

from pathlib import Path
from typing import Any

import pytest

from generative.brief import clean
from generative.checks.claims import judge
from generative.copy.grammar import choice
from generative.copy.grammar import grammar as phrases
from generative.copy.language_model import LlamaCopy
from generative.copy.turned import MAX_SENTENCE, turned, turning
from generative.evaluation import is_verbatim
from generative.types import Brief, Copy, ItemFacts

TURNS = [
    (
        "Protect your lips from the cold with this flavorful lip balm.",
        "Flavorful lip balm to protect your lips from the cold",
    ),
    ("Grate nutmeg using this compact grater", "Compact grater to grate nutmeg"),
    (
        "Take this portable speaker with you when you travel.",
        "Portable speaker to take with you when you travel",
    ),
    ("Charge your phone on the go.", "Made to charge your phone on the go"),
    ("Removes scars and moisturizes skin.", "Moisturizes skin, removes scars"),
    ("This rich leather purse has a classic style.", "Rich leather purse with a classic style"),
    (
        "Our handmade backpack will look great at the office.",
        "Handmade backpack that will look great at the office",
    ),
    ("Casual or dressy, this black hi-top has you covered.", "Black hi-top, casual or dressy"),
    (
        "With a gold chain and clasp, this bright red purse will set off any outfit.",
        "Bright red purse with a gold chain and clasp",
    ),
    ("The flesh is juicy and has a sweet taste.", "Juicy flesh with a sweet taste"),
    (
        "Garlic has unique flavor and smell, and is good in pasta.",
        "Garlic with unique flavor and smell",
    ),
    ("A classic look for the summer season.", "For the summer season, a classic look"),
    (
        "Every tackle box needs a silver and red fishing lure.",
        "Silver and red fishing lure for every tackle box",
    ),
]
UNTOUCHED = [
    "Comfy, warm, and nice.",
    "Rinse and have in the salad or on the sandwich.",  # "Rinse" has nothing
    "Clean and simple styling.",  # no invitation to clean
    "Conquer any terrain with our Alpine Trekker Pro Boots.",  # the name stands in the headline
    "Perfect for cold days.",
    # how to treat the thing is not what it is made for
    "Store in a cool place.",
    "Store away from light.",
    "Clean with a damp cloth.",
    "Clean your grinder regularly.",
    "Charge before first use.",
    "Charge your headphones before first use.",
    "Remove stones before eating.",
    "Protect from sunlight.",
    "Machine wash with like colors.",
    "Do not clean with bleach.",
    "Brew for three to five minutes.",
    "Store this fresh juice in a cool place.",
    "Charge this portable speaker for two hours.",
    "With proper care, this steel pan will last.",
    # a warning, turned, would begin with what it warns of
    "Not for infants under 12 months.",
    "Not suitable for small children.",
    "No other coat has a lining.",
    "A cup for tea without a handle.",
    "Mugs rarely have a lid.",
    "Look no further with this red coat.",
    # nor is a step of a recipe, or of the first day
    "Blend all ingredients.",
    "Charge your phone first.",
    "Store your wine at 12 degrees.",
    # a clause too many for its new place
    "Every man needs a good knife to survive.",
    "Kids have fun with it.",
    # what "has" begins is a tense
    "Customers have loved this.",
    "This red cup has never been used.",
    "Garlic has been used for centuries.",
    "This wool coat has changed the way we dress.",
    # who has it is no thing
    "You have the choice.",
    "If you have a garden.",
    "Unlike non-stick pans it has no coating.",
    # and what is named is not this one
    "The colors of this red dress are bright.",
    "You will love how this red dress is cut.",
    "For a limited time, this red cup is half price.",
    # a verb, or a part that is no quality
    "Plays for up to 6 hours on one charge.",
    "Goes well with fish and goat cheese.",
    "The handle is not removable.",
    "The bag is in the box.",
    "The box is filled with sand.",
    # a thing that is a blend or a set, cut before its last word
    "This dark coffee blend has a smooth taste.",
    "This three piece set includes two bowls.",
    "Sturdy enough for the outdoors yet stylish to wear out on the town.",
    "",
]


@pytest.mark.parametrize(("sentence", "wanted"), TURNS)
def test_a_sentence_is_turned_about(sentence: str, wanted: str) -> None:
    assert wanted in turned(sentence)


@pytest.mark.parametrize("sentence", UNTOUCHED)
def test_what_would_not_be_good_english_is_left_alone(sentence: str) -> None:
    assert turned(sentence) == []


def test_a_sentence_that_no_banner_could_hold_is_not_searched() -> None:
    """What a turn looks at is bounded: it takes the square of it."""
    sentence = "This leather bag has a wide strap"
    longer = sentence + " and a pocket" * MAX_SENTENCE

    assert turned(f"{longer}. {sentence}.") == ["Leather bag with a wide strap"]


def test_a_thing_is_not_made_for_what_is_done_to_it() -> None:
    lines = {}
    for title in ("Wireless Headphones", "Phone Charger"):
        item = ItemFacts(item_id="1", title=title, description="Charge your headphones anywhere.")
        lines[title] = [one.tagline for one in turning(clean(Brief(item=item, size="hero")), 0)]

    assert lines == {
        "Wireless Headphones": [],
        "Phone Charger": ["Made to charge your headphones anywhere."],
    }


def test_only_english_is_turned() -> None:
    item = ItemFacts(item_id="1", title="Bag", description="Ce sac a une poche with zip.")
    heard = {
        locale: len(turning(clean(Brief(item=item, size="hero", locale=locale)), 0))
        for locale in ("en-GB", "fr", "ar", "xx")
    }

    assert heard == {"en-GB": 1, "fr": 0, "ar": 0, "xx": 0}


def test_a_list_is_told_whole_and_by_its_first_ones() -> None:
    lines = turned("This leather bag features a wide strap, a zip, and a spacious interior.")

    assert lines == [
        "Leather bag with a wide strap, a zip, and a spacious interior",
        "Leather bag with a wide strap",
        "Leather bag with a wide strap and a zip",
    ]


def test_two_adjectives_with_a_comma_are_no_list() -> None:
    lines = turned("This sturdy hammer features a smooth, wooden handle.")

    assert lines == ["Sturdy hammer with a smooth, wooden handle"]


@pytest.mark.parametrize("sentence", [sentence for sentence, _ in TURNS])
def test_a_turned_sentence_is_no_copy_and_adds_no_word_that_claims(sentence: str) -> None:
    joining = {"to", "with", "that", "made", "for", "a", "featuring"}
    own = set(sentence.lower().replace(",", " ").replace(".", " ").split())

    for line in turned(sentence):
        assert not is_verbatim(line, sentence)
        assert set(line.lower().replace(",", " ").split()) <= own | joining


def test_a_denial_keeps_what_it_denies() -> None:
    item = ItemFacts(
        item_id="1", title="Oil", description="This bath oil comes without a scent or alcohol."
    )
    brief = clean(Brief(item=item, size="hero"))

    assert [copy.tagline for copy in turning(brief, 0)] == [
        "Bath oil that comes without a scent or alcohol."
    ]


def test_the_grammar_of_choices_offers_each_line_once_with_its_quotes_escaped() -> None:
    copies = [
        Copy(headline='The "Nib"', tagline="Pen to write with.", action="Shop now"),
        Copy(headline='The "Nib"', tagline="Made to write.", action="Shop now"),
    ]

    assert choice(copies).splitlines()[1:] == [
        r'headline ::= "The \"Nib\""',
        'tagline ::= "Pen to write with." | "Made to write."',
    ]


class _Scripted:
    """Answers with the first tagline that its grammar offers, as llama.cpp would be bound to."""

    def __init__(self) -> None:
        self.grammars: list[str] = []

    def handle_chat_completions(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.grammars.append(asked["grammar"])
        return {"choices": []}


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> _Scripted:
    server = _Scripted()
    monkeypatch.setattr(LlamaCopy, "_load", lambda _self: (server, "weights", "adapter"))
    return server


def _asked(
    scripted: _Scripted, description: str, *, adapter: Path | None, avoid: frozenset[str]
) -> list[str]:
    item = ItemFacts(item_id="1", title="Nutmeg Grater", description=description)
    provider = LlamaCopy(gguf_path="", samples=3, threads=1, timeout_seconds=9, adapter=adapter)
    provider.write(clean(Brief(item=item, size="hero")), seed=0, avoid=avoid)
    return scripted.grammars


GRATER = "Grate fresh nutmeg in your coffee and desserts using this compact grater."
LINE = "Compact grater to grate fresh nutmeg in your coffee and desserts."
VOICE = Path("voice.gguf")


def test_a_tuned_voice_first_chooses_among_sound_turned_sentences(scripted: _Scripted) -> None:
    first, *others = _asked(scripted, GRATER, adapter=VOICE, avoid=frozenset())

    assert LINE in first
    assert not any(LINE in grammar for grammar in others)


@pytest.mark.parametrize(
    ("adapter", "description", "avoid"),
    [
        (None, GRATER, frozenset()),  # the packaged model's own voice
        (VOICE, "Steel grater with a handle.", frozenset()),  # nothing to turn
        (VOICE, GRATER, frozenset({"compact"})),  # a worn first word
    ],
    ids=["no voice", "no turn", "worn"],
)
def test_without_one_it_writes_as_before(
    scripted: _Scripted, adapter: Path | None, description: str, avoid: frozenset[str]
) -> None:
    grammars = _asked(scripted, description, adapter=adapter, avoid=avoid)

    assert len(grammars) == 3
    assert not any(LINE in grammar for grammar in grammars)


def test_of_an_entry_that_is_not_english_a_tuned_voice_only_chooses_phrases(
    scripted: _Scripted,
) -> None:
    """The words it joins with are English: "with", "made for", "your"."""
    item = ItemFacts(
        item_id="1",
        title="Tasche",
        description="Eine weiche Tasche aus Leder. Roomy leather bag with a zip.",
    )
    brief = clean(Brief(item=item, size="hero", locale="de-AT"))
    provider = LlamaCopy(
        gguf_path="",
        samples=3,
        threads=1,
        timeout_seconds=9,
        adapter=VOICE,
        languages=("en", "de"),
    )

    provider.write(brief, seed=0)

    assert scripted.grammars == [phrases(item, fewest=2)] * 3


def test_a_turned_sentence_that_the_checks_refuse_is_not_offered(scripted: _Scripted) -> None:
    text = "Whether on deck or on the town, these blue deck shoes with brown accents will draw a salute."
    brief = clean(Brief(item=ItemFacts(item_id="1", title="Shoe", description=text), size="hero"))
    (copy,) = turning(brief, 0)

    grammars = _asked(scripted, text, adapter=VOICE, avoid=frozenset())

    assert judge(copy, brief).problems == ("tagline: repeats itself",)
    assert not any(copy.tagline in grammar for grammar in grammars)
