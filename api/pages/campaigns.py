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
from sqlalchemy.orm import Session

from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.runtime import runtime
from generative import campaigns as store
from generative.errors import UnknownCreative
from generative.types import SIZES, Approval, Campaign, CampaignSpec, Progress, Shown
from recsys.database import reading, writing

PAGE = 60
MOST_IDS = 10_000
MOST_BEST = 50
_NAME_LENGTH = 120
_CHECKS_SHOWN = 24
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
    with reading(runtime().engine) as session:
        campaign = store.get(session, campaign_id)
        progress = store.progress(session, campaign_id)
        shown = store.gallery(session, campaign_id, limit=PAGE, offset=offset)
    cards = [_card(campaign_id, one) for one in shown if one.status != "planned"]
    more = None
    if offset + PAGE < progress.total:
        more = url_for("console.campaign", campaign_id=campaign_id, start=offset + PAGE)
    return page(
        "console/campaign.html",
        heading=campaign.spec.name,
        tab="campaigns",
        campaign=_campaign(campaign),
        progress=_progress(campaign, progress, stale=False),
        cards=cards,
        more=more,
    )


def watch(campaign_id: str) -> Response:
    """The progress alone, for the page that shows it to fetch again."""
    with reading(runtime().engine) as session:
        campaign = store.get(session, campaign_id)
        progress = store.progress(session, campaign_id)
    shown = _progress(campaign, progress, stale=True)
    fragment = "console/_progress_fragment.html"
    return make_response(render_template(fragment, campaign=_campaign(campaign), progress=shown))


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
    with writing(runtime().engine) as session:
        store.decide(session, campaign_id, key, approval)
    if not request.headers.get("HX-Request"):
        return see_other("console.campaign", campaign_id=campaign_id, _anchor=f"card-{key}")
    with reading(runtime().engine) as session:
        campaign = store.get(session, campaign_id)
        card = _card(campaign_id, _one(session, campaign_id, key))
    fragment = "console/_card_fragment.html"
    return make_response(render_template(fragment, campaign=_campaign(campaign), card=card))


def export(campaign_id: str) -> Response:
    """The ZIP, streamed; its session is closed when the last byte is sent or the client is gone."""
    session = Session(runtime().engine)
    try:
        stream = store.export(session, campaign_id, runtime().config.generative.banners_dir)
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
            _campaign(one) | {"made": store.progress(session, one.campaign_id).made}
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


def _campaign(campaign: Campaign) -> dict[str, Any]:
    spec = campaign.spec
    user_ids = spec.audience.get("user_ids")
    item_ids = spec.items.get("item_ids")
    audience = "every persona" if user_ids is None else f"{len(user_ids):,} shoppers"
    choice = (
        f"the best {spec.items.get('best')}" if item_ids is None else f"{len(item_ids):,} items"
    )
    return {
        "campaign_id": campaign.campaign_id,
        "name": spec.name,
        "status": campaign.status,
        "total": campaign.total,
        "error": campaign.error,
        "created": f"{campaign.created_at:%Y-%m-%d %H:%M} UTC",
        "words": f"{choice} for {audience}, {' and '.join(spec.sizes)}",
    }


def _progress(campaign: Campaign, progress: Progress, *, stale: bool) -> dict[str, Any]:
    active = campaign.status in store.OPEN
    if active and not progress.total:
        words = "Choosing items and shoppers …"
    else:
        words = f"{progress.made} of {progress.total} made"
        words += f", {progress.failed} failed" if progress.failed else ""
        words += f"; {progress.approved} approved, {progress.rejected} rejected"
    return {
        "active": active,
        "total": progress.total,
        "made": progress.made,
        "words": words,
        "say": f"Campaign {campaign.status}",
        "stale": stale and bool(progress.made),
    }


def _one(session: Session, campaign_id: str, key: str) -> Shown:
    offset = 0
    while found := store.gallery(session, campaign_id, limit=500, offset=offset):
        for one in found:
            if one.key == key:
                return one
        offset += len(found)
    raise UnknownCreative(key)


def _card(campaign_id: str, shown: Shown) -> dict[str, Any]:
    creative, audience = shown.creative, shown.brief.audience
    banner = creative.banner if creative else None
    return {
        "key": shown.key,
        "item_id": shown.item_id,
        "size": shown.brief.size,
        "audience": ", ".join((*audience.categories, audience.price_band)),
        "approval": shown.approval.value,
        "error": shown.error,
        "can_decide": creative is not None,
        "headline": creative.copy.headline if creative else "",
        "tagline": creative.copy.tagline if creative else "",
        "banner": url_for("console.picture", campaign_id=campaign_id, key=shown.key)
        if banner
        else None,
        "width": banner.width if banner else 0,
        "height": banner.height if banner else 0,
        "facts": _facts(creative.checks, creative.provenance) if creative else [],
    }


def _facts(checks: Mapping[str, Any], provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = [*checks.items(), *provenance.items()]
    return [(name.replace("_", " "), _words(value)) for name, value in pairs][:_CHECKS_SHOWN]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items())[:300]
    if isinstance(value, list | tuple):
        return "; ".join(_words(one) for one in value)[:300] or "none"
    return str(value)[:300]
