"""What the merchandising pages share: who writes, what a change said, and whether words are understood."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Response, make_response, render_template, request
from sqlalchemy.orm import Session

from api import keys
from api.pages.answers import see_other, tell
from api.recommending import opening, settling
from api.recommending.settling import Ask
from api.runtime import Runtime, runtime
from api.steering import editing
from recsys import expressions
from recsys.database import reading, writing
from recsys.errors import InvalidExpression, SteeringConflict, UnknownSteering
from recsys.merchandising import store
from recsys.merchandising.store import Change
from recsys.merchandising.types import Placement, Steered, StrategyPreset, Subject
from recsys.types import Query

CHANGES = 20
_OLDEST = 100_000
_NEAR = 24  # characters shown on either side of a mistake
_SUBJECTS = {Subject.RULE: "Rule", Subject.PLACEMENT: "Placement", Subject.STRATEGY: "Strategy"}
_KINDS = {"rule": Subject.RULE, "placement": Subject.PLACEMENT, "strategy": Subject.STRATEGY}


def put(thing: Steered, *, expected: int) -> Change:
    """Write one thing whole, if nobody has since the form was made.

    Raises:
        SteeringConflict: Somebody has.
    """

    def written(session: Session) -> Change:
        now = datetime.now(UTC)
        return store.put(session, thing, who=editing.actor(), now=now, expected=expected)

    return _change(written)


def remove() -> Response:
    """Take one thing away, and say how to bring it back."""
    form = request.form
    subject, name = _KINDS.get(form.get("subject", "")), form.get("name", "")
    if subject is None:
        raise UnknownSteering("thing", name)
    version = form.get("version", "")
    expected = int(version) if version.isdecimal() and len(version) < 19 else None  # noqa: PLR2004 of a BIGINT

    def taken(session: Session) -> Change:
        now = datetime.now(UTC)
        return store.remove(session, subject, name, who=editing.actor(), now=now, expected=expected)

    return _told(taken, f"{_SUBJECTS[subject]} {name} is taken away; undo it below.")


def undo() -> Response:
    text = request.form.get("change", "")
    version = int(text) if text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004 of a BIGINT

    def undone(session: Session) -> Change:
        return store.undo(session, version, who=editing.actor(), now=datetime.now(UTC))

    return _told(undone, f"Change {version} is undone.")


def check() -> Response:
    """An expression as one leaves its field: understood and how many it holds for, or what is wrong."""
    text = next((value.strip() for value in request.args.values() if value.strip()), "")
    said = understood(runtime(), text)
    return make_response(render_template("console/_expression.html", said=said))


def understood(here: Runtime, text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = expressions.condition(text)
    except InvalidExpression as error:
        return mistake(text, error)
    if found.uses_context:
        return {"words": "Understood. It depends on the item of the page."}
    opened = opening.look(here, Ask(query=Query(now=settling.moment())))
    one = opened.assortment
    holds = int((found.mask(one.columns, now=settling.moment()) & one.visible).sum())
    words = f"Understood. It holds for {holds:,} of {int(one.visible.sum()):,} visible items."
    return {"words": words, "none": holds == 0}


def mistake(text: str, error: InvalidExpression) -> dict[str, Any]:
    """The words around the place, which the template marks."""
    at = min(error.at, len(text))
    return {
        "problem": str(error),
        "before": ("…" if at > _NEAR else "") + text[max(at - _NEAR, 0) : at],
        "at": text[at : at + 1] or "␣",
        "after": text[at + 1 : at + 1 + _NEAR] + ("…" if len(text) > at + 1 + _NEAR else ""),
    }


def history() -> dict[str, Any]:
    """The newest changes for the template; only a thing's last one can be undone."""
    start = request.args.get("start", 0, type=int)
    start = max(0, min(start, _OLDEST))
    with reading(runtime().engine) as session:
        found = store.history(session, limit=start + CHANGES + 1)
        labels = {key.key_id: key.label for key in keys.every(session)}
    seen: set[tuple[Subject, str]] = set()
    told = []
    for change in found:
        is_last = (change.subject, change.name) not in seen
        seen.add((change.subject, change.name))
        told.append(_entry(change, labels) | {"can_undo": is_last})
    older = start + CHANGES if len(found) > start + CHANGES else None
    return {"changes": told[start : start + CHANGES], "older": older}


def said_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What a change did, in words."""
    if before is None:
        return "made"
    if after is None:
        return "taken away"
    changed = [name for name in after if after[name] != before.get(name)]
    parts = [f"{name}: {in_words(before.get(name))} → {in_words(after[name])}" for name in changed]
    return "; ".join(parts) or "written again, nothing changed"


def conflict(error: SteeringConflict) -> str:
    return f"{error}. What you typed is still here; open the page again to see theirs."


def turned(one: Placement | StrategyPreset) -> str:
    """What a placement or a preset narrows and turns, in one line."""
    parts = [one.filter, *(f"{boost.expression} at {boost.weight:g}" for boost in one.boosts)]
    numbers = asdict(one.dials)
    if isinstance(one, Placement):
        numbers["rotation"] = one.rotation
    dials = _dials(numbers)
    return "; ".join(part for part in (*parts, "" if dials == "nothing" else dials) if part)


def joined(words: Iterable[str], nothing: str) -> str:
    return ", ".join(words) or nothing


def _entry(change: Change, labels: Mapping[str, str]) -> dict[str, Any]:
    what = said_of(change.before, change.after)
    return {
        "version": change.version,
        "at": f"{change.at:%Y-%m-%d %H:%M}",
        "who": labels.get(change.who) or change.who or "unknown",
        "subject": _SUBJECTS[change.subject],
        "name": change.name,
        "what": f"undid change {change.undoes}: {what}" if change.undoes else what,
    }


def in_words(value: Any) -> str:
    """A value of a rule, placement or preset as one reads it."""
    match value:
        case None | "" | []:
            text = "nothing"
        case bool():
            text = "yes" if value else "no"
        case float():
            text = f"{value:g}"
        case list():
            text = ", ".join(in_words(one) for one in value)
        case dict() if "expression" in value:
            text = f"{value['expression']} at {value['weight']:g}"
        case dict():
            text = _dials(value)
        case _:
            text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 one line of a table


def _dials(value: Mapping[str, Any]) -> str:
    turned: Sequence[str] = [f"{name} {number:g}" for name, number in value.items() if number]
    return " ".join(turned) or "nothing"


def _told(make: Callable[[Session], Change], words: str) -> Response:
    try:
        _change(make)
    except (SteeringConflict, UnknownSteering) as error:
        tell(str(error), "bad")
    else:
        tell(words)
    return see_other("console.merchandising", _anchor="history")


def _change(make: Callable[[Session], Change]) -> Change:
    here = runtime()
    with writing(here.engine) as session:
        change = make(session)
    here.pulse.steering_changed()
    return change
