"""From candidates to the order in which they are shown: boosts, dials, rotation, rules, diversity.

    C candidates   n <= k shown

All of it works on relevance, the candidates' own scores stretched over 0 to 1, so that a boost of a
half means the same for every model and every shopper. Where nothing is wished for, the candidates'
own order stands, and costs nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from recsys import expressions
from recsys.expressions.nodes import Kind
from recsys.merchandising import arranging
from recsys.merchandising.types import Rule
from recsys.serving import dials, diversity, rotation
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates
from recsys.serving.policies import context
from recsys.serving.rotation import Shown
from recsys.types import Dials, Query, Reason, Source

Floats = NDArray[np.floating]
Indices = NDArray[np.int64]

_STILL = Dials()
_NOWHERE: Indices = np.zeros(0, np.int64)
_PINNED = Reason(kind="pinned", text="Chosen by the shop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What is shown, in order; `lists` are those it was taken from."""

    places: Indices  # (n,)
    scores: Floats  # (n,) the list's own
    propensities: Floats  # (n,)
    placed_by: Sequence[str | None]
    lists: Sequence[Candidates]
    taken_from: Indices  # (n,) which of `lists`; -1 is pinned, and proposed by none

    def __len__(self) -> int:
        return len(self.places)

    def sources(self) -> list[Source]:
        known = [*(one.source for one in self.lists), Source.PINNED]  # -1 is the last
        return [known[one] for one in self.taken_from.tolist()]

    def reasons(self) -> list[Reason]:
        told = [
            iter(one.reasons(self.places[self.taken_from == number]))
            for number, one in enumerate(self.lists)
        ]
        return [_PINNED if one < 0 else next(told[one]) for one in self.taken_from.tolist()]


def wishes(query: Query, rules: Sequence[Rule], shown: Shown | None) -> bool:
    """Whether anything may turn the candidates' own order."""
    return bool(rules or query.boosts or query.dials != _STILL or shown)


def order(
    ask: Ask,
    found: Candidates,
    *,
    more: Sequence[Candidates] = (),
    rules: tuple[Rule, ...] = (),
    shown: Shown | None = None,
) -> Ordered:
    """The first `ask.query.k` of the candidates, as this query and these rules want them.

    `more` are what fills up: on a scale of their own, so none is above the last of `found`.
    """
    query = ask.query
    if not wishes(query, rules, shown):
        return _as_they_are(found.first(query.k))
    all_ = _joined(ask, found, more, rules)
    places = all_.places
    if not len(places):
        return _as_they_are(found)
    wanted = _wanted(ask, places, all_.graded, rules, shown)
    worth, exploration = _spread_out(ask, places, wanted), query.dials.exploration
    # Bounded, not stretched anew: after a large bury all the rest would be nearly alike.
    scores = np.clip(worth, -1, 2) if exploration else worth
    sequence, propensities = dials.explored(scores, len(places), exploration, query.seed)
    placed_by: list[str | None] = [None] * len(sequence)
    if rules:
        slots = arranging.arrange(
            wanted,
            rules,
            query.k,
            _matches(ask, places),
            _groups(ask, places),
            order=dials.best(worth, len(places)) if exploration else sequence,
            drawn=sequence if exploration else None,
            positions=_positions(ask, places, rules),
        )
        placed_by = [slots.placed_by.get(int(one)) for one in slots.order]
        sequence = slots.order
        if slots.possible is not None:
            propensities = dials.chances_among(scores, sequence, slots.possible, exploration)
    sequence = sequence[: query.k]
    lost = _lost(all_, sequence, placed_by)
    if lost:  # what only a pin brought in, and no rule let in, is no candidate
        ids = {ask.assortment.item_ids[place] for place in lost}
        left = tuple(rule for rule in rules if not (rule.item_id and rule.item_id in ids))
        return order(ask, found, more=more, rules=left, shown=shown)
    return Ordered(
        places=places[sequence],
        scores=all_.scores[sequence],
        propensities=propensities[: len(sequence)],
        placed_by=placed_by[: query.k],
        lists=(found, *more),
        taken_from=all_.taken_from[sequence],
    )


def ruled(ask: Ask, places: Indices, rules: tuple[Rule, ...]) -> Indices:
    """The first `ask.query.k` of these places in their order, as far as pins, caps and shares let it."""
    slots = arranging.arrange(
        np.zeros(len(places)),
        rules,
        ask.query.k,
        _matches(ask, places),
        _groups(ask, places),
        order=np.arange(len(places)),
        positions=_positions(ask, places, rules),
    )
    return places[slots.order]


def lacking(ask: Ask, found: Candidates, rules: tuple[Rule, ...]) -> list[tuple[str, int]]:
    """(expression, how many) that rules need and the candidates have not."""
    wanted = arranging.sought(rules, ask.query.k)
    if not wanted:
        return []
    holds = _matches(ask, found.places)
    return [(where, n) for where, n in wanted if np.count_nonzero(holds(where)) < n]


def costs(ask: Ask, found: Candidates, rules: tuple[Rule, ...]) -> dict[str, float]:
    """What each rule is predicted to cost, in parts of the best slate's relevance: see `arranging.costs`.

    For a person who edits rules: it arranges once for every rule. `found` are the candidates before
    any rule, those that an exclude would keep out among them.
    """
    if not rules or not len(found):
        return dict.fromkeys((rule.rule_id for rule in rules), 0.0)
    pins = _pins(ask, found, rules)
    places = np.concatenate([found.places, pins])
    scores = np.concatenate([found.scores, np.full(len(pins), _lowest(found), np.float32)])
    return arranging.costs(
        dials.relevance(scores),
        rules,
        ask.query.k,
        _matches(ask, places),
        _groups(ask, places),
        positions=_positions(ask, places, rules),
    )


def _as_they_are(found: Candidates) -> Ordered:
    n = len(found)
    return Ordered(
        places=found.places,
        scores=found.scores,
        propensities=np.ones(n, np.float32),
        placed_by=[None] * n,
        lists=(found,),
        taken_from=np.zeros(n, np.int64),
    )


def _lost(all_: "_Joined", sequence: Indices, placed_by: Sequence[str | None]) -> list[int]:
    """Places that nothing but a pin proposed, and that a pin did not get a slot for."""
    only_pinned = all_.taken_from[sequence] < 0
    if not only_pinned.any():
        return []
    places = all_.places[sequence].tolist()
    return [places[n] for n in np.flatnonzero(only_pinned).tolist() if placed_by[n] is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """Every candidate once, the list that knows it best first."""

    places: Indices  # (C,)
    scores: Floats  # (C,) as each list says
    graded: Floats  # (C,) on the first list's scale
    taken_from: Indices  # (C,)


def _joined(
    ask: Ask, found: Candidates, more: Sequence[Candidates], rules: tuple[Rule, ...]
) -> _Joined:
    lists, pins = (found, *more), _pins(ask, found, rules)
    if len(lists) == 1 and not len(pins):
        from_found = np.zeros(len(found), np.int64)
        return _Joined(
            places=found.places, scores=found.scores, graded=found.scores, taken_from=from_found
        )
    places = np.concatenate([*(one.places for one in lists), pins])
    scores = np.concatenate([*(one.scores for one in lists), np.zeros(len(pins), np.float32)])
    lengths = [*(len(one) for one in lists), len(pins)]
    number = np.repeat(np.array([*range(len(lists)), -1]), lengths)
    if more:  # one list holds nothing twice, and the pins are not in it
        _, once = np.unique(places, return_index=True)
        once.sort()
        places, scores, number = places[once], scores[once], number[once]
    scale = next((n for n, one in enumerate(lists) if len(one)), -1)
    lowest = lists[scale].scores[-1] if scale >= 0 else np.float32(0)
    graded = np.where(number == scale, scores, lowest)
    return _Joined(places=places, scores=scores, graded=graded, taken_from=number)


def _wanted(
    ask: Ask, places: Indices, scores: Floats, rules: tuple[Rule, ...], shown: Shown | None
) -> Floats:
    """Relevance with everything added that somebody wishes for (C,)."""
    one, query = ask.assortment, ask.query
    wanted = dials.relevance(scores)
    if shown is not None:
        # first: a factor on what is left of relevance, not on what is added to it
        item_ids = [one.item_ids[place] for place in places.tolist()]
        wanted = wanted * rotation.factors(
            shown,
            item_ids,
            query.now.timestamp(),
            half_life_seconds=query.rotation_seconds,
            rate=query.rotation,
        )
    if query.boosts:
        columns, about = one.columns.at(places), context(one, query)
        for boost in query.boosts:
            asked = expressions.compile(boost.expression)
            values = asked.values(columns, context=about, now=query.now)
            wanted = wanted + boost.weight * np.clip(values, -1, 1)
    wanted = dials.turned(wanted, _traits(ask, places), query.dials)
    return arranging.adjust(wanted, rules, _matches(ask, places)) if rules else wanted


def _spread_out(ask: Ask, places: Indices, wanted: Floats) -> Floats:
    """The same, with diversity in it (C,)."""
    turned, k = ask.query.dials, ask.query.k
    if turned.diversity:
        vectors = ask.assortment.vectors(places)
        wanted = dials.arranged(diversity.diversified(wanted, vectors, k, turned.diversity), wanted)
    return wanted


def _traits(ask: Ask, places: Indices) -> dials.Traits:
    one = ask.assortment

    def trait(name: str) -> Floats:
        if name == "popularity":
            return one.popularity.take(places)
        return cast("Floats", one.columns.at(places).column(name, Kind.NUMBER))

    return trait


def _positions(ask: Ask, places: Indices, rules: tuple[Rule, ...]) -> Mapping[str, int]:
    """Where the items that pins name stand among the candidates."""
    ids = ask.assortment.item_ids
    named = {item_id for _, item_id in arranging.pinned(rules)}
    if not named:
        return {}
    return {ids[place]: n for n, place in enumerate(places.tolist()) if ids[place] in named}


def _pins(ask: Ask, found: Candidates, rules: tuple[Rule, ...]) -> Indices:
    """Pinned items that may appear and that the strategy did not propose."""
    wanted = ask.assortment.place_of(item_id for _, item_id in arranging.pinned(rules))
    if not wanted:
        return _NOWHERE
    proposed = set(found.places.tolist())
    new = [place for place in dict.fromkeys(wanted) if place not in proposed]
    return np.array([place for place in new if ask.allowed.may(place)], np.int64)


def _matches(ask: Ask, places: Indices) -> Callable[[str], NDArray[np.bool_]]:
    one, query = ask.assortment, ask.query
    columns = one.columns.at(places)
    about = context(one, query)
    return lambda text: expressions.compile(text).mask(columns, context=about, now=query.now)


def _groups(ask: Ask, places: Indices) -> Callable[[str], Indices]:
    columns = ask.assortment.columns.at(places)

    def codes(name: str) -> Indices:
        column: Any = columns.column(name, Kind.TEXT)
        return np.asarray(column.codes, np.int64) - 1  # 0 is missing there, below 0 here

    return codes


def _lowest(found: Candidates) -> np.float32:
    return found.scores[-1] if len(found) else np.float32(0)
