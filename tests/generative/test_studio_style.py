"""A studio works in one style: the kit's words and colours, and words apart from pictures."""

from dataclasses import replace

from generative.branding.brand import BrandKit
from generative.brief import AGAIN, copy_key
from generative.checks.avoid import avoided
from generative.copy.candidate import Candidate
from generative.floor import floor
from generative.memo import MemoryWords
from generative.studio import Studio
from generative.style import in_force
from generative.types import Audience, Copy


class Counting:
    """A provider that says how often it was asked."""

    name = "extractive"

    def __init__(self, tagline="A crisp pink apple with a sweet, clear taste."):
        self.asked, self.tagline = 0, tagline

    def write(self, brief, *, seed, avoid=frozenset()):  # noqa: ARG002 the protocol's
        self.asked += 1
        copy = Copy(headline=brief.item.title, tagline=self.tagline, action="Shop now")
        return [Candidate(copy=copy, provider=self.name, seed=seed)]


def test_a_kit_renames_every_creative_and_a_colour_leaves_the_words(config):
    plain, green = in_force(config), in_force(config, BrandKit(color="#00ff00"), 1)
    strict = in_force(config, BrandKit(forbidden=("crisp",)), 2)

    assert len({plain.fingerprint, green.fingerprint, strict.fingerprint}) == 3
    assert plain.words == green.words != strict.words


def test_a_new_price_is_a_new_picture_with_the_same_words(config, brief):
    writer, memo = Counting(), MemoryWords()
    studio = Studio(config, memo=memo, writers=[writer])
    dearer = replace(brief, item=replace(brief.item, price="2.99"))

    first, second = studio.make(brief), studio.make(dearer)

    assert writer.asked == 1
    assert first.copy == second.copy
    assert first.key != second.key
    assert first.banner.sha256 != second.banner.sha256


def test_kept_words_that_are_no_longer_true_are_written_anew(config, brief):
    writer, memo = Counting(), MemoryWords()
    studio = Studio(config, memo=memo, writers=[writer])
    false = Copy(headline="Pink Lady", tagline="Organic leather apple from Peru.", action="Buy now")
    memo.put(copy_key(brief, studio.style.words), "x", Candidate(copy=false, provider="extractive"))

    assert studio.make(brief).copy.tagline == writer.tagline


def test_words_are_not_kept_while_a_provider_is_away(config, brief, tmp_path):
    memo = MemoryWords()
    away = replace(
        config, copy_providers=("llama", "extractive"), gguf_path=str(tmp_path / "none.gguf")
    )
    studio = Studio(away, memo=memo)
    studio.make(brief)

    assert memo.get(copy_key(brief, studio.style.words)) is None


def test_forbidden_words_stand_nowhere(config, brief):
    kit = BrandKit(forbidden=("crisp", "Pink Lady", "fruit"))
    studio = Studio(config, style=in_force(config, kit, 1))
    spoken_to = replace(brief, audience=Audience(categories=("Fruit",)))

    made = studio.make(spoken_to)
    shown = floor(spoken_to, avoid=kit.forbidden)

    for copy in (made.copy, shown.copy):
        assert not avoided(f"{copy.headline} {copy.tagline} {copy.action}", kit.forbidden)
    assert made.banner is not None
    assert not avoided(made.checks["banner"].get("eyebrow", ""), kit.forbidden)


def test_a_forbidden_word_is_not_said_of_what_comes_back_either(config, brief):
    kit = BrandKit(forbidden=("again",))
    studio = Studio(config, style=in_force(config, kit, 1))

    made = studio.make(replace(brief, reason=AGAIN))

    assert made.checks["banner"]["eyebrow"] == ""


def test_a_forbidden_word_is_a_word_not_a_syllable():
    assert avoided("Cheap, really", ("cheap",)) == "cheap"
    assert avoided("cheaper than", ("cheap",)) == ""
    assert avoided("the LAST   chance", ("last chance",)) == "last chance"
    assert avoided("超特価品です", ("特価",)) == "特価"
    assert avoided("anything", ()) == ""


def test_a_creative_says_which_field_proves_which_words(config, brief):
    made = Studio(config, writers=[Counting()]).make(brief)

    said = f"{made.copy.headline}. {made.copy.tagline}"
    assert made.proofs
    for proof in made.proofs:
        assert said[proof["start"] : proof["end"]] == proof["text"]
        assert proof["field"] in {"title", "description", "category"}
    pink = next(proof for proof in made.proofs if proof["text"] == "pink")
    assert (pink["kind"], pink["value"].lower()) == ("colour", "pink")
