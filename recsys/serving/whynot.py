"""Why an item is in a slate, or why not: its rank and score, branch by branch, or what took it out.

    A items of the assortment

It ranks again as `ranking.rank` does, so it tells what a request gets, and it scores every item to
place this one: for a person who asks about one item, never for the road of a request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from recsys import expressions
from recsys.merchandising.types import RuleKind
from recsys.serving import policies, ranking
from recsys.serving.asking import Ask
from recsys.serving.assortment import Assortment, Demand
from recsys.serving.eligibility import Allowed
from recsys.serving.ranking import Steer
from recsys.serving.shopper import Shopper
from recsys.types import Query, Reason, Recommendation, UserHistory

UNKNOWN, SHOWN, BEHIND, ROTATED = "unknown", "shown", "behind", "rotation"
UNPROPOSED = "unproposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`verdict` is `shown`, `behind` (allowed, but others come first) or what took the item out.

    That is a rule or policy, `rotation` (the shopper was shown it too often) or `unproposed` (there
    was room, but the strategy has no such item). `rank` counts from 1 among all allowed items by the
    model's score; `slot` is its place in the slate. `because` is the verdict in words.
    """

    item_id: str
    verdict: str
    because: str
    slot: int | None = None
    rank: int | None = None
    n_allowed: int = 0
    score: float | None = None
    branches: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    last_shown: Recommendation | None = None  # the last of the slate: what it had to beat


def explain(
    assortment: Assortment,
    query: Query,
    history: UserHistory,
    item_id: str,
    *,
    steer: Steer | None = None,
    members: tuple[UserHistory, ...] = (),
) -> Explanation:
    """What became of one item under this query; of `members`, where it is for a group."""
    steer = steer or Steer()
    place = assortment.places.get(item_id)
    if place is None or not (assortment.visible[place] or assortment.hidden[place]):
        because = "no such item is in the catalogue"
        return Explanation(item_id=item_id, verdict=UNKNOWN, because=because)
    allowed = policies.allowed(assortment, query, history, merchandise=steer.rules, members=members)
    ask = Ask(assortment=assortment, query=query, history=history, allowed=allowed, members=members)
    scored = _scored(ask, place)
    if not allowed.may(place):
        verdict, because = taken_out(assortment, query, allowed, place, steer)
        return replace(scored, verdict=verdict, because=because)

    def ranked(under: Steer) -> Sequence[Recommendation]:
        slate = ranking.rank(assortment, query, history, steer=under, members=members)
        return slate.recommendations

    slate = ranked(steer)
    found = [one for one in slate if one.item_id == item_id]
    if found:
        because = (
            "it is in the slate"
            if found[0].placed_by is None
            else (f"rule {found[0].placed_by} put it there")
        )
        return replace(
            scored, verdict=SHOWN, because=because, slot=found[0].rank, reasons=found[0].reasons
        )
    verdict, because = _outranked(ranked, item_id, steer)
    if verdict == BEHIND and len(slate) < query.k:
        verdict, because = UNPROPOSED, f"the strategy {query.strategy} does not propose it"
    last = slate[-1] if slate else None
    return replace(scored, verdict=verdict, because=because, last_shown=last)


def taken_out(
    one: Assortment, query: Query, allowed: Allowed, place: int, steer: Steer
) -> tuple[str, str]:
    """The first rule that kept an item out, as `excluded` counts it, and the rule in words."""
    item = one.item(place)
    if item.hidden:
        return "hidden", "the catalogue hides it"
    if query.in_stock and not item.in_stock:
        return "out_of_stock", "it is sold out, and only what is in stock was asked for"
    about = policies.context(one, query)
    for demand in policies.demands(query, steer.rules):
        held = expressions.compile(demand.expression).holds(item, context=about, now=query.now)
        if held is not demand.keeps:
            return demand.name, _said(demand, steer)
    for name, places in allowed.dropped.items():
        if place in places:
            return name, _POLICIES[name]
    raise AssertionError(f"{item.item_id} may not appear, and no rule says so")


_POLICIES = {
    "exclude": "the request excludes it",
    "in_cart": "it is in the cart",
    "returned": "this visit was shown it already",
    "seen": "the shopper's own past is left out of this slate, or the shopper dismissed it",
}


def _said(demand: Demand, steer: Steer) -> str:
    if demand.name.startswith("rule:"):
        rule_id = demand.name.removeprefix("rule:")
        name = next((rule.name for rule in steer.rules if rule.rule_id == rule_id), "")
        verb = "shows only" if demand.keeps else "keeps out"
        return f"rule {rule_id} {name!r} {verb}: {demand.expression}"
    verb = "does not hold" if demand.keeps else "holds"
    return f"{demand.name}: {demand.expression} {verb} for it"


def _outranked(
    ranked: Callable[[Steer], Sequence[Recommendation]], item_id: str, steer: Steer
) -> tuple[str, str]:
    """Whether a rule or rotation displaced it: without that one it would have been shown."""
    ordering = [r for r in steer.rules if r.kind not in {RuleKind.INCLUDE, RuleKind.EXCLUDE}]
    for rule in ordering:
        others = tuple(kept for kept in steer.rules if kept is not rule)
        if any(shown.item_id == item_id for shown in ranked(replace(steer, rules=others))):
            return f"rule:{rule.rule_id}", f"rule {rule.rule_id} {rule.name!r} displaced it"
    count = 0.0 if steer.shown is None else steer.shown.counts.get(item_id, 0.0)
    if count and any(shown.item_id == item_id for shown in ranked(replace(steer, shown=None))):
        return ROTATED, f"it was shown too often without a click: a weight of {count:.2g}"
    return BEHIND, "others come first"


def _scored(ask: Ask, place: int) -> Explanation:
    one, shopper = ask.assortment, ask.shopper
    item_id = one.item_ids[place]
    if shopper is None:
        because = "nothing is known of the shopper, so the model scores nothing"
        return Explanation(item_id=item_id, verdict=BEHIND, because=because)
    among = np.flatnonzero(ask.allowed.mask)
    scores = ask.scores(np.append(among, place), shopper)
    score = scores[-1]
    branches = branch_scores(one, shopper, place)
    return Explanation(
        item_id=item_id,
        verdict=BEHIND,
        because="",
        rank=1 + int(np.count_nonzero(scores[:-1] > score)),
        n_allowed=len(among),
        score=float(score),
        branches=branches,
    )


def branch_scores(one: Assortment, shopper: Shopper, place: int) -> dict[str, float]:
    """What each branch adds to an item's score; they sum to it."""
    fused = one.bundle.fused
    at = np.array([place])
    parts = one.vectors(at)[0] * shopper.query
    n_dense = 0 if fused.encoder is None else fused.encoder.latent
    found = {
        "dense": float(parts[:n_dense].sum()),
        "linear": float(parts[n_dense:-1].sum()),
        "bias": float(parts[-1]),
        "neighbours": 0.0,
    }
    if shopper.lent is not None and place < one.n_known:
        found["neighbours"] = float(shopper.lent.at(at)[0, 0])
    return found
