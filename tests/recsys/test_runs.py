"""The ledger of training runs, a model's and a voice's, on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recsys.database import writing
from recsys.errors import RunInProgress, UnknownRun
from recsys.learning import runs
from recsys.learning.runs import Kind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=61)
LEASE = 60.0


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as opened:
        yield opened


def start(session: Session, kind: Kind = "model") -> str:
    return runs.start(session, kind=kind, trigger="admin", now=NOW)


def claimed(session: Session, kind: Kind = "model") -> str:
    run_id = start(session, kind)
    assert runs.claim(session, run_id, now=NOW, lease_seconds=LEASE, kind=kind)
    return run_id


def beat(session: Session, run_id: str, now: datetime = NOW) -> bool:
    return runs.beat(
        session, run_id, stage="fit", progress=0.5, curves={"loss": [3.0, 2.0]}, now=now
    )


def finish(session: Session, run_id: str, status: str = "done", now: datetime = NOW) -> None:
    runs.finish(
        session,
        run_id,
        status=status,
        metrics={"ndcg": 0.4},
        model_version="v-1",
        error=None,
        now=now,
    )


def test_a_run_goes_from_waiting_to_done(session: Session) -> None:
    run_id = start(session)
    waiting = runs.get(session, run_id)
    runs.claim(session, run_id, now=NOW, lease_seconds=LEASE)
    beat(session, run_id)
    running = runs.get(session, run_id)
    finish(session, run_id, now=LATER)
    done = runs.get(session, run_id)

    assert (waiting.status, waiting.stage, waiting.active) == ("waiting", "waiting", True)
    assert (running.status, running.stage, running.progress) == ("running", "fit", 0.5)
    assert running.curves == {"loss": [3.0, 2.0]}
    assert (done.status, done.active, done.progress) == ("done", False, 1.0)
    assert (done.metrics, done.model_version) == ({"ndcg": 0.4}, "v-1")
    assert (done.created_at, done.finished_at) == (NOW, LATER)


def test_a_second_run_is_refused_until_the_first_has_ended(session: Session) -> None:
    first = claimed(session)

    with pytest.raises(RunInProgress) as caught:
        start(session)
    finish(session, first)

    assert caught.value.run_id == first
    assert start(session) != first


def test_of_many_who_press_the_button_at_once_one_gets_a_run(engine: Engine) -> None:
    answers: list[str] = []

    def press() -> None:
        try:
            with writing(engine) as session:
                start(session)
            answers.append("run")
        except RunInProgress:
            answers.append("refused")

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["refused"] * 3 + ["run"]


def test_a_claimed_run_is_not_claimed_again_while_its_worker_speaks(session: Session) -> None:
    run_id = claimed(session)

    assert not runs.claim(session, run_id, now=NOW, lease_seconds=LEASE)


def test_a_silent_run_may_be_claimed_by_another(session: Session) -> None:
    run_id = claimed(session)
    beat(session, run_id)

    assert runs.claim(session, run_id, now=LATER, lease_seconds=LEASE)
    assert runs.get(session, run_id).progress == 0.0


@pytest.mark.parametrize("run_id", ["", "no-such-run", "nul\x00", "\ud800", "x" * 500])
def test_an_unknown_run_is_told_apart(session: Session, run_id: str) -> None:
    assert not runs.claim(session, run_id, now=NOW, lease_seconds=LEASE)
    assert not beat(session, run_id)
    with pytest.raises(UnknownRun):
        runs.get(session, run_id)
    with pytest.raises(UnknownRun):
        runs.cancel(session, run_id, now=NOW)


def test_cancelling_a_waiting_run_ends_it_and_frees_the_slot(session: Session) -> None:
    run_id = start(session)

    run = runs.cancel(session, run_id, now=LATER)

    assert (run.status, run.active, run.finished_at) == ("cancelled", False, LATER)
    assert not runs.claim(session, run_id, now=LATER, lease_seconds=LEASE)
    assert start(session)


def test_cancelling_a_running_run_stops_it_at_its_next_beat(session: Session) -> None:
    run_id = claimed(session)

    asked = runs.cancel(session, run_id, now=NOW)

    assert (asked.status, asked.cancel_requested) == ("running", True)
    assert not beat(session, run_id)
    finish(session, run_id, status="cancelled")
    assert runs.get(session, run_id).status == "cancelled"


def test_cancelling_an_ended_run_leaves_it_as_it_is(session: Session) -> None:
    run_id = claimed(session)
    finish(session, run_id)

    assert runs.cancel(session, run_id, now=LATER).status == "done"


def test_a_run_ends_only_once(session: Session) -> None:
    run_id = claimed(session)
    finish(session, run_id, status="refused")
    finish(session, run_id, status="done")

    assert runs.get(session, run_id).status == "refused"


def test_a_run_does_not_end_as_running(session: Session) -> None:
    with pytest.raises(ValueError, match="running"):
        finish(session, claimed(session), status="running")


def test_silent_runs_expire_and_free_the_slot(session: Session) -> None:
    run_id = claimed(session)

    assert runs.expire(session, now=NOW, lease_seconds=LEASE) == []
    assert runs.expire(session, now=LATER, lease_seconds=LEASE) == [run_id]

    run = runs.get(session, run_id)
    assert (run.status, run.active) == ("failed", False)
    assert "silent" in str(run.error)
    assert not beat(session, run_id, LATER)
    assert start(session)


def test_a_silent_run_that_was_to_be_cancelled_is_cancelled(session: Session) -> None:
    run_id = claimed(session)
    runs.cancel(session, run_id, now=NOW)

    runs.expire(session, now=LATER, lease_seconds=LEASE)

    assert runs.get(session, run_id).status == "cancelled"


def test_waiting_runs_are_there_to_be_rung_for_again(session: Session) -> None:
    run_id = start(session)

    assert runs.waiting(session) == [run_id]
    assert runs.expire(session, now=LATER, lease_seconds=LEASE) == []
    runs.claim(session, run_id, now=NOW, lease_seconds=LEASE)
    assert runs.waiting(session) == []


def test_recent_runs_come_newest_first(session: Session) -> None:
    made = []
    for minute in range(3):
        moment = NOW + timedelta(minutes=minute)
        made.append(runs.start(session, trigger="beat", now=moment))
        runs.cancel(session, made[-1], now=moment)

    assert [run.run_id for run in runs.recent(session, 2)] == made[:0:-1]


def test_a_voice_may_train_while_a_model_does_and_one_of_each(session: Session) -> None:
    of: dict[Kind, str] = {"model": claimed(session), "voice": claimed(session, "voice")}

    for kind, run_id in of.items():
        with pytest.raises(RunInProgress) as caught:
            start(session, kind)
        assert caught.value.run_id == run_id

    finish(session, of["voice"])
    assert start(session, "voice")
    with pytest.raises(RunInProgress):
        start(session)


@pytest.mark.parametrize(("kind", "other"), [("voice", "model"), ("model", "voice")])
def test_a_run_of_one_kind_is_none_of_the_other(session: Session, kind: Kind, other: Kind) -> None:
    run_id = start(session, kind)

    assert runs.recent(session, 5, kind=other) == []
    assert runs.waiting(session, kind=other) == []
    assert not runs.claim(session, run_id, now=NOW, lease_seconds=LEASE, kind=other)
    with pytest.raises(UnknownRun):
        runs.get(session, run_id, kind=other)
    with pytest.raises(UnknownRun):
        runs.cancel(session, run_id, now=NOW, kind=other)

    assert runs.waiting(session, kind=kind) == [run_id]
    assert [(run.run_id, run.status) for run in runs.recent(session, 5, kind=kind)] == [
        (run_id, "waiting")
    ]


def test_a_running_run_is_not_stopped_as_one_of_the_other_kind(session: Session) -> None:
    run_id = claimed(session, "voice")

    with pytest.raises(UnknownRun):
        runs.cancel(session, run_id, now=NOW)

    assert beat(session, run_id)


def test_silent_runs_of_every_kind_expire(session: Session) -> None:
    silent = {claimed(session), claimed(session, "voice")}

    assert set(runs.expire(session, now=LATER, lease_seconds=LEASE)) == silent
