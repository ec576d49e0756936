"""Fine-tuned voices over HTTP: asked for, promoted, gone back from, and followed by every process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from apiflask import APIFlask

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime
from generative.voice import voices

OLD, NEW = "20261120T120000Z-aaaaaa", "20261121T120000Z-bbbbbb"


@pytest.fixture
def app(cached_config: ApiConfig, tmp_path: Path) -> Iterator[APIFlask]:
    generative = replace(
        cached_config.generative,
        voices_dir=tmp_path / "voices",
        copy_providers=("llama", "extractive", "template"),
    )
    made = create_app(replace(cached_config, generative=generative))
    yield made
    made.extensions["vitrine"].close()


@pytest.fixture
def two(here: Runtime, tmp_path: Path) -> Path:
    """Two published voices; none is live."""
    root = here.config.generative.voices_dir
    for voice_id in (OLD, NEW):
        (tmp_path / "adapter.gguf").write_bytes(voice_id.encode())
        adapter = tmp_path / "adapter.gguf"
        voices.publish(root, voice_id, adapter, base_sha256="0" * 64, report={"gate": "passed"})
    return root


def test_no_voice_is_no_error(client, admin) -> None:
    assert client.get("/voices", headers=admin).json == {"voices": [], "live": None}
    assert client.post("/voices/rollback", headers=admin).status_code == 409


@pytest.mark.usefixtures("stocked", "broker", "two")
def test_a_promoted_voice_renames_the_very_next_creative(client, admin, shop) -> None:
    def key() -> str:
        told = client.get("/recommend?k=1", headers=shop).json
        return str(told["items"][0]["creative"]["key"])

    plain = key()
    promoted = client.post(f"/voices/{OLD}/promote", headers=admin)
    old = key()
    client.post(f"/voices/{NEW}/promote", headers=admin)
    new = key()
    back = client.post("/voices/rollback", headers=admin)
    again = key()
    client.delete("/voices/live", headers=admin)

    assert promoted.json == {"live": OLD, "previous": None, "degraded": []}
    assert (back.json["live"], back.json["previous"]) == (OLD, NEW)
    assert len({plain, old, new}) == 3
    assert (again, key()) == (old, plain)


@pytest.mark.usefixtures("broker")
def test_voices_are_told_with_what_is_wrong_with_them(client, admin, two: Path) -> None:
    (two / NEW / "adapter.gguf").write_bytes(b"tampered")
    client.post(f"/voices/{OLD}/promote", headers=admin)

    told = client.get("/voices", headers=admin).json

    assert told["live"] == OLD
    assert [(one["voice_id"], one["live"]) for one in told["voices"]] == [(NEW, False), (OLD, True)]
    assert told["voices"][0]["problem"]
    assert told["voices"][1]["report"] == {"gate": "passed"}
    assert client.post(f"/voices/{NEW}/promote", headers=admin).status_code == 409
    assert client.post("/voices/20990101T000000Z-cccccc/promote", headers=admin).status_code == 404
    assert client.post("/voices/..%2f..%2fx/promote", headers=admin).status_code == 404


def test_a_run_is_asked_for_once_and_cancelled(client, admin, broker) -> None:
    started = client.post("/voices/train", headers=admin)
    second = client.post("/voices/train", headers=admin)
    run_id = started.json["run_id"]
    listed = client.get("/voices/runs", headers=admin).json["runs"]
    ended = client.delete(f"/voices/runs/{run_id}", headers=admin)

    assert (started.status_code, second.status_code, broker("train")) == (202, 409, 1)
    assert [one["run_id"] for one in listed] == [run_id]
    assert (ended.status_code, ended.json["status"]) == (202, "cancelled")
    assert client.get(f"/voices/runs/{run_id}", headers=admin).json["status"] == "cancelled"
    assert client.get("/voices/runs/ghost", headers=admin).status_code == 404


def test_voices_are_the_admins(client, shop) -> None:
    assert client.get("/voices", headers=shop).status_code == 403
    assert client.post("/voices/train", headers=shop).status_code == 403


def test_a_voice_run_is_no_run_of_a_model_over_http(client, admin, broker) -> None:
    model = client.post("/admin/retrain", headers=admin).json["run_id"]
    voice = client.post("/voices/train", headers=admin).json["run_id"]

    listed = client.get("/admin/runs", headers=admin).json["runs"]

    assert [one["run_id"] for one in listed] == [model]
    assert client.get(f"/admin/runs/{voice}", headers=admin).status_code == 404
    assert client.delete(f"/admin/runs/{voice}", headers=admin).status_code == 404
    assert client.delete(f"/voices/runs/{model}", headers=admin).status_code == 404
    assert client.get(f"/voices/runs/{voice}", headers=admin).json["status"] == "waiting"
    assert broker("train") == 2
