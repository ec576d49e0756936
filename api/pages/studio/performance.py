"""The console's creatives at a glance: hits, generations saved, what a thousand cost, who wrote them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.pages.frame import page
from api.pages.overview import Stat
from api.pages.studio import served
from api.pages.studio.providers import money, share
from api.pages.studio.served import PLAIN, Served
from api.runtime import runtime
from generative.providers import FLOOR
from generative.tables import CampaignCreativeRow, CampaignRow
from recsys.database import reading

SPANS = {1: "Today", 7: "7 days", 30: "30 days"}


def show() -> Response:
    days = request.args.get("days", 7, type=int)
    days = days if days in SPANS else 7
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with reading(runtime().engine) as session:
        found = served.count(session, since=midnight - timedelta(days=days - 1), until=now)
        waiting = _unjudged(session)
        made = session.scalar(select(CampaignRow.campaign_id).limit(1)) is not None
    return page(
        "console/creatives.html",
        heading="Creatives",
        tab="creatives",
        spans=SPANS,
        days=days,
        stats=_stats(found),
        rows=_rows(found),
        estimated=found.read < found.answers and f"{found.read:,} of {found.answers:,}",
        shown=bool(found.shown),
        waiting=waiting,
        made=made,
    )


def _stats(found: Served) -> list[Stat]:
    cost, seconds = found.per_thousand(found.spent), found.per_thousand(found.seconds)
    return [
        Stat(
            name="Shown",
            value=f"{found.shown:,.0f}",
            note=f"in {found.answers:,} answers",
        ),
        Stat(
            name="Hit rate",
            value="-" if found.hit_rate is None else f"{100 * found.hit_rate:.1f} %",
            note="were made before they were asked for",
        ),
        Stat(
            name="Generations saved",
            value=f"{found.saved:,.0f}",
            note=f"{found.made:,} were made",
        ),
        Stat(
            name="Cost per thousand",
            value="-" if cost is None else money(cost),
            note="" if seconds is None else f"and {seconds:,.0f} s of a model's work",
        ),
    ]


def _rows(found: Served) -> list[dict[str, Any]]:
    names = list(dict.fromkeys([*found.by_maker, *found.book]))
    return [_row(name, found) for name in names]


def _row(name: str, found: Served) -> dict[str, Any]:
    shown, book = found.by_maker.get(name, 0.0), found.book.get(name)
    told: dict[str, Any] = {
        "name": name,
        "note": "catalogue's own, no model" if name in FLOOR else "",
        "shown": f"{shown:,.0f}",
        "share": share(shown, found.shown),
        "percent": round(100 * shown / found.shown, 1) if found.shown else 0,
        "accepted": "-",
        "seconds": "-",
        "cost": "-",
    }
    if name == PLAIN:
        told["note"] = "nothing better was made yet"
    if book is not None:
        told["accepted"] = share(book.accepted, book.candidates)
        if not shown:
            told["cost"] = f"{money(book.spent)} for none"
        if shown:
            told["seconds"] = f"{1000 * book.seconds / shown:,.1f} s"
            told["cost"] = money(1000 * book.spent / shown)
    elif name in FLOOR:
        told["cost"] = money(0.0)
    return told


def _unjudged(session: Session) -> list[dict[str, Any]]:
    """Campaigns with creatives that nobody has looked at, the newest first."""
    row = CampaignCreativeRow
    counted = session.execute(
        select(CampaignRow.campaign_id, CampaignRow.name, func.count())
        .join(row, row.campaign_id == CampaignRow.campaign_id)
        .where(row.status == "made", row.approval == "none")
        .group_by(CampaignRow.campaign_id, CampaignRow.name, CampaignRow.created_at)
        .order_by(CampaignRow.created_at.desc())
        .limit(5)
    )
    return [
        {"campaign_id": campaign_id, "name": name, "count": count}
        for campaign_id, name, count in counted
    ]
