"""A gallery that proves what it shows: claims beside their fields, what is marked, what has gone stale."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.pages.studio.proofs import changed, said
from api.runtime import Runtime
from generative import creatives
from generative.brief import facts_of
from generative.campaigning import campaigns
from generative.types import Approval, Brief, CampaignSpec, Copy, Creative, State
from recsys.database import writing
from recsys.types import Item

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"


def proof(start: int, end: int, text: str, **more: Any) -> dict[str, Any]:
    told = {"kind": "material", "field": "description", "value": text}
    return {"start": start, "end": end, "text": text, **told, **more}


def brief(item: Item, **changes: Any) -> Brief:
    return Brief(item=replace(facts_of(item), **changes), size="rectangle")


def shown(
    here: Runtime,
    plan: list[tuple[str, Brief]],
    *,
    copy: Copy | None = None,
    proofs: tuple[dict[str, Any], ...] = (),
    provenance: dict[str, Any] | None = None,
) -> str:
    """A campaign whose creatives are made, with this copy."""
    copy = copy or Copy(headline="Sourdough bread", tagline="A plain loaf.", action="See details")
    with writing(here.engine) as session:
        campaign_id = campaigns.create(session, CampaignSpec(name="C", sizes=("hero",)), now=NOW)
        campaigns.claim(session, campaign_id, now=NOW, lease_seconds=60)
        campaigns.plan(session, campaign_id, plan)
        for key, one in plan:
            made = Creative(
                key=key,
                item_id=one.item.item_id,
                size="rectangle",
                state=State.READY,
                copy=copy,
                provenance=provenance or {"provider": "extractive", "ai_generated": False},
                checks={"support": 1.0},
                proofs=proofs,
            )
            creatives.save(session, made, one, now=NOW)
            campaigns.mark_made(session, campaign_id, key)
    return f"/console/campaigns/{campaign_id}"


def test_claims_are_marked_in_the_copy_and_proved_below(
    console: FlaskClient, here: Runtime, stocked: list[Item], text
) -> None:
    proofs = (proof(0, 9, "Sourdough", value="sourdough", field="attributes.style"),)

    html = console.get(shown(here, [("k1", brief(stocked[0]))], proofs=proofs)).text

    assert re.search(r'<mark class="proved">Sourdough<sup>.*?1</sup></mark> bread', html)
    words = text(html)
    assert "1 claim, which is proved by the catalogue" in words
    assert "Sourdough (material) Attributes: style: sourdough" in words


def test_neighbours_that_one_field_proves_are_one_mark() -> None:
    copy = Copy(headline="Black leather bag", tagline="Black, of leather.", action="See")
    proofs = (
        proof(0, 5, "Black", field="title"),
        proof(6, 13, "leather", field="title"),
        proof(19, 24, "Black", field="title"),
    )

    told = said(copy, proofs, Brief(item=facts_of(plain())))

    assert [(one["text"], one["proof"]) for one in told["headline"]] == [
        ("Black leather", 1),
        (" bag", 0),
    ]
    assert [(one["text"], one["proof"]) for one in told["tagline"]] == [
        ("Black", 2),
        (", of leather.", 0),
    ]
    assert told["claims"] == 3


def plain() -> Item:
    return Item(item_id="i", title="Bag", description="", category=(), image_url="", created_at=NOW)


def test_a_proof_of_other_words_marks_nothing() -> None:
    copy = Copy(headline="Oak table", tagline="For eight.", action="See")

    told = said(copy, (proof(0, 3, "Ash"),), Brief(item=facts_of(plain())))

    assert told["headline"] == [{"text": "Oak table", "proof": 0}]
    assert told["claims"] == 0


def test_a_hostile_proof_is_only_text(
    console: FlaskClient, here: Runtime, stocked: list[Item]
) -> None:
    copy = Copy(headline=HOSTILE, tagline=HOSTILE, action="See")
    proofs = (proof(0, len(HOSTILE), HOSTILE, field=HOSTILE, value=HOSTILE, kind=HOSTILE),)

    html = console.get(shown(here, [("k1", brief(stocked[0]))], copy=copy, proofs=proofs)).text

    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


@pytest.mark.parametrize("mark", ["AI-made", "no model"])
def test_what_a_model_made_is_marked(
    console: FlaskClient, here: Runtime, stocked: list[Item], text, mark: str
) -> None:
    provenance = {
        "provider": "llama",
        "ai_generated": mark == "AI-made",
        "adapter_sha256": "a" * 64,
    }

    words = text(console.get(shown(here, [("k1", brief(stocked[0]))], provenance=provenance)).text)

    assert f"{mark} by llama, the shop's own voice" in words


def test_a_creative_of_an_older_price_is_shown_as_stale(
    console: FlaskClient, here: Runtime, stocked: list[Item], text
) -> None:
    address = shown(here, [("k1", brief(stocked[0], price="7.00")), ("k2", brief(stocked[1]))])

    html = console.get(address).text

    assert html.count("Not shown any more as it is:") == 1
    assert "the price was 7.00 and is 1.00" in text(html)


@pytest.mark.parametrize(
    ("then", "now", "why"),
    [
        ({}, {"stock": 0}, "the item is sold out"),
        ({}, {"hidden": True}, "the item is hidden"),
        ({}, {"title": "Another"}, "the title is another"),
        ({}, {"image_url": "/media/b.jpg"}, "the photo is another"),
        ({}, {"brand": "Another"}, "the item changed: brand"),
        ({}, {"category": ("Elsewhere",)}, "the item changed: category"),
        ({"offer_until": "2026-11-20T11:00:00+00:00"}, {}, "its offer has ended"),
    ],
)
def test_whatever_the_shop_changed_is_said(
    then: dict[str, Any], now: dict[str, Any], why: str
) -> None:
    item = plain()

    assert why in changed(brief(item, **then), replace(item, **now), now=NOW)


def test_what_is_as_it_was_is_not_stale() -> None:
    item = plain()
    until = (NOW + timedelta(hours=1)).isoformat()

    assert changed(brief(item), item, now=NOW) == []
    assert "its offer has ended" not in changed(brief(item, offer_until=until), item, now=NOW)
    assert changed(brief(item), None, now=NOW) == ["the item is no longer in the catalogue"]


def test_the_gallery_shows_those_that_nobody_has_judged(
    console: FlaskClient, here: Runtime, stocked: list[Item]
) -> None:
    plan = [(f"k{number}", brief(stocked[number])) for number in range(3)]
    address = shown(here, plan)
    with writing(here.engine) as session:
        campaigns.decide(session, address.rsplit("/", 1)[1], "k0", Approval.APPROVED)

    html = console.get(f"{address}?show=none").text
    approved = console.get(f"{address}?show=approved").text

    assert re.findall(r'id="card-(\w+)"', html) == ["k1", "k2"]
    assert re.findall(r'id="card-(\w+)"', approved) == ["k0"]
    assert "Nothing is left" not in html
    assert "None of them is" in console.get(f"{address}?show=rejected").text


def test_the_creatives_page_leads_to_what_waits_for_a_judge(
    console: FlaskClient, here: Runtime, stocked: list[Item], text
) -> None:
    address = shown(here, [("k1", brief(stocked[0]))])

    html = console.get("/console/creatives").text

    assert "1 of “C” nobody has judged" in text(html)
    assert f'href="{address}?show=none"' in html
