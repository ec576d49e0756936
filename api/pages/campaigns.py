"""The console's campaigns: made, watched, judged and taken away as a ZIP."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import (
    Response,
    make_response,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api import campaigns as judging
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.gallery import campaign_of, card_of, progress_of
from api.runtime import runtime
from generative.campaigning import campaigns as store
from generative.campaigning import showing
from generative.errors import UnknownCreative
from generative.tables import CampaignCreativeRow
from generative.types import SIZES, Approval, CampaignSpec, Shown
from recsys.database import looking, reading, writing
from recsys.types import Item

PAGE = 60
MOST_IDS = 10_000
MOST_BEST = 50
_NAME_LENGTH = 120
_WHICH = {"": "All", "none": "Not judged", "approved": "Approved", "rejected": "Rejected"}
_BLANK: Mapping[str, Any] = {
    "name": "",
    "sizes": tuple(SIZES),
    "audience": "personas",
    "user_ids": "",
    "choice": "best",
    "best": 2,
    "item_ids": "",
}


def index() -> Response:
    return _index(_BLANK)


def create() -> Response:
    form = request.form
    entered = {
        "name": form.get("name", "").strip(),
        "sizes": tuple(form.getlist("sizes")),
        "audience": form.get("audience", ""),
        "user_ids": form.get("user_ids", ""),
        "choice": form.get("choice", ""),
        "best": form.get("best", ""),
        "item_ids": form.get("item_ids", ""),
    }
    try:
        spec = _spec(entered)
    except ValueError as error:
        tell(str(error), "bad")
        answer = _index(entered)
        answer.status_code = 422
        return answer
    with writing(runtime().engine) as session:
        campaign_id = store.create(session, spec, now=datetime.now(UTC))
    if not runtime().bell.campaign(campaign_id):
        tell("The campaign is kept. The queue is away; it starts when the queue is back.", "warn")
    return see_other("console.campaign", campaign_id=campaign_id)


def show(campaign_id: str) -> Response:
    offset = request.args.get("start", 0, type=int)
    offset = max(0, min(offset, 10_000_000))
    which = request.args.get("show", "")
    which = which if which in _WHICH else ""
    with reading(runtime().engine) as session:
        campaign = store.get(session, campaign_id)
        progress = store.progress(session, campaign_id)
        judged = Approval(which) if which else None
        shown = showing.gallery(session, campaign_id, limit=PAGE, offset=offset, judged=judged)
    items = _items()
    cards = [card_of(campaign_id, one, items) for one in shown if one.status != "planned"]
    counts = {
        "": progress.total,
        "none": max(progress.made - progress.approved - progress.rejected, 0),
        "approved": progress.approved,
        "rejected": progress.rejected,
    }
    more = None
    if offset + PAGE < counts[which]:
        more = url_for(
            "console.campaign", campaign_id=campaign_id, start=offset + PAGE, show=which or None
        )
    return page(
        "console/campaign.html",
        heading=campaign.spec.name,
        tab="campaigns",
        campaign=campaign_of(campaign),
        missing=judging.missing_ids(campaign.spec, items),
        progress=progress_of(campaign, progress, stale=False),
        cards=cards,
        more=more,
        which=which,
        filters=[(value, name, counts[value]) for value, name in _WHICH.items()],
    )


def watch(campaign_id: str) -> Response:
    """The progress alone, for the page that shows it to fetch again."""
    with reading(runtime().engine) as session:
        campaign = store.get(session, campaign_id)
        progress = store.progress(session, campaign_id)
    shown = progress_of(campaign, progress, stale=True)
    fragment = "console/_progress_fragment.html"
    answer = make_response(
        render_template(fragment, campaign=campaign_of(campaign), progress=shown)
    )
    if not shown["active"]:
        answer.headers["HX-Refresh"] = "true"  # the gallery has come to be with it
    return answer


def cancel(campaign_id: str) -> Response:
    with writing(runtime().engine) as session:
        store.cancel(session, campaign_id, now=datetime.now(UTC))
    tell("The campaign is cancelled. What was made stays.")
    return see_other("console.campaign", campaign_id=campaign_id)


def decide(campaign_id: str, key: str) -> Response:
    try:
        approval = Approval(request.form.get("approval", ""))
    except ValueError:
        approval = Approval.NONE
    judging.decide(runtime(), campaign_id, key, approval)
    if not request.headers.get("HX-Request"):
        return see_other("console.campaign", campaign_id=campaign_id, _anchor=f"card-{key}")
    with reading(runtime().engine) as session:
        campaign = store.get(session, campaign_id)
        card = card_of(campaign_id, _one(session, campaign_id, key), _items())
        counted = progress_of(campaign, store.progress(session, campaign_id), stale=False)
    fragment = "console/_card_fragment.html"
    return make_response(
        render_template(fragment, campaign=campaign_of(campaign), card=card, progress=counted)
    )


def export(campaign_id: str) -> Response:
    """The ZIP, streamed; its session is closed when the last byte is sent or the client is gone."""
    session, folder = Session(runtime().engine), runtime().config.generative.banners_dir
    try:
        stream = showing.export(session, campaign_id, folder, sold=_items().get)
    except Exception:
        session.close()
        raise
    answer = Response(stream, mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="campaign-{campaign_id}.zip"'
    answer.call_on_close(session.close)
    return answer


def picture(campaign_id: str, key: str) -> Response:
    """A banner as its judge sees it, a rejected one too, which the shop no longer serves."""
    with reading(runtime().engine) as session:
        creative = _one(session, campaign_id, key).creative
    if creative is None or creative.banner is None:
        raise UnknownCreative(key)
    folder = runtime().config.generative.banners_dir.resolve()
    banner = creative.banner
    return send_from_directory(folder, banner.path, mimetype=banner.media_type)


def _index(entered: Mapping[str, Any]) -> Response:
    with reading(runtime().engine) as session:
        found = store.recent(session)
        rows = [
            campaign_of(one) | {"made": store.progress(session, one.campaign_id).made}
            for one in found
        ]
    return page(
        "console/campaigns.html",
        heading="Campaigns",
        tab="campaigns",
        campaigns=rows,
        sizes=SIZES,
        form=entered,
    )


def _spec(entered: Mapping[str, Any]) -> CampaignSpec:
    """The campaign asked for.

    Raises:
        ValueError: What is missing, in words for the form.
    """
    name = entered["name"]
    if not name or len(name) > _NAME_LENGTH:
        raise ValueError(f"Give the campaign a name of up to {_NAME_LENGTH} characters.")
    if not entered["sizes"] or any(size not in SIZES for size in entered["sizes"]):
        raise ValueError("Choose at least one size.")
    audience: dict[str, Any] = {"personas": True}
    if entered["audience"] == "users":
        audience = {"user_ids": _ids(entered["user_ids"], "shopper")}
    items: dict[str, Any]
    if entered["choice"] == "items":
        items = {"item_ids": _ids(entered["item_ids"], "item")}
    else:
        best = str(entered["best"])
        if not best.isdecimal() or not 1 <= int(best[:9]) <= MOST_BEST:
            raise ValueError(f"The number of items must be 1 to {MOST_BEST}.")
        items = {"best": int(best)}
    return CampaignSpec(name=name, sizes=tuple(entered["sizes"]), audience=audience, items=items)


def _ids(text: str, what: str) -> list[str]:
    ids = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not ids or len(ids) > MOST_IDS:
        raise ValueError(f"Name at least one {what} id and at most {MOST_IDS:,}, one a line.")
    return ids


def _items() -> Mapping[str, Item]:
    """What the shop sells now, to see what has changed since a creative was made."""
    here = runtime()
    with looking(here.engine) as reader:
        return here.fresh_shelf(reader).items


def _one(session: Session, campaign_id: str, key: str) -> Shown:
    """One planned creative, found by its place in the plan.

    Raises:
        UnknownCreative: The campaign planned no such creative.
    """
    planned = CampaignCreativeRow
    mine = planned.campaign_id == campaign_id
    position = session.scalar(select(planned.position).where(mine, planned.key == key))
    if position is None:
        raise UnknownCreative(key)
    before = select(func.count()).where(mine, planned.position < position)
    offset = session.scalar(before) or 0
    return showing.gallery(session, campaign_id, limit=1, offset=offset)[0]
