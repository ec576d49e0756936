"""A campaign as the console's templates see it: plain words and numbers."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import url_for

from api.pages.studio import proofs
from generative.campaigning.campaigns import OPEN
from generative.types import Campaign, Creative, Progress, Shown
from recsys.types import Item

_CHECKS_SHOWN = 24
_AUDIT = ("sha256_unsigned", "photo_sha256", "backdrop", "cutout_model", "fonts", "c2pa")


def campaign_of(campaign: Campaign) -> dict[str, Any]:
    spec = campaign.spec
    user_ids = spec.audience.get("user_ids")
    item_ids = spec.items.get("item_ids")
    audience = "every persona" if user_ids is None else _counted(len(user_ids), "shopper")
    best = f"the best {spec.items.get('best')}"
    choice = best if item_ids is None else _counted(len(item_ids), "item")
    return {
        "campaign_id": campaign.campaign_id,
        "name": spec.name,
        "status": campaign.status,
        "total": campaign.total,
        "error": campaign.error,
        "created": f"{campaign.created_at:%Y-%m-%d %H:%M} UTC",
        "words": f"{choice} for {audience}, as {_listed(spec.sizes)}",
    }


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def progress_of(campaign: Campaign, progress: Progress, *, stale: bool) -> dict[str, Any]:
    active = campaign.status in OPEN
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


def card_of(campaign_id: str, shown: Shown, items: Mapping[str, Item]) -> dict[str, Any]:
    """One planned creative beside what the catalogue says now."""
    creative, audience = shown.creative, shown.brief.audience
    banner = creative.banner if creative else None
    stale = proofs.changed(shown.brief, items.get(shown.item_id), now=datetime.now(UTC))
    said = proofs.said(creative.copy, creative.proofs, shown.brief) if creative else {}
    return {
        "stale": stale if creative else [],
        "said": said,
        "made_by": _maker(creative) if creative else "",
        "ai": bool(creative and creative.provenance.get("ai_generated")),
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
        "alt": banner.alt
        if banner and banner.alt
        else f"Banner: {creative.copy.headline}"
        if creative
        else "",
        "checks": _facts(creative.checks) if creative else [],
        "facts": _facts(_origin(creative)) if creative else [],
    }


def _maker(creative: Creative) -> str:
    provider = str(creative.provenance.get("provider", "unknown"))
    return (
        f"{provider}, the shop's own voice"
        if creative.provenance.get("adapter_sha256")
        else provider
    )


def _origin(creative: Creative) -> dict[str, Any]:
    """Who made it of what, as far as it is known."""
    audit = {name: creative.audit[name] for name in _AUDIT if name in creative.audit}
    told = {**creative.provenance, **audit}
    return {name: value for name, value in told.items() if value not in {"", None}}


def _facts(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _words(value)) for name, value in told.items()][:_CHECKS_SHOWN]


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
