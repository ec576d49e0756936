"""A creative by its key, and its picture. Pictures are public: their address names their content."""

import re

from apiflask import APIBlueprint
from flask import Response, request, send_from_directory
from werkzeug.exceptions import NotFound

from api import auth, parsing
from api.errors import Problem
from api.keys import Role
from api.recommending import creatives
from api.recommending.degraded import Degraded
from api.runtime import DATABASE_ERRORS, Runtime, runtime
from api.schemas import CreativeOut
from api.specification import file_answer
from generative import campaigns
from generative.errors import UnknownCreative
from generative.types import Creative, State
from recsys.database import reading

PENDING_RETRY_SECONDS = 5
IMMUTABLE = "public, max-age=31536000, immutable"

_KEY = re.compile(r"[0-9a-f]{32}")
_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})

blueprint = APIBlueprint("creatives", __name__, tag="Creatives")


@blueprint.get("/creatives/<key>")
@blueprint.output(CreativeOut)
def read(key: str) -> Response:
    """What the cache or the record holds; `pending` until a worker has made it."""
    auth.need(Role.STOREFRONT)()
    creative = _find(runtime(), key)
    if creative is None:
        raise UnknownCreative(key)
    headers = _retry() if creative.state is State.PENDING else None
    return parsing.answer(creatives.as_json(creative), headers=headers)


@blueprint.get("/creatives/<key>/banner")
@blueprint.doc(responses=file_answer("image/jpeg", "The picture"))
def banner(key: str) -> Response:
    """The picture of a ready creative."""
    here = runtime()
    creative = _find(here, key)
    if creative is None or creative.banner is None:
        waits = creative is not None and creative.state is State.PENDING
        detail = "this banner is being made" if waits else f"no banner for {key[:64]!r}"
        raise Problem(404, detail, headers=_retry() if waits else None)
    picture = creative.banner
    if picture.media_type not in _TYPES:
        raise Problem(404, f"no banner for {key!r}")
    if request.if_none_match.contains(picture.sha256):
        answer = Response(status=304)
    else:
        answer = _send(here, picture.path, picture.media_type)
    answer.set_etag(picture.sha256)
    answer.headers["Cache-Control"] = IMMUTABLE
    return answer


def _find(here: Runtime, key: str) -> Creative | None:
    """The record, which knows what was turned down; the cache for what no worker has made yet."""
    if not _KEY.fullmatch(key):
        return None
    held = creatives.by_key(here, key, Degraded())
    try:
        with here.database.asking(), reading(here.engine) as session:
            kept = campaigns.for_shop(session, key)
    except DATABASE_ERRORS:
        return held
    return kept or held


def _send(here: Runtime, path: str, media_type: str) -> Response:
    try:
        return send_from_directory(
            here.config.generative.banners_dir.resolve(),
            path,
            mimetype=media_type,
            conditional=False,
        )
    except NotFound:
        raise Problem(404, "the picture is gone; it is made again when next asked for") from None


def _retry() -> dict[str, str]:
    return {"Retry-After": str(PENDING_RETRY_SECONDS)}
