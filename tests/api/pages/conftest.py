"""A logged-in shopkeeper, and what a page says once its tags are taken off."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api import keys
from api.keys import Role
from api.runtime import Runtime
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.types import EventKind

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LogIn = Callable[[FlaskClient, str], TestResponse]


def token_in(html: str) -> str:
    return unescape(re.search(r'name="csrf_token" value="([^"]+)"', html)[1])


def new_key(here: Runtime, role: Role) -> str:
    with writing(here.engine) as session:
        key = keys.create(session, role, label="test", now=NOW)
    here.keyring.refresh()
    return key


@pytest.fixture
def key_of() -> Callable[[Runtime, Role], str]:
    return new_key


@pytest.fixture
def token() -> Callable[[str], str]:
    """The form token of a page."""
    return token_in


@pytest.fixture
def page() -> Callable[..., str]:
    """The text of a page that answers with 200."""

    def page(client: FlaskClient, address: str = "/", **kwargs: Any) -> str:
        answer = client.get(address, **kwargs)
        assert answer.status_code == 200, answer.text[:500]
        return answer.text

    return page


@pytest.fixture
def noted() -> Callable[[str], str]:
    """What a page says was done."""
    return lambda html: unescape(re.search(r'id="noted"[^>]*>([^<]*)<', html)[1])


@pytest.fixture
def titles() -> Callable[[str], list[str]]:
    """The headings of a page's rows."""
    return lambda html: [unescape(found) for found in re.findall(r"<h2[^>]*>([^<]*)</h2>", html)]


@pytest.fixture
def deeds() -> Callable[[Runtime], list[tuple[str, EventKind]]]:
    """All that was done, by anybody."""

    def deeds(here: Runtime) -> list[tuple[str, EventKind]]:
        with reading(here.engine) as session:
            return [
                (item_id, kind)
                for user_id in events.users(session, limit=100)
                for past in [events.history(session, user_id)]
                for item_id, kind in zip(past.item_ids, past.kinds, strict=True)
            ]

    return deeds


@pytest.fixture
def text() -> Callable[[str], str]:
    """The words of a page."""
    return lambda html: re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@pytest.fixture
def log_in() -> LogIn:
    def log_in(client: FlaskClient, key: str) -> TestResponse:
        form = {"csrf_token": token_in(client.get("/console/login").text), "key": key}
        return client.post("/console/login", data=form)

    return log_in


@pytest.fixture
def console(client: FlaskClient, here: Runtime, log_in: LogIn) -> FlaskClient:
    """A client that has logged in."""
    assert log_in(client, new_key(here, Role.ADMIN)).status_code == 303
    return client


@pytest.fixture
def send() -> Callable[..., TestResponse]:
    """Fills in a form of the console, with its token."""

    def send(console: FlaskClient, address: str, **form: object) -> TestResponse:
        csrf = token_in(console.get("/console/privacy").text)
        filled = {"csrf_token": csrf} | form
        return console.post(address, data=filled, follow_redirects=True)

    return send
