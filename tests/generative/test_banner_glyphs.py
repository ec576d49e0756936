"""Letters that nothing here can draw are found before a banner of empty boxes is served."""

import blitz_py

from generative.banner import glyphs
from generative.banner.render import render
from generative.branding.brand import BrandKit
from generative.brief import clean
from generative.types import Brief, Copy, ItemFacts

UNDRAWN = "\U00018b00"  # Khitan: a letter that shops seldom use, and fonts seldom have


def _problems(headline: str) -> list[str]:
    brief = clean(Brief(item=ItemFacts(item_id="i", title="Tea"), size="hero"))
    copy = Copy(headline=headline, tagline="A plain thing.", action="See it")
    made = render(brief, copy, None, BrandKit(), seed=1)
    return list(made.checks["problems"])


def test_letters_of_the_bundled_type_are_drawn() -> None:
    assert glyphs.missing(blitz_py, ("Crème brûlée, 3.49 €", "Жёлтый чай", "Ωμέγα")) == ""


def test_each_undrawn_letter_is_named_once() -> None:
    texts = (f"a{UNDRAWN}b", f"{UNDRAWN} \U00018b01")

    assert glyphs.missing(blitz_py, texts) == f"{UNDRAWN}\U00018b01"


def test_a_banner_with_an_empty_box_is_not_ready() -> None:
    (problem,) = _problems(f"Tea {UNDRAWN}")

    assert _problems("Tea") == []
    assert problem.startswith("glyph: no font here draws ")
