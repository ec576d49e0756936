"""What a request comes to: its own wishes over its placement's, over the shop's presets and rules.

A request that says a thing has its way; what it leaves open the placement decides, then the strategy
preset. Filters are all demanded, boosts all added. Experiments may override placement and strategy
for their variant, never what the request said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.errors import invalid
from recsys.merchandising import arranging
from recsys.merchandising.types import Placement, StrategyPreset
from recsys.serving import ranking
from recsys.serving.ranking import Steer
from recsys.serving.strategies import STRATEGIES
from recsys.types import Dials, Hide, Persona, Query, UserHistory

if TYPE_CHECKING:
    from recsys.merchandising.steering import Steering

_STILL = Dials()
_STRICT = frozenset({"bought_together", "rerank", "recently_viewed", "buy_again", "search"})
NEW, RETURNING = "new", "returning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
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
    consent: bool = True
    banner: str = "rectangle"

    @property
    def shopper(self) -> str | None:
        return self.user_id if self.consent else None

    def says(self, field: str) -> bool:
        return self.given is None or field in self.given


def about(strategy: str, item_id: str, *, k: int, banner: str = "none") -> Ask:
    """What an item's own page asks for, the same for everyone."""
    query = replace(ranking.like(strategy, item_id, k=k), now=moment())
    return Ask(query=query, banner=banner)


def moment() -> datetime:
    """Now, to the second: what a filter of time leaves is kept for as long."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The query as it is ranked, and what else was decided for it."""

    query: Query
    strategy: str  # as it was named: a preset or one of ours
    banner: str
    title: str  # the placement's template
    experiments: Mapping[str, str]
    rules_version: int
    steer: Steer


def settle(
    ask: Ask,
    steering: "Steering",
    *,
    hide: Hide,
    experiments: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settled:
    """One request under one state of the configuration.

    Raises:
        Problem: 422 where the strategy named is neither ours nor a preset.
    """
    query = ask.query
    overrides = overrides or {}
    placement = steering.placement(query.placement)
    named = query.strategy or str(overrides.get("strategy", placement.strategy))
    preset = steering.preset(named)
    base = preset.base
    if base not in STRATEGIES:
        raise invalid("strategy", f"{named!r} is none of {', '.join(sorted(STRATEGIES))}")
    query = replace(
        query,
        strategy=base,
        k=query.k if ask.says("k") else placement.k,
        hide=query.hide if ask.says("hide") else placement.hide or hide,
        filters=tuple(f for f in (*query.filters, placement.filter, preset.filter) if f),
        boosts=(*query.boosts, *placement.boosts, *preset.boosts),
        dials=query.dials if ask.says("dials") else _dials(placement, preset),
        in_cart=query.in_cart if placement.hide_in_cart else frozenset(),
        strict=query.strict if ask.says("strict") else placement.strict or base in _STRICT,
    )
    return Settled(
        query=query,
        strategy=named,
        banner=ask.banner if ask.says("banner") else placement.banner,
        title=placement.title,
        experiments=experiments or {},
        rules_version=steering.version,
        steer=Steer(),
    )


def steered(
    settled: Settled, steering: "Steering", history: UserHistory, persona: Persona
) -> Settled:
    """With the merchandising rules that are in force for this shopper, here and now."""
    if not steering.rules:
        return settled
    words = {NEW if not history.item_ids else RETURNING, persona.price_band, *persona.categories}
    variants = {f"{name}:{variant}" for name, variant in settled.experiments.items()}
    found = arranging.in_force(
        steering.rules,
        placement=settled.query.placement,
        audience=frozenset(words | variants),
        now=settled.query.now,
    )
    return replace(settled, steer=replace(settled.steer, rules=found))


def _dials(placement: Placement, preset: StrategyPreset) -> Dials:
    return preset.dials if preset.dials != _STILL else placement.dials
