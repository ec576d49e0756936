"""What a campaign has made, as a gallery and as a ZIP [SQL]."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from generative import truth
from generative.brief import from_json
from generative.campaigning import campaigns
from generative.campaigning.archive import stream
from generative.creatives import creative_of
from generative.tables import CampaignCreativeRow, CreativeRow
from generative.truth import Sold
from generative.types import Approval, Shown

_PAGE = 100


def gallery(
    session: Session,
    campaign_id: str,
    *,
    limit: int = 60,
    offset: int = 0,
    judged: Approval | None = None,
) -> list[Shown]:
    """Planned creatives in the order of the plan, each with what was made of it.

    With `judged`, only such as are made and stand like this: NONE is what nobody has looked at.
    """
    wanted = [CampaignCreativeRow.campaign_id == campaign_id]
    if judged is not None:
        wanted += [
            CampaignCreativeRow.status == "made",
            CampaignCreativeRow.approval == judged.value,
        ]
    rows = session.execute(
        select(CampaignCreativeRow, CreativeRow)
        .outerjoin(CreativeRow, CreativeRow.key == CampaignCreativeRow.key)
        .where(*wanted)
        .order_by(CampaignCreativeRow.position)
        .limit(limit)
        .offset(offset)
    ).all()
    return [
        Shown(
            key=planned.key,
            item_id=planned.item_id,
            brief=from_json(planned.brief),
            status=planned.status,
            approval=Approval(planned.approval),
            error=planned.error,
            creative=creative_of(made) if made is not None and planned.status == "made" else None,
        )
        for planned, made in rows
    ]


def export(
    session: Session, campaign_id: str, banners_dir: Path, *, sold: Callable[[str], Sold | None]
) -> Iterator[bytes]:
    """Stream a ZIP of what is made and not rejected.

    `sold` tells what an item is now: where that is not what its picture was made of, the picture
    stays out of the archive, and its line says why.

    Raises:
        UnknownCampaign: No such campaign; raised on the call, before a byte is sent.
    """
    campaigns.get(session, campaign_id)
    return stream(_exported(session, campaign_id, sold), banners_dir)


def _exported(
    session: Session, campaign_id: str, sold: Callable[[str], Sold | None]
) -> Iterator[Shown]:
    offset = 0
    while page := gallery(session, campaign_id, limit=_PAGE, offset=offset):
        offset += len(page)
        made = (shown for shown in page if shown.creative is not None)
        for shown in made:
            if shown.approval is not Approval.REJECTED:
                yield replace(shown, stale=truth.problem(shown.brief.item, sold(shown.item_id)))
