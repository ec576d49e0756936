"""A voice run from its row to the live voice, and every way it may end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from generative.errors import ProviderUnavailable
from generative.voice import voices, voicing
from generative.voice.voice_making import Outcome
from generative.voice.voicing import Stopped
from recsys.database import reading, writing
from recsys.errors import RunInProgress
from recsys.learning import runs
from recsys.learning.runs import Run
from workers import sweep, voice
from workers.runtime import Runtime

Fill = Callable[..., None]
NAME = "20261122T150200Z-3f9a2c00"


@pytest.fixture
def shop(both: Runtime, fill: Fill, tmp_path: Path) -> Runtime:
    """A shop with items, and a folder of its own for voices."""
    fill(both, shoppers=1, steps=1)
    settings = replace(both.config.generative, voices_dir=tmp_path / "voices")
    both.config = replace(both.config, generative=settings)
    return both


def row(runtime: Runtime, run_id: str) -> Run:
    with reading(runtime.engine) as session:
        return runs.get(session, run_id, kind="voice")


def begun(runtime: Runtime) -> str:
    with writing(runtime.engine) as session:
        return runs.start(session, kind="voice", trigger="tests", now=datetime.now(UTC))


def learning(tmp_path: Path, *, passed: bool = True) -> Callable[..., Outcome]:
    """Everything but the hours: asks and reports as `learn` does, and publishes a small adapter."""

    def learn(config: Any, items: Any, approved: Any, **more: Any) -> Outcome:
        assert len(items) > 0
        assert approved == []
        if not more["report"]("training", 0.5, {"train": [2.0, 1.0]}):
            raise Stopped("cancelled before a voice was published")
        adapter = tmp_path / "adapter"
        adapter.write_bytes(b"GGUF")
        made = voices.publish(
            config.voices_dir, NAME, adapter, base_sha256="b", report={"passed": passed}
        )
        if passed:
            voices.promote(config.voices_dir, NAME)
        verdict = "" if passed else "its loss did not fall"
        return Outcome(voice=made, report=made.report, passed=passed, verdict=verdict)

    return learn


def test_a_voice_run_ends_with_a_live_voice(
    shop: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voicing, "learn", learning(tmp_path))
    run_id = begun(shop)

    voice.run(shop, run_id)
    voice.run(shop, run_id)  # rung twice, done once

    done = row(shop, run_id)
    assert (done.status, done.model_version, done.progress, done.error) == ("done", NAME, 1.0, None)
    assert done.metrics == {"passed": True}
    assert voices.live_id(shop.config.generative.voices_dir) == NAME


def test_a_refused_voice_stays_on_disk_and_does_not_write(
    shop: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voicing, "learn", learning(tmp_path, passed=False))
    run_id = begun(shop)

    voice.run(shop, run_id)

    refused = row(shop, run_id)
    assert (refused.status, refused.model_version) == ("refused", NAME)
    assert refused.error == "its loss did not fall"
    assert voices.live(shop.config.generative.voices_dir) is None


def test_a_cancelled_voice_run_publishes_nothing(
    shop: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = learning(tmp_path)

    def cancelled(*arguments: Any, **more: Any) -> Outcome:
        with writing(shop.engine) as session:
            runs.cancel(session, run_id, now=datetime.now(UTC), kind="voice")
        return learn(*arguments, **more)

    monkeypatch.setattr(voicing, "learn", cancelled)
    run_id = begun(shop)

    voice.run(shop, run_id)

    assert row(shop, run_id).status == "cancelled"
    assert voices.voices(shop.config.generative.voices_dir) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [(ProviderUnavailable("peft is missing"), "peft is missing"), (MemoryError(), "MemoryError")],
)
def test_a_voice_run_that_fails_says_why_and_frees_the_slot(
    shop: Runtime, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: str
) -> None:
    def fails(*arguments: Any, **more: Any) -> Outcome:
        del arguments, more
        raise error

    monkeypatch.setattr(voicing, "learn", fails)
    run_id = begun(shop)

    if isinstance(error, MemoryError):
        with pytest.raises(MemoryError):
            voice.run(shop, run_id)
    else:
        voice.run(shop, run_id)

    failed = row(shop, run_id)
    assert failed.status == "failed"
    assert expected in (failed.error or "")
    assert begun(shop)


def test_a_second_voice_run_is_not_begun(shop: Runtime) -> None:
    begun(shop)

    with pytest.raises(RunInProgress):
        begun(shop)


def test_the_sweep_rings_for_waiting_voice_runs_and_ends_silent_ones(shop: Runtime) -> None:
    run_id = begun(shop)

    assert sweep.run(shop).voice_run_ids == (run_id,)

    long_ago = datetime.now(UTC) - timedelta(seconds=shop.config.lease_seconds + 5)
    with writing(shop.engine) as session:
        assert runs.claim(session, run_id, now=long_ago, lease_seconds=1, kind="voice")

    assert sweep.run(shop).voice_run_ids == ()
    assert row(shop, run_id).status == "failed"


def test_learning_without_a_model_says_what_is_missing(shop: Runtime, tmp_path: Path) -> None:
    settings = replace(shop.config.generative, gguf_path=str(tmp_path / "none.gguf"))
    shop.config = replace(shop.config, generative=settings)
    run_id = begun(shop)

    voice.run(shop, run_id)

    assert "no language model is installed" in (row(shop, run_id).error or "")


def test_a_teacher_that_is_nobody_is_refused(shop: Runtime) -> None:
    from generative.providers import MemoryLedger

    settings = replace(shop.config.generative, voice_teacher="nobody")
    with pytest.raises(ProviderUnavailable, match="nobody"):
        voicing.teacher_of(settings, MemoryLedger())
    assert voicing.teacher_of(replace(settings, voice_teacher=""), MemoryLedger()) is None
