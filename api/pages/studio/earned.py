"""What creatives earned, as the console tells it: of one campaign, or of all that were made."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, make_response, render_template, request, url_for

from api import earnings
from api.earnings import Earned
from api.pages.frame import page
from api.pages.overview import Stat
from api.pages.studio.providers import money
from api.runtime import runtime
from generative.campaigning import campaigns
from recsys.database import reading
from recsys.errors import TooManyAnswers

SPANS = {1: "1 day", 7: "7 days", 28: "28 days"}
_TOLD = 10
_MOST = 100_000  # answers: a second or two of reading


def of_campaign(campaign_id: str) -> Response:
    with reading(runtime().engine) as session:
        name = campaigns.get(session, campaign_id).spec.name
    return _answer(name, "campaigns", "console.campaign_earned", campaign_id=campaign_id)


def of_all() -> Response:
    return _answer("All creatives", "creatives", "console.earned")


def _answer(heading: str, tab: str, endpoint: str, **which: Any) -> Response:
    """The figures alone for a page to put in, or a page of their own without scripts."""
    days = request.args.get("days", 28, type=int)
    days = days if days in SPANS else 28
    shown: dict[str, Any] = {
        "days": days,
        "spans": {number: url_for(endpoint, days=number, **which) for number in SPANS},
        "names": SPANS,
    }
    try:
        with reading(runtime().engine) as session:
            found = earnings.earned(session, days=days, now=datetime.now(UTC), most=_MOST, **which)
            shown |= _told(found)
    except TooManyAnswers as error:
        shown["problem"] = str(error)
    if "HX-Request" in request.headers:
        return make_response(render_template("console/_earned.html", earned=shown))
    return page("console/earned.html", heading=heading, tab=tab, earned=shown)


def _told(found: Earned) -> dict[str, Any]:
    sums, currency = found.sums(), found.currency
    return {
        "stats": [
            Stat(
                name="Shown",
                value=f"{sums['impressions']:,}",
                note=f"{len(found.cells):,} of {found.made:,} made were shown",
            ),
            Stat(name="Clicked", value=f"{sums['clicks']:,}", note=_rate(sums["ctr"])),
            Stat(
                name="Bought through them",
                value=f"{money(sums['touched'])} {currency}".strip(),
                note=f"in {sums['purchases']:,} purchases",
            ),
        ],
        "rows": [
            one
            | {
                "impressions": f"{one['impressions']:,}",
                "clicks": f"{one['clicks']:,}",
                "rate": _rate(one["ctr"]),
                "purchases": f"{one['purchases']:,}",
                "touched": money(one["touched"]),
            }
            for one in found.creatives(_TOLD)
        ],
        "more": max(len(found.cells) - _TOLD, 0),
        "currency": currency,
    }


def _rate(part: float) -> str:
    return f"{100 * part:.1f} %"
