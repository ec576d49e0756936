"""What waits for the shopkeeper, each with the page where it is done. Nothing here is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy.orm import Session

from generative import ledger
from generative.campaigning import campaigns
from generative.campaigning.campaigns import OPEN
from generative.types import Campaign, Progress
from recsys.catalogue.items import CatalogueCounts
from recsys.learning import runs
from recsys.learning.bundle import ModelBundle
from recsys.learning.runs import Run

LOOKED_AT = 8  # newest campaigns: an old one that nobody judged is no news


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """`going` marks what runs by itself and may be watched."""

    text: str
    action: str
    href: str
    going: bool = False


def read(
    session: Session, counts: CatalogueCounts, bundle: ModelBundle, *, budget: float
) -> list[Todo]:
    """What has to be done first stands first."""
    newest = runs.recent(session, 1)
    found = [
        (one, campaigns.progress(session, one.campaign_id))
        for one in campaigns.recent(session, limit=LOOKED_AT)
    ]
    waiting = [
        _of_catalogue(counts),
        _of_model(bundle, newest),
        _of_run(newest),
        _of_voice(runs.recent(session, 1, kind="voice")),
        _of_money(ledger.spent_today(session), budget),
        *(_of_campaign(one, progress) for one, progress in found),
    ]
    known = [todo for todo in waiting if todo is not None]
    return sorted(known, key=lambda todo: todo.going)


def _of_catalogue(counts: CatalogueCounts) -> Todo | None:
    if counts.total:
        return None
    href = url_for("console.catalogue")
    return Todo(text="The catalogue is empty.", action="Upload a catalogue", href=href)


def _of_model(bundle: ModelBundle, newest: Sequence[Run]) -> Todo | None:
    if bundle.item_ids or any(run.active for run in newest):
        return None
    text = "No model is live: the shop shows what is newest to everyone."
    return Todo(text=text, action="Train a model", href=url_for("console.models"))


def _of_run(newest: Sequence[Run]) -> Todo | None:
    href = url_for("console.models")
    for run in newest:
        if run.active:
            percent = f"{100 * min(max(run.progress, 0.0), 1.0):.0f} %"
            return Todo(
                text=f"A training runs: {percent}.", action="Watch it", href=href, going=True
            )
        if run.status == "failed":
            return Todo(text="The last training failed.", action="See why", href=href)
        if run.status == "refused":
            text = "The last candidate was not good enough and stays aside."
            return Todo(text=text, action="Compare it", href=href)
    return None


def _of_voice(newest: Sequence[Run]) -> Todo | None:
    href = url_for("console.voice")
    for run in newest:
        if run.active:
            return Todo(text="A voice is being trained.", action="Watch it", href=href, going=True)
        if run.status == "failed":
            return Todo(text="The last training of a voice failed.", action="See why", href=href)
        if run.status == "refused":
            text = "The last voice was not good enough and stays aside."
            return Todo(text=text, action="Compare it", href=href)
    return None


def _of_money(spent: float, budget: float) -> Todo | None:
    if not spent or spent < budget:
        return None
    text = "The day's budget for creatives is spent: those that cost money are not asked."
    return Todo(text=text, action="See on what", href=url_for("console.providers"))


def _of_campaign(campaign: Campaign, progress: Progress) -> Todo | None:
    href = url_for("console.campaign", campaign_id=campaign.campaign_id)
    name = campaign.spec.name
    if campaign.status in OPEN:
        text = f"“{name}” is being made: {progress.made} of {progress.total}."
        return Todo(text=text, action="Watch it", href=href, going=True)
    if campaign.status == "failed":
        return Todo(text=f"The campaign “{name}” failed.", action="See why", href=href)
    unjudged = progress.made - progress.approved - progress.rejected
    if campaign.status != "done" or unjudged <= 0:
        return None
    text = f"{unjudged:,} creatives of “{name}” are not judged yet."
    href = url_for("console.campaign", campaign_id=campaign.campaign_id, show="none")
    return Todo(text=text, action="Judge them", href=href)
