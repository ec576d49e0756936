"""What of a sentence is a claim, which field proves it, and what is said of one that none proves."""

from dataclasses import replace

import pytest

from generative.brief import clean
from generative.checks.claims import examine, judge
from generative.types import Brief, Copy, ItemFacts

PACK = ItemFacts(
    item_id="pack",
    title="Canvas Backpack",
    description="Waxed canvas backpack with leather straps. Holds 15 litres and a 13-inch laptop."
    " Pairs with a brown wool coat. Also available in red leather at extra cost.",
    category=("Bags", "Backpacks"),
    brand="Nordwind",
    price="89.00",
    was_price="100.00",
    attributes={
        "colour": "olive",
        "country of origin": "Vietnam",
        "vegan": "no",
        "lining": "cotton",
    },
)
LOTION = ItemFacts(
    item_id="lotion",
    title="Body Lotion",
    description="Lotion without parabens, silicones or mineral oil. No added sugar. Suitable for"
    " sensitive skin. Keeps skin soft for up to 24 hours. Pump sold separately.",
    category=("Beauty",),
    price="9.00",
    attributes={"volume": "200 ml"},
)


def refused(text, item=PACK):
    return examine(text, item)[0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Brown backpack.", "colour"),
        ("Leather backpack.", "material"),
        ("A backpack of leather, with canvas straps.", "material"),
        ("Wool backpack.", "material"),
        ("Red leather backpack.", "material"),
        ("A cotton backpack.", "material"),
        ("Holds 13 litres.", "quantity"),
        ("Holds over 15 litres.", "quantity"),
        ("Holds 15 laptops.", "count"),
        ("Two straps.", "count"),
        ("15 x 13 litres.", "quantity"),
        ("60% canvas.", "percentage"),
        ("25% off.", "offer"),
        ("Canvas for €79.00.", "price"),
        ("Canvas for $89.00.", "price"),
        ("Made in Italy.", "origin"),
        ("Italian canvas backpack.", "origin"),
        ("A backpack by Gucci.", "brand"),
        ("The toughest backpack.", "comparison"),
        ("The most canvas.", "comparison"),
        ("Unmatched canvas.", "comparison"),
        ("Guaranteed canvas.", "promise"),
        ("Vegan canvas.", "promise"),
        ("Organic canvas.", "promise"),
        ("Fits any laptop.", "absolute"),
        ("Waxed leather straps.", "feature"),
        ("Padded straps.", "feature"),
    ],
)
def test_a_claim_that_no_field_makes_is_refused_by_its_kind(text, kind):
    problems, _, unproved = examine(text, PACK)

    assert problems
    assert kind in {str(claim.kind) for claim in unproved}


@pytest.mark.parametrize(
    "text",
    [
        "Waxed canvas backpack with leather straps.",
        "Its straps are leather.",
        "An olive backpack by Nordwind.",
        "A backpack with a cotton lining.",
        "Holds 15 litres.",
        "Holds 15,000 ml.",
        "Made in Vietnam.",
        "11% off.",
        "Save €11.",
        "Now €89.00, was €100.00.",
        "Discover a canvas backpack for your weekend.",
        "Pairs with a brown wool coat.",
    ],
)
def test_what_a_field_says_is_proved(text):
    assert refused(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "With silicones.",
        "Contains mineral oil.",
        "Not suitable for sensitive skin.",
        "No sugar.",
        "Soft for 24 hours.",
        "Soft skin all day.",
        "With a pump.",
    ],
)
def test_the_opposite_or_more_of_what_a_field_says_is_refused(text):
    assert refused(text, LOTION)


@pytest.mark.parametrize(
    "text",
    [
        "No added sugar.",
        "Free of silicones.",
        "Paraben free.",
        "Soft for up to 24 hours.",
        "0.2 l.",
    ],
)
def test_the_same_in_other_words_is_proved(text):
    assert refused(text, LOTION) == []


def test_an_end_of_a_range_is_no_measure_of_its_own():
    desk = ItemFacts(item_id="d", title="Desk", description="Height from 72 cm to 118 cm.")

    assert refused("Height from 72 cm to 118 cm.", desk) == []
    assert refused("Height 118 cm.", desk)
    assert refused("A desk of 72 cm x 118 cm.", desk)


def test_a_weight_by_area_is_no_weight():
    towel = ItemFacts(item_id="t", title="Towel", description="Terry, 500 g/m2.")

    assert refused("500 g towel.", towel)


def test_a_number_of_the_title_counts_what_the_title_counts():
    tent = ItemFacts(item_id="t", title="Tent for Two", description="For age 10. Many players.")

    assert refused("Two tents.", tent)
    assert refused("10 players.", tent)


def test_not_only_denies_nothing():
    oil = ItemFacts(item_id="o", title="Oil", description="Mild oil. Not waterproof.")

    assert refused("Not only waterproof, mild too.", oil)


def test_what_is_sold_separately_does_not_come_with_it():
    pan = ItemFacts(item_id="p", title="Pan", description="Iron pan. Lid sold separately.")

    assert refused("A pan with lid.", pan)
    assert refused("Lid sold separately.", pan) == []


def test_a_deal_is_proved_by_the_prices_alone():
    shelf = ItemFacts(item_id="s", title="Pan", category=("Sale",), price="9.00")

    assert refused("Pan on sale.", shelf)


def test_a_proof_names_the_field_and_its_words():
    _, proofs, _ = examine("Leather straps, 15 litres, €89.00.", PACK)

    told = {(claim.text, proof.field, proof.text) for claim, proof in proofs}

    assert told == {
        ("Leather", "description", "leather"),
        ("straps", "description", "straps"),
        ("15 litres", "description", "15 litres"),
        ("€89.00", "price", "89.00"),
    }


def test_a_claim_is_a_span_of_the_text():
    text = "The toughest backpack, made in Italy."

    _, _, unproved = examine(text, PACK)

    assert [text[claim.start : claim.end] for claim in unproved] == ["toughest", "Italy"]


def test_a_refusal_names_the_words_their_kind_and_what_would_prove_them():
    assert refused("Holds 13 litres.") == [
        'number 13 litres (quantity) is in no field; a field with "13 litres" would prove it'
    ]
    assert refused("Brown backpack.") == [
        "claim 'Brown' (colour) is not said of 'backpack'; a field that says so would prove it"
    ]


def test_a_verdict_carries_proofs_and_what_is_unproved():
    copy = Copy(
        headline="Canvas Backpack", tagline="Brown, with leather straps.", action="Shop now"
    )

    verdict = judge(copy, clean(Brief(item=PACK)))

    assert [claim.text for claim in verdict.unproved] == ["Brown"]
    assert {proof.field for _, proof in verdict.proofs} == {"title", "description"}


@pytest.mark.parametrize(
    ("locale_text", "title", "description"),
    [
        ("Für Milch geeignet.", "Wasserkocher", "Nicht für Milch geeignet."),
        ("Der beste Wasserkocher.", "Wasserkocher", "Ein Wasserkocher."),
        ("Pull à 59,00 €.", "Pull", "Pull en laine."),
        ("20 % de descuento.", "Vela", "Vela de cera."),
        ("半額セール", "茶碗", "青い茶碗。"),
        ("\u0665\u0660\u066a خصم", "كوب", "كوب أزرق."),
    ],
)
def test_other_languages_fail_closed(locale_text, title, description):
    item = ItemFacts(item_id="x", title=title, description=description, price="39.90")

    assert refused(locale_text, item)


@pytest.mark.parametrize(
    "description",
    ["Nicht für Milch geeignet.", "Pull en laine, tricoté en France.", "Dura 20 horas."],
)
def test_a_sentence_of_the_merchant_is_proved_in_any_language(description):
    assert refused(description, ItemFacts(item_id="x", title="x", description=description)) == []


@pytest.mark.parametrize(
    "text",
    ["Leath\u0435r straps.", "L e a t h e r backpack.", "½ price.", "\uff15\uff10\uff05 off."],
)
def test_disguised_words_and_digits_are_refused(text):
    assert refused(text)


@pytest.mark.parametrize(
    "text",
    ["red-" * 2000, "a of red " * 2000, "1 x " * 2000, "no " * 4000, "1,1" * 4000, "free " * 3000, "as " * 3000],
)  # fmt: skip
def test_a_text_longer_than_is_read_never_passes(text):
    assert refused(text, PACK)


def test_an_empty_text_claims_nothing():
    assert examine("", PACK) == ([], (), ())


def test_what_a_thing_does_is_no_part_of_its_name(item) -> None:
    told = replace(
        item,
        title="Living room set",
        description="The natural wood coffee table adds a warm touch to a plush gray sofa.",
    )
    brief = Brief(item=told, size="hero")

    true = Copy(
        headline="A living room set", tagline="Wood coffee table, plush sofa.", action="See"
    )
    false = Copy(headline="A living room set", tagline="Wood sofa, plush table.", action="See")

    assert judge(true, brief).problems == ()
    assert not judge(false, brief).passed
