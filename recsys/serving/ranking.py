"""From a query to a slate: what may appear, what the strategy proposes, in which order it is shown.

Pure: everything that is known comes in, a slate goes out; no clock, no store. Whatever the strategy,
an item that is hidden, sold out (where stock matters), filtered away, excluded or to be kept from
this shopper never appears. `excluded` counts each such item once, under the first rule that met it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from recsys.learning.bundle import ModelBundle
from recsys.merchandising.types import Rule
from recsys.serving import assortment as assortments
from recsys.serving import ordering, policies
from recsys.serving.asking import Ask, Memo, Strategy
from recsys.serving.assortment import Assortment, Shelf
from recsys.serving.candidates import Candidates
from recsys.serving.newcomers import Newcomers
from recsys.serving.ordering import Ordered
from recsys.serving.rotation import Shown
from recsys.serving.strategies import STRATEGIES
from recsys.types import Hide, Query, Recommendation, Slate, UserHistory

CANDIDATES = 200
_FOUR_A_PLACE = 4  # candidates for each place, where a page is long
_FURTHER = 5_000  # candidates where caps let too few of those in
_NESTED = frozenset({"personal", "session"})  # of these the first k of many are the k of few
_RUNGS = ("popular", "newest")  # what fills a slate that the strategy could not

Mark = Callable[[str, int], None]  # told after each stage, with how many items are left


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """What the shop's people want of this answer, beside the query's own wishes."""

    rules: tuple[Rule, ...] = ()  # those in force here and now
    shown: Shown | None = None  # what this shopper was shown lately without a click


_FREE = Steer()


def rank(
    assortment: Assortment,
    query: Query,
    history: UserHistory,
    *,
    steer: Steer = _FREE,
    members: tuple[UserHistory, ...] = (),
    memo: Memo | None = None,
    mark: Mark = lambda stage, left: None,  # noqa: ARG005 nobody listens
) -> Slate:
    """The best `query.k` items, each with where it came from and a reason that is true."""
    allowed = policies.allowed(assortment, query, history, merchandise=steer.rules, members=members)
    mark("eligibility", allowed.n_items)
    ask = Ask(
        assortment=assortment,
        query=query,
        history=history,
        allowed=allowed,
        members=members,
        memo={} if memo is None else memo,
    )
    turned = ordering.wishes(query, steer.rules, steer.shown)
    n = max(CANDIDATES, _FOUR_A_PLACE * query.k)
    if query.strategy in _NESTED and not turned:
        n = query.k
    found, order = _ordered(ask, n, steer, mark)
    is_short = steer.rules and len(order) < min(query.k, allowed.n_items)
    if is_short and (len(found) == n < _FURTHER or not query.strict):
        _, order = _ordered(ask, _FURTHER, steer, mark)  # caps closed what was proposed
    picks = _told(ask, order)
    if len(picks) < query.k and not query.strict and not steer.rules:
        _fill(picks, ask)
    mark("reasons", len(picks))
    return Slate(
        recommendations=tuple(picks.values()),
        model_version=assortment.bundle.version,
        excluded=allowed.counts,
    )


def ruled(
    assortment: Assortment, query: Query, item_ids: Sequence[str], rules: tuple[Rule, ...]
) -> list[str]:
    """Items drawn from several slates of this query, in their order as far as the rules let it."""
    places = np.array(assortment.place_of(item_ids), np.int64)
    ask = Ask(
        assortment=assortment,
        query=query,
        history=UserHistory(),
        allowed=policies.allowed(assortment, query, UserHistory()),
    )
    kept = ordering.ruled(ask, places, rules)
    return [assortment.item_ids[place] for place in kept.tolist()]


def costs(
    assortment: Assortment, query: Query, history: UserHistory, rules: tuple[Rule, ...]
) -> dict[str, float]:
    """What each of these rules is predicted to cost this shopper's slate, for whoever edits them."""
    allowed = policies.allowed(assortment, query, history)
    ask = Ask(assortment=assortment, query=query, history=history, allowed=allowed)
    found = strategy_of(query)(ask, max(CANDIDATES, _FOUR_A_PLACE * query.k))
    return ordering.costs(ask, found, rules)


def strategy_of(query: Query) -> Strategy:
    return STRATEGIES[query.strategy]


def recommend(
    bundle: ModelBundle,
    shelf: Shelf,
    history: UserHistory,
    query: Query,
    newcomers: Newcomers | None = None,
) -> Slate:
    """`rank` for callers that ask once: the command line, a campaign's plan."""
    one = assortments.of(bundle, shelf, newcomers)
    return replace(rank(one, query, history), missing_ids=_missing(one, query, history))


def popular(bundle: ModelBundle, shelf: Shelf, query: Query) -> Slate:
    """What sells now, then what is new: the same rules, nobody's history."""
    return recommend(bundle, shelf, UserHistory(), query._replace(strategy="popular"))


def similar(
    bundle: ModelBundle,
    shelf: Shelf,
    item_id: str,
    *,
    k: int,
    exclude: frozenset[str] = frozenset(),
    newcomers: Newcomers | None = None,
) -> Slate:
    """What the item's shoppers also like, what lies near it, then the nearest category."""
    query = like("similar", item_id, k=k, exclude=exclude)
    return recommend(bundle, shelf, UserHistory(), query, newcomers)


def bought_together(bundle: ModelBundle, shelf: Shelf, item_id: str, *, k: int) -> Slate:
    """What shares a basket with the item more than chance would: rather none than a random one."""
    return recommend(bundle, shelf, UserHistory(), like("bought_together", item_id, k=k))


def like(strategy: str, item_id: str, *, k: int, exclude: frozenset[str] = frozenset()) -> Query:
    """The query of an item's own page."""
    return Query(
        k=k,
        placement=strategy,
        strategy=strategy,
        item_ids=(item_id,),
        exclude=exclude | {item_id},
        hide=Hide.NONE,
        strict=strategy == "bought_together",
    )


def _ordered(ask: Ask, n: int, steer: Steer, mark: Mark) -> tuple[Candidates, Ordered]:
    """What the strategy proposes, at most `n`, and the slate that it comes to."""
    found = strategy_of(ask.query)(ask, n)
    mark("candidates", len(found))
    turned = ordering.wishes(ask.query, steer.rules, steer.shown)
    more = _more(ask, found, n, steer.rules) if turned else []
    order = ordering.order(ask, found, more=more, rules=steer.rules, shown=steer.shown)
    mark("order", len(order))
    return found, order


Picks = dict[int, Recommendation]


def _told(ask: Ask, order: Ordered) -> Picks:
    places, item_ids = order.places.tolist(), ask.assortment.item_ids
    columns = zip(  # as `Recommendation` has them
        [item_ids[place] for place in places],
        range(1, len(places) + 1),
        order.scores.tolist(),
        order.sources(),
        [(why,) for why in order.reasons()] if ask.query.reasons else repeat((), len(places)),
        order.placed_by,
        order.propensities.tolist(),
        strict=True,
    )
    return dict(zip(places, map(Recommendation._make, columns), strict=True))


def _more(ask: Ask, found: Candidates, n: int, rules: tuple[Rule, ...]) -> list[Candidates]:
    """What rules and dials must see before they order: what a share lacks, and what fills up."""
    query = ask.query
    more = []
    for where, missing in ordering.lacking(ask, found, rules):
        narrow = query._replace(filters=(*query.filters, where))
        left = policies.allowed(
            ask.assortment, narrow, ask.history, merchandise=rules, members=ask.members
        )
        of_these = replace(ask, allowed=left)
        names = (query.strategy,) if query.strict else (query.strategy, *_RUNGS)
        more += [STRATEGIES[name](of_these, missing) for name in names]
    filling = n if n >= _FURTHER else _FOUR_A_PLACE * query.k
    if not query.strict and len(found) < filling:
        more += [STRATEGIES[name](ask, filling) for name in _RUNGS]
    return more


def _fill(picks: Picks, ask: Ask) -> None:
    """The impersonal rungs. The newest one also reaches items that the model has never met."""
    for name in _RUNGS:
        missing = ask.query.k - len(picks)
        if missing <= 0:
            return
        found = STRATEGIES[name](ask, ask.query.k)
        new = [n for n, place in enumerate(found.places.tolist()) if place not in picks][:missing]
        places, scores = found.places[new].tolist(), found.scores[new].tolist()
        reasons = found.reasons(found.places[new]) if ask.query.reasons else []
        for number, place in enumerate(places):
            picks[place] = Recommendation(
                item_id=ask.assortment.item_ids[place],
                rank=len(picks) + 1,
                score=scores[number],
                source=found.source,
                reasons=(reasons[number],) if reasons else (),
            )


def _missing(one: Assortment, query: Query, history: UserHistory) -> tuple[str, ...]:
    asked: Iterable[str] = (
        *history.item_ids,
        *query.exclude,
        *query.item_ids,
        *query.liked,
        *query.disliked,
    )
    items: Mapping[str, object] = one.shelf.items
    return tuple(sorted({item_id for item_id in asked if item_id not in items}))
