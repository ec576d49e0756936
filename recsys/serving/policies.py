"""Which items may appear: stock, category and filters by pool, the shopper's own past by place."""

from collections.abc import Iterable, Iterator

import numpy as np

from recsys.behaviour import rebuying
from recsys.expressions import quoted
from recsys.merchandising.types import Rule, RuleKind
from recsys.serving.assortment import Assortment, Demand, Standing
from recsys.serving.eligibility import Allowed
from recsys.types import Hide, Item, Query, UserHistory


def allowed(
    assortment: Assortment,
    query: Query,
    history: UserHistory,
    *,
    merchandise: Iterable[Rule] = (),
    members: Iterable[UserHistory] = (),
) -> Allowed:
    """What may appear for this shopper under this query and the merchandiser's rules in force.

    Of a group nobody is shown what `members` must not be shown.
    """
    standing = Standing(
        in_stock=query.in_stock,
        demands=tuple(demands(query, merchandise)),
        context=context(assortment, query),
        now=query.now,
    )
    places = assortment.place_of
    dropped: dict[str, Iterable[int]] = {}
    seen = kept_from(history, query, assortment)
    for member in members:
        seen |= kept_from(member, query, assortment)
    for name, item_ids in (
        ("exclude", query.exclude),
        ("in_cart", query.in_cart if query.hide_in_cart else ()),
        ("returned", query.returned),
        ("seen", seen),
    ):
        if item_ids:
            dropped[name] = places(item_ids)
    return Allowed(assortment.pool(standing), dropped)


def context(assortment: Assortment, query: Query) -> Item | None:
    """The item that `item.` means in an expression: the first of those the query starts from."""
    return assortment.shelf.items.get(query.item_ids[0]) if query.item_ids else None


def kept_from(history: UserHistory, query: Query, assortment: Assortment) -> frozenset[str]:
    """The shopper's own past that must not come back; what was dismissed never does."""
    if query.hide is Hide.SEEN:
        return frozenset(history.item_ids) | history.dismissed | history.purchased
    if query.hide is Hide.NONE:
        return history.dismissed
    if query.hide is Hide.PURCHASED or not history.at:
        return history.dismissed | history.purchased
    return history.dismissed | (history.purchased - _due(history, query, assortment))


def _due(history: UserHistory, query: Query, assortment: Assortment) -> set[str]:
    """What was bought long enough ago to be needed again, by the intervals that the model learnt."""
    rhythm, places = assortment.bundle.rebuying, assortment.places
    bought = [(places[item_id], at) for item_id, at in history.purchases if item_id in places]
    if not bought:
        return set()
    where, when = np.array([place for place, _ in bought]), np.array([at for _, at in bought])
    rows = np.array([_row(assortment, place) for place in where.tolist()])
    habits = rebuying.habits(rhythm, where, rows, when)
    over = rebuying.hidden_until(habits) <= query.now.timestamp()
    return {assortment.item_ids[place] for place in habits.places[over].tolist()}


def _row(assortment: Assortment, place: int) -> int:
    """The row of the intervals that speaks for an item: its own, or its category's."""
    rhythm = assortment.bundle.rebuying
    return place if place < rhythm.n_items else rhythm.row(assortment.item(place).category)


def demands(query: Query, merchandise: Iterable[Rule]) -> Iterator[Demand]:
    if query.category:
        path = quoted("/".join(query.category))
        yield Demand(name="filter", expression=f"category under {path}")
    for text in query.filters:
        yield Demand(name="filter", expression=text)
    for brand in sorted(query.blocked_brands):
        yield Demand(name="blocked_brand", expression=f"brand == {quoted(brand)}", keeps=False)
    for rule in merchandise:
        if rule.kind in {RuleKind.INCLUDE, RuleKind.EXCLUDE}:
            keeps = rule.kind is RuleKind.INCLUDE
            yield Demand(name=f"rule:{rule.rule_id}", expression=rule.where, keeps=keeps)
