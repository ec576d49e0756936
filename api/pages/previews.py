"""A draft's slate beside today's, as two columns of tiles, with what moved and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.errors import Problem
from api.pages import tiles
from api.recommending import previewing, settling
from api.recommending.settling import Ask
from api.runtime import Runtime
from recsys.errors import RecsysError
from recsys.merchandising.types import Rule, Steered
from recsys.tables import is_storable
from recsys.types import Item, Query

_MOST_IDS, _LONGEST = 100, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """Whom a preview is for, and where, as it was typed."""

    user_id: str = ""
    session: str = ""
    item_ids: str = ""
    placement: str = "home"


def asker(form: Mapping[str, str], *, placement: str = "home") -> For:
    return For(
        user_id=form.get("for_user", "").strip()[:_LONGEST],
        session=form.get("for_session", "").strip()[:4_000],
        item_ids=form.get("for_items", "").strip()[:4_000],
        placement=form.get("for_placement", "").strip()[:64] or placement,
    )


def ids_of(text: str) -> tuple[str, ...]:
    """Ids as a person lists them, with commas between."""
    said = (part.strip() for part in text.split(","))
    return tuple(part for part in said if part and len(part) <= _LONGEST and is_storable(part))[
        :_MOST_IDS
    ]


def ask_of(who: For, *, now: datetime | None = None, strategy: str = "") -> Ask:
    """The request that a preview makes; nothing but the shopper and the place is given."""
    query = Query(
        placement=who.placement,
        strategy=strategy,
        item_ids=ids_of(who.item_ids),
        now=now or settling.moment(),
    )
    user_id = who.user_id if is_storable(who.user_id) else ""
    return Ask(
        query=query,
        given=frozenset(),
        user_id=user_id or None,
        session=ids_of(who.session),
    )


def preview(here: Runtime, who: For, drafts: list[Steered]) -> dict[str, Any]:
    """Both slates for the template, or `problem` in words."""
    now = settling.moment()
    starts = max((d.starts_at for d in drafts if isinstance(d, Rule) and d.starts_at), default=now)
    moment = max(now, starts)
    try:
        found = previewing.before_after(here, ask_of(who, now=moment), drafts)
    except Problem as problem:
        return {"problem": problem.detail}
    except RecsysError as error:
        return {"problem": str(error)}
    items = here.shelf.items
    gone = set(found["gone"])
    rules = {draft.rule_id: draft for draft in drafts if isinstance(draft, Rule)}
    return {
        "problem": "",
        "words": _words(found),
        "before": [_tile(one, items, _left(one, gone)) for one in found["before"]],
        "after": [_tile(one, items, _move(one)) for one in found["after"]],
        "costs": _costs(found["costs"], rules),
        "notes": list(_notes(found, rules, moment if moment > now else None)),
    }


def tile_of(item: Item | None, item_id: str) -> dict[str, Any]:
    """Picture, title and price; an item that left the catalogue keeps its id."""
    if item is None:
        return {"item_id": item_id, "title": item_id, "image": "", "letter": "?", "price": ""}
    shown = tiles.of_item(item)
    return {
        "item_id": item_id,
        "title": shown.title,
        "image": shown.image,
        "letter": shown.letter,
        "price": shown.price,
    }


def _tile(
    one: Mapping[str, Any], items: Mapping[str, Item], move: tuple[str, str]
) -> dict[str, Any]:
    words, tone = move
    return tile_of(items.get(one["item_id"]), one["item_id"]) | {
        "rank": one["slot"],
        "placed_by": one["placed_by"] or "",
        "source": str(one["source"]).replace("_", " "),
        "move": words,
        "tone": tone,
    }


def _move(one: Mapping[str, Any]) -> tuple[str, str]:
    was, slot = one["was"], one["slot"]
    if was is None:
        return "new", "new"
    if was == slot:
        return "", ""
    return (f"up {was - slot}", "up") if slot < was else (f"down {slot - was}", "down")


def _left(one: Mapping[str, Any], gone: set[str]) -> tuple[str, str]:
    return ("gone", "gone") if one["item_id"] in gone else ("", "")


def _words(found: Mapping[str, Any]) -> str:
    moves = [_move(one)[1] for one in found["after"]]
    counted = {
        "new": moves.count("new"),
        "gone": len(found["gone"]),
        "up": moves.count("up"),
        "down": moves.count("down"),
    }
    said = [f"{number} {word}" for word, number in counted.items() if number]
    return ", ".join(said) if said else "Nothing changes in this slate"


def _costs(costs: Mapping[str, float], drafts: Mapping[str, Rule]) -> list[dict[str, Any]]:
    """Each rule's cost in per cent of the best slate's relevance, the dearest first."""
    most = max((abs(cost) for cost in costs.values()), default=0.0) or 1.0
    return [
        {
            "rule_id": rule_id,
            "is_draft": rule_id in drafts,
            "words": f"{100 * cost:.1f} %" if cost >= 0 else f"{100 * cost:.1f} % (it mends)",
            "percent": round(100 * abs(cost) / most, 1),
        }
        for rule_id, cost in sorted(costs.items(), key=lambda one: -one[1])
    ]


def _notes(
    found: Mapping[str, Any], drafts: Mapping[str, Rule], moment: datetime | None
) -> Sequence[str]:
    notes = []
    if moment is not None:
        notes.append(f"As of its start, {moment:%Y-%m-%d %H:%M} UTC.")
    for rule_id, rule in drafts.items():
        if rule_id in found["in_force"]:
            continue
        why = "it is switched off" if not rule.enabled else "look at its places, words and dates"
        notes.append(f"This rule is not in force for this shopper, here, at this moment: {why}.")
    taken = {name: n for name, n in found["excluded"].items() if name.startswith("rule:")}
    notes += [
        f"{n:,} items are kept out by {name.removeprefix('rule:')}." for name, n in taken.items()
    ]
    if found["degraded"]:
        notes.append(f"Made without: {', '.join(found['degraded'])}.")
    return notes
