"""Copy with its claims marked and proved, and what of a creative the shop has changed since."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from generative import truth
from generative.brief import facts_of
from generative.proofs import printed
from generative.types import Brief, Copy
from recsys.types import Item

_BETWEEN = ". "  # proofs count in "headline. tagline" as it is printed
_FIELDS = {"title": "Title", "description": "Description", "category": "Category", "brand": "Brand"}


def said(copy: Copy, proofs: Sequence[Mapping[str, Any]], brief: Brief) -> dict[str, Any]:
    """Headline and tagline in pieces, claims numbered, beside the field that proves each."""
    shown = printed(copy, brief)
    whole = f"{shown.headline}{_BETWEEN}{shown.tagline}"
    sound = [one for one in _ordered(proofs) if whole[one["start"] : one["end"]] == one["text"]]
    edge = len(shown.headline)
    groups = _joined(whole, edge, sound)
    lines = {}
    for name, start, end in (("headline", 0, edge), ("tagline", edge + len(_BETWEEN), len(whole))):
        pieces = _pieces(whole, start, end, groups)
        lines[name] = [{"text": text, "proof": number} for text, number in pieces if text]
    told = [_proof(number, one, whole) for number, one in enumerate(groups, 1)]
    return lines | {"proofs": told, "claims": len(sound)}


def changed(brief: Brief, item: Item | None, *, now: datetime) -> list[str]:
    """Why the shop no longer shows a creative as it is, in words; empty where it is up to date."""
    why = truth.unsold(item)
    if item is None:
        return [why]
    then, today = brief.item, facts_of(item)
    words = [why] if why else []
    if _over(then.offer_until, now):
        words.append("its offer has ended")
    elif (then.price, then.was_price) != (today.price, today.was_price):
        words.append(f"the price was {then.price or 'none'} and is {today.price or 'none'}")
    if then.title != today.title:
        words.append("the title is another")
    if then.image_url != today.image_url:
        words.append("the photo is another")
    if (then.description, dict(then.attributes)) != (today.description, dict(today.attributes)):
        words.append("what the entry says is another")
    return words or [why for why in [truth.problem(then, item)] if why]


def _ordered(proofs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By place, without those that lie inside one before."""
    found: list[Mapping[str, Any]] = []
    for one in sorted(proofs, key=lambda proof: (proof["start"], -proof["end"])):
        if not found or one["start"] >= found[-1]["end"]:
            found.append(one)
    return found


def _joined(whole: str, edge: int, proofs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours that one field proves as one: a title is read whole, not word by word."""
    found: list[dict[str, Any]] = []
    for one in proofs:
        last = found[-1] if found else None
        if (
            last is not None
            and last["field"] == one["field"]
            and (last["start"] < edge) == (one["start"] < edge)
            and not whole[last["end"] : one["start"]].strip(" -")
        ):
            last["end"], last["claims"] = one["end"], last["claims"] + 1
            last["values"] = list(dict.fromkeys([*last["values"], one["value"]]))
            last["kinds"] = list(dict.fromkeys([*last["kinds"], one["kind"]]))
        else:
            own = {"values": [one["value"]], "kinds": [one["kind"]], "claims": 1}
            found.append({name: one[name] for name in ("start", "end", "field")} | own)
    return found


def _pieces(
    whole: str, start: int, end: int, proofs: Sequence[Mapping[str, Any]]
) -> list[tuple[str, int]]:
    """One line as (text, number of its proof), 0 where it claims nothing."""
    pieces, at = [], start
    for number, one in enumerate(proofs, 1):
        left, right = max(one["start"], start), min(one["end"], end)
        if left < right:
            pieces += [(whole[at:left], 0), (whole[left:right], number)]
            at = right
    return [*pieces, (whole[at:end], 0)]


def _proof(number: int, one: Mapping[str, Any], whole: str) -> dict[str, Any]:
    field = str(one["field"])
    return {
        "number": number,
        "text": whole[one["start"] : one["end"]],
        "kind": ", ".join(str(kind).replace("_", " ") for kind in one["kinds"]),
        "field": _FIELDS.get(field, field.replace("_", " ").replace(".", ": ").capitalize()),
        "value": " … ".join(str(value) for value in one["values"]),
    }


def _over(offer_until: str, now: datetime) -> bool:
    if not offer_until:
        return False
    try:
        return datetime.fromisoformat(offer_until) <= now
    except (ValueError, TypeError):
        return False
