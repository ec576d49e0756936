"""What a request comes to: its own wishes over its placement's, over the shop's presets and rules.

A request that says a thing has its way; what it leaves open the placement decides, then the strategy
preset. Filters are all demanded, boosts all added. Experiments may override placement and strategy
for their variant, never what the request said; but who is held out sees nothing personal, whatever
the request said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from api.errors import invalid
from recsys.merchandising.steering import Steering
from recsys.merchandising.types import Placement, StrategyPreset
from recsys.outcomes.assignment import HELD_OUT, HOLDOUT, Duel, Experiments
from recsys.serving import ranking
from recsys.serving.strategies import OWN_PAST, PERSONAL, STRATEGIES
from recsys.types import Dials, Hide, Query

_STILL = Dials()
_NO_EXPERIMENTS = Experiments()
_PLAIN = Query().strategy  # where a placement or an experiment names what nobody knows
# What they propose is the answer, and filling it up with bestsellers would be another one.
_STRICT = frozenset({"bought_together", "rerank", "recently_viewed", "buy_again", "search"})


class Ask(NamedTuple):
    """A validated request for a slate. Without consent `user_id` is neither read nor repeated.

    `given` names the fields that the request itself set, which no placement overrules; None where
    the asker decided all of them.
    """

    query: Query
    given: frozenset[str] | None = None
    user_id: str | None = None
    session: tuple[str, ...] = ()
    session_id: str | None = None
    profile: str | None = None
    users: tuple[str, ...] = ()
    continues: str | None = None
    named: str = ""  # what the strategy of a question that is gone on with was called
    consent: bool = True
    banner: str = "rectangle"

    @property
    def shopper(self) -> str | None:
        return self.user_id if self.consent else None

    @property
    def visitor(self) -> str | None:
        """Whom experiments draw for: the shopper, or the visit of somebody unknown."""
        return self.shopper or (self.session_id if self.consent else None)

    def says(self, field: str) -> bool:
        return self.given is None or field in self.given


def about(strategy: str, item_id: str, *, k: int, banner: str = "none") -> Ask:
    """What an item's own page asks for, the same for everyone."""
    query = ranking.like(strategy, item_id, k=k)._replace(now=moment())
    return Ask(query=query, banner=banner)


def moment() -> datetime:
    """Now, to the second: what a filter of time leaves is kept for as long."""
    return datetime.now(UTC).replace(microsecond=0)


class Settled(NamedTuple):
    """The query as it is ranked, and what else was decided for it."""

    query: Query
    strategy: str  # as it was named: a preset or one of ours
    banner: str
    title: str  # the placement's template
    experiments: Mapping[str, str]
    rules_version: int


class Asked(NamedTuple):
    """What a request comes to, and where two rankers share its slate, to each of them."""

    settled: Settled
    duel: Duel | None = None
    rivals: tuple[Settled, ...] = ()


def asked(ask: Ask, steering: Steering, running: Experiments, *, hide: Hide) -> Asked:
    """One request under the experiments that its shopper is part of."""
    placement, visitor = ask.query.placement, ask.visitor
    assigned = running.assign(visitor, placement) if visitor is not None else {}
    duel = running.interleaved(assigned, placement) if assigned else None

    def under(rival: Mapping[str, Any]) -> Settled:
        return settle(ask, steering, hide=hide, running=running, assigned=assigned, rival=rival)

    rivals = tuple(under(own) for own in duel.changes) if duel else ()
    if duel is not None and _agree(duel, rivals):
        return Asked(rivals[0])
    return Asked(under({}), duel, rivals)


def _agree(duel: Duel, rivals: Sequence[Settled]) -> bool:
    """Whether the request itself, or the answer it goes on with, settles all that two rankers differ in."""
    first, second = rivals
    return first.query == second.query and duel.changes[0] != duel.changes[1]


def settle(
    ask: Ask,
    steering: Steering,
    *,
    hide: Hide,
    running: Experiments = _NO_EXPERIMENTS,
    assigned: Mapping[str, str] = MappingProxyType({}),
    rival: Mapping[str, Any] = MappingProxyType({}),
) -> Settled:
    """One request under one state of the configuration.

    Args:
        ask: What the request said.
        steering: The placements and presets.
        hide: The shop's own policy, where neither the request nor the placement has one.
        running: The experiments.
        assigned: The variants of them that this shopper is part of.
        rival: What one of two rankers that share the slate asks for besides.

    Raises:
        Problem: 422 where the strategy that the request names is neither ours nor a preset.
    """
    where = ask.query.placement
    placement = steering.placement(where)
    preset = _preset(ask, placement, steering)
    changes = {**running.changes(assigned, where), **rival} if assigned else {}
    if changes and running.spares(assigned, where):
        if preset.base in PERSONAL and ask.continues is None:
            placement = replace(placement, **changes)
            preset = _known(steering.preset(placement.strategy))
    elif changes:
        placement = replace(placement, **changes)
        preset = _preset(ask, placement, steering)
    query = _filled(ask, placement, preset, hide)
    if assigned.get(HOLDOUT) == HELD_OUT:
        query = query._replace(personal=False)
    return Settled(
        query=query,
        strategy=preset.name,
        banner=ask.banner if ask.says("banner") else placement.banner,
        title=placement.title,
        experiments=assigned,
        rules_version=steering.version,
    )


def _filled(ask: Ask, placement: Placement, preset: StrategyPreset, hide: Hide) -> Query:
    """What was asked, and where that says nothing, what the placement and then the preset say."""
    query, says = ask.query, ask.says
    # A question that is gone on with holds what its placement and preset added to it.
    whole = ask.continues is not None
    filters = () if whole else (placement.filter, preset.filter)
    boosts = () if whole else (*placement.boosts, *preset.boosts)
    strict = placement.strict or preset.base in _STRICT
    seconds = query.rotation_seconds if says("rotation_seconds") else placement.rotation_seconds
    return query._replace(
        strategy=preset.base,
        k=query.k if says("k") else placement.k,
        hide=_hide(ask, placement, preset.base, hide),
        filters=tuple(one for one in (*query.filters, *filters) if one),
        boosts=(*query.boosts, *boosts),
        dials=query.dials if says("dials") else _dials(placement, preset),
        hide_in_cart=query.hide_in_cart if whole else placement.hide_in_cart,
        strict=query.strict if says("strict") else strict,
        rotation=query.rotation if says("rotation") else placement.rotation,
        rotation_seconds=seconds,
    )


def _preset(ask: Ask, placement: Placement, steering: Steering) -> StrategyPreset:
    """The strategy under the name that is told; what no shopper can mend breaks no answer."""
    said = ask.query.strategy or _implied(ask)
    if ask.continues is not None:
        return StrategyPreset(name=ask.named or said, base=said)
    preset = steering.preset(said or placement.strategy)
    if said and preset.base not in STRATEGIES:
        raise invalid("strategy", f"{said!r} is none of {', '.join(sorted(STRATEGIES))}")
    return _known(preset)


def _known(preset: StrategyPreset) -> StrategyPreset:
    return preset if preset.base in STRATEGIES else StrategyPreset(name=_PLAIN, base=_PLAIN)


def _implied(ask: Ask) -> str:
    """The strategy that a request without one can only mean."""
    if ask.users:
        return "group"
    return "taste" if ask.query.liked or ask.query.disliked else ""


def _hide(ask: Ask, placement: Placement, strategy: str, hide: Hide) -> Hide:
    """What proposes a shopper's own past would have nothing to propose if that were hidden."""
    if ask.says("hide"):
        return ask.query.hide
    return placement.hide or (Hide.NONE if strategy in OWN_PAST else hide)


def _dials(placement: Placement, preset: StrategyPreset) -> Dials:
    return preset.dials if preset.dials != _STILL else placement.dials
