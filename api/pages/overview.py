"""The console's first tab: how much there is, and whether all of it works, in words."""

from dataclasses import dataclass

from flask import Response

from api import health
from api.pages.frame import page
from api.probe import Found
from api.runtime import DATABASE_ERRORS, Runtime, runtime
from recsys.behaviour import events
from recsys.behaviour.events import EventCounts
from recsys.catalogue import items
from recsys.catalogue.items import CatalogueCounts
from recsys.database import reading
from recsys.types import EventKind

_NAMES = {
    "database": "Database",
    "redis": "Redis",
    "workers": "Workers",
    "model": "Model",
    "artifacts": "Model files",
    "spool": "Event spool",
}
_AWAY = {
    "database": "Pages show the last shelf, and events wait in the spool until it is back",
    "redis": "Creatives are the plain ones, and nothing can be queued until it is back",
    "workers": "Trainings, campaigns and banners wait until one is started",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    ok: bool
    words: str


def show() -> Response:
    here = runtime()
    return page(
        "console/overview.html",
        heading="Overview",
        tab="overview",
        stats=_stats(here),
        health=[_part(name, found) for name, found in health.dependencies(here).items()],
    )


def _stats(here: Runtime) -> list[Stat]:
    try:
        with here.database.asking(), reading(here.engine) as session:
            return _counted(items.count(session), events.count(session))
    except DATABASE_ERRORS:
        shown = f"{len(here.shelf.items):,}"
        return [Stat(name="Items", value=shown, note="as last read; the database is away")]


def _counted(catalogue: CatalogueCounts, behaviour: EventCounts) -> list[Stat]:
    bought = behaviour.by_kind.get(EventKind.PURCHASE, 0)
    newest = behaviour.last_at
    return [
        Stat(
            name="Items",
            value=f"{catalogue.total:,}",
            note=f"{catalogue.hidden:,} hidden, {catalogue.out_of_stock:,} sold out",
        ),
        Stat(
            name="Events",
            value=f"{behaviour.total:,}",
            note=f"newest {newest:%Y-%m-%d %H:%M} UTC" if newest else "none yet",
        ),
        Stat(name="Purchases", value=f"{bought:,}"),
        Stat(name="Shoppers", value=f"{behaviour.users:,}"),
    ]


def _part(name: str, found: Found) -> Part:
    ok = found["status"] == "ok"
    words = found["detail"]
    if found["status"] == "away" and name in _AWAY:
        words = f"{_AWAY[name]} ({words})"
    return Part(name=_NAMES.get(name, name.capitalize()), ok=ok, words=words)
