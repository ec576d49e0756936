"""What shopkeepers have approved, for a voice to learn from [SQL]."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from generative.brief import clean, from_json
from generative.tables import CampaignCreativeRow, CreativeRow
from generative.types import Approval, Brief
from generative.voice.distil import SIZE, Pair


def approved(session: Session, limit: int) -> list[Pair]:
    """What shopkeepers have approved, newest first: a headline and a tagline each is worth learning.

    They are not judged here: facts may have changed since, and the checks with them.
    """
    statement = (
        select(CreativeRow.brief, CreativeRow.copy)
        .join(CampaignCreativeRow, CampaignCreativeRow.key == CreativeRow.key)
        .where(CampaignCreativeRow.approval == Approval.APPROVED)
        .order_by(CreativeRow.created_at.desc())
        .limit(limit)
    )
    found: dict[tuple[str, str, str], Pair] = {}
    for brief, copy in session.execute(statement).all():
        item = clean(Brief(item=from_json(brief).item, size=SIZE)).item
        told = (item.item_id, copy["headline"], copy["tagline"])
        found[told] = Pair(
            item=item, headline=copy["headline"], tagline=copy["tagline"], source="approved"
        )
    return list(found.values())
