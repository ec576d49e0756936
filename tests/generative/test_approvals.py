"""What shopkeepers have approved, as a voice learns it, on both databases."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from generative.brief import to_json
from generative.campaigning.approvals import approved
from generative.tables import CampaignCreativeRow, CampaignRow, CreativeRow
from generative.types import Brief, ItemFacts
from recsys.database import reading, writing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_what_was_approved_teaches_and_nothing_else(engine: Engine) -> None:
    brief = Brief(item=ItemFacts(item_id="mug", title="Mug", description="A red mug for tea."))
    with writing(engine) as session:
        session.add(
            CampaignRow(
                campaign_id="c",
                name="c",
                status="done",
                sizes=[],
                audience={},
                items={},
                created_at=NOW,
            )
        )
        for place, approval in enumerate(("approved", "rejected", "none")):
            session.add(
                CreativeRow(
                    key=f"k{place}",
                    item_id="mug",
                    size="hero",
                    state="ready",
                    brief=to_json(brief),
                    copy={"headline": f"Mug {place}", "tagline": "For tea.", "action": "Shop now"},
                    created_at=NOW,
                )
            )
            session.add(
                CampaignCreativeRow(
                    campaign_id="c",
                    key=f"k{place}",
                    position=place,
                    item_id="mug",
                    brief=to_json(brief),
                    approval=approval,
                )
            )
    with reading(engine) as session:
        found = approved(session, 10)

    assert [(pair.headline, pair.tagline, pair.source) for pair in found] == [
        ("Mug 0", "For tea.", "approved")
    ]
    assert found[0].item.description == "A red mug for tea."
