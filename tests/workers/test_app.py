"""The queue's settings, and what importing them costs."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from workers import tasks
from workers.app import LATER, beat_schedule, celery_app
from workers.config import WorkersConfig

ROOT = Path(__file__).resolve().parents[2]


def test_training_has_a_queue_of_its_own_and_all_else_shares_one() -> None:
    app = celery_app(WorkersConfig())
    router = app.amqp.router

    assert router.route({}, "vitrine.retrain")["queue"].name == "train"
    for task in ("make_creative", "run_campaign", "sweep", "record_answers", "scheduled_retrain"):
        assert router.route({}, f"vitrine.{task}")["queue"].name == "default"


def test_what_draws_waits_behind_the_sweep() -> None:
    app = celery_app(WorkersConfig())
    router = app.amqp.router

    for task in ("make_creative", "make_form", "make_collage", "run_campaign", "count_variants"):
        assert router.route({}, f"vitrine.{task}")["priority"] == LATER
    for task in ("sweep", "record_answers"):
        assert not router.route({}, f"vitrine.{task}").get("priority")


def test_nothing_but_json_is_accepted() -> None:
    conf = celery_app(WorkersConfig()).conf

    assert list(conf.accept_content) == ["json"]
    assert conf.task_serializer == "json"


def test_jobs_are_given_back_only_after_the_longest_of_them() -> None:
    conf = celery_app(WorkersConfig()).conf
    bound = WorkersConfig().recsys.train_max_seconds

    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert conf.broker_transport_options["visibility_timeout"] > 10 * bound


def test_beat_sweeps_and_retrains_only_when_asked_to() -> None:
    assert set(beat_schedule(WorkersConfig())) == {"sweep", "record_answers", "count_variants"}
    nightly = beat_schedule(WorkersConfig(retrain_hours=24))
    assert nightly["retrain"]["schedule"] == 86_400


def test_ringing_without_a_broker_fails_instead_of_waiting() -> None:
    app = celery_app(WorkersConfig(broker_url="redis://127.0.0.1:1/0"))

    with pytest.raises(OperationalError):  # left to itself Celery retries for ever
        app.send_task("vitrine.sweep")
    app.close()


def test_importing_the_tasks_loads_no_model_library_and_starts_no_thread() -> None:
    code = (
        "import sys, threading, workers.tasks; "
        "heavy = {'torch', 'faiss', 'xllamacpp', 'blitz', 'PIL', 'scipy'} & set(sys.modules); "
        "print(sorted(heavy), threading.active_count(), 'engine' in vars(workers.tasks.runtime))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split("\n")[0] == "[] 1 False"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VITRINE_LEASE_SECONDS", "soon"),
        ("VITRINE_LEASE_SECONDS", "0"),
        ("VITRINE_SWEEP_SECONDS", "-1"),
        ("VITRINE_CAMPAIGN_CHUNK", "nan"),
        ("VITRINE_RETRAIN_HOURS", "inf"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        WorkersConfig.from_env({name: value})


def test_retrain_hours_may_be_zero() -> None:
    assert WorkersConfig.from_env({"VITRINE_RETRAIN_HOURS": "0"}).retrain_hours == 0


def test_the_sweep_does_not_wait_behind_what_shoppers_asked_for(redis_url: str) -> None:
    app = celery_app(WorkersConfig(broker_url=redis_url))
    with app.connection_for_write() as connection:
        for task, args in (
            (tasks.make_creative, ("i1", [], "mid", "rectangle", "en")),
            (tasks.run_campaign, ("c1",)),
            (tasks.sweep, ()),
        ):
            task.apply_async(args=args, connection=connection, queue="crowded")
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        found = [channel.basic_get("crowded", no_ack=True) for _ in range(3)]

    told = [message.headers["task"] for message in found]
    assert told == ["vitrine.sweep", "vitrine.make_creative", "vitrine.run_campaign"]
    creative = found[1].headers["expires"]
    assert timedelta(0) < datetime.fromisoformat(creative) - datetime.now(UTC)
    assert found[0].headers["expires"] is found[2].headers["expires"] is None
