"""`GET /recommend` goes around Flask: nobody can tell from what is answered."""

from typing import Any

import pytest
from apiflask import APIFlask
from flask import session
from flask.testing import FlaskClient

from api import auth
from api.runtime import Runtime
from recsys.serving import ranking

Headers = dict[str, str]

ASKED = (
    "/recommend?user_id=u1&k=3&seed=1",
    "/recommend?user_id=u1&k=3&seed=1&user%5Fid=u2",
    "/recommend?k=0",
    "/recommend?filter=price%20%3C",
    "/recommend?strategy=nobody_knows",
    "/recommend?unheard=of",
)


def _told(app: APIFlask, path: str, headers: Headers) -> tuple[int, dict[str, Any], Headers]:
    answer = app.test_client().get(path, headers=headers)
    body = answer.get_json()
    body.pop("took_ms", None)
    body.pop("recommendation_id", None)
    carried = dict(answer.headers)
    carried.pop("Content-Length")  # of the time that it took
    if "X-Request-Id" not in headers:
        carried.pop("X-Request-Id")
    return answer.status_code, body, carried


@pytest.mark.parametrize("path", ASKED)
def test_both_ways_say_the_same(app: APIFlask, shop: Headers, path: str) -> None:
    named = {**shop, "X-Request-Id": "asked-twice"}
    quick = _told(app, path, named)

    app.quick.clear()  # type: ignore[attr-defined]

    assert _told(app, path, named) == quick


@pytest.mark.parametrize(
    "headers", [{"X-Api-Key": ""}, {"Authorization": "Bearer vk_pub_0_1"}, {"X-Api-Key": "é"}]
)
def test_both_ways_refuse_the_same_keys(app: APIFlask, headers: Headers) -> None:
    quick = _told(app, "/recommend", headers)

    app.quick.clear()  # type: ignore[attr-defined]

    assert quick[0] == 401
    assert _told(app, "/recommend", headers) == quick


def test_without_a_key_the_consoles_cookie_is_asked(app: APIFlask, admin: Headers) -> None:
    with app.test_request_context():
        assert auth.login(admin["Authorization"].removeprefix("Bearer "))
        opened = dict(session)
    console = app.test_client()
    with console.session_transaction() as kept:
        kept.update(opened)

    assert console.get("/recommend").status_code == 200
    assert app.test_client().get("/recommend").status_code == 401


def test_an_error_of_ours_is_told_once_and_counted(
    client: FlaskClient, shop: Headers, here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def broken(*_: Any, **__: Any) -> None:
        calls.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(ranking, "rank", broken)

    answer = client.get("/recommend", headers=shop)

    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert len(calls) == 1
    assert b'endpoint="recommend.recommend",method="GET",status="500"} 1.0' in here.metrics.page("")


def test_both_ways_count_the_same(
    client: FlaskClient, app: APIFlask, shop: Headers, here: Runtime
) -> None:
    client.get("/recommend", headers=shop)
    app.quick.clear()  # type: ignore[attr-defined]
    client.get("/recommend", headers=shop)

    told = here.metrics.page("")
    assert b'endpoint="recommend.recommend",method="GET",status="200"} 2.0' in told
    assert b'vitrine_request_seconds_count{endpoint="recommend.recommend"} 2.0' in told


def test_both_ways_refuse_a_host_that_is_none(app: APIFlask, shop: Headers) -> None:
    named = {**shop, "Host": "shop..example", "X-Request-Id": "asked-twice"}
    quick = _told(app, "/recommend", named)

    app.quick.clear()  # type: ignore[attr-defined]

    assert quick[0] == 400
    assert _told(app, "/recommend", named) == quick
