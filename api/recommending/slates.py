"""A slate, dressed: what the JSON views and the storefront's pages both show.

`answer` is the natural path: look, settle, rank, dress, keep.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from api import present
from api.recommending import continuing, creatives, drafting, keeping, opening, rotating, variants
from api.recommending.opening import Opened
from api.recommending.settling import Ask, Settled, asked
from api.runtime import Runtime
from generative.cache import Note
from recsys.answers import entry
from recsys.merchandising.steering import Steering
from recsys.merchandising.types import Rule
from recsys.outcomes.assignment import INTERLEAVED
from recsys.serving import ranking, steering, titles
from recsys.serving.policies import context
from recsys.serving.ranking import Steer
from recsys.serving.rotation import Shown
from recsys.types import Item, Persona, Recommendation, Slate, Source

__all__ = ["NO_BANNER", "Ask", "Served", "answer", "plain", "serve"]

NO_BANNER = "none"

_BOUGHT = Source.BUY_AGAIN  # an enum's member takes as long to look up as all else of a loop


class Served(NamedTuple):
    """A slate with everything it was made from: what is shown, kept, continued and replayed."""

    recommendation_id: str
    ask: Ask
    opened: Opened
    settled: Settled
    slate: Slate
    items: Sequence[Item]
    request: Mapping[str, Any]  # as the ledger keeps it
    teams: Sequence[str] = ()  # which ranker each item plays for, where two share the slate
    rivals: Sequence[Settled] = ()  # what those two were asked
    shown: Shown | None = None  # what rotation knew of this shopper

    @property
    def strategy(self) -> str:
        """As it is told: of two rankers neither speaks for the slate."""
        return INTERLEAVED if self.teams else self.settled.strategy


def answer(runtime: Runtime, ask: Ask, *, traced: bool = False) -> dict[str, Any]:
    """The items for this shopper or session, each with its reasons and its creative, as JSON parts."""
    ask = continued(runtime, ask)
    opened = opening.look(runtime, ask)
    told = dressed(runtime, serve(runtime, ask, opened))
    if traced:
        told["trace"] = opened.trace.as_json()
    return told | closing(runtime, opened)


def plain(runtime: Runtime, ask: Ask, *, leading: str = "") -> dict[str, Any]:
    """As `answer`, with values instead of JSON and without creatives: for our own pages.

    `leading` is the size of the one creative that such a page shows, of the first item.
    """
    opened = opening.look(runtime, ask)
    served = serve(runtime, ask, opened)
    keys: Sequence[str | None] = ()
    if leading and served.items:
        (key,) = runtime.briefs.keys(served.items[:1], opened.persona, leading)
        keys = (key, *[None] * (len(served.items) - 1))
    keeping.keep(runtime, served, keys)
    items = [
        present.recommendation(one) | {"product": present.product(item), "creative": None}
        for one, item in zip(served.slate.recommendations, served.items, strict=True)
    ]
    return _told(served) | {"items": items} | closing(runtime, opened)


def serve(runtime: Runtime, ask: Ask, opened: Opened) -> Served:
    """Settle what is asked, and rank: twice and drafted by turns where an experiment wants a duel."""
    state, running = runtime.steered.now(runtime, opened.steering_version, opened.degraded)
    settled, duel, rivals = asked(ask, state, running, hide=runtime.config.recsys.hide)
    opened.trace.mark("settle", len(state.rules))
    rules = in_force(opened, settled, state)
    shown = rotating.shown(runtime, ask, opened, settled, *rivals)
    teams: Sequence[str] = ()
    if duel is None:
        slate = _ranked(opened, settled, rules, shown)
    else:
        slates = [_ranked(opened, rival, rules, shown) for rival in rivals]
        slate, teams = drafting.drawn(opened.assortment, settled.query, slates, duel.teams, rules)
    shelf = opened.assortment.shelf
    return Served(
        recommendation_id=entry.new_id(),
        ask=ask,
        opened=opened,
        settled=settled,
        slate=slate,
        items=[shelf.items[pick.item_id] for pick in slate.recommendations],
        request=entry.request_of(
            settled.query,
            session=ask.session,
            history=entry.STORED if ask.profile is None else entry.PROFILE,
            banner=settled.banner,
        ),
        teams=teams,
        rivals=rivals,
        shown=shown,
    )


def rank(runtime: Runtime, ask: Ask, opened: Opened, settled: Settled, state: Steering) -> Slate:
    """Rank under the rules of this state, for this shopper, here and now."""
    rules = in_force(opened, settled, state)
    return _ranked(opened, settled, rules, rotating.shown(runtime, ask, opened, settled))


def _ranked(
    opened: Opened, settled: Settled, rules: tuple[Rule, ...], shown: Shown | None
) -> Slate:
    return ranking.rank(
        opened.assortment,
        settled.query,
        opened.history,
        steer=Steer(rules=rules, shown=shown),
        members=opened.members,
        memo=opened.memo,
        mark=opened.trace.mark,
    )


def in_force(opened: Opened, settled: Settled, state: Steering) -> tuple[Rule, ...]:
    """The rules of this state that count for this shopper, here and now."""
    if not state.rules:  # then nobody asks who the shopper is like
        return ()
    return steering.in_force(
        state.rules,
        placement=settled.query.placement,
        returning=opened.returning,
        persona=opened.persona,
        experiments=settled.experiments,
        now=settled.query.now,
    )


def dressed(runtime: Runtime, served: Served) -> dict[str, Any]:
    """With products and creatives; what was answered is kept on the way."""
    items, opened, size = served.items, served.opened, served.settled.banner
    banners = size != NO_BANNER
    persona = opened.persona if banners and served.settled.query.personal else Persona()
    draw = variants.draw(runtime, served.recommendation_id, persona, size) if banners else None
    variant = "" if draw is None else draw.variant
    again = _again(served.slate.recommendations) if banners else frozenset()
    keys = runtime.briefs.keys(items, persona, size, variant, again) if banners else ()
    look = creatives.Look(runtime, keys, _note(served), opened.degraded)
    told = _told(served)
    told["items"] = rows = present.rows(served.slate.recommendations, items)
    opened.trace.mark("dress", len(rows))
    if keys:
        made = creatives.as_fragments(
            runtime, items, persona, size, opened.degraded, look, variant, again
        )
        for row, creative in zip(rows, made, strict=True):
            row["creative"] = creative
    else:
        look.values()
    opened.trace.mark("creatives", len(keys))
    kept = None if draw is None else variants.kept(draw, persona, size, look.leading)
    keeping.keep(runtime, served, keys, kept)
    rotating.keep(runtime, served)
    return told


def _again(picks: Sequence[Recommendation]) -> frozenset[str]:
    """What is shown because it was bought and is needed again: its creative says so."""
    return frozenset([pick.item_id for pick in picks if pick.source is _BOUGHT])


def closing(runtime: Runtime, opened: Opened) -> dict[str, Any]:
    """What is known last: what was missing, and how long it took."""
    missing = opened.degraded.as_list()
    for name in missing:
        runtime.metrics.degraded(name)
    took = round((time.perf_counter() - opened.began) * 1000, 2)
    return {"degraded": missing, "took_ms": took}


def _told(served: Served) -> dict[str, Any]:
    ask, slate, settled, opened = served.ask, served.slate, served.settled, served.opened
    query, one = settled.query, opened.assortment
    picks = slate.recommendations
    named = (*ask.session, *query.item_ids, *query.liked, *query.disliked)
    return {
        "recommendation_id": served.recommendation_id,
        "user_id": ask.shopper,
        "placement": query.placement,
        "title": titles.title(settled.title, picks, served.items, context(one, query)),
        "strategy": served.strategy,
        "rules_version": settled.rules_version,
        "model_version": None if "model" in opened.degraded else slate.model_version,
        "missing_ids": [one_id for one_id in dict.fromkeys(named) if one_id not in one.shelf.items],
        "excluded": dict(slate.excluded),
        "experiments": dict(settled.experiments),
    }


def continued(runtime: Runtime, ask: Ask) -> Ask:
    """The same question as an earlier answer's, without what was shown since it was first asked."""
    if ask.continues is None:
        return ask
    now = ask.query.now
    found = continuing.returned(
        runtime, runtime.client, ask.continues, user_id=ask.shopper, now=now
    )
    k = ask.query.k if ask.given is None or "k" in ask.given else found.query.k
    banner = ask.banner if ask.says("banner") or not found.banner else found.banner
    return ask._replace(
        query=found.query._replace(k=k, now=now),
        named=found.strategy,
        session=found.session,
        banner=banner,
        given=None,
    )


def _note(served: Served) -> Note | None:
    """What lets any process continue this answer; without consent nothing is kept."""
    ask = served.ask
    if not ask.consent:
        return None
    return continuing.remember(
        served.recommendation_id,
        served.request,
        [*served.settled.query.returned, *[item.item_id for item in served.items]],
        user_id=ask.shopper,
        strategy=served.settled.strategy,  # what comes next is no duel
        members=[one.user_id for one in served.opened.members if one.user_id is not None],
    )
