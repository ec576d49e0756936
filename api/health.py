"""Is it alive, can it answer, what does it count. Readiness walks the dependencies and names each."""

import os
from pathlib import Path

from apiflask import APIBlueprint
from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text

from api import auth, parsing
from api.bell import BELL_ERRORS
from api.errors import SCHEMA_LAGS
from api.keys import Role
from api.metrics import ProviderToday
from api.probe import Found, finding
from api.runtime import CACHE_ERRORS, DATABASE_ERRORS, Runtime, runtime
from api.schemas import LiveOut, ReadyOut
from api.specification import file_answer
from generative import ledger
from generative.tables import ProviderDayRow
from recsys.behaviour import spool
from recsys.database import lags, reading

PING_SECONDS = 0.5

blueprint = APIBlueprint("health", __name__, tag="Operations")


@blueprint.get("/health/live")
@blueprint.output(LiveOut)
def live() -> Response:
    """This process answers."""
    return parsing.answer({"status": "ok"})


@blueprint.get("/health/ready")
@blueprint.output(ReadyOut)
def ready() -> Response:
    """What this process can use now; 503 only where it could not answer a shopper at all."""
    here = runtime()
    found = dependencies(here)
    can_answer = bool(here.shelf.items) or found["database"]["status"] == "ok"
    whole = all(entry["status"] == "ok" for entry in found.values())
    status = "unavailable" if not can_answer else "ok" if whole else "degraded"
    return parsing.answer({"status": status, "dependencies": found}, 200 if can_answer else 503)


@blueprint.get("/metrics")
@blueprint.doc(responses=file_answer("text/plain", "Prometheus text"))
def metrics() -> Response:
    """Counters and latencies of this process, for Prometheus; needs the admin key."""
    auth.need(Role.ADMIN)()
    here = runtime()
    _tell_of_providers(here)
    page = here.metrics.page(here.handle.get().version)
    return Response(page, content_type=CONTENT_TYPE_LATEST)


def _tell_of_providers(here: Runtime) -> None:
    """Put today's book of the providers on the page; with the database away, what was read last."""
    config = here.config.generative
    try:
        with here.database.asking(), reading(here.engine) as session:
            off = ledger.switched_off(session)
            rows = ledger.today(session)
    except DATABASE_ERRORS:
        return
    names = [name for name in (*config.copy_providers, *rows) if name != ledger.PURSE]
    book = {name: _today(rows.get(name), enabled=name not in off) for name in names}
    here.metrics.providers(book, budget=config.daily_budget)


def _today(row: ProviderDayRow | None, *, enabled: bool) -> ProviderToday:
    if row is None:
        return ProviderToday(enabled=enabled)
    return ProviderToday(
        calls=row.calls,
        failures=row.failures,
        candidates=row.candidates,
        accepted=row.accepted,
        seconds=row.seconds,
        spent=row.spent,
        enabled=enabled,
    )


def dependencies(here: Runtime) -> dict[str, Found]:
    """The state of each: ok, degraded (works, but look) or away."""
    return {
        "database": _database(here),
        "redis": _redis(here),
        "workers": here.probe.look(lambda: _workers(here)),
        "model": _model(here),
        "artifacts": _directory(here.config.recsys.artifacts_dir),
        "spool": _spool(here),
    }


def _database(here: Runtime) -> Found:
    try:
        with here.database.asking(), reading(here.engine) as session:
            session.execute(text("SELECT 1"))
            here.fresh_shelf(session)
    except DATABASE_ERRORS as error:
        return finding("away", SCHEMA_LAGS if lags(error) else type(error).__name__)
    return finding("ok", f"{len(here.shelf.items)} items")


def _redis(here: Runtime) -> Found:
    try:
        with here.redis.asking():
            here.cache.ping()
    except CACHE_ERRORS as error:
        return finding("away", type(error).__name__)
    return finding("ok", "answers")


def _workers(here: Runtime) -> Found:
    try:
        names = here.bell.workers(seconds=PING_SECONDS)
    except BELL_ERRORS as error:
        return finding("away", f"the broker is away: {type(error).__name__}")
    if not names:
        return finding("away", "no worker answers")
    return finding("ok", f"{len(names)} answer")


def _model(here: Runtime) -> Found:
    bundle = here.handle.get()
    if here.handle.problem is not None:
        return finding("degraded", f"{here.handle.problem}; serving {bundle.version or 'none'}")
    if not bundle.item_ids:
        return finding("degraded", "no model yet: popular and newest items are served")
    return finding("ok", bundle.version)


def _directory(path: Path) -> Found:
    if not path.is_dir():
        return finding("degraded", "the directory does not exist yet")
    if not os.access(path, os.R_OK | os.X_OK):
        return finding("away", "the directory cannot be read")
    return finding("ok", "readable")


def _spool(here: Runtime) -> Found:
    waiting = spool.pending(here.config.recsys.spool_dir)
    if waiting:
        return finding("degraded", f"{waiting} bytes of events wait for the sweep")
    return finding("ok", "empty")
