"""JSON answers take a short way out of the server; what they say stays what Flask would say."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from api import parsing


@pytest.fixture
def said(app: APIFlask) -> APIFlask:
    app.add_url_rule("/said", "said", view_func=lambda: parsing.answer({"a": "é"}))
    app.add_url_rule("/gone", "gone", view_func=lambda: parsing.answer({}, 204))
    app.add_url_rule(
        "/named",
        "named",
        view_func=lambda: parsing.answer({}, 201, {"X-Frame-Options": "SAMEORIGIN"}),
    )
    return app


def test_a_json_answer_says_its_length_its_type_and_what_every_answer_says(said: APIFlask) -> None:
    answer = said.test_client().get("/said", headers={"X-Request-Id": "r1"})

    assert answer.json == {"a": "é"}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Length"] == str(len(answer.data)) == "10"
    assert answer.headers["X-Request-Id"] == "r1"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert len(answer.headers) == len({name for name, _ in answer.headers})


def test_a_head_has_the_headers_and_no_body(said: APIFlask) -> None:
    answer = said.test_client().head("/said")

    assert answer.data == b""
    assert answer.headers["Content-Length"] == "10"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_answer_of_nothing_has_no_body(said: APIFlask) -> None:
    answer = said.test_client().get("/gone")

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_header_of_the_answers_own_is_kept(said: APIFlask) -> None:
    answer = said.test_client().get("/named")

    assert answer.status_code == 201
    assert answer.headers.getlist("X-Frame-Options") == ["SAMEORIGIN"]


def test_an_answer_without_a_cookie_sets_none(client: FlaskClient, shop) -> None:
    answer = client.get("/recommend", headers=shop)

    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers
