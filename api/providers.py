"""Who writes creatives, over HTTP: the order they are asked in, how they do, what they cost, a switch each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import auth, parsing
from api.errors import Problem
from api.keys import Role
from api.runtime import runtime
from api.schemas import Strict
from generative import ledger, providers
from generative.config import GenerativeConfig
from generative.providers import FLOOR, NAMES, MemoryLedger
from generative.tables import ProviderDayRow
from recsys.database import reading, writing

_SWITCHED = tuple(name for name in NAMES if name not in FLOOR)

blueprint = APIBlueprint("providers", __name__, tag="Creatives", url_prefix="/providers")
blueprint.before_request(auth.need(Role.ADMIN))


class DaysQuery(Strict):
    days: Annotated[int, Field(ge=1, le=92)] = 14


class SwitchBody(Strict):
    model_config = ConfigDict(json_schema_extra={"example": {"enabled": False}})

    enabled: bool = Field(
        description="Off: nothing asks it, within a second, whatever is configured"
    )


class DayOut(BaseModel):
    day: str = Field(description="UTC")
    calls: int
    failures: int
    candidates: int = Field(description="Lines that it wrote")
    accepted: int = Field(description="Those that passed every check")
    seconds: float
    spent: float = Field(description="In the unit of the budget")


class ProviderOut(BaseModel):
    name: str
    order: int | None = Field(description="When it is asked, from 1; null: it is not configured")
    enabled: bool
    always_on: bool = Field(
        description="The catalogue's own words: free, and what all else falls to"
    )
    problem: str = Field(description="Why it cannot write on this machine; empty where it can")
    acceptance_percent: float | None
    days: list[DayOut]


class ProvidersOut(BaseModel):
    providers: list[ProviderOut]
    daily_budget: float
    spent_today: float


@blueprint.get("")
@blueprint.output(ProvidersOut)
@parsing.takes(blueprint, DaysQuery, "query")
def every(query: DaysQuery) -> Response:
    """Every provider with its switch, its health and its last days; those that are asked come first."""
    return parsing.answer(_told(query.days))


@blueprint.put("/<name>")
@blueprint.output(ProvidersOut)
@parsing.takes(blueprint, SwitchBody, "body")
def switch(name: str, body: SwitchBody) -> Response:
    """Turn one off or on, for all processes. 404 names those that have a switch."""
    switch_to(name, on=body.enabled)
    return parsing.answer(_told(1))


def switch_to(name: str, *, on: bool) -> None:
    """Turn one off or on, here and in the console.

    Raises:
        Problem: 404, it has no switch.
    """
    if name not in _SWITCHED:
        known = ", ".join(_SWITCHED)
        raise Problem(404, f"no provider with a switch is called {name[:40]!r}: {known} are")
    with writing(runtime().engine) as session:
        ledger.switch(session, name, on=on)


def asked(config: GenerativeConfig) -> list[str]:
    """The configured ones, in the order in which they are asked."""
    return [name for name in config.copy_providers if name in NAMES]


def book(session: Session, n_days: int, *, now: datetime) -> dict[str, list[ProviderDayRow]]:
    """The last days of each that was asked anything, the newest first."""
    first = (now - timedelta(days=n_days - 1)).date().isoformat()
    recent = select(ProviderDayRow).where(ProviderDayRow.day >= first)
    found: dict[str, list[ProviderDayRow]] = {}
    for row in session.scalars(recent.order_by(ProviderDayRow.day.desc())):
        found.setdefault(row.name, []).append(row)
    return found


def trouble(name: str, config: GenerativeConfig) -> str:
    """Why a provider cannot write on this machine; empty where it can. Asks nobody, loads nothing."""
    try:
        made = providers.build(replace(config, copy_providers=(name,)), ledger=MemoryLedger())[0]
    except (ImportError, ValueError) as error:
        return str(error)
    available = getattr(made, "available", None)
    return str(available()) if available else ""


def _told(n_days: int) -> dict[str, Any]:
    config, now = runtime().config.generative, datetime.now(UTC)
    with reading(runtime().engine) as session:
        off, spent = ledger.switched_off(session), ledger.spent_today(session, now=now)
        rows = book(session, n_days, now=now)
    order = {name: place for place, name in enumerate(asked(config), 1)}
    told = [
        {
            "name": name,
            "order": order.get(name),
            "enabled": name not in off,
            "always_on": name in FLOOR,
            "problem": trouble(name, config),
            "acceptance_percent": _acceptance(rows.get(name, [])),
            "days": [_day(row) for row in rows.get(name, [])],
        }
        for name in (*order, *(name for name in NAMES if name not in order))
    ]
    return {"providers": told, "daily_budget": config.daily_budget, "spent_today": spent}


def _acceptance(rows: list[ProviderDayRow]) -> float | None:
    written = sum(row.candidates for row in rows)
    return round(100 * sum(row.accepted for row in rows) / written, 1) if written else None


def _day(row: ProviderDayRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DayOut.model_fields}
