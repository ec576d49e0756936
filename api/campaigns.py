"""Campaigns over HTTP: asked for, watched, judged, exported. The work itself is a worker's."""

import uuid
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api import auth, parsing, standing
from api.errors import invalid
from api.keys import Role
from api.present import campaign_json, planned_json
from api.runtime import CACHE_ERRORS, Runtime, runtime
from api.schemas import (
    CampaignBody,
    CampaignOut,
    CampaignPageOut,
    CampaignsOut,
    DecisionOut,
    PageQuery,
)
from api.specification import file_answer
from generative import truth
from generative.campaigning import campaigns, showing
from generative.types import Approval, Campaign, CampaignSpec, Progress
from recsys.database import reading, writing

_TOKENS = uuid.UUID("5c7d3a52-8f55-4b0f-9d3c-2c3f7b6a1e90")  # where idempotency keys become ids

blueprint = APIBlueprint("campaigns", __name__, tag="Campaigns", url_prefix="/campaigns")
blueprint.before_request(auth.need(Role.ADMIN))


@blueprint.post("")
@blueprint.output(CampaignOut, status_code=202)
@blueprint.doc(
    description="A repeated `Idempotency-Key` answers with the campaign that it made the first time."
)
@parsing.takes(blueprint, CampaignBody, "body")
def create(body: CampaignBody) -> Response:
    """Ask for a campaign; a worker plans and makes it."""
    here = runtime()
    token = request.headers.get("Idempotency-Key", "").strip()
    if len(token) > 200:  # noqa: PLR2004 as long as any id
        raise invalid("Idempotency-Key", "must have at most 200 characters")
    answer, created = start(here, spec_of(body), token=token, now=datetime.now(UTC))
    return parsing.answer(answer, 202 if created else 200)


def spec_of(body: CampaignBody) -> CampaignSpec:
    """What the body asks for, in the studio's words.

    Raises:
        Problem: Both or neither of two ways to say it.
    """
    if body.audience.personas == bool(body.audience.user_ids):
        raise invalid("audience", "give either personas: true or user_ids, and not both")
    if bool(body.items.best) == bool(body.items.item_ids):
        raise invalid("items", "give either best: n or item_ids, and not both")
    audience = (
        {"personas": True} if body.audience.personas else {"user_ids": body.audience.user_ids}
    )
    items = {"best": body.items.best} if body.items.best else {"item_ids": body.items.item_ids}
    return CampaignSpec(
        name=body.name,
        sizes=tuple(dict.fromkeys(body.sizes)),
        audience=audience,
        items=items,
        locale=body.locale,
    )


def start(
    here: Runtime, spec: CampaignSpec, *, token: str = "", now: datetime
) -> tuple[dict[str, Any], bool]:
    """Commit a waiting campaign, then ring; False where the token had made one already."""
    campaign_id = str(uuid.uuid5(_TOKENS, token)) if token else None
    sold = standing.shelf(here).items  # first: what is committed is answered
    try:
        answer, created = _commit(here, spec, campaign_id, sold, now=now)
    except IntegrityError:  # the same token a moment earlier, in another request
        answer, created = _commit(here, spec, campaign_id, sold, now=now)
    if created and not here.bell.campaign(answer["campaign_id"]):
        answer["degraded"] = ["queue"]
    return answer, created


def _commit(
    here: Runtime,
    spec: CampaignSpec,
    campaign_id: str | None,
    sold: Container[str],
    *,
    now: datetime,
) -> tuple[dict[str, Any], bool]:
    with writing(here.engine) as session:
        known = campaign_id is not None and campaigns.exists(session, campaign_id)
        if campaign_id is None or not known:
            campaign_id = campaigns.create(session, spec, now=now, campaign_id=campaign_id)
        campaign = campaigns.get(session, campaign_id)
        progress = campaigns.progress(session, campaign_id)
    return _told(campaign, progress, sold), not known


def _told(campaign: Campaign, progress: Progress, sold: Container[str]) -> dict[str, Any]:
    missing = missing_ids(campaign.spec, sold)
    return campaign_json(campaign, progress) | {"missing_ids": missing}


def missing_ids(spec: CampaignSpec, sold: Container[str]) -> list[str]:
    """The chosen items that the catalogue does not have: nothing is made of them."""
    return [item_id for item_id in spec.items.get("item_ids", ()) if item_id not in sold]


@blueprint.get("")
@blueprint.output(CampaignsOut)
@parsing.takes(blueprint, PageQuery, "query")
def every(query: PageQuery) -> Response:
    """The newest campaigns first."""
    sold = standing.shelf(runtime()).items
    with reading(runtime().engine) as session:
        found = [
            _told(campaign, campaigns.progress(session, campaign.campaign_id), sold)
            for campaign in campaigns.recent(session, limit=query.limit)
        ]
    return parsing.answer({"campaigns": found})


@blueprint.get("/<campaign_id>")
@blueprint.output(CampaignPageOut)
@parsing.takes(blueprint, PageQuery, "query")
def read(campaign_id: str, query: PageQuery) -> Response:
    """How far it is, and a page of its creatives in the order of the plan."""
    with reading(runtime().engine) as session:
        campaign = campaigns.get(session, campaign_id)
        progress = campaigns.progress(session, campaign_id)
        shown = showing.gallery(session, campaign_id, limit=query.limit, offset=query.offset)
    sold = standing.shelf(runtime()).items
    told = [
        replace(one, stale=truth.problem(one.brief.item, sold.get(one.item_id))) for one in shown
    ]
    page = {"creatives": [planned_json(one) for one in told]}
    return parsing.answer(_told(campaign, progress, sold) | page)


@blueprint.delete("/<campaign_id>")
@blueprint.output(CampaignOut)
def cancel(campaign_id: str) -> Response:
    """Stop it; what is made stays. 409 where it has ended already."""
    sold = standing.shelf(runtime()).items
    with writing(runtime().engine) as session:
        campaigns.cancel(session, campaign_id, now=datetime.now(UTC))
        campaign = campaigns.get(session, campaign_id)
        progress = campaigns.progress(session, campaign_id)
    return parsing.answer(_told(campaign, progress, sold))


@blueprint.post("/<campaign_id>/creatives/<key>/approve")
@blueprint.output(DecisionOut)
def approve(campaign_id: str, key: str) -> Response:
    """Let this creative into exports, and into the shop again."""
    return parsing.answer(decide(runtime(), campaign_id, key, Approval.APPROVED))


@blueprint.post("/<campaign_id>/creatives/<key>/reject")
@blueprint.output(DecisionOut)
def reject(campaign_id: str, key: str) -> Response:
    """Keep this creative out of exports and out of the shop."""
    return parsing.answer(decide(runtime(), campaign_id, key, Approval.REJECTED))


def decide(here: Runtime, campaign_id: str, key: str, approval: Approval) -> dict[str, str]:
    """Judge one creative, and let the shop follow at once.

    Raises:
        UnknownCreative: The campaign planned no such creative.
    """
    with writing(here.engine) as session:
        campaigns.decide(session, campaign_id, key, approval)
        shown = campaigns.for_shop(session, key, avoid=here.styled.style.kit.forbidden)
    if shown is not None:
        # A cache that is away shows nothing either, and is filled from the rows when it is back.
        with suppress(*CACHE_ERRORS), here.redis.asking():
            here.cache.put(shown)
    here.pulse.steering_changed()  # no process trusts what it was told of this creative before
    return {"key": key, "approval": approval.value}


@blueprint.get("/<campaign_id>/export")
@blueprint.doc(responses=file_answer("application/zip", "A ZIP archive"))
def export(campaign_id: str) -> Response:
    """The pictures and a CSV, without what was rejected or no longer holds; the CSV says which."""
    here = runtime()
    session = Session(here.engine)
    try:
        folder, sold = here.config.generative.banners_dir, standing.shelf(here).items.get
        pieces = showing.export(session, campaign_id, folder, sold=sold)
    except BaseException:
        session.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="campaign-{campaign_id}.zip"'}
    return Response(_closing(session, pieces), mimetype="application/zip", headers=headers)


def _closing(session: Session, pieces: Iterator[bytes]) -> Iterator[bytes]:
    with session:
        yield from pieces
