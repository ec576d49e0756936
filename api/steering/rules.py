"""Merchandising rules over HTTP, and the history of everything that steers answers."""

from datetime import UTC, datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response

from api import auth, parsing
from api.errors import invalid
from api.keys import Role
from api.runtime import runtime
from api.schemas import PageQuery
from api.steering import editing
from api.steering.bodies import ChangedOut, HistoryOut, RuleBody, RuleOut, RulesOut
from recsys.database import reading
from recsys.errors import UnknownSteering
from recsys.merchandising import store
from recsys.merchandising.steering import Steering
from recsys.merchandising.types import Rule, Subject

RESERVED = frozenset({"history", "undo", "preview"})  # addresses of their own below /admin/rules

blueprint = APIBlueprint("rules", __name__, tag="Admin", url_prefix="/admin/rules")
blueprint.before_request(auth.need(Role.ADMIN))


@blueprint.get("")
@blueprint.output(RulesOut)
def every() -> Response:
    """The rules, highest priority first, in force or not."""
    steering, now = editing.read(runtime()), datetime.now(UTC)
    rules = [rule_json(rule, steering, now=now) for rule in steering.rules]
    return parsing.answer({"version": steering.version, "rules": rules})


@blueprint.get("/history")
@blueprint.output(HistoryOut)
@parsing.takes(blueprint, PageQuery, "query")
def history(query: PageQuery) -> Response:
    """The newest changes first: of rules, placements and strategies."""
    with reading(runtime().engine) as session:
        found = store.history(session, limit=query.limit, offset=query.offset)
    return parsing.answer({"changes": [editing.change_json(change) for change in found]})


@blueprint.post("/undo/<int:version>")
@blueprint.output(ChangedOut)
def undo(version: int) -> Response:
    """Make what that change touched what it was before; 409 where it was changed again since."""
    return editing.undo(version)


@blueprint.get("/<rule_id>")
@blueprint.output(RuleOut)
def one(rule_id: str) -> Response:
    """One rule, with its version as the ETag."""
    steering = editing.read(runtime())
    rule = steering.rule(rule_id)
    if rule is None:
        raise UnknownSteering(Subject.RULE, rule_id)
    return _answer(rule, steering, [])


@blueprint.put("/<rule_id>")
@blueprint.output(RuleOut)
@editing.conditional(blueprint)
@parsing.takes(blueprint, RuleBody, "body")
def put(rule_id: str, body: RuleBody) -> Response:
    """Write a rule whole. 409 where `If-Match` names another version than its last one."""
    if rule_id in RESERVED:
        raise invalid("rule_id", "is an address of its own; choose another")
    rule = body.thing(rule_id)
    steering, degraded = editing.write(rule)
    return _answer(rule, steering, degraded)


@blueprint.delete("/<rule_id>")
@blueprint.output(ChangedOut)
@editing.conditional(blueprint)
def delete(rule_id: str) -> Response:
    """Take a rule away; `POST /admin/rules/undo/{version}` brings it back."""
    return editing.remove(Subject.RULE, rule_id)


def rule_json(rule: Rule, steering: Steering, *, now: datetime) -> dict[str, Any]:
    return editing.plain(rule, steering) | {"state": state_of(rule, now=now)}


def state_of(rule: Rule, *, now: datetime) -> Literal["off", "waiting", "in_force", "ended"]:
    if not rule.enabled:
        return "off"
    if rule.ends_at is not None and rule.ends_at <= now:
        return "ended"
    return "waiting" if rule.starts_at is not None and now < rule.starts_at else "in_force"


def _answer(rule: Rule, steering: Steering, degraded: list[str]) -> Response:
    told = rule_json(rule, steering, now=datetime.now(UTC)) | {"degraded": degraded}
    return editing.answer(told)
