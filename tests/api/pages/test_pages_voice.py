"""The console's voice: trained, watched, heard beside the others, promoted and rolled back."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.config import ApiConfig
from api.pages.studio import voice_report
from api.runtime import Runtime
from generative.voice import voices
from recsys.database import reading, writing
from recsys.learning import runs

PAGE = "/console/creatives/voice"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLDER, NEWER = "20261118T120000Z-3f9a2c", "20261119T120000Z-3f9a2c"


def heard(acceptance: float, verbatim: float) -> dict[str, float]:
    return {"acceptance_1": acceptance, "verbatim": verbatim, "distinct_2": 0.8, "products": 40}


REPORT: dict[str, Any] = {
    "pairs": 612,
    "products": 402,
    "sources": {"teacher": 540, "approved": 72},
    "held_out_products": 40,
    "loss": {"before": 2.11, "after": 1.302},
    "loss_per_letter": {"base": 0.45, "tuned": 0.281, "lstm": 0.42},
    "curves": {"train": [2.2, 1.5], "held_out": [2.11, 1.302]},
    "voices": {"base": heard(0.31, 0.62), "tuned": heard(0.82, 0.21), "lstm": heard(0.05, 0.0)},
}


@pytest.fixture
def api_config(api_config: ApiConfig, tmp_path: Path) -> ApiConfig:
    generative = replace(api_config.generative, voices_dir=tmp_path / "voices")
    return replace(api_config, generative=generative)


@pytest.fixture
def two(here: Runtime, tmp_path: Path) -> Path:
    """Two voices, the newer live."""
    root = here.config.generative.voices_dir
    adapter = tmp_path / "adapter.gguf"
    adapter.write_bytes(b"GGUF")
    for name in (OLDER, NEWER):
        voices.publish(root, name, adapter, base_sha256="b" * 64, report=REPORT)
    voices.promote(root, NEWER)
    return root


def ran(here: Runtime, status: str, **more: Any) -> str:
    with writing(here.engine) as session:
        run_id = runs.start(session, kind="voice", trigger="test", now=NOW)
        runs.claim(session, run_id, now=NOW, lease_seconds=60, kind="voice")
        runs.beat(session, run_id, stage="training", progress=0.4, curves=REPORT["curves"], now=NOW)
        if status != "running":
            told = {"metrics": REPORT, "model_version": NEWER, "error": None} | more
            runs.finish(session, run_id, status=status, now=NOW, **told)
    return run_id


def test_a_voice_run_is_kept_though_the_queue_is_away(
    console: FlaskClient, here: Runtime, send
) -> None:
    answer = send(console, f"{PAGE}/train")

    with reading(here.engine) as session:
        assert [run.status for run in runs.recent(session, 5, kind="voice")] == ["waiting"]
    assert "The queue is away" in answer.text
    assert "Waiting for a worker" in answer.text


def test_training_a_voice_rings_the_training_worker(console: FlaskClient, broker, send) -> None:
    answer = send(console, f"{PAGE}/train")

    assert broker("train") == 1
    assert "The queue is away" not in answer.text


def test_there_is_one_voice_training_at_a_time(console: FlaskClient, send) -> None:
    send(console, f"{PAGE}/train")

    assert "one at a time" in send(console, f"{PAGE}/train").text


def test_a_running_voice_is_watched_with_its_loss(console: FlaskClient, here: Runtime) -> None:
    run_id = ran(here, "running")

    html = console.get(f"{PAGE}/runs/{run_id}").text

    assert f'hx-get="{PAGE}/runs/{run_id}"' in html
    assert 'value="40"' in html
    assert 'data-plot="[2.11, 1.302]"' in html


def test_a_run_that_ended_makes_the_page_look_again(console: FlaskClient, here: Runtime) -> None:
    run_id = ran(here, "done")

    answer = console.get(f"{PAGE}/runs/{run_id}")

    assert answer.headers["HX-Refresh"] == "true"
    assert "hx-get" not in answer.text


def test_a_waiting_voice_run_can_be_cancelled(console: FlaskClient, here: Runtime, send) -> None:
    with writing(here.engine) as session:
        run_id = runs.start(session, kind="voice", trigger="test", now=NOW)

    assert "The run is cancelled" in send(console, f"{PAGE}/runs/{run_id}/cancel").text


def test_the_report_stands_beside_base_and_lstm(console: FlaskClient, here: Runtime, text) -> None:
    ran(here, "done")

    said = text(console.get(PAGE).text)

    assert "Figure As it came This voice LSTM" in said
    assert "Lines accepted pass every check at the first try 31 % 82 % , best 5 %" in said
    assert "a copyist is kept aside 62 % 21 % 0 % , best" in said
    assert "Loss a letter" in said
    assert "Learned from 612 lines about 402 products" in said
    assert "2.110 → 1.302" in said


def test_equal_figures_have_no_best() -> None:
    told = voice_report.of({"voices": {"base": heard(0.5, 0.1), "tuned": heard(0.5, 0.2)}})

    accepted = told["rows"][0]["cells"]
    assert [cell["best"] for cell in accepted] == [False, False]


@pytest.mark.parametrize("report", [{}, {"voices": {}}, {"curves": {}}, {"voices": {"base": {}}}])
def test_a_report_that_is_not_there_yet_shows_nothing(report: dict[str, Any]) -> None:
    assert voice_report.of(report)["rows"] == []


def test_who_had_no_line_accepted_is_not_praised_for_copying_nothing() -> None:
    told = voice_report.of({"voices": {"tuned": heard(0.5, 0.2), "lstm": heard(0.0, 0.0)}})

    accepted, copied, *_ = told["rows"]
    assert [cell["text"] for cell in accepted["cells"]] == ["50 %", "0 %"]
    assert [cell["text"] for cell in copied["cells"]] == ["20 %", "-"]
    assert not any(cell["best"] for cell in copied["cells"])


def test_a_refused_voice_says_why_and_stays_aside(
    console: FlaskClient, here: Runtime, text
) -> None:
    ran(here, "refused", metrics=REPORT | {"verdict": "34% of its taglines are copied"})

    said = text(console.get(PAGE).text)

    assert "not good enough and stays aside: 34% of its taglines are copied" in said


def test_a_voice_is_rolled_back_to_the_one_before(console: FlaskClient, two: Path, send) -> None:
    html = console.get(PAGE).text
    assert f'name="voice_id" value="{OLDER}"><button class="quiet small">Roll back' in html

    answer = send(console, f"{PAGE}/promote", voice_id=OLDER)

    assert f"{OLDER} is live" in answer.text
    assert voices.live_id(two) == OLDER


def test_no_voice_may_be_live(console: FlaskClient, two: Path, send) -> None:
    assert "No voice is live" in send(console, f"{PAGE}/silence").text
    assert voices.live(two) is None


def test_a_voice_that_was_changed_on_disk_is_not_promoted(
    console: FlaskClient, two: Path, send, text
) -> None:
    (two / OLDER / voices.ADAPTER).write_bytes(b"something else")

    said = text(send(console, f"{PAGE}/promote", voice_id=OLDER).text)

    assert "not promoted" in said
    assert "unusable" in said
    assert voices.live_id(two) == NEWER


@pytest.mark.parametrize("voice_id", ["", "../../etc", "20200101T000000Z-000000"])
def test_an_unknown_voice_cannot_be_promoted(console: FlaskClient, send, voice_id: str) -> None:
    assert send(console, f"{PAGE}/promote", voice_id=voice_id).status_code == 404


def test_a_voice_is_trained_while_a_model_is(console: FlaskClient, here: Runtime, send) -> None:
    with writing(here.engine) as session:
        model = runs.start(session, trigger="test", now=NOW)

    answer = send(console, f"{PAGE}/train")

    assert "one at a time" not in answer.text
    assert model not in answer.text
    with reading(here.engine) as session:
        assert len(runs.recent(session, 5, kind="voice")) == 1


def test_a_voice_run_is_no_run_of_a_model(console: FlaskClient, here: Runtime, send) -> None:
    run_id = ran(here, "running")

    assert run_id not in console.get("/console/models").text
    assert console.get(f"/console/models/runs/{run_id}").status_code == 404
    assert send(console, f"/console/models/runs/{run_id}/cancel").status_code == 404
    assert "Stopping" not in console.get(f"{PAGE}/runs/{run_id}").text


def test_an_unknown_voice_run_is_not_found(console: FlaskClient) -> None:
    assert console.get(f"{PAGE}/runs/none").status_code == 404


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "A voice is being trained. Watch it"),
        ("failed", "The last training of a voice failed. See why"),
        ("refused", "The last voice was not good enough and stays aside. Compare it"),
    ],
)
def test_the_overview_says_how_the_voice_stands(
    console: FlaskClient, here: Runtime, text, status: str, said: str
) -> None:
    ran(here, status)

    assert said in text(console.get("/console/").text)
