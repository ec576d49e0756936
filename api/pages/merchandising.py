"""The console's merchandising: rules in a list, one rule in a form, and both slates before it is kept."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from api.pages import previews, rule_forms, steering
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.rule_forms import Wrong
from api.runtime import runtime
from api.steering import editing
from api.steering.rules import state_of
from recsys import expressions
from recsys.errors import InvalidExpression, SteeringConflict, UnknownSteering
from recsys.merchandising.steering import Steering, key_of, notices
from recsys.merchandising.types import Placement, Rule, RuleKind, StrategyPreset, Subject
from recsys.serving.strategies import STRATEGIES

_NAMES = {kind: name for kind, name, _ in rule_forms.KINDS}
_STATES = {"in_force": "in force", "waiting": "waiting", "ended": "ended", "off": "off"}


def show() -> Response:
    """Rules, placements, strategies, and what was last changed of them."""
    state, now = editing.read(runtime()), datetime.now(UTC)
    said: dict[tuple[Subject, str], list[str]] = {}
    for notice in notices(state, STRATEGIES):
        said.setdefault((notice.subject, notice.name), []).append(notice.message)
    return page(
        "console/merchandising.html",
        heading="Merchandising",
        tab="merchandising",
        rules=[
            _row(rule, state, now) | {"notices": said.get(key_of(rule), ())} for rule in state.rules
        ],
        placements=[_place(one, state, said) for one in state.placements.values()],
        strategies=[_preset(one, state, said) for one in state.presets.values()],
        **steering.history(),
    )


def rule() -> Response:
    """One rule's form; a new rule's without an id."""
    rule_id = request.args.get("rule_id", "")
    state = editing.read(runtime())
    if not rule_id:
        return _form(rule_forms.blank(), state)
    found = state.rule(rule_id)
    if found is None:
        raise UnknownSteering(Subject.RULE, rule_id)
    return _form(rule_forms.of_rule(found, _version(state, found)), state)


def save_rule() -> Response:
    """Keep the rule, show it beside today's slate, or say what is to be mended."""
    typed = rule_forms.read(request.form)
    state = editing.read(runtime())
    try:
        meant = rule_forms.thing(typed)
    except Wrong as wrong:
        return _form(typed, state, errors=wrong.errors)
    if request.form.get("do") == "preview":
        seen = previews.preview(runtime(), previews.asker(request.form), [meant])
        return _form(typed, state, preview=seen)
    try:
        steering.put(meant, expected=typed["version"])
    except SteeringConflict as error:
        return _form(typed, state, errors={"rule_id": steering.conflict(error)})
    state_now = _STATES[state_of(meant, now=datetime.now(UTC))]
    tell(f"Rule {meant.rule_id} is kept and {state_now}.")
    return see_other("console.merchandising")


def _form(
    typed: Mapping[str, Any],
    state: Steering,
    *,
    errors: Mapping[str, str] | None = None,
    preview: Mapping[str, Any] | None = None,
) -> Response:
    wrong = dict(errors or {})
    names = [
        *state.placements,
        *(one for one in typed["placements"] if one not in state.placements),
    ]
    answer = page(
        "console/rule.html",
        heading=f"Rule {typed['rule_id']}" if typed["version"] else "New rule",
        tab="merchandising",
        form=typed,
        errors=wrong,
        said=_said(typed["where"]),
        kinds=rule_forms.KINDS,
        places=names,
        who=previews.asker(request.form, placement=_first(typed["placements"])),
        everywhere=list(state.placements),
        preview=preview,
    )
    if wrong and not request.headers.get("HX-Request"):
        answer.status_code = 422
    return answer


def _said(where: str) -> dict[str, Any]:
    """Where a mistake stands; how many it holds for is told as one leaves the field."""
    try:
        if where:
            expressions.condition(where)
    except InvalidExpression as error:
        return steering.mistake(where, error)
    return {}


def _first(placements: tuple[str, ...]) -> str:
    return placements[0] if placements else "home"


def _row(rule: Rule, state: Steering, now: datetime) -> dict[str, Any]:
    found = state_of(rule, now=now)
    return {
        "rule_id": rule.rule_id,
        "name": rule.name or rule.rule_id,
        "kind": _NAMES[rule.kind],
        "what": _what(rule),
        "where": rule.where or (rule.item_id and f"the item {rule.item_id}") or "every item",
        "placements": steering.joined(rule.placements, "everywhere"),
        "audience": steering.joined(rule.audience, "everyone"),
        "state": found.replace("_", "-"),
        "state_words": _STATES[found],
        "dates": _dates(rule),
        "priority": rule.priority,
        "version": _version(state, rule),
    }


def _what(rule: Rule) -> str:
    match rule.kind:
        case RuleKind.PIN:
            return f"to slot {rule.slot}"
        case RuleKind.BOOST:
            return f"by {rule.value:g}"
        case RuleKind.BURY:
            return f"by {rule.value:g}"
        case RuleKind.SHARE:
            return f"{100 * rule.value:g} %"
        case RuleKind.CAP:
            return f"{rule.value:g} a {rule.by}"
    return ""


def _dates(rule: Rule) -> str:
    parts = []
    if rule.starts_at is not None:
        parts.append(f"from {rule.starts_at:%Y-%m-%d %H:%M}")
    if rule.ends_at is not None:
        parts.append(f"until {rule.ends_at:%Y-%m-%d %H:%M}")
    return " ".join(parts)


def _place(
    one: Placement, state: Steering, said: Mapping[tuple[Subject, str], list[str]]
) -> dict[str, Any]:
    version = _version(state, one)
    return {
        "name": one.name,
        "title": one.title,
        "strategy": one.strategy,
        "k": one.k,
        "turned": steering.turned(one),
        "version": version,
        "notices": said.get(key_of(one), ()),
    }


def _preset(
    one: StrategyPreset, state: Steering, said: Mapping[tuple[Subject, str], list[str]]
) -> dict[str, Any]:
    return {
        "name": one.name,
        "base": one.base,
        "turned": steering.turned(one),
        "version": _version(state, one),
        "notices": said.get(key_of(one), ()),
    }


def _version(state: Steering, thing: Rule | Placement | StrategyPreset) -> int:
    return state.changed_in.get(key_of(thing), 0)
