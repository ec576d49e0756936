"""The compiler's promises, on 24 of the hostile briefs of bench/layout.py and by its reckoning."""

import random

import pytest

from bench.layout import FAULTS, adversarial, examined
from generative.banner.geometry import LEAST_PX, MEASURES
from generative.banner.render import render
from generative.branding.brand import BrandKit
from generative.brief import clean
from generative.types import SIZES, Brief, Copy, ItemFacts

LEGAL = (
    "* Gültig bis 30. November, solange der Vorrat reicht. Alle Preise inkl. MwSt. zzgl. Versand."
)


def test_hostile_briefs_keep_every_promise():
    rng = random.Random(31)  # noqa: S311 a seed, not a secret
    for number in range(24):
        found = examined(adversarial(rng, number), twice=number == 0)

        assert [fault for fault in FAULTS if found[fault]] == [], (number, found["problems"])


@pytest.mark.parametrize("size", sorted(SIZES))
def test_the_legal_line_is_printed_whole_and_large_enough(size, studio_photo):
    brief = clean(Brief(item=ItemFacts(item_id="a", title="Tea", price="2.49"), size=size))
    copy = Copy(headline="Green tea", tagline="From the hills.", action="Shop now")
    for template in ("editorial", "field", "frame", "bold", "type"):
        asked = Brief(item=brief.item, size=size, variant=template)

        checks = render(asked, copy, studio_photo, BrandKit(legal=LEGAL), seed=1).checks

        assert checks["problems"] == []
        assert checks["least_px"] >= LEAST_PX[size]
        assert checks["contrast"]["legal"] >= 4.5


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("template", ["editorial", "field", "frame", "bold", "type"])
def test_a_variant_forces_its_template_and_mode(size, template):
    copy = Copy(headline="Green tea", tagline="From the hills.", action="Shop now")
    item = ItemFacts(item_id="a", title="Tea", price="2.49")
    brief = Brief(item=item, size=size, variant=f"{template}-dark")

    checks = render(clean(brief), copy, None, BrandKit(), seed=1).checks

    assert checks["template"].startswith(f"{template}-dark")
    assert (MEASURES[size].width, MEASURES[size].height) == SIZES[size]


def test_a_free_choice_differs_between_items_and_is_the_same_for_one(studio_photo):
    copy = Copy(headline="Green tea", tagline="From the hills.", action="Shop now")
    brief = clean(Brief(item=ItemFacts(item_id="a", title="Tea", price="2.49"), size="hero"))

    def chosen(seed):
        return render(brief, copy, studio_photo, BrandKit(), seed=seed).checks["template"]

    found = [chosen(seed) for seed in range(5)]

    assert chosen(0) == found[0]
    assert len({name.split("-")[0] for name in found}) >= 2


def test_words_from_the_right_stand_right_and_their_picture_left(studio_photo):
    item = ItemFacts(item_id="a", title="تفاح", price="12.50", currency="SAR")
    copy = Copy(headline="تفاح أحمر طازج", tagline="حلو ومقرمش.", action="أضف إلى السلة")
    stuff = {"size": "hero", "locale": "ar", "variant": "editorial-light"}

    from generative.banner.choices import Choice
    from generative.banner.materials import arranged, materials, product_of

    product, _ = product_of(studio_photo, "", None)
    made = materials(clean(Brief(item=item, **stuff)), copy, product, BrandKit(), seed=1)
    candidate = arranged(Choice(template="editorial"), made)

    places = {part.name: part for part in candidate.arrangement.elements}
    price, action = places["price"].box, places["action"].box
    assert places["headline"].align == "right"
    assert candidate.shown.box[0] > places["headline"].box[0] or candidate.geometry.mirrored
    assert candidate.geometry.mirrored
    assert candidate.shown.box[0] + candidate.shown.box[2] < places["headline"].box[0]
    assert price[0] > action[0]
