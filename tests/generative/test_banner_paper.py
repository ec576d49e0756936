"""A paper of the shop's own is the ground of every banner, whatever the seed would have liked."""

import pytest

from generative.banner.render import render
from generative.branding.brand import BrandKit
from generative.types import Brief, Copy, ItemFacts

WORDS = Copy(headline="Oak table", tagline="For eight, and for years.", action="See details")
ITEM = ItemFacts(item_id="t", title="Oak table", price="499.00")


def looks(paper: str, variant: str = "") -> set[str]:
    brief = Brief(item=ITEM, size="rectangle", variant=variant)
    kit = BrandKit(paper=paper)
    return {
        render(brief, WORDS, None, kit, seed=seed).checks["template"].split("-")[1]
        for seed in range(6)
    }


@pytest.mark.parametrize(("paper", "mode"), [("#faf3ea", "light"), ("#15202b", "dark")])
def test_a_papers_lightness_settles_light_or_dark(paper: str, mode: str) -> None:
    assert looks(paper) == {mode}


def test_without_a_paper_a_shelf_has_both() -> None:
    assert looks("", "field") == {"light", "dark"}


def test_a_look_that_was_asked_for_by_name_is_drawn_all_the_same() -> None:
    assert looks("#faf3ea", "field-dark") == {"dark"}
