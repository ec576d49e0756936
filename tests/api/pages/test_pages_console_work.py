"""The console's models and campaigns: watched, compared, promoted; made, judged, exported."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient

from api.pages.comparison import comparison, in_pairs
from api.runtime import Runtime
from generative import creatives
from generative.campaigning import campaigns, showing
from generative.tables import CreativeRow
from generative.types import Banner, Brief, Copy, Creative, ItemFacts, State
from recsys.answers import store as answers
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.learning import runs
from recsys.serving import registry
from recsys.types import Event, EventKind

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABS = ("", "catalogue", "models", "campaigns", "privacy")


def test_a_run_is_kept_though_the_queue_is_away(console: FlaskClient, here: Runtime, send) -> None:
    answer = send(console, "/console/models/retrain")

    with reading(here.engine) as session:
        assert [run.status for run in runs.recent(session, 5)] == ["waiting"]
    assert "Waiting for a worker" in answer.text
    assert "The queue is away" in answer.text


def test_there_is_one_training_at_a_time(console: FlaskClient, send) -> None:
    send(console, "/console/models/retrain")

    assert "one at a time" in send(console, "/console/models/retrain").text


def test_a_waiting_run_can_be_cancelled(console: FlaskClient, here: Runtime, send, text) -> None:
    with writing(here.engine) as session:
        run_id = runs.start(session, trigger="test", now=NOW)

    answer = send(console, f"/console/models/runs/{run_id}/cancel")

    assert "cancelled" in text(answer.text)


def measured(here: Runtime, status: str = "done") -> str:
    figures = {"ndcg@100": 0.2, "recall@20": 0.1, "users": 50.0}
    with writing(here.engine) as session:
        run_id = runs.start(session, trigger="test", now=NOW)
        runs.claim(session, run_id, now=NOW, lease_seconds=60)
        curves = {"loss": [3.0, 2.0], "ndcg": [0.1, 0.2]}
        runs.beat(session, run_id, stage="fit", progress=0.4, curves=curves, now=NOW)
        if status != "running":
            runs.finish(
                session,
                run_id,
                status=status,
                metrics={
                    "candidate": figures,
                    "live": None,
                    "popularity": figures | {"ndcg@100": 0.05},
                    "itemknn": figures | {"ndcg@100": 0.4},
                },
                model_version="20261120T120000Z-abcdef",
                error=None,
                now=NOW,
            )
    return run_id


def test_a_running_training_is_watched(console: FlaskClient, here: Runtime) -> None:
    run_id = measured(here, "running")

    html = console.get(f"/console/models/runs/{run_id}").text

    assert f'hx-get="/console/models/runs/{run_id}"' in html
    assert 'value="36"' not in html
    assert 'value="40"' in html
    assert 'data-plot="[3.0, 2.0]"' in html


def test_a_finished_training_is_compared_on_the_same_hold_out(
    console: FlaskClient, here: Runtime
) -> None:
    measured(here)

    html = console.get("/console/models").text

    rows = re.findall(r'<th scope="row">([^<]+)</th><td class="number">([^<]+)</td>', html)
    assert rows == [("This candidate", "0.2000"), ("Popularity", "0.0500"), ("ItemKNN", "0.4000")]
    assert 'rect width="50.0"' in html
    assert "below 98 % of the live model" in html
    assert "/console/models/runs/" not in html  # what has ended is not asked for again


def test_the_first_training_says_that_nothing_was_live(console: FlaskClient, here: Runtime) -> None:
    measured(here)

    assert "No model was live then" in console.get("/console/models").text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "A training runs: 40 %. Watch it"),
        ("failed", "The last training failed. See why"),
        ("refused", "stays aside. Compare it"),
    ],
)
def test_the_overview_says_how_the_training_stands(
    console: FlaskClient, here: Runtime, status: str, said: str, text
) -> None:
    measured(here, status)

    assert said in text(console.get("/console/").text)


def test_a_running_training_says_how_long_it_may_still_take(
    console: FlaskClient, here: Runtime
) -> None:
    run_id = measured(here, "running")
    with writing(here.engine) as session:
        now = NOW + timedelta(seconds=40)
        runs.beat(session, run_id, stage="branches", progress=0.8, curves={}, now=now)

    html = console.get(f"/console/models/runs/{run_id}").text

    assert "about 10 s left" in html
    assert "weighing the other branches" in html


def _pair(name: str, low: float, high: float, n: int = 90, family: str = "knows") -> dict:
    return {
        "family": family,
        "name": name,
        "metric": "ndcg@20",
        "n": n,
        "difference": (low + high) / 2,
        "se": 0.01,
        "low": low,
        "high": high,
    }


def test_differences_are_shown_in_pairs_with_who_refused() -> None:
    shown = in_pairs(
        {
            "paired_with": "live",
            "gate": {"refused_by": ["told nothing"]},
            "paired": [
                _pair("everybody", 0.01, 0.03, family="all"),
                _pair("told nothing", -0.2, -0.1),
                _pair("few", -0.9, 0.9, n=12),
                {**_pair("everybody", 0, 1, family="all"), "metric": "recall@20"},
            ],
        }
    )

    assert shown["rival"] == "the live model"
    assert [(row["name"], row["tone"], row["refused"]) for row in shown["pairs"]] == [
        ("Everybody", "better", False),
        ("told nothing", "worse", True),
    ]
    assert all(0 <= row["low"] <= row["high"] <= 100 for row in shown["pairs"])


@pytest.mark.parametrize("metrics", [{}, {"paired": 3, "gate": 4}, {"paired": [None, {}]}])
def test_a_run_without_pairs_shows_none(metrics: dict) -> None:
    assert in_pairs(metrics)["pairs"] == []


def test_a_versions_report_is_a_page_that_loads_nothing(console: FlaskClient, trained) -> None:
    answer = console.get(f"/console/models/{trained.version}/report")

    assert answer.status_code == 200
    assert trained.version in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert f"/console/models/{trained.version}/report" in console.get("/console/models").text


@pytest.mark.parametrize("version", ["20200101T000000Z-aaaaaa", "..", "LIVE", "x"])
def test_only_a_version_that_is_there_has_a_report(console: FlaskClient, version: str) -> None:
    assert console.get(f"/console/models/{version}/report").status_code == 404


def test_nobody_reads_a_report_unless_logged_in(client: FlaskClient, trained) -> None:
    answer = client.get(f"/console/models/{trained.version}/report")

    assert answer.status_code == 303


def test_what_was_not_measured_is_not_compared() -> None:
    assert comparison({"candidate": None, "live": None, "passed": True})["rows"] == []


def test_a_live_model_that_has_seen_the_hold_out_is_said_so() -> None:
    figures = {"ndcg@100": 0.2}

    note = comparison({"candidate": figures, "live": figures, "live_has_seen_holdout": True})[
        "note"
    ]

    assert "flatters" in note


def test_an_older_model_is_rolled_back_to(
    console: FlaskClient, here: Runtime, trained, send
) -> None:
    root = here.config.recsys.artifacts_dir
    newer = "20261121T120000Z-abcdef"
    registry.publish(root, replace(trained, version=newer))
    registry.promote(root, newer)
    html = console.get("/console/models").text

    send(console, "/console/models/promote", version=trained.version)

    assert "Roll back" in html
    assert registry.live_version(root) == trained.version


@pytest.mark.parametrize(
    ("version", "status"), [("20200101T000000Z-aaaaaa", 404), ("../x", 404), ("", 422)]
)
def test_only_a_version_that_is_there_is_promoted(
    console: FlaskClient, version: str, status: int, send
) -> None:
    assert send(console, "/console/models/promote", version=version).status_code == status


def test_an_unknown_run_is_a_page_not_json(console: FlaskClient) -> None:
    answer = console.get("/console/models/runs/none")

    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


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
