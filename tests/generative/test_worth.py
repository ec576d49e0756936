"""Which of several sound lines a creative takes."""

from generative.brief import clean
from generative.checks.claims import judge
from generative.copy.candidate import Candidate
from generative.types import Brief, Copy, ItemFacts
from generative.writing import worth

GRATER = "Grate fresh nutmeg in your coffee using this compact grater."
TURNED = "Compact grater to grate fresh nutmeg in your coffee."
JOINED = "Fresh nutmeg for your coffee, from this compact grater."
COPIED = "Grate fresh nutmeg in your coffee."


def ranked(*told: tuple[str, str], locale: str = "en") -> list[str]:
    """Taglines, each with the voice that said it ("" the packaged model's), the worthiest first."""
    item = ItemFacts(item_id="1", title="Nutmeg Grater", description=GRATER)
    brief = clean(Brief(item=item, size="hero", locale=locale))

    def value(one: tuple[str, str]) -> tuple[float | int, ...]:
        copy = Copy(headline="Nutmeg Grater", tagline=one[0], action="Shop now")
        candidate = Candidate(copy=copy, provider="llama", seed=0, adapter=one[1])
        return worth(candidate, judge(copy, brief), brief)

    return [tagline for tagline, _ in sorted(told, key=value, reverse=True)]


def test_a_voices_turned_sentence_goes_before_what_it_joined_and_that_before_a_copy() -> None:
    told = [(COPIED, "voice"), (JOINED, "voice"), (TURNED, "voice")]

    assert ranked(*told) == [TURNED, JOINED, COPIED]
    assert ranked(*reversed(told)) == [TURNED, JOINED, COPIED]


def test_a_voice_of_the_shops_goes_before_the_packaged_model_even_where_it_repeats_the_entry() -> (
    None
):
    assert ranked((TURNED, ""), (COPIED, "voice")) == [COPIED, TURNED]


def test_in_another_language_an_english_turn_is_no_sentence_to_prefer() -> None:
    more_support = f"{JOINED[:-1]}, with fresh nutmeg."

    assert ranked((TURNED, "voice"), (more_support, "voice"))[0] == TURNED
    assert ranked((TURNED, "voice"), (more_support, "voice"), locale="de")[0] == more_support
