"""The console without a browser: its door, its tabs, its forms."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from flask.testing import FlaskClient

from api import create_app, keys
from api.config import ApiConfig
from api.keys import Role
from api.pages.attempts import FREE_TRIES, LONGEST_SECONDS, Attempts
from api.pages.catalogue import detect
from api.pages.comparison import comparison
from api.runtime import Runtime
from generative import campaigns, creatives
from generative.types import Banner, Brief, Copy, Creative, ItemFacts, State
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat
from recsys.database import reading, writing
from recsys.learning import runs
from recsys.serving import registry
from recsys.types import Event, EventKind

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABS = ("", "catalogue", "models", "campaigns", "privacy")


def token(html: str) -> str:
    return unescape(re.search(r'name="csrf_token" value="([^"]+)"', html)[1])


def text(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def key_of(here: Runtime, role: Role) -> str:
    with writing(here.engine) as session:
        key = keys.create(session, role, label="test", now=NOW)
    here.keyring.refresh()
    return key


def log_in(client: FlaskClient, key: str):
    form = {"csrf_token": token(client.get("/console/login").text), "key": key}
    return client.post("/console/login", data=form)


@pytest.fixture
def console(client: FlaskClient, here: Runtime) -> FlaskClient:
    """A client that has logged in."""
    assert log_in(client, key_of(here, Role.ADMIN)).status_code == 303
    return client


def send(console: FlaskClient, address: str, **form):
    csrf = token(console.get("/console/privacy").text)
    return console.post(address, data={"csrf_token": csrf} | form, follow_redirects=True)


@pytest.mark.parametrize("tab", TABS)
def test_a_stranger_is_sent_to_the_door(client: FlaskClient, tab: str) -> None:
    answer = client.get(f"/console/{tab}")

    assert answer.status_code == 303
    assert answer.location == "/console/login"


@pytest.mark.parametrize("tab", TABS)
def test_an_empty_shop_has_every_tab(console: FlaskClient, tab: str) -> None:
    answer = console.get(f"/console/{tab}")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert 'aria-current="page"' in answer.text
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


def test_the_cookie_is_strict_and_out_of_reach_of_scripts(client: FlaskClient) -> None:
    cookie = client.get("/console/login").headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_a_storefront_key_opens_nothing(client: FlaskClient, here: Runtime) -> None:
    answer = log_in(client, key_of(here, Role.STOREFRONT))

    assert answer.status_code == 403
    assert client.get("/console/").status_code == 303


def test_a_revoked_key_is_out_at_once(client: FlaskClient, here: Runtime) -> None:
    key = key_of(here, Role.ADMIN)
    log_in(client, key)
    with writing(here.engine) as session:
        keys.revoke(session, keys.read(key).key_id, now=NOW)
    here.keyring.refresh()

    assert client.get("/console/").status_code == 303


def test_who_fails_too_often_has_to_wait(client: FlaskClient, here: Runtime) -> None:
    for _ in range(FREE_TRIES):
        assert log_in(client, "vk_adm_wrong").status_code == 403

    answer = log_in(client, key_of(here, Role.ADMIN))

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_wait_doubles_up_to_a_bound_and_ends() -> None:
    now = [0.0]
    attempts = Attempts(clock=lambda: now[0])
    waits = []
    for _ in range(FREE_TRIES + 20):
        attempts.failed("there")
        waits.append(attempts.wait_seconds("there"))

    now[0] = LONGEST_SECONDS

    assert waits[FREE_TRIES - 1 : FREE_TRIES + 2] == [1, 2, 4]
    assert waits[-1] == LONGEST_SECONDS
    assert attempts.wait_seconds("there") == attempts.wait_seconds("elsewhere") == 0


def test_a_login_without_our_form_is_refused(client: FlaskClient, here: Runtime) -> None:
    answer = client.post("/console/login", data={"key": key_of(here, Role.ADMIN)})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "logout",
        "catalogue/upload",
        "models/retrain",
        "models/promote",
        "campaigns",
        "privacy/forget",
    ],
)
def test_a_form_without_its_token_changes_nothing(console: FlaskClient, address: str) -> None:
    answer = console.post(f"/console/{address}", data={"csrf_token": "guess"})

    assert answer.status_code == 403
    assert console.get("/console/").status_code == 200


def test_logging_out_closes_the_door(console: FlaskClient) -> None:
    send(console, "/console/logout")

    assert console.get("/console/").status_code == 303


def test_without_a_secret_the_console_stays_shut(api_config: ApiConfig) -> None:
    app = create_app(replace(api_config, secret_key=""))

    answer = app.test_client().get("/console/")
    app.extensions["vitrine"].close()

    assert answer.status_code == 503


def test_the_overview_counts_and_says_in_words_what_is_wrong(
    console: FlaskClient, stocked, here: Runtime
) -> None:
    with writing(here.engine) as session:
        items.patch(session, "i1", {"hidden": True})

    shown = text(console.get("/console/").text)

    assert f"Items {len(stocked)} 1 hidden, 0 sold out" in shown
    assert "Database works" in shown
    assert "Redis needs attention" in shown
    assert "no model yet" in shown


def test_a_feed_keeps_good_lines_and_names_bad_ones(console: FlaskClient, here: Runtime) -> None:
    feed = b"item_id,title,price\nf1,Pears,2.50\nf2,Plums,NaN\nf3,Figs,4.00\nf4,<b>Bad</b>,-1\n"

    answer = send(console, "/console/catalogue/upload", feed=(io.BytesIO(feed), "fruit.csv"))

    shown = text(answer.text)
    assert "2 kept, 2 refused" in shown
    assert re.findall(r"<td>(\d+)</td><td>(\w+)</td>", answer.text) == [
        ("3", "price"),
        ("5", "price"),
    ]
    with reading(here.engine) as session:
        assert sorted(items.get_many(session, ["f1", "f2", "f3", "f4"])) == ["f1", "f3"]


def test_a_feed_that_is_too_large_is_refused(api_config: ApiConfig) -> None:
    app = create_app(replace(api_config, max_upload_bytes=2_000))
    here: Runtime = app.extensions["vitrine"]
    console = app.test_client()
    log_in(console, key_of(here, Role.ADMIN))

    feed = (io.BytesIO(b"x" * 3_000), "f.csv")
    answer = send(console, "/console/catalogue/upload", feed=feed)
    here.close()

    assert answer.status_code == 413


def test_a_missing_file_is_asked_for(console: FlaskClient) -> None:
    assert send(console, "/console/catalogue/upload").status_code == 422


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("a.txt", b'\xef\xbb\xbf<?xml version="1.0"?>', FeedFormat.GOOGLE_XML),
        ("a.csv", b'{"id": "1"}\n', FeedFormat.JSONL),
        ("a.txt", b"id\ttitle\tprice\n1\ta, b\t2\n", FeedFormat.GOOGLE_TSV),
        ("a.tsv", b"", FeedFormat.GOOGLE_TSV),
        ("a", b"id;title\n", FeedFormat.CSV),
    ],
)
def test_a_feed_is_known_by_its_first_bytes(name: str, start: bytes, expected: FeedFormat) -> None:
    assert detect(name, io.BytesIO(start)) is expected


def test_an_item_is_found_hidden_and_shown_again(
    console: FlaskClient, here: Runtime, stocked
) -> None:
    found = console.get("/console/catalogue?q=fruit").text

    answer = send(console, "/console/catalogue/hide", item_id="i3", hidden="1", q="fruit")

    assert found.count("<code") == len(stocked) / 3
    assert "is hidden" in answer.text
    assert "i3" in console.get("/console/catalogue?q=i3").text
    with reading(here.engine) as session:
        assert items.get(session, "i3").hidden


def test_hiding_an_unknown_item_is_not_found(console: FlaskClient) -> None:
    assert send(console, "/console/catalogue/hide", item_id="x").status_code == 404


def test_a_run_is_kept_though_the_queue_is_away(console: FlaskClient, here: Runtime) -> None:
    answer = send(console, "/console/models/retrain")

    with reading(here.engine) as session:
        assert [run.status for run in runs.recent(session, 5)] == ["waiting"]
    assert "Waiting for a worker" in answer.text
    assert "The queue is away" in answer.text


def test_there_is_one_training_at_a_time(console: FlaskClient) -> None:
    send(console, "/console/models/retrain")

    assert "one at a time" in send(console, "/console/models/retrain").text


def test_a_waiting_run_can_be_cancelled(console: FlaskClient, here: Runtime) -> None:
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
    assert "hx-get" not in html


def test_what_was_not_measured_is_not_compared() -> None:
    assert comparison({"candidate": None, "live": None, "passed": True})["rows"] == []


def test_a_live_model_that_has_seen_the_hold_out_is_said_so() -> None:
    figures = {"ndcg@100": 0.2}

    note = comparison({"candidate": figures, "live": figures, "live_has_seen_holdout": True})[
        "note"
    ]

    assert "flatters" in note


def test_an_older_model_is_rolled_back_to(console: FlaskClient, here: Runtime, trained) -> None:
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
    console: FlaskClient, version: str, status: int
) -> None:
    assert send(console, "/console/models/promote", version=version).status_code == status


def test_an_unknown_run_is_a_page_not_json(console: FlaskClient) -> None:
    answer = console.get("/console/models/runs/none")

    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


ASKED = {"name": "Spring", "sizes": ["hero"], "audience": "personas", "choice": "best", "best": "3"}


def test_a_campaign_is_kept_and_shown(console: FlaskClient, here: Runtime) -> None:
    answer = send(console, "/console/campaigns", **ASKED)

    with reading(here.engine) as session:
        spec = campaigns.recent(session)[0].spec
    assert (spec.name, spec.sizes, spec.audience, spec.items) == (
        "Spring",
        ("hero",),
        {"personas": True},
        {"best": 3},
    )
    assert "the best 3 for every persona, hero" in text(answer.text)


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
    console: FlaskClient, here: Runtime, wrong: dict
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
    assert "hx-trigger" not in html  # it is done, nothing is left to watch


@pytest.mark.parametrize("judged", ["approved", "rejected"])
def test_a_creative_is_judged_and_its_judge_still_sees_it(
    console: FlaskClient, here: Runtime, judged: str
) -> None:
    campaign_id, key = made(here)

    send(console, f"/console/campaigns/{campaign_id}/creatives/{key}", approval=judged)

    with reading(here.engine) as session:
        assert campaigns.gallery(session, campaign_id)[0].approval == judged
    picture = console.get(f"/console/campaigns/{campaign_id}/creatives/{key}/banner")
    assert picture.status_code == 200
    assert picture.mimetype == "image/jpeg"
    picture.close()


def test_a_judgement_by_script_brings_back_the_one_card(
    console: FlaskClient, here: Runtime
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


def test_an_export_is_a_zip(console: FlaskClient, here: Runtime) -> None:
    campaign_id, _ = made(here)

    answer = console.get(f"/console/campaigns/{campaign_id}/export")

    assert answer.data.startswith(b"PK")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_closed_campaign_cannot_be_cancelled(console: FlaskClient, here: Runtime) -> None:
    campaign_id, _ = made(here)

    answer = send(console, f"/console/campaigns/{campaign_id}/cancel")

    assert answer.status_code == 409


@pytest.mark.parametrize("address", ["", "/progress", "/export", "/creatives/x/banner"])
def test_an_unknown_campaign_is_not_found(console: FlaskClient, address: str) -> None:
    assert console.get(f"/console/campaigns/none{address}").status_code == 404


def test_a_shopper_is_forgotten_with_a_receipt(console: FlaskClient, here: Runtime) -> None:
    with writing(here.engine) as session:
        event = Event(event_id="e", user_id="u/1 🍋", item_id="i1", kind=EventKind.VIEW, at=NOW)
        events.record(session, [event])

    answer = send(console, "/console/privacy/forget", user_id="u/1 🍋", sure="yes")

    assert "<dt>Events deleted</dt><dd>1</dd>" in answer.text
    with reading(here.engine) as session:
        assert events.count(session).total == 0


@pytest.mark.parametrize("form", [{"user_id": "", "sure": "yes"}, {"user_id": "u1"}])
def test_nobody_is_forgotten_by_mistake(console: FlaskClient, form: dict[str, str]) -> None:
    assert send(console, "/console/privacy/forget", **form).status_code == 422
