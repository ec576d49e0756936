"""One fine-tuning of the shop's voice, from the ledger's row to the live voice.

Killed anywhere, it leaves no half voice: one appears by one rename and goes live by one replace.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from generative.brief import facts_of
from generative.campaigning.approvals import approved
from generative.errors import GenerativeError
from generative.ledger import SqlLedger
from generative.types import ItemFacts
from generative.voice import voicing
from generative.voice.distil import Pair
from generative.voice.voicing import Stopped
from recsys.catalogue import shelf as shelves
from recsys.catalogue.shelf import Shelf
from recsys.database import reading, writing
from recsys.learning import runs
from workers.heartbeat import Heartbeat
from workers.runtime import Runtime

log = logging.getLogger(__name__)

_MOST_APPROVED = 2_000
_PATIENCE_SECONDS = 900.0  # without a step: the slowest, loading a base model, takes a minute


def run(runtime: Runtime, run_id: str) -> None:
    """Do the run that the row asks for; a run that is done, or another worker's, is left alone."""
    lease = runtime.config.lease_seconds
    with writing(runtime.engine) as session:
        mine = runs.claim(session, run_id, now=_now(), lease_seconds=lease, kind="voice")
    if not mine:
        log.info("voice run %s is not waiting; nothing to do", run_id)
        return
    settings = runtime.config.generative
    heartbeat = Heartbeat(runtime.engine, run_id, every=lease / 4, patience=_PATIENCE_SECONDS)
    try:
        with heartbeat:
            items, pairs = _lessons(runtime)
            outcome = voicing.learn(
                settings,
                items,
                pairs,
                ledger=SqlLedger(runtime.engine, daily_budget=settings.daily_budget),
                now=_now(),
                report=heartbeat.report,
            )
    except Stopped as stopped:
        _finish(runtime, run_id, "cancelled", error=str(stopped))
    except GenerativeError as error:
        _finish(runtime, run_id, "failed", error=str(error))
    except Exception as error:
        log.exception("voice run %s failed", run_id)
        _finish(runtime, run_id, "failed", error=f"{type(error).__name__}: {error}")
        raise
    else:
        _finish(
            runtime,
            run_id,
            "done" if outcome.passed else "refused",
            report=outcome.report,
            voice=outcome.voice.voice_id,
            error=outcome.verdict or None,
        )


def _lessons(runtime: Runtime) -> tuple[list[ItemFacts], list[Pair]]:
    """What the shop sells now, and what its keepers have approved."""
    with reading(runtime.engine) as session:
        shelf = shelves.refresh(session, Shelf.empty())
        pairs = approved(session, _MOST_APPROVED)
    return [facts_of(item) for item in shelf.items.values()], pairs


def _finish(
    runtime: Runtime,
    run_id: str,
    status: str,
    *,
    report: Mapping[str, Any] | None = None,
    voice: str | None = None,
    error: str | None = None,
) -> None:
    log.info("voice run %s: %s %s %s", run_id, status, voice or "", error or "")
    with writing(runtime.engine) as session:
        runs.finish(
            session,
            run_id,
            status=status,
            metrics=dict(report or {}),
            model_version=voice,
            error=error,
            now=_now(),
        )


def _now() -> datetime:
    return datetime.now(UTC)
