"""`POST /profile` over HTTP: nothing stored, everything named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from api import create_app
from api.config import ApiConfig
from api.recommending import profile
from api.runtime import Runtime
from recsys.types import EventKind

Headers = dict[str, str]


def test_what_was_dismissed_stays_away_after_a_hundred_views(
    client: FlaskClient, shop: Headers
) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    first = {"item_id": "i1", "kind": "dismiss", "at": start.isoformat()}
    held = client.post("/profile", json={"events": [first]}, headers=shop).json["profile"]
    for page in range(4):
        views = [
            {
                "item_id": f"i{3 + n % 3}",
                "kind": "view",
                "at": (start + timedelta(seconds=1 + 30 * page + n)).isoformat(),
            }
            for n in range(30)
        ]
        body = {"profile": held, "events": views}
        told = client.post("/profile", json=body, headers=shop).json
        held = told["profile"]

    answer = client.post("/recommend", json={"profile": held, "k": 20}, headers=shop)

    assert told["deeds"] == 51
    assert "i1" not in [one["item_id"] for one in answer.json["items"]]


def test_a_profile_grows_and_tells_its_deeds_in_order(
    client: FlaskClient, here: Runtime, shop: Headers
) -> None:
    earlier = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    first = client.post(
        "/profile", json={"events": [{"item_id": "a", "kind": "view"}]}, headers=shop
    )
    second = client.post(
        "/profile",
        json={
            "profile": first.json["profile"],
            "events": [{"item_id": "b", "kind": "purchase", "at": earlier}],
        },
        headers=shop,
    )

    told = profile.history_of(here.config, second.json["profile"])
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json["deeds"] == 2
    assert told.item_ids == ("b", "a")
    assert told.kinds == (EventKind.PURCHASE, EventKind.VIEW)
    assert told.user_id is None


def test_a_clock_that_runs_ahead_or_began_too_early_is_set_right(
    client: FlaskClient, here: Runtime, shop: Headers
) -> None:
    events = [
        {"item_id": "ahead", "kind": "view", "at": "9999-12-31T23:59:59Z"},
        {"item_id": "early", "kind": "view", "at": "0001-01-01T00:00:00+00:00"},
        {"item_id": "bare", "kind": "view", "at": "2020-01-01T00:00:00"},
    ]
    made = client.post("/profile", json={"events": events}, headers=shop)

    told = profile.history_of(here.config, made.json["profile"])
    assert told.item_ids == ("early", "bare", "ahead")
    assert told.at[-1] <= datetime.now(UTC).timestamp()


def test_nothing_of_a_profile_is_stored(client: FlaskClient, here: Runtime, shop: Headers) -> None:
    def rows() -> dict[str, Any]:
        with here.engine.connect() as connection:
            names = inspect(connection).get_table_names()
            return {
                name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar()  # noqa: S608 our own names
                for name in names
            }

    before = rows()
    client.post("/profile", json={"events": [{"item_id": "a", "kind": "like"}]}, headers=shop)

    assert rows() == before
    assert not here.config.recsys.spool_dir.exists()
    assert not list(here.config.recsys.answers_dir.glob("*"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"profile": "made up"}, "profile"),
        ({"profile": "x" * (profile.MAX_CHARACTERS + 1)}, "profile"),
        ({"profile": 3}, "profile"),
        ({"events": [{"item_id": "", "kind": "view"}]}, "events.0.item_id"),
        ({"events": [{"item_id": "a", "kind": "stare"}]}, "events.0.kind"),
        ({"events": [{"item_id": "a", "kind": "view", "at": "soon"}]}, "events.0.at"),
        ({"events": [{"item_id": "a", "kind": "view"}] * 101}, "events"),
        ({"event": []}, "event"),
    ],
)
def test_what_is_wrong_is_named(
    client: FlaskClient, shop: Headers, body: dict[str, Any], field: str
) -> None:
    answer = client.post("/profile", json=body, headers=shop)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field


def test_without_a_secret_the_answer_says_which_setting_is_missing(
    api_config: ApiConfig, shop: Headers
) -> None:
    app = create_app(replace(api_config, secret_key=""))
    answer = app.test_client().post("/profile", json={}, headers=shop)
    app.extensions["vitrine"].close()

    assert answer.status_code == 503
    assert "VITRINE_SECRET_KEY" in answer.json["detail"]


def test_a_profile_is_read_after_the_secret_was_replaced(
    client: FlaskClient, api_config: ApiConfig, shop: Headers
) -> None:
    made = client.post(
        "/profile", json={"events": [{"item_id": "a", "kind": "view"}]}, headers=shop
    )
    changed = replace(
        api_config, secret_key="a new one", former_secret_keys=(api_config.secret_key,)
    )
    app = create_app(changed)
    answer = app.test_client().post(
        "/profile", json={"profile": made.json["profile"]}, headers=shop
    )
    app.extensions["vitrine"].close()

    assert answer.json["deeds"] == 1


@pytest.mark.usefixtures("trained")
def test_a_profile_is_answered_as_the_same_past_kept_by_us_would_be(
    client: FlaskClient, shop: Headers
) -> None:
    now = datetime.now(UTC)
    deeds = [
        {"item_id": f"i{n}", "kind": kind, "at": (now - timedelta(hours=9 - n)).isoformat()}
        for n, kind in ((1, "view"), (4, "purchase"), (2, "cart"))
    ]
    sent = [one | {"user_id": "u", "event_id": f"e{n}"} for n, one in enumerate(deeds)]
    assert client.post("/events", json=sent, headers=shop).json["accepted"] == 3
    made = client.post("/profile", json={"events": deeds}, headers=shop).json["profile"]

    def asked(**who: str) -> list[tuple[str, str]]:
        answer = client.post("/recommend", json={"banner": "none", **who}, headers=shop)
        return [(one["item_id"], one["reasons"][0]["text"]) for one in answer.json["items"]]

    assert asked(profile=made) == asked(user_id="u")
    assert asked(profile=made) != asked()


def test_a_profile_that_was_changed_is_refused_by_recommend_too(
    client: FlaskClient, shop: Headers
) -> None:
    answer = client.post("/recommend", json={"profile": "made up"}, headers=shop)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "profile"


def test_a_profile_needs_a_key(client: FlaskClient) -> None:
    assert client.post("/profile", json={}).status_code == 401
