"""What creatives came to: how often each was shown since it was made, clicked, and bought through.

Touched is not caused: people are shown what they might have bought anyway. What a creative causes
only an experiment or a draw between looks can say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api import auth, parsing
from api.errors import invalid
from api.keys import Role
from api.runtime import runtime
from api.schemas import Strict
from generative.brief import from_json
from generative.campaigning import campaigns
from generative.tables import CampaignCreativeRow, CreativeRow
from recsys.database import reading
from recsys.errors import TooManyAnswers
from recsys.outcomes import overview
from recsys.outcomes import reading as outcomes
from recsys.outcomes.overview import Cell

_CHUNK = 500

blueprint = APIBlueprint("earnings", __name__, tag="Campaigns", url_prefix="/campaigns")
blueprint.before_request(auth.need(Role.ADMIN))


class EarnedQuery(Strict):
    days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] = 28
    limit: Annotated[int, Field(ge=1, le=1_000)] = 50


class EarnedCreativeOut(BaseModel):
    key: str
    item_id: str
    size: str
    audience: str
    headline: str
    impressions: int
    clicks: int = Field(description="Impressions that were clicked")
    ctr: float
    carts: int
    purchases: int
    touched: float = Field(description="What was bought through it")


class EarnedOut(BaseModel):
    """The sums are of all its creatives; `creatives` are those through which most was bought."""

    campaign_id: str
    since: str
    until: str
    currency: str
    made: int
    shown: int = Field(description="Creatives that were shown at all")
    impressions: int
    clicks: int
    ctr: float
    carts: int
    purchases: int
    touched: float
    creatives: list[EarnedCreativeOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """`cells` are of creatives, by key in `rows`: first those through which most was bought."""

    since: datetime
    until: datetime
    currency: str
    made: int
    cells: Sequence[Cell]
    rows: Mapping[str, CreativeRow]

    def sums(self) -> dict[str, Any]:
        names = ("impressions", "clicks", "carts", "purchases", "touched")
        told: dict[str, Any] = {
            name: sum(getattr(cell, name) for cell in self.cells) for name in names
        }
        impressions = told["impressions"]
        return told | {"ctr": told["clicks"] / impressions if impressions else 0.0}

    def creatives(self, limit: int) -> list[dict[str, Any]]:
        return [_creative(self.rows[cell.name], cell) for cell in self.cells[:limit]]


@blueprint.get("/<campaign_id>/outcomes")
@blueprint.output(EarnedOut)
@parsing.takes(blueprint, EarnedQuery, "query")
def read(campaign_id: str, query: EarnedQuery) -> Response:
    """What its creatives came to, wherever a slate showed them: seen, clicked, bought through."""
    now = datetime.now(UTC)
    try:
        with reading(runtime().engine) as session:
            campaigns.get(session, campaign_id)
            found = earned(session, days=query.days, now=now, campaign_id=campaign_id)
            told = found.creatives(query.limit)
    except TooManyAnswers as error:
        raise invalid("days", str(error)) from None
    return parsing.answer(
        {
            "campaign_id": campaign_id,
            "since": found.since.isoformat(),
            "until": found.until.isoformat(),
            "currency": found.currency,
            "made": found.made,
            "shown": len(found.cells),
            **found.sums(),
            "creatives": told,
        }
    )


def earned(
    session: Session,
    *,
    days: float,
    now: datetime,
    campaign_id: str | None = None,
    most: int | None = None,
) -> Earned:
    """What the creatives of a campaign, or all that were made, came to in the last days.

    Raises:
        TooManyAnswers: There are more than `most`, or than a report holds.
    """
    since = now - timedelta(days=days)
    log = outcomes.read(session, since=since, until=now, most=most)
    rows = _rows(session, log.answers.creative_keys, campaign_id)
    made_at = {key: row.created_at.timestamp() for key, row in rows.items()}
    cells = overview.of_creatives(log, made_at)
    return Earned(
        since=since,
        until=now,
        currency=log.currency,
        made=session.scalar(_of(campaign_id, select(func.count(CreativeRow.key)))) or 0,
        cells=sorted(cells, key=lambda cell: (-cell.touched, -cell.clicks, -cell.impressions)),
        rows=rows,
    )


def _rows(session: Session, keys: Sequence[str], campaign_id: str | None) -> dict[str, CreativeRow]:
    """Those of these keys under which something was made."""
    found: dict[str, CreativeRow] = {}
    for start in range(0, len(keys), _CHUNK):
        part = _of(campaign_id, select(CreativeRow))
        some = part.where(CreativeRow.key.in_(keys[start : start + _CHUNK]))
        found |= {row.key: row for row in session.scalars(some)}
    return found


def _of(campaign_id: str | None, statement: Any) -> Any:
    planned = CampaignCreativeRow
    if campaign_id is None:
        return statement
    return statement.join(planned, planned.key == CreativeRow.key).where(
        planned.campaign_id == campaign_id, planned.status == "made"
    )


def _creative(row: CreativeRow, cell: Cell) -> dict[str, Any]:
    audience = from_json(row.brief).audience
    return {
        "key": row.key,
        "item_id": row.item_id,
        "size": row.size,
        "audience": ", ".join((*audience.categories, audience.price_band)),
        "headline": str(row.copy.get("headline", "")),
        "impressions": cell.impressions,
        "clicks": cell.clicks,
        "ctr": cell.ctr,
        "carts": cell.carts,
        "purchases": cell.purchases,
        "touched": cell.touched,
    }
