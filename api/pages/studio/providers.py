"""The console's providers: who may write, how their lines fared, what they cost, and one switch each."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request
from sqlalchemy import select

from api import providers
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.runtime import runtime
from generative import ledger
from generative.config import GenerativeConfig
from generative.providers import FLOOR, NAMES
from generative.tables import ProviderDayRow, ProviderRow
from recsys.database import reading

DAYS = 14
_FEW = 3  # calls before failures say something
_FAILING = 0.5
_ABOUT = {
    "llama": "a small model on this machine, by llama.cpp",
    "transformers": "a model in the worker's process, on its GPU where there is one",
    "openai": "a server at an address of yours that speaks OpenAI's protocol",
    "extractive": "phrases of the catalogue's own text",
    "template": "fixed words, which cannot fail",
}


def show() -> Response:
    """Every provider in the order in which it is asked, with today's book and two weeks of lines."""
    config, now = runtime().config.generative, datetime.now(UTC)
    with reading(runtime().engine) as session:
        off = ledger.switched_off(session)
        spent = ledger.spent_today(session, now=now)
        since = {row.name: row.changed_at for row in session.scalars(select(ProviderRow))}
        book = providers.book(session, DAYS, now=now)
    days = {name: {row.day: row for row in rows} for name, rows in book.items()}
    asked = providers.asked(config)
    rows = [
        _row(name, days.get(name, {}), config, now=now, off=name in off, spent=spent, place=place)
        for place, name in enumerate(asked, 1)
    ]
    for row in rows:
        row["since"] = f"{since[row['name']]:%Y-%m-%d %H:%M}" if row["name"] in since else ""
    return page(
        "console/providers.html",
        heading="Providers",
        tab="creatives",
        rows=rows,
        others=[(name, _ABOUT[name]) for name in NAMES if name not in asked],
        budget=_budget(spent, config.daily_budget),
        days=DAYS,
    )


def switch() -> Response:
    """Turn one provider on or off, everywhere and at once."""
    name, on = request.form.get("name", ""), request.form.get("on") == "yes"
    providers.switch_to(name, on=on)
    if on:
        tell(f"{name} is on: it is asked again within a second.")
    else:
        tell(f"{name} is off: nothing asks it from now on. What it has written already stays.")
    return see_other("console.providers")


def _row(
    name: str,
    days: Mapping[str, ProviderDayRow],
    config: GenerativeConfig,
    *,
    now: datetime,
    off: bool,
    spent: float,
    place: int,
) -> dict[str, Any]:
    today = days.get(now.date().isoformat())
    floor = name in FLOOR
    state, words = "works", "always there; it needs nothing and costs nothing"
    if not floor:
        state, words = _health(name, today, config, off=off, spent=spent)
    return {
        "place": place,
        "name": name,
        "about": _ABOUT[name],
        "floor": floor,
        "off": off,
        "state": state,
        "ok": state in {"works", "ready"},
        "words": words,
        "calls": f"{today.calls:,}" if today else "0",
        "failures": f"{today.failures:,}" if today else "0",
        "seconds": f"{today.seconds / today.calls:.1f} s" if today and today.calls else "-",
        "spent": money(today.spent) if today else money(0.0),
        "accepted": share(today.accepted, today.candidates) if today else "-",
        **_fortnight(days, now),
    }


def _health(
    name: str,
    today: ProviderDayRow | None,
    config: GenerativeConfig,
    *,
    off: bool,
    spent: float,
) -> tuple[str, str]:
    """A word and a sentence; the first trouble that keeps it from writing is the one that is told."""
    if off:
        return "off", "switched off here; the next in the order is asked instead"
    if why := providers.trouble(name, config):
        return "unusable", why
    if name == "openai" and _paid(config) and spent >= config.daily_budget:
        return "refused", "the day's budget is spent; it is asked again after midnight UTC"
    if today is None or not today.calls:
        return "ready", "can write; nobody has asked it today"
    if today.calls >= _FEW and today.failures >= _FAILING * today.calls:
        return "failed", f"{today.failures:,} of {today.calls:,} calls failed today"
    return "works", "answers"


def _fortnight(days: Mapping[str, ProviderDayRow], now: datetime) -> dict[str, Any]:
    """Acceptance day by day as bars, oldest first, and in one sentence for who cannot see them."""
    order = [(now - timedelta(days=DAYS - 1 - at)).date().isoformat() for at in range(DAYS)]
    bars = []
    for at, day in enumerate(order):
        row = days.get(day)
        if row and row.candidates:
            high = max(20.0 * row.accepted / row.candidates, 0.6)
            bars.append({"x": 5 * at, "y": round(20 - high, 2), "high": round(high, 2)})
    candidates = sum(row.candidates for row in days.values())
    accepted = sum(row.accepted for row in days.values())
    return {
        "bars": bars,
        "lines": f"{share(accepted, candidates)} of {candidates:,} lines" if candidates else "none",
    }


def _budget(spent: float, budget: float) -> dict[str, Any]:
    return {
        "spent": money(spent),
        "of": money(budget),
        "percent": round(100 * min(spent / budget, 1.0)) if budget else 0,
        "gone": bool(budget) and spent >= budget,
        "none": not budget,
    }


def _paid(config: GenerativeConfig) -> bool:
    return config.openai_price_in > 0 or config.openai_price_out > 0


def money(amount: float) -> str:
    """In the unit of the budget, whichever that is: cents matter, and so do thousandths of one."""
    return f"{amount:,.2f}" if amount >= 0.1 or amount == 0 else f"{amount:.4f}"  # noqa: PLR2004 of a unit


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"
