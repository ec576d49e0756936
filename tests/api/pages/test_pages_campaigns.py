"""The console's campaigns: made, judged, exported, and what came of them."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from generative import creatives
from generative.campaigning import campaigns, showing
from generative.tables import CreativeRow
from generative.types import Banner, Brief, Copy, Creative, ItemFacts, State
from recsys.answers import store as answers
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.types import Event, EventKind

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASKED = {"name": "Spring", "sizes": ["hero"], "audience": "personas", "choice": "best", "best": "3"}


def test_a_campaign_is_kept_and_shown(console: FlaskClient, here: Runtime, send, text) -> None:
    answer = send(console, "/console/campaigns", **ASKED)

    with reading(here.engine) as session:
        spec = campaigns.recent(session)[0].spec
    assert (spec.name, spec.sizes, spec.audience, spec.items) == (
        "Spring",
        ("hero",),
        {"personas": True},
        {"best": 3},
    )
    assert "the best 3 for every persona, as hero" in text(answer.text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"sizes": []},
        {"sizes": ["poster"]},
        {"best": "0"},
        {"best": "many"},
        {"choice": "items", "item_ids": " \n"},
        {"audience": "users", "user_ids": ""},
    ],
)
def test_a_wrong_campaign_is_given_back_with_what_was_typed(
    console: FlaskClient, here: Runtime, wrong: dict, send
) -> None:
    answer = send(console, "/console/campaigns", **(ASKED | {"user_ids": "kept"} | wrong))

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    with reading(here.engine) as session:
        assert campaigns.recent(session) == []


def made(here: Runtime) -> tuple[str, str]:
    """A campaign with one made creative, written by a hostile shop."""
    brief = Brief(item=ItemFacts(item_id="i1", title="<script>alert(1)</script>"))
    key = "ab" * 16
    folder = here.config.generative.banners_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.jpg").write_bytes(b"\xff\xd8\xff not really a picture")
    banner = Banner(path="one.jpg", sha256="0" * 64, width=300, height=250)
    creative = Creative(
        key=key,
        item_id="i1",
        size="rectangle",
        state=State.READY,
        copy=Copy(headline="<script>alert(1)</script>", tagline="Fresh", action="Shop now"),
        banner=banner,
        provenance={"provider": "template", "seed": 0},
        checks={"contrast": 7.25, "fits": True, "claims": []},
    )
    with writing(here.engine) as session:
        spec = campaigns.CampaignSpec(name="Autumn", sizes=("rectangle",))
        campaign_id = campaigns.create(session, spec, now=NOW)
        campaigns.claim(session, campaign_id, now=NOW, lease_seconds=60)
        campaigns.plan(session, campaign_id, [(key, brief)])
        creatives.save(session, creative, brief, now=NOW)
        campaigns.mark_made(session, campaign_id, key)
        campaigns.finish_if_done(session, campaign_id, now=NOW)
    return campaign_id, key


def test_the_gallery_shows_banner_words_checks_and_origin(
    console: FlaskClient, here: Runtime
) -> None:
    campaign_id, key = made(here)

    html = console.get(f"/console/campaigns/{campaign_id}").text

    assert f"/console/campaigns/{campaign_id}/creatives/{key}/banner" in html
    assert "<dt>contrast</dt><dd>7.25</dd>" in html
    assert "<dt>provider</dt><dd>template</dd>" in html
    assert "<script>alert" not in html
    assert f"/console/campaigns/{campaign_id}/progress" not in html  # nothing is left to watch


def test_chosen_items_that_are_not_there_are_named(console: FlaskClient, here: Runtime) -> None:
    chosen = {"item_ids": ["gone <b>"]}
    with writing(here.engine) as session:
        spec = campaigns.CampaignSpec(name="Autumn", sizes=("rectangle",), items=chosen)
        campaign_id = campaigns.create(session, spec, now=NOW)

    html = console.get(f"/console/campaigns/{campaign_id}").text

    assert "nothing is made of them: gone &lt;b&gt;." in html


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("of", ["campaigns/{}", "creatives"])
def test_what_creatives_earned_is_told(console: FlaskClient, here: Runtime, of: str, text) -> None:
    campaign_id, key = made(here)
    address = f"/console/{of.format(campaign_id)}"
    with writing(here.engine) as session:
        session.query(CreativeRow).update({"created_at": datetime.now(UTC) - timedelta(days=1)})
        answers.record(session, [answer_with(key)])
        events.record(session, [bought_through(answer_with(key))])

    whole = console.get(f"{address}/earned")
    part = console.get(f"{address}/earned?days=7", headers={"HX-Request": "true"})

    assert f'hx-get="{address}/earned"' in console.get(address).text
    assert "<html" in whole.text
    assert "<html" not in part.text
    for html in (whole.text, part.text):
        assert "Bought through them 4.00 EUR in 1 purchases" in text(html)
        assert "1 of 1 made were shown" in text(html)
        assert "<script>alert" not in html


def answer_with(key: str) -> Answer:
    return Answer(
        recommendation_id="an-answer",
        at=datetime.now(UTC) - timedelta(hours=2),
        user_id="u",
        placement="home",
        strategy="personal",
        request={},
        model_version="m",
        catalogue_revision=1,
        item_ids=["i3"],
        sources=["personal"],
        scores=[1.0],
        creative_keys=[key],
    )


def bought_through(answer: Answer) -> Event:
    return Event(
        event_id="e",
        user_id="u",
        item_id="i3",
        kind=EventKind.PURCHASE,
        at=answer.at + timedelta(hours=1),
        recommendation_id=answer.recommendation_id,
    )


@pytest.mark.parametrize("judged", ["approved", "rejected"])
def test_a_creative_is_judged_and_its_judge_still_sees_it(
    console: FlaskClient, here: Runtime, judged: str, send
) -> None:
    campaign_id, key = made(here)

    send(console, f"/console/campaigns/{campaign_id}/creatives/{key}", approval=judged)

    with reading(here.engine) as session:
        assert showing.gallery(session, campaign_id)[0].approval == judged
    picture = console.get(f"/console/campaigns/{campaign_id}/creatives/{key}/banner")
    assert picture.status_code == 200
    assert picture.mimetype == "image/jpeg"
    picture.close()


def test_a_judgement_by_script_brings_back_the_one_card(
    console: FlaskClient, here: Runtime, token
) -> None:
    campaign_id, key = made(here)
    csrf = token(console.get("/console/privacy").text)

    answer = console.post(
        f"/console/campaigns/{campaign_id}/creatives/{key}",
        data={"csrf_token": csrf, "approval": "approved"},
        headers={"HX-Request": "true"},
    )

    assert answer.text.lstrip().startswith("<article")
    assert 'aria-pressed="true">Approved' in answer.text
    assert 'hx-swap-oob="true">1 of 1 made; 1 approved, 0 rejected' in answer.text


def test_the_page_of_a_campaign_that_has_ended_is_loaded_again(
    console: FlaskClient, here: Runtime
) -> None:
    campaign_id, _ = made(here)

    answer = console.get(f"/console/campaigns/{campaign_id}/progress")

    assert answer.headers["HX-Refresh"] == "true"


def test_an_export_is_a_zip(console: FlaskClient, here: Runtime) -> None:
    campaign_id, _ = made(here)

    answer = console.get(f"/console/campaigns/{campaign_id}/export")

    assert answer.data.startswith(b"PK")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_closed_campaign_cannot_be_cancelled(console: FlaskClient, here: Runtime, send) -> None:
    campaign_id, _ = made(here)

    answer = send(console, f"/console/campaigns/{campaign_id}/cancel")

    assert answer.status_code == 409


@pytest.mark.parametrize("address", ["", "/progress", "/export", "/creatives/x/banner"])
def test_an_unknown_campaign_is_not_found(console: FlaskClient, address: str) -> None:
    assert console.get(f"/console/campaigns/none{address}").status_code == 404


def test_what_nobody_judged_is_named_in_the_overview(
    console: FlaskClient, here: Runtime, send, text
) -> None:
    campaign_id, key = made(here)
    before = text(console.get("/console/").text)
    name = console.get(f"/console/campaigns/{campaign_id}").text.split("<h1>")[1].split("</h1>")[0]

    send(console, f"/console/campaigns/{campaign_id}/creatives/{key}", approval="approved")

    assert "are not judged yet. Judge them" in before
    assert unescape(name) in before
    assert "not judged" not in text(console.get("/console/").text)
