"""A creative by its key, and its picture. Pictures are public: their address names their content.

A picture that shows a price is asked for again each time it is shown: nothing keeps it beyond the
price. Where the item has changed, its address leads to the picture of now, or, until that is drawn,
to the product's own photo, which claims nothing.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from apiflask import APIBlueprint
from flask import Response, redirect, request, send_from_directory
from werkzeug.exceptions import NotFound

from api import auth, parsing, standing
from api.errors import Problem
from api.keys import Role
from api.recommending import creatives
from api.recommending.degraded import Degraded
from api.runtime import CACHE_ERRORS, Runtime, runtime
from api.schemas import BannerQuery, CreativeOut, CreativeQuery
from api.specification import file_answer
from api.standing import KEEP_FROM_CACHES, Standing
from generative import forms, truth
from generative.banner.formats import FORMS
from generative.cache import as_shown
from generative.errors import UnknownCreative
from generative.types import Brief, Creative, State

PENDING_RETRY_SECONDS = 5
IMMUTABLE = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"  # kept, and shown only after we were asked whether it still holds

# An SVG may be opened as a page: it shows itself, and nothing in it runs.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; sandbox"
_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})

blueprint = APIBlueprint("creatives", __name__, tag="Creatives")


@blueprint.get("/creatives/<key>")
@blueprint.output(CreativeOut)
@parsing.takes(blueprint, CreativeQuery, "query")
def read(key: str, query: CreativeQuery) -> Response:
    """What is kept under a key, if it still holds; `pending` until a worker has made it.

    410 where the item is hidden or gone. With `proofs` (admin): which field proves which words.
    """
    auth.need(Role.ADMIN if query.proofs else Role.STOREFRONT)()
    here = runtime()
    found = standing.find(here, key)
    if found is None:
        raise UnknownCreative(key)
    creative = found.creative
    if found.outdated or truth.unsold(found.item):
        creative = plain(here, key, standing.brief(here, found))
    headers = {"X-AI-Generated": _ai_generated(creative)}
    if creative.state is State.PENDING:
        headers |= _retry()
    told = as_shown(creative)
    if query.proofs:
        told["proofs"] = [dict(one) for one in _proofs(here, creative)]
    return parsing.answer(told, headers=headers)


@blueprint.get("/creatives/<key>/banner")
@blueprint.doc(
    responses=file_answer("image/jpeg", "The picture")
    | {
        307: {"description": "The item has changed: its picture of now, or the product's photo"},
        410: {"description": "The item is not sold any more"},
    }
)
@parsing.takes(blueprint, BannerQuery, "query")
def banner(key: str, query: BannerQuery) -> Response:
    """The picture of a ready creative whose item is as it was when it was drawn."""
    here = runtime()
    found = standing.find(here, key)
    if found is None:
        raise Problem(404, f"no banner for {key[:64]!r}")
    if why := truth.unsold(found.item):
        raise standing.gone(why)
    if found.outdated and found.creative.banner is not None:
        return _instead(here, found, query.form)
    creative = found.creative
    picture = creative.banner
    if picture is None or picture.media_type not in _TYPES:
        waits = creative.state is State.PENDING
        detail = "this banner is being made" if waits else f"no banner for {key[:64]!r}"
        raise Problem(404, detail, headers=_retry() if waits else None)
    tag = picture.sha256 if query.form == forms.JPEG else f"{picture.sha256}-{query.form}"
    if request.if_none_match.contains(tag):
        answer = Response(status=304)
    else:
        answer = _picture(here, creative, query.form)
    answer.set_etag(tag)
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Cache-Control"] = IMMUTABLE if found.item.price is None else ASK_AGAIN
    answer.headers["X-AI-Generated"] = _ai_generated(creative)
    return answer


def _picture(here: Runtime, creative: Creative, form: str) -> Response:
    """The file of this form; the first who asks for another than the usual has it drawn."""
    assert creative.banner is not None  # noqa: S101 looked at before
    if form == forms.JPEG:
        return _send(here, creative.banner.path, creative.banner.media_type)
    path = forms.path_of(creative.banner, form)
    if not (here.config.generative.banners_dir / path).is_file():
        with suppress(*CACHE_ERRORS), here.redis.asking():
            if here.cache.claim(f"{creative.key}:{form}") and not here.bell.form(
                creative.key, form
            ):
                here.cache.release(f"{creative.key}:{form}")
        raise Problem(404, f"this banner is being made as {form}", headers=_retry())
    return _send(here, path, FORMS[form].media_type)


def _instead(here: Runtime, found: Standing, form: str) -> Response:
    """Where an address leads whose picture does not hold any more; nothing keeps the way there."""
    fresh = _fresh(here, found)
    if fresh is not None:
        where = f"/creatives/{fresh.key}/banner"
        where += "" if form == forms.JPEG else f"?form={form}"
    elif found.item.image_url:
        where = found.item.image_url
    else:
        raise Problem(404, "the item has changed; its picture is being made", headers=_retry())
    answer = redirect(where, code=307)
    answer.headers.update(KEEP_FROM_CACHES)
    return answer  # type: ignore[return-value] # Flask's, as it is called inside an app


def _fresh(here: Runtime, found: Standing) -> Creative | None:
    """The ready creative of the same brief and the item of now; a worker is rung for a missing one."""
    brief = standing.asked(here, found)
    if brief is None:
        return None
    here.steered.now(here, found.steering, Degraded())  # in the style of now
    floor = here.briefs.fresh(brief)
    held = standing.record(here, floor.key, found.steering)
    if held is None:
        creatives.ask_for(here, brief, floor, Degraded())
        return None
    return held if held.banner is not None else None


def plain(here: Runtime, key: str, brief: Brief) -> Creative:
    """The catalogue's own words, under the key that was asked for."""
    return replace(here.briefs.fresh(brief), key=key)


def _proofs(here: Runtime, creative: Creative) -> Any:
    if creative.proofs:
        return creative.proofs
    kept = standing.kept(here, creative.key)  # the cache leaves them out
    return kept.proofs if kept is not None and kept.copy == creative.copy else ()


def _ai_generated(creative: Creative) -> str:
    return "true" if creative.provenance.get("ai_generated") else "false"


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
