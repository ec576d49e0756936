"""Two to four products on one picture, asked for by their ids and served while all of them hold."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, request, send_from_directory
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import NotFound

from api import auth, parsing, standing
from api.banners import ASK_AGAIN, PENDING_RETRY_SECONDS
from api.errors import Problem, invalid
from api.keys import Role
from api.recommending import looking
from api.recommending.degraded import Degraded
from api.runtime import CACHE_ERRORS, Runtime, runtime
from api.schemas import Id, Strict
from api.specification import file_answer
from generative import collages, truth
from generative.brief import facts_of, language
from generative.collages import Kept
from recsys.types import Item

_KEY = re.compile(r"[0-9a-f]{32}")
_EXAMPLE: dict[str, Any] = {"item_ids": ["grocery-1", "grocery-2"], "size": "square"}

blueprint = APIBlueprint("collages", __name__, tag="Creatives", url_prefix="/collages")


class CollageBody(Strict):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    item_ids: Annotated[list[Id], Field(min_length=2, max_length=4)]
    size: Literal["hero", "square", "story"] = "square"
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"


class CollageOut(BaseModel):
    key: str
    state: Literal["ready", "pending"]
    picture_url: str | None
    width: int | None
    height: int | None
    alt: str
    ai_generated: bool
    degraded: list[str]


@blueprint.post("")
@blueprint.output(CollageOut, status_code=202)
@parsing.takes(blueprint, CollageBody, "body")
def ask(body: CollageBody) -> Response:
    """Ask for a collage: 200 where it is drawn already, else 202, and a worker draws it."""
    auth.need(Role.ADMIN)()  # a shopper could ask for any number of combinations
    here, degraded = runtime(), Degraded()
    items = _sold(here, body.item_ids, degraded)
    locale = language(body.locale)
    key = collages.key_of(
        [facts_of(item) for item in items],
        size=body.size,
        locale=locale,
        fingerprint=here.styled.style.fingerprint,
    )
    kept = collages.find(key, here.config.generative.banners_dir)
    if kept is None:
        _ring(here, key, body.item_ids, body.size, locale, degraded)
        headers = {"Retry-After": str(PENDING_RETRY_SECONDS)}
        return parsing.answer(_told(key, None, degraded), 202, headers)
    return parsing.answer(_told(key, kept, degraded), 200)


@blueprint.get("/<key>/picture")
@blueprint.doc(
    responses=file_answer("image/jpeg", "The picture")
    | {410: {"description": "One of the items has changed, or is not sold any more"}}
)
def picture(key: str) -> Response:
    """The picture, open to all, while every item on it is as it was drawn."""
    here = runtime()
    folder = here.config.generative.banners_dir
    kept = collages.find(key, folder) if _KEY.fullmatch(key) else None
    if kept is None:
        retry = {"Retry-After": str(PENDING_RETRY_SECONDS)}
        raise Problem(404, "there is no such collage, or not yet", headers=retry)
    shelf = standing.shelf(here).items
    for item_id, digest in kept.items.items():
        item = shelf.get(item_id)
        why = truth.unsold(item)
        if item is None or why:
            raise standing.gone(f"{item_id}: {why}")
        if truth.digest(facts_of(item)) != digest:
            raise standing.gone(f"{item_id}: the item has changed; ask for a new collage")
    if request.if_none_match.contains(kept.sha256):
        answer = Response(status=304)
    else:
        answer = _file(folder.resolve(), kept)
    answer.set_etag(kept.sha256)
    answer.headers["Cache-Control"] = ASK_AGAIN
    answer.headers["X-AI-Generated"] = "false"
    return answer


def _sold(here: Runtime, item_ids: list[str], degraded: Degraded) -> list[Item]:
    """The items of now, in the style of now.

    Raises:
        Problem: 422, one is named twice or not on sale.
    """
    seen = looking.read(here, None, here.handle.get(), degraded)
    here.steered.now(here, seen.steering_version, degraded)
    if len(set(item_ids)) < len(item_ids):
        raise invalid("item_ids", "must be different items")
    found = []
    for number, item_id in enumerate(item_ids):
        item = seen.shelf.items.get(item_id)
        why = truth.unsold(item)
        if item is None or why:
            raise invalid(f"item_ids.{number}", why)
        found.append(item)
    return found


def _ring(
    here: Runtime, key: str, item_ids: list[str], size: str, locale: str, degraded: Degraded
) -> None:
    """Once for all who ask within a claim."""
    try:
        with here.redis.asking():
            if here.cache.claim(key) and not here.bell.collage(item_ids, size, locale):
                here.cache.release(key)
                degraded.add("queue")
    except CACHE_ERRORS:
        degraded.add("creatives")


def _told(key: str, kept: Kept | None, degraded: Degraded) -> dict[str, Any]:
    return {
        "key": key,
        "state": "pending" if kept is None else "ready",
        "picture_url": None if kept is None else f"/collages/{key}/picture",
        "width": None if kept is None else kept.width,
        "height": None if kept is None else kept.height,
        "alt": "" if kept is None else kept.alt,
        "ai_generated": False,
        "degraded": degraded.as_list(),
    }


def _file(folder: Path, kept: Kept) -> Response:
    try:
        return send_from_directory(folder, kept.path, mimetype="image/jpeg", conditional=False)
    except NotFound:
        raise Problem(404, "the picture is gone; ask for it again") from None
