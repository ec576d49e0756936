"""`POST /admin/rules/preview`: a draft's slate beside today's, what changed, and what it costs.

Nothing of a draft is kept, and neither slate is an impression.
"""

from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from api import auth, parsing
from api.errors import invalid
from api.keys import Role
from api.recommending import opening, settling, slates
from api.recommending.opening import Opened
from api.recommending.settling import Ask, Settled
from api.runtime import Runtime, runtime
from api.steering import editing
from api.steering.bodies import PreviewBody
from recsys.merchandising import checking
from recsys.merchandising.steering import Steering, with_draft
from recsys.merchandising.types import Steered
from recsys.serving import ranking
from recsys.types import Query, Slate

blueprint = APIBlueprint("preview", __name__, tag="Admin")
blueprint.before_request(auth.need(Role.ADMIN))


class PreviewedItem(BaseModel):
    item_id: str
    title: str
    slot: int
    was: int | None
    source: str
    placed_by: str | None


class PreviewOut(BaseModel):
    """`was` is the item's slot before; an item that is gone from the slate is in `gone`."""

    before: list[PreviewedItem]
    after: list[PreviewedItem]
    gone: list[str]
    excluded: dict[str, int]
    costs: dict[str, float]
    in_force: list[str]
    experiments: dict[str, str] = Field(description="The variants that this shopper is part of")
    degraded: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One slate under one state of the configuration."""

    settled: Settled
    slate: Slate


@blueprint.post("/admin/rules/preview")
@blueprint.output(PreviewOut)
@parsing.takes(blueprint, PreviewBody, "body")
def preview(body: PreviewBody) -> Response:
    """The slate before and after a draft rule, placement or strategy; nothing is kept."""
    here = runtime()
    drafts = drafts_of(body)
    if not drafts:
        raise invalid("rule", "send a draft: rule, draft_placement or draft_strategy")
    for draft in drafts:
        checking.check(draft)
    query = Query(
        placement=body.placement,
        strategy="",  # the placement's own
        item_ids=tuple(body.item_ids),
        now=settling.moment(),
    )
    ask = Ask(query=query, given=frozenset(), user_id=body.user_id, session=tuple(body.session))
    return parsing.answer(before_after(here, ask, drafts))


def drafts_of(body: PreviewBody) -> list[Steered]:
    said = (body.rule, body.draft_placement, body.draft_strategy)
    return [one.thing(body.name) for one in said if one is not None]


def before_after(here: Runtime, ask: Ask, drafts: list[Steered]) -> dict[str, Any]:
    """The same shopper at the same moment under today's configuration and under the drafts too."""
    state = changed = editing.read(here)
    for draft in drafts:
        changed = with_draft(changed, draft)
    opened = opening.look(here, ask)
    running = here.steered.now(here, opened.steering_version, opened.degraded)[1]

    def seen(state: Steering) -> Seen:
        settled = settling.asked(ask, state, running, hide=here.config.recsys.hide).settled
        return Seen(settled=settled, slate=slates.rank(here, ask, opened, settled, state))

    before, after = seen(state), seen(changed)
    rules = slates.in_force(opened, after.settled, changed)
    found = ranking.costs(opened.assortment, after.settled.query, opened.history, rules)
    return {
        "before": _told(opened, before, before),
        "after": _told(opened, after, before),
        "gone": sorted(set(_ids(before)) - set(_ids(after))),
        "excluded": dict(after.slate.excluded),
        "costs": {rule_id: round(cost, 4) for rule_id, cost in found.items()},
        "in_force": [rule.rule_id for rule in rules],
        "experiments": dict(after.settled.experiments),
        "degraded": opened.degraded.as_list(),
    }


def _ids(seen: Seen) -> list[str]:
    return [pick.item_id for pick in seen.slate.recommendations]


def _told(opened: Opened, seen: Seen, before: Seen) -> list[dict[str, Any]]:
    slots = {item_id: slot for slot, item_id in enumerate(_ids(before), start=1)}
    items = opened.assortment.shelf.items
    return [
        {
            "item_id": pick.item_id,
            "title": items[pick.item_id].title,
            "slot": pick.rank,
            "was": slots.get(pick.item_id),
            "source": pick.source.value,
            "placed_by": pick.placed_by,
        }
        for pick in seen.slate.recommendations
    ]
