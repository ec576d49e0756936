"""What is missing is said, and the shop still answers."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from apiflask import APIFlask
from sqlalchemy import text
from werkzeug.test import TestResponse

from api import create_app
from api.breaker import Away, Breaker
from api.config import ApiConfig
from api.runtime import Runtime


def lose_database(here: Runtime) -> None:
    """The tables are gone under the running process."""
    with here.engine.begin() as connection:
        for table in ("event", "item", "catalogue_revision"):
            connection.execute(text(f"DROP TABLE {table}"))


@pytest.mark.usefixtures("trained")
def test_without_a_database_the_last_shelf_and_the_session_answer(client, shop, here) -> None:
    assert client.get("/recommend", headers=shop).status_code == 200
    lose_database(here)

    answer = client.get("/recommend?user_id=u1&session=i3&k=4", headers=shop)

    assert answer.status_code == 200
    assert len(answer.json["items"]) == 4
    assert answer.json["items"][0]["source"] == "personal"
    assert answer.json["degraded"] == ["history", "catalogue", "creatives"]
    assert client.get("/items/i1/similar", headers=shop).json["degraded"] == ["catalogue"]


def test_a_process_that_starts_without_its_database_still_answers(api_config: ApiConfig) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    app = create_app(replace(api_config, recsys=replace(api_config.recsys, database_url=url)))
    client = app.test_client()
    public = {"X-Api-Key": "vk_pub_0123456789ab_" + "A" * 43}
    event = {"event_id": "e", "user_id": "u", "item_id": "i", "kind": "view"}

    slate = client.get("/recommend?user_id=u", headers=public)
    accepted = client.post("/events", json=event, headers=public)
    written = client.get("/campaigns", headers={"X-Api-Key": "vk_adm_0123456789ab_" + "A" * 43})

    app.extensions["vitrine"].close()
    assert slate.status_code == 200
    assert slate.json["items"] == []
    assert slate.json["degraded"] == ["history", "catalogue", "model", "rules"]
    assert accepted.json["degraded"] == ["database"]
    assert (written.status_code, written.headers["Retry-After"]) == (503, "2")


@pytest.mark.usefixtures("stocked")
def test_without_a_database_items_are_read_from_the_last_shelf(client, shop, admin, here) -> None:
    client.patch("/items/i4", json={"hidden": True}, headers=admin)
    client.get("/recommend", headers=shop)
    lose_database(here)

    one = client.get("/items/i1", headers=shop)
    found = client.get("/items?search=FRUIT+number&limit=2", headers=shop)
    hidden = client.get("/items?search=bread+4", headers=shop)

    assert (one.status_code, one.json["title"]) == (200, "Bread number 1")
    assert [item["item_id"] for item in found.json["items"]] == ["i0", "i3"]
    assert hidden.json["items"] == []
    assert client.get("/items/unknown", headers=shop).status_code == 404


@pytest.mark.usefixtures("stocked")
def test_an_empty_artifact_directory_means_the_newest_items(client, shop) -> None:
    answer = client.get("/recommend?k=3", headers=shop)

    assert [one["item_id"] for one in answer.json["items"]] == ["i0", "i1", "i2"]
    assert {one["source"] for one in answer.json["items"]} == {"newest"}
    assert answer.json["model_version"] is None
    assert "model" in answer.json["degraded"]


def test_no_items_at_all_is_an_empty_answer(client, shop) -> None:
    answer = client.get("/recommend", headers=shop)

    assert answer.status_code == 200
    assert answer.json["items"] == []


@pytest.mark.usefixtures("stocked")
def test_a_model_that_appears_is_served_without_a_restart(client, shop, request) -> None:
    assert client.get("/recommend", headers=shop).json["model_version"] is None

    trained = request.getfixturevalue("trained")

    assert client.get("/recommend", headers=shop).json["model_version"] == trained.version


def test_artifacts_that_vanish_keep_the_loaded_model(client, shop, here, trained) -> None:
    client.get("/recommend", headers=shop)
    shutil.rmtree(here.config.recsys.artifacts_dir)

    assert client.get("/recommend", headers=shop).json["model_version"] == trained.version


@pytest.mark.usefixtures("trained")
def test_readiness_names_what_is_away_and_stays_ready(client, here: Runtime) -> None:
    answer = client.get("/health/ready")

    states = {name: one["status"] for name, one in answer.json["dependencies"].items()}
    assert answer.status_code == 200
    assert answer.json["status"] == "degraded"
    assert states["database"] == "ok"
    assert states["redis"] == "away"
    assert states["workers"] == "away"
    assert states["model"] == "ok"
    assert str(here.config.recsys.artifacts_dir) not in answer.text


@pytest.fixture
def ready_without_tables(api_config: ApiConfig, tmp_path: Path) -> TestResponse:
    """What readiness says over a database that nobody has migrated."""
    bare = replace(api_config.recsys, database_url=f"sqlite:///{tmp_path}/no-tables.db")
    app = create_app(replace(api_config, recsys=bare))
    answer = app.test_client().get("/health/ready")
    app.extensions["vitrine"].close()
    return answer


def test_readiness_is_a_503_only_where_nothing_could_be_answered(
    ready_without_tables: TestResponse,
) -> None:
    assert ready_without_tables.status_code == 503
    assert ready_without_tables.json["status"] == "unavailable"


@pytest.mark.usefixtures("trained")
def test_a_database_of_an_earlier_release_is_told_from_one_that_is_away(
    client, admin, here: Runtime
) -> None:
    with here.engine.begin() as connection:
        connection.execute(text("DROP TABLE brand_kit"))

    told = client.get("/brand", headers=admin)

    assert told.status_code == 503
    assert "flask --app api db upgrade" in told.json["detail"]
    assert "Retry-After" not in told.headers


def test_readiness_says_that_the_database_was_not_brought_up(
    ready_without_tables: TestResponse,
) -> None:
    database = ready_without_tables.json["dependencies"]["database"]

    assert "db upgrade" in database["detail"]


def test_a_database_that_is_no_database_degrades_the_shop(
    api_config: ApiConfig, app: APIFlask, shop
) -> None:
    path = Path(api_config.recsys.database_url.removeprefix("sqlite:///"))
    app.extensions["vitrine"].engine.dispose()
    for left in path.parent.glob(path.name + "*"):
        left.unlink()
    path.write_bytes(b"this is no database, but it is long enough to be taken for one" * 100)

    client = app.test_client()
    slate = client.get("/recommend?user_id=u", headers=shop)
    event = {"event_id": "e", "user_id": "u", "item_id": "i", "kind": "view"}
    accepted = client.post("/events", json=event, headers=shop)

    assert slate.status_code == 200
    assert slate.json["degraded"][:2] == ["history", "catalogue"]
    assert accepted.status_code == 202
    assert accepted.json["degraded"] == ["database"]


def test_a_locked_database_can_still_be_read(client, shop, api_config, stocked) -> None:
    path = api_config.recsys.database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    answer = client.get("/recommend?user_id=u1", headers=shop)

    other.execute("ROLLBACK")
    other.close()
    assert len(answer.json["items"]) == len(stocked)
    assert "history" not in answer.json["degraded"]


def test_a_slow_failure_is_not_asked_again_at_once() -> None:
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])

    def fail(seconds: float) -> None:
        with breaker.asking():
            now[0] += seconds
            raise OSError

    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011 a quick failure is always tried again
            fail(0.01)
    with pytest.raises(OSError):  # noqa: PT011 the slow one
        fail(1.0)
    with pytest.raises(Away):
        fail(0.0)
    now[0] += 4.1
    with pytest.raises(OSError):  # noqa: PT011 asked again
        fail(0.01)
