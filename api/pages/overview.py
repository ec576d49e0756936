"""The console's first tab: what is live, whether it works, what needs doing, how much there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response

from api import health
from api.pages import todo
from api.pages.comparison import KEY_FIGURE, figure_of
from api.pages.frame import page
from api.pages.todo import Todo
from api.probe import Found
from api.runtime import DATABASE_ERRORS, Runtime, runtime
from recsys.behaviour import events
from recsys.behaviour.events import EventCounts
from recsys.catalogue import items
from recsys.catalogue.items import CatalogueCounts
from recsys.database import reading
from recsys.learning.bundle import ModelBundle
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
    bundle = here.handle.get()
    stats, todos = _read(here, bundle)
    parts = [_part(name, found) for name, found in health.dependencies(here).items()]
    return page(
        "console/overview.html",
        heading="Overview",
        tab="overview",
        stats=stats,
        health=sorted(parts, key=lambda part: part.ok),
        verdict=_verdict(parts),
        well=all(part.ok for part in parts),
        live=_live(bundle),
        todos=todos,
    )


def _read(here: Runtime, bundle: ModelBundle) -> tuple[list[Stat], list[Todo]]:
    try:
        with here.database.asking(), reading(here.engine) as session:
            counts = items.count(session)
            budget = here.config.generative.daily_budget
            todos = todo.read(session, counts, bundle, budget=budget)
            return _counted(counts, events.count(session)), todos
    except DATABASE_ERRORS:
        shown = f"{len(here.shelf.items):,}"
        return [Stat(name="Items", value=shown, note="as last read; the database is away")], []


def _verdict(parts: Sequence[Part]) -> str:
    bad = [part.name for part in parts if not part.ok]
    return "Everything works" if not bad else f"Needs attention: {', '.join(bad).lower()}"


def _live(bundle: ModelBundle) -> list[tuple[str, str]]:
    """The model that this process answers with, in words; none where there is none."""
    if not bundle.item_ids:
        return []
    made = str(bundle.manifest.get("created_at", ""))
    facts = [("Version", bundle.version)]
    if made:
        facts.append(("Trained", f"{datetime.fromisoformat(made):%d %B %Y, %H:%M} UTC"))
    facts.append(("Ranks", f"{len(bundle.item_ids):,} items"))
    figure = figure_of(bundle.manifest.get("metrics", {}))
    return [*facts, (f"Test score ({KEY_FIGURE.upper()})", figure)] if figure else facts


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
