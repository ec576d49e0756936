"""The brand kit over HTTP: checked field by field, versioned, and in force at the next answer."""

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from apiflask import APIFlask
from PIL import Image

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime


@pytest.fixture
def app(cached_config: ApiConfig) -> Iterator[APIFlask]:
    made = create_app(cached_config)
    yield made
    made.extensions["vitrine"].close()


def picture(size=(200, 80)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", size, (10, 90, 60, 128)).save(buffer, "PNG")
    return buffer.getvalue()


def put(client, admin, **kit):
    return client.put("/brand", json=kit, headers=admin)


def test_the_configuration_is_in_force_until_a_kit_is_saved(client, admin) -> None:
    told = client.get("/brand", headers=admin).json

    assert (told["version"], told["kit"]["name"], told["created_at"]) == (0, "Vitrine", None)
    assert "Inter" in told["fonts"]


@pytest.mark.usefixtures("stocked", "broker")
def test_a_saved_kit_renames_the_very_next_creative(client, admin, shop) -> None:
    def key() -> str:
        answer = client.get("/recommend?k=1", headers=shop).json
        return str(answer["items"][0]["creative"]["key"])

    before = key()
    saved = put(client, admin, name="Hof", color="#2f6f4e", forbidden=["number"])
    after = key()

    assert (saved.status_code, saved.json["version"], saved.json["kit"]["name"]) == (200, 1, "Hof")
    assert saved.json["degraded"] == []
    assert before != after == key()


@pytest.mark.usefixtures("stocked", "broker")
def test_a_forbidden_word_leaves_the_floor_at_once(client, admin, shop) -> None:
    def words() -> str:
        answer = client.get("/recommend?k=1", headers=shop).json
        told = answer["items"][0]["creative"]
        return f"{told['headline']} {told['tagline']}".lower()

    assert "number" in words()
    put(client, admin, forbidden=["number"])
    assert "number" not in words()


@pytest.mark.usefixtures("stocked", "broker")
def test_another_process_follows_without_being_asked(
    client, admin, cached_config: ApiConfig
) -> None:
    other = create_app(replace(cached_config, pulse_seconds=30.0))
    asker, held = other.test_client(), other.extensions["vitrine"]
    held.keyring.refresh()
    url = "/recommend?k=1"
    first = asker.get(url, headers=admin).json["items"][0]["creative"]["key"]

    put(client, admin, name="Hof")

    second = asker.get(url, headers=admin).json["items"][0]["creative"]["key"]
    held.close()
    assert first != second


@pytest.mark.parametrize(
    ("kit", "field"),
    [
        ({"color": "red"}, "color"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"corners": "wavy"}, "corners"),
        ({"tone": None}, "tone"),
        ({"forbidden": "cheap"}, "forbidden"),
        ({"font": "Comic Sans MS"}, "font"),
        ({"logo": "0" * 64}, "logo"),
        ({"logo": "../../etc/passwd"}, "logo"),
        ({"owner": "me"}, "owner"),
        ({"legal": "x" * 121}, "legal"),
        ({"name": "Cheap & Co", "forbidden": ["cheap"]}, "name"),
        ({"legal": "No bargain.", "forbidden": ["bargain"]}, "legal"),
    ],
)
def test_a_bad_field_is_named(client, admin, kit, field) -> None:
    answer = put(client, admin, **kit)

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert client.get("/brand", headers=admin).json["version"] == 0


def test_versions_are_kept_and_gone_back_to(client, admin) -> None:
    put(client, admin, name="Hof")
    put(client, admin, name="Laden")
    put(client, admin, name="Laden")

    back = client.post("/brand/versions/1/restore", headers=admin)

    assert (back.json["version"], back.json["kit"]["name"]) == (3, "Hof")
    told = client.get("/brand/versions", headers=admin).json["versions"]
    assert [(one["version"], one["kit"]["name"]) for one in told] == [
        (3, "Hof"),
        (2, "Laden"),
        (1, "Hof"),
    ]
    assert len(told[0]["who"]) == 12
    assert client.post("/brand/versions/99/restore", headers=admin).status_code == 404


def test_two_who_save_at_once_do_not_overwrite_each_other(client, admin) -> None:
    put(client, admin, name="Hof", based_on=0)

    late = put(client, admin, name="Laden", based_on=0)

    assert late.status_code == 409
    assert client.get("/brand", headers=admin).json["kit"]["name"] == "Hof"


@pytest.mark.parametrize("how", ["form", "body"])
def test_a_logo_is_kept_and_put_in_force(client, admin, here: Runtime, how: str) -> None:
    form = how == "form"
    data = {"file": (io.BytesIO(picture()), "logo.png")} if form else picture()
    kind = {} if form else {"content_type": "image/png"}

    kept = client.post("/brand/logo", data=data, headers=admin, **kind)
    saved = put(client, admin, logo=kept.json["logo"])

    assert (kept.status_code, kept.json["width"], kept.json["height"]) == (201, 200, 80)
    assert saved.json["logo_url"] == kept.json["url"]
    shown = client.get(kept.json["url"])
    assert (shown.status_code, shown.mimetype) == (200, "image/png")
    shown.close()
    folder = here.config.generative.media_dirs[-1] / "brand"
    assert [path.name for path in folder.iterdir()] == [f"{kept.json['logo']}.png"]


@pytest.mark.parametrize("data", [b"", b"<svg onload=x>", b"\x89PNG\r\n\x1a\n broken", b"GIF89a"])
def test_what_is_no_logo_is_refused(client, admin, data) -> None:
    answer = client.post("/brand/logo", data=data, content_type="image/png", headers=admin)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "file"


def test_a_logo_that_is_too_large_is_not_read(client, admin) -> None:
    answer = client.post(
        "/brand/logo", data=b"0" * 2_100_000, content_type="image/png", headers=admin
    )

    assert answer.status_code in {413, 422}


def test_a_full_disk_is_said(client, admin, monkeypatch: pytest.MonkeyPatch) -> None:
    from generative.branding import logo

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(logo, "store", full)

    answer = client.post("/brand/logo", data=picture(), content_type="image/png", headers=admin)

    assert answer.status_code == 507
    assert "No space left" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/brand", "/brand/versions", "/providers", "/backdrops"])
def test_the_studio_is_the_admins(client, shop, path) -> None:
    assert client.get(path, headers=shop).status_code == 403
    assert client.get(path).status_code == 401


def test_a_provider_is_switched_off_for_everyone(client, admin, here: Runtime) -> None:
    from generative.ledger import SqlLedger

    book = SqlLedger(here.engine, daily_budget=1.0, clock=count(0, 30).__next__)
    before = book.allowed("llama")

    told = client.put("/providers/llama", json={"enabled": False}, headers=admin)

    assert told.status_code == 200
    assert next(one for one in told.json["providers"] if one["name"] == "llama")["enabled"] is False
    assert (before, book.allowed("llama")) == ("", "it is switched off")
    client.put("/providers/llama", json={"enabled": True}, headers=admin)
    assert book.allowed("llama") == ""


@pytest.mark.parametrize("name", ["template", "extractive", "ghost"])
def test_the_floor_has_no_switch(client, admin, name) -> None:
    answer = client.put(f"/providers/{name}", json={"enabled": False}, headers=admin)

    assert answer.status_code == 404


def test_providers_are_told_in_the_order_they_are_asked(client, admin, here: Runtime) -> None:
    from generative.ledger import SqlLedger

    book = SqlLedger(here.engine, daily_budget=1.0)
    book.record("llama", candidates=4, accepted=3, seconds=2.0, failed=False)

    told = client.get("/providers", headers=admin).json

    assert [one["name"] for one in told["providers"][:2]] == ["extractive", "template"]
    assert [one["order"] for one in told["providers"][:3]] == [1, 2, None]
    llama = next(one for one in told["providers"] if one["name"] == "llama")
    assert llama["acceptance_percent"] == 75.0
    assert (llama["days"][0]["calls"], llama["days"][0]["accepted"]) == (1, 3)
    assert told["daily_budget"] == 1.0


def test_a_backdrop_is_kept_shown_and_removed(client, admin) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1400, 900), (180, 200, 190)).save(buffer, "JPEG")

    kept = client.post(
        "/backdrops", data=buffer.getvalue(), content_type="image/jpeg", headers=admin
    )
    told = client.get("/backdrops", headers=admin).json
    shown = client.get(told["backdrops"][0]["url"], headers=admin)
    shown.close()
    gone = client.delete(f"/backdrops/{kept.json['sha256']}", headers=admin)

    assert (kept.status_code, shown.status_code, gone.status_code) == (201, 200, 204)
    assert client.get("/backdrops", headers=admin).json["backdrops"] == []
    assert client.delete("/backdrops/../x", headers=admin).status_code == 404


def test_a_backdrop_that_is_no_picture_is_refused(client, admin) -> None:
    answer = client.post("/backdrops", data=b"no", content_type="image/jpeg", headers=admin)

    assert answer.status_code == 422
