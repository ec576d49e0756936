"""The console's Why: what became of one item for one shopper, and how that shopper's slate came about."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request

from api.errors import Problem
from api.pages import previews
from api.pages.frame import page
from api.pages.previews import For, tile_of
from api.recommending import opening, slates
from api.recommending.explaining import explained
from api.recommending.settling import Ask
from api.runtime import Runtime, runtime
from api.steering import editing
from recsys.errors import RecsysError
from recsys.tables import is_storable
from recsys.types import Item

_LONGEST = 200
_BRANCHES = {
    "dense": "Taste (dense branch)",
    "linear": "What goes together (linear branch)",
    "neighbours": "Shoppers alike (neighbours)",
    "bias": "What everybody buys (bias)",
}
_STAGES = {
    "look": "Look at shop and shopper",
    "settle": "Settle what is asked",
    "eligibility": "What may appear",
    "candidates": "Find candidates",
    "order": "Rules, dials and order",
    "reasons": "Find reasons",
}
_POLICIES = {
    "hidden": "The catalogue hides it.",
    "out_of_stock": "It is sold out.",
    "unknown": "The catalogue has no such item.",
}


def show() -> Response:
    """The question, and where it is asked its answer."""
    here = runtime()
    who = For(
        user_id=request.args.get("user_id", "").strip()[:_LONGEST],
        session=request.args.get("session", "").strip()[:4_000],
        item_ids=request.args.get("item_ids", "").strip()[:4_000],
        placement=request.args.get("placement", "").strip()[:64] or "home",
    )
    item_id = request.args.get("item_id", "").strip()[:_LONGEST]
    told: dict[str, Any] = {"verdict": None, "slate": None, "problem": ""}
    if item_id or who.user_id or who.session:
        told = _answered(here, who, item_id)
    return page(
        "console/why.html",
        heading="Why",
        tab="why",
        who=who,
        item_id=item_id,
        everywhere=list(editing.read(here).placements),
        **told,
    )


def _answered(here: Runtime, who: For, item_id: str) -> dict[str, Any]:
    ask = previews.ask_of(who)
    try:
        slate = _traced(here, ask)
        verdict = None
        if item_id and is_storable(item_id):
            verdict = _verdict(explained(here, ask, item_id), here.shelf.items)
    except Problem as problem:
        return {"verdict": None, "slate": None, "problem": problem.detail}
    except RecsysError as error:
        return {"verdict": None, "slate": None, "problem": str(error)}
    return {"verdict": verdict, "slate": slate, "problem": ""}


def _verdict(found: Mapping[str, Any], items: Mapping[str, Item]) -> dict[str, Any]:
    last = found["last_shown"]
    item = items.get(found["item_id"])
    return {
        "tile": tile_of(item, found["item_id"]),
        "shown": found["verdict"] == "shown",
        "sentence": sentence(found),
        "because": found["because"],
        "facts": list(_facts(found)),
        "branches": _bars(found["branches"]),
        "score": None if found["score"] is None else f"{found['score']:.3f}",
        "reasons": [reason["text"] for reason in found["reasons"]],
        "beaten_by": None
        if last is None
        else tile_of(items.get(last["item_id"]), last["item_id"])
        | {"score": f"{last['score']:.3f}"},
        "degraded": ", ".join(found["degraded"]),
    }


def sentence(found: Mapping[str, Any]) -> str:
    """The verdict as a person would say it."""
    verdict, because = str(found["verdict"]), str(found["because"])
    if verdict == "shown":
        placed = f": {because}" if because.startswith("rule") else ""
        return f"It is shown, in slot {found['slot']}{placed}."
    if verdict == "behind":
        if found["rank"] is None:
            return f"It may appear but is not in the slate: {because or 'others come first'}."
        return (
            f"It may appear, but others come first: rank {found['rank']:,} of "
            f"{found['n_allowed']:,} by the model."
        )
    if verdict in _POLICIES:
        return f"It cannot be shown. {_POLICIES[verdict]}"
    openings = {"rule": "A rule decides:", "unproposed": "It may appear, but"}
    return f"{openings.get(verdict.partition(':')[0], 'It is kept out:')} {because}."


def _facts(found: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    facts = []
    if found["rank"] is not None:
        facts.append(("Rank by the model", f"{found['rank']:,} of {found['n_allowed']:,}"))
    if found["score"] is not None:
        facts.append(("Score", f"{found['score']:.4f}"))
    if found["slot"] is not None:
        facts.append(("Slot", str(found["slot"])))
    facts.append(("Model", found["model_version"] or "none"))
    facts.append(("Rules as of change", str(found["rules_version"])))
    return facts


def _bars(branches: Mapping[str, float]) -> list[dict[str, Any]]:
    """What each branch adds, drawn from the middle: right adds, left takes away."""
    most = max((abs(value) for value in branches.values()), default=0.0) or 1.0
    return [
        {
            "name": _BRANCHES.get(name, name.replace("_", " ").capitalize()),
            "words": f"{value:+.3f}",
            "left": round(50 + min(50 * value / most, 0.0), 1),
            "width": round(50 * abs(value) / most, 1),
            "minus": value < 0,
        }
        for name, value in branches.items()
    ]


def _traced(here: Runtime, ask: Ask) -> dict[str, Any]:
    """The slate as a request would get it now; it is shown to nobody, so nothing of it is kept."""
    opened = opening.look(here, ask)
    served = slates.serve(here, ask, opened)
    stages = opened.trace.as_json()["stages"]
    longest = max((stage["wall_ms"] for stage in stages), default=0.0) or 1.0
    items = dict(zip((item.item_id for item in served.items), served.items, strict=True))
    return {
        "tiles": [
            tile_of(items.get(pick.item_id), pick.item_id)
            | {
                "rank": pick.rank,
                "score": f"{pick.score:.3f}",
                "source": pick.source.value.replace("_", " "),
                "placed_by": pick.placed_by or "",
                "reason": pick.reasons[0].text if pick.reasons else "",
            }
            for pick in served.slate.recommendations
        ],
        "stages": [
            {
                "name": _STAGES.get(stage["stage"], stage["stage"].replace("_", " ").capitalize()),
                "words": f"{stage['wall_ms']:.2f} ms",
                "left": f"{stage['left']:,}",
                "percent": round(100 * stage["wall_ms"] / longest, 1),
            }
            for stage in stages
        ],
        "total": f"{sum(stage['wall_ms'] for stage in stages):.2f} ms",
        "deeds": len(opened.history.item_ids),
        "persona": opened.persona.label,
        "strategy": served.strategy,
        "experiments": [
            f"{name}: {variant}" for name, variant in served.settled.experiments.items()
        ],
        "excluded": [
            (name.replace("_", " "), f"{number:,}")
            for name, number in served.slate.excluded.items()
            if number
        ],
        "degraded": ", ".join(opened.degraded.as_list()),
    }
