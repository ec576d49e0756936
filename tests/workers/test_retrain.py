"""A retrain from its row to the live model, and every way it may end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from recsys.database import reading, writing
from recsys.learning import runs
from recsys.learning.runs import Run
from recsys.serving import registry
from workers import retrain
from workers.heartbeat import Heartbeat
from workers.runtime import Runtime

Fill = Callable[..., None]


def now() -> datetime:
    return datetime.now(UTC)


def start(runtime: Runtime) -> str:
    run_id = retrain.start(runtime, trigger="tests")
    assert run_id is not None
    return run_id


def row(runtime: Runtime, run_id: str) -> Run:
    with reading(runtime.engine) as session:
        return runs.get(session, run_id)


def test_a_retrain_ends_with_a_live_model_and_its_figures(both: Runtime, fill: Fill) -> None:
    fill(both, shoppers=40, steps=8)
    run_id = start(both)

    retrain.run(both, run_id)

    done = row(both, run_id)
    assert (done.status, done.progress, done.error) == ("done", 1.0, None)
    assert registry.live_version(both.config.recsys.artifacts_dir) == done.model_version
    assert done.metrics["passed"] is True
    assert len(done.curves["loss"]) > 0
    assert both.handle.get().version == done.model_version


def test_a_run_rung_twice_is_done_once(runtime: Runtime, fill: Fill) -> None:
    fill(runtime, shoppers=40, steps=8)
    run_id = start(runtime)

    retrain.run(runtime, run_id)
    first = row(runtime, run_id)
    retrain.run(runtime, run_id)

    assert row(runtime, run_id) == first
    assert len(registry.versions(runtime.config.recsys.artifacts_dir)) == 1


def test_an_empty_shop_fails_with_a_reason_and_frees_the_slot(runtime: Runtime) -> None:
    run_id = start(runtime)

    retrain.run(runtime, run_id)

    failed = row(runtime, run_id)
    assert failed.status == "failed"
    assert failed.error
    assert registry.live_version(runtime.config.recsys.artifacts_dir) is None
    start(runtime)


def test_a_candidate_below_the_gate_is_kept_but_not_promoted(runtime: Runtime, fill: Fill) -> None:
    fill(runtime, shoppers=40, steps=8)
    first = start(runtime)
    retrain.run(runtime, first)
    live = registry.live_version(runtime.config.recsys.artifacts_dir)
    strict = Runtime(
        replace(runtime.config, recsys=replace(runtime.config.recsys, gate_ratio=1000.0))
    )

    second = start(strict)
    retrain.run(strict, second)
    strict.engine.dispose()

    refused = row(runtime, second)
    assert refused.status == "refused"
    assert "below" in (refused.error or "")
    assert refused.metrics["live"] is not None
    assert registry.live_version(runtime.config.recsys.artifacts_dir) == live


def test_a_cancelled_run_stops_and_publishes_nothing(
    runtime: Runtime, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(runtime, shoppers=40, steps=8)
    run_id = start(runtime)
    told = Heartbeat.report

    def cancel_in_the_middle(self: Heartbeat, stage: str, progress: float, curves: object) -> bool:
        if stage == "fit":
            with writing(runtime.engine) as session:
                runs.cancel(session, run_id, now=now())
            self.beat()
        return told(self, stage, progress, curves)

    monkeypatch.setattr(Heartbeat, "report", cancel_in_the_middle)
    retrain.run(runtime, run_id)

    assert row(runtime, run_id).status == "cancelled"
    assert registry.versions(runtime.config.recsys.artifacts_dir) == []


def test_a_broken_live_model_does_not_stop_the_next_one(runtime: Runtime, fill: Fill) -> None:
    fill(runtime, shoppers=40, steps=8)
    root = runtime.config.recsys.artifacts_dir
    retrain.run(runtime, start(runtime))
    broken = registry.live_version(root)
    assert broken is not None
    (root / broken / "items.faiss").write_bytes(b"not an index")
    with writing(runtime.engine) as session:  # one event more gives the next version another name
        from recsys.behaviour import events
        from recsys.types import Event, EventKind

        more = Event(event_id="x", user_id="u0-0", item_id="a1-1", kind=EventKind.CART, at=now())
        events.record(session, [more])

    run_id = start(runtime)
    retrain.run(runtime, run_id)

    assert row(runtime, run_id).status == "done"
    assert registry.live_version(root) not in {None, broken}


def test_a_scheduled_retrain_waits_for_the_one_under_way(runtime: Runtime) -> None:
    start(runtime)

    assert retrain.start(runtime, trigger="schedule") is None


def test_the_heartbeat_goes_on_while_a_step_reports_nothing(runtime: Runtime) -> None:
    run_id = start(runtime)
    with writing(runtime.engine) as session:
        runs.claim(session, run_id, now=now(), lease_seconds=60)
    before = row(runtime, run_id).heartbeat_at
    assert before is not None

    with Heartbeat(runtime.engine, run_id, every=0.01, patience=60) as heartbeat:
        heartbeat.report("fit", 0.5, {"loss": [1.0]})
        reported = row(runtime, run_id).heartbeat_at
        assert reported is not None
        while (row(runtime, run_id).heartbeat_at or before) <= reported:
            pass

    assert row(runtime, run_id).stage == "fit"


def test_the_heartbeat_of_a_step_that_hangs_falls_silent(runtime: Runtime) -> None:
    run_id, then = start(runtime), now()
    with writing(runtime.engine) as session:
        runs.claim(session, run_id, now=then, lease_seconds=60)

    with Heartbeat(runtime.engine, run_id, every=0.001, patience=0) as heartbeat:
        heartbeat._done.wait(0.05)

    assert row(runtime, run_id).stage == "starting"
    assert row(runtime, run_id).heartbeat_at == then


def test_the_heartbeat_hears_of_a_cancel(runtime: Runtime) -> None:
    run_id = start(runtime)
    with writing(runtime.engine) as session:
        runs.claim(session, run_id, now=now(), lease_seconds=60)

    with Heartbeat(runtime.engine, run_id, every=60, patience=60) as heartbeat:
        assert heartbeat.report("split", 0.1, {})
        with writing(runtime.engine) as session:
            runs.cancel(session, run_id, now=now())
        assert not heartbeat.report("fit", 0.2, {})
