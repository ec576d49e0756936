"""The queue's composition root: `celery -A workers.app worker -Q default`.

Importing this opens no connection and computes nothing, so a forked child inherits nothing that breaks.
"""

import os

from celery import Celery, signals

from workers.config import WorkersConfig
from workers.priority import give_way
from workers.runtime import Runtime

VISIBILITY_SECONDS = (
    6 * 3600
)  # above the longest job: Redis hands anything slower out a second time
# On Redis 0 goes first: the sweep is short, and must not wait behind what a crowd has asked for.
LATER = 6


def celery_app(config: WorkersConfig) -> Celery:
    app = Celery("vitrine", broker=config.broker_url, include=["workers.tasks"])
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        task_default_queue="default",
        task_routes={
            "vitrine.retrain": {"queue": "train"},
            "vitrine.learn_voice": {"queue": "train"},
            "vitrine.make_creative": {"queue": "default", "priority": LATER},
            "vitrine.make_form": {"queue": "default", "priority": LATER},
            "vitrine.make_collage": {"queue": "default", "priority": LATER},
            "vitrine.run_campaign": {"queue": "default", "priority": LATER},
            "vitrine.count_variants": {"queue": "default", "priority": LATER},
        },
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.05, "interval_max": 0.05},
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=1.0,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_connect_timeout": 1.0,
            "socket_timeout": 2.0,
            "max_retries": 1,  # a web request that rings a dead bell must hear so at once
            "interval_start": 0.05,
            "interval_step": 0.0,
            "interval_max": 0.05,
        },
        worker_hijack_root_logger=False,
        worker_enable_remote_control=True,
        timezone="UTC",
        beat_schedule=beat_schedule(config),
    )
    return app


def beat_schedule(config: WorkersConfig) -> dict[str, dict[str, object]]:
    """What beat rings by itself; a ring that was not heard in time is dropped, the next one follows."""
    schedule: dict[str, dict[str, object]] = {
        "sweep": {
            "task": "vitrine.sweep",
            "schedule": config.sweep_seconds,
            "options": {"expires": config.sweep_seconds},
        },
        "record_answers": {
            "task": "vitrine.record_answers",
            "schedule": config.answers_seconds,
            "options": {"expires": config.answers_seconds},
        },
    }
    schedule["count_variants"] = {
        "task": "vitrine.count_variants",
        "schedule": config.variant_seconds,
        "options": {"expires": config.variant_seconds},
    }
    if config.retrain_hours:
        schedule["retrain"] = {
            "task": "vitrine.scheduled_retrain",
            "schedule": config.retrain_hours * 3600,
            "options": {"expires": config.retrain_hours * 3600},
        }
    return schedule


config = WorkersConfig.from_env(os.environ)  # noqa: TID251 the composition root
app = celery_app(config)
runtime = Runtime(config)


@signals.celeryd_init.connect(weak=False)
def _before_work(**_: object) -> None:
    give_way(config.worker_nice)


@signals.worker_process_init.connect(weak=False)
def _after_fork(**_: object) -> None:
    runtime.forget_inherited()
