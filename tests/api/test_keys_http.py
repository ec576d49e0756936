"""Who is let in: keys, the console's cookie, and the commands that make keys."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask import Flask
from flask import session as opened
from sqlalchemy.orm import Session

from api import auth, keys
from api.keyring import Keyring, KeysUnread
from api.keys import KeptKey, Role, create, every, read
from api.runtime import Runtime
from recsys.database import connect, reading, writing

ADMIN_ROUTES = [
    ("PUT", "/items/x"),
    ("PATCH", "/items/x"),
    ("POST", "/items/import"),
    ("POST", "/admin/retrain"),
    ("GET", "/admin/runs"),
    ("GET", "/admin/runs/x"),
    ("DELETE", "/admin/runs/x"),
    ("GET", "/admin/models"),
    ("GET", "/admin/answers"),
    ("GET", "/admin/answers/x"),
    ("POST", "/admin/answers/x/replay"),
    ("POST", "/admin/models/x/compare"),
    ("POST", "/admin/models/x/promote"),
    ("POST", "/admin/models/rollback"),
    ("POST", "/campaigns"),
    ("GET", "/campaigns"),
    ("GET", "/campaigns/x"),
    ("DELETE", "/campaigns/x"),
    ("GET", "/campaigns/x/export"),
    ("POST", "/campaigns/x/creatives/y/approve"),
    ("POST", "/campaigns/x/creatives/y/reject"),
    ("DELETE", "/users/x"),
    ("GET", "/metrics"),
]
SHOP_ROUTES = [
    ("GET", "/recommend"),
    ("POST", "/recommend"),
    ("POST", "/events"),
    ("POST", "/profile"),
    ("GET", "/items"),
    ("GET", "/items/x"),
    ("GET", "/items/x/similar"),
    ("GET", "/items/x/bought-together"),
    ("GET", "/creatives/x"),
]


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES + SHOP_ROUTES)
def test_every_closed_route_wants_a_key(client, method: str, path: str) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_a_storefront_key_opens_no_admin_route(client, shop, method: str, path: str) -> None:
    assert client.open(path, method=method, headers=shop).status_code == 403


@pytest.mark.parametrize("path", ["/recommend", "/admin/models", "/metrics", "/campaigns"])
def test_an_admin_key_opens_both(client, admin, path: str) -> None:
    assert client.get(path, headers=admin).status_code == 200


def test_a_key_may_come_in_either_header(client, shop) -> None:
    key = shop["Authorization"].removeprefix("Bearer ")

    assert client.get("/recommend", headers={"X-Api-Key": key}).status_code == 200
    assert client.get("/recommend", headers={"Authorization": f"bearer {key}"}).status_code == 200


@pytest.mark.parametrize(
    "spoil", [lambda k: k[:-1] + "!", lambda k: k[:-1], lambda _: "", str.upper]
)
def test_a_spoilt_key_is_refused(client, shop, spoil) -> None:
    key = spoil(shop["Authorization"].removeprefix("Bearer "))

    assert client.get("/recommend", headers={"X-Api-Key": key}).status_code == 401


def test_a_storefront_id_with_an_admin_prefix_gains_nothing(client, shop) -> None:
    key = shop["Authorization"].replace("vk_pub_", "vk_adm_")

    assert client.get("/admin/models", headers={"Authorization": key}).status_code == 403


def test_a_shop_whose_database_never_answered_still_lets_its_public_key_in(tmp_path) -> None:
    away = connect(f"sqlite:///{tmp_path}/empty.db")
    keyring = Keyring(away)
    public = read("vk_pub_0123456789ab_" + "A" * 43)
    secret = read("vk_adm_0123456789ab_" + "A" * 43)
    assert public is not None
    assert secret is not None

    assert keyring.role_of(public) is Role.STOREFRONT
    with pytest.raises(KeysUnread):
        keyring.role_of(secret)
    away.dispose()


def test_nobody_is_let_in_while_the_keys_are_read_for_the_first_time(
    here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = read("vk_pub_0123456789ab_" + "A" * 43)
    assert forged is not None
    reads, may_end = threading.Event(), threading.Event()

    def slow(session: Session) -> Mapping[str, KeptKey]:
        reads.set()
        assert may_end.wait(10)
        return in_force(session)

    in_force = keys.in_force
    monkeypatch.setattr(keys, "in_force", slow)
    keyring = Keyring(here.engine)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(keyring.role_of, forged)
        assert reads.wait(10)
        second = pool.submit(keyring.role_of, forged)
        with pytest.raises(TimeoutError):
            second.result(0.2)
        may_end.set()

        assert (first.result(10), second.result(10)) == (None, None)


def test_the_console_cookie_needs_its_csrf_token_to_write(app: APIFlask, admin) -> None:
    key = admin["Authorization"].removeprefix("Bearer ")
    client = app.test_client()
    token = log_in(app, client, key)

    assert client.get("/admin/models").status_code == 200
    assert client.post("/admin/models/rollback").status_code == 403
    wrong = client.post("/admin/models/rollback", headers={"X-CSRF-Token": "x" * 43})
    assert wrong.status_code == 403
    right = client.post("/admin/models/rollback", headers={"X-CSRF-Token": token})
    assert right.status_code == 409


def test_a_revoked_key_ends_its_console_session(app: APIFlask, here: Runtime, admin) -> None:
    key = admin["Authorization"].removeprefix("Bearer ")
    client = app.test_client()
    log_in(app, client, key)
    with writing(here.engine) as session:
        assert keys.revoke(session, key.split("_")[2], now=datetime.now(UTC))
    here.keyring.refresh()

    assert client.get("/admin/models").status_code == 401
    assert client.get("/admin/models", headers=admin).status_code == 401


def test_a_storefront_key_opens_no_session(app: APIFlask, shop) -> None:
    with app.test_request_context("/"):
        assert not auth.login(shop["Authorization"].removeprefix("Bearer "))


def test_the_cookie_is_hard_to_steal(app: Flask) -> None:
    assert app.config["SESSION_COOKIE_HTTPONLY"] is True
    assert app.config["SESSION_COOKIE_SAMESITE"] in {"Lax", "Strict"}


def test_keys_are_made_listed_and_revoked_by_command(app: APIFlask, here: Runtime) -> None:
    run = app.test_cli_runner().invoke

    made = run(args=["keys", "create", "--role", "admin", "--label", "ops"])
    key = made.output.strip()
    presented = read(key)
    assert presented is not None
    assert presented.role is Role.ADMIN
    with reading(here.engine) as session:
        (kept,) = every(session)
    assert key.rsplit("_", 1)[1] not in repr(kept)
    assert "in force" in run(args=["keys", "list"]).output
    assert run(args=["keys", "revoke", presented.key_id]).exit_code == 0
    assert "revoked" in run(args=["keys", "list"]).output
    assert run(args=["keys", "revoke", presented.key_id]).exit_code == 1
    assert run(args=["keys", "create", "--role", "king"]).exit_code == 2


def test_two_keys_are_never_alike(here: Runtime) -> None:
    with writing(here.engine) as session:
        made = {create(session, Role.ADMIN, label="", now=datetime.now(UTC)) for _ in range(20)}

    assert len(made) == 20


def log_in(app: APIFlask, client, key: str) -> str:
    """Put into the client's jar the cookie that the console's login would set; its CSRF token."""
    with app.test_request_context("/"):
        assert auth.login(key)
        values = dict(opened)
    with client.session_transaction() as session:
        session.update(values)
    return str(values["csrf"])
