"""Turns what a campaign asks for into briefs: personas of real shoppers, times items, times sizes.

A shopper's id is used to find the persona and goes no further: no brief carries one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from generative import brief as briefs
from generative.types import Audience, Brief, CampaignSpec
from recsys.behaviour import events
from recsys.catalogue import shelf as shelves
from recsys.catalogue.shelf import Shelf
from recsys.database import reading
from recsys.serving import assortment as assortments
from recsys.serving import ranking
from recsys.serving.assortment import Assortment
from recsys.serving.personas import persona_of
from recsys.types import EventKind, Hide, Item, Persona, Query, UserHistory
from workers.runtime import Runtime

MIN_SHOPPERS = 5  # fewer shoppers than this are no group, and could be told apart by their creative
MAX_PLANNED = 5_000  # creatives of one campaign; more is more likely a slip than a wish
_POOLED_SHOPPERS = 50  # shoppers whose histories speak for a persona
_POOLED_ITEMS = 20  # newest items of each of them
_USERS_A_READ = 500


class EmptyPlan(Exception):
    """There is nothing to make; the message says why, for the shopkeeper."""


@dataclass(slots=True)
class _Group:
    """The shoppers of one persona: how many, and a bounded part of what they did."""

    shoppers: int = 0
    item_ids: list[str] = field(default_factory=list)
    kinds: list[EventKind] = field(default_factory=list)

    def add(self, history: UserHistory) -> None:
        self.shoppers += 1
        if self.shoppers <= _POOLED_SHOPPERS:
            self.item_ids.extend(history.item_ids[-_POOLED_ITEMS:])
            self.kinds.extend(history.kinds[-_POOLED_ITEMS:])

    def join(self, other: "_Group") -> None:
        room = max(0, _POOLED_SHOPPERS - self.shoppers) * _POOLED_ITEMS
        self.shoppers += other.shoppers
        self.item_ids.extend(other.item_ids[:room])
        self.kinds.extend(other.kinds[:room])

    def pooled(self) -> UserHistory:
        return UserHistory(item_ids=tuple(self.item_ids), kinds=tuple(self.kinds))


def plan(
    runtime: Runtime, spec: CampaignSpec, still_wanted: Callable[[], bool]
) -> list[tuple[str, Brief]]:
    """The keyed briefs of a campaign, the largest persona first; empty once it is not wanted any more.

    Raises:
        EmptyPlan: No persona, no item, or more creatives than a campaign may have.
    """
    with reading(runtime.engine) as session:
        shelf = shelves.refresh(session, Shelf.empty())
    assortment = assortments.of(runtime.handle.get(), shelf)
    groups: dict[Persona, _Group] = {}
    for number, history in enumerate(_histories(runtime, spec.audience)):
        if number % _USERS_A_READ == 0 and not still_wanted():
            return []
        if history.item_ids:
            groups.setdefault(persona_of(assortment, history), _Group()).add(history)
    least = MIN_SHOPPERS if spec.audience.get("personas") else 1
    chosen = _merged(groups, least)
    if not chosen:
        raise EmptyPlan(_nobody(spec.audience, len(groups)))
    return _briefs(runtime.studio.fingerprint, spec, assortment, chosen)


def _merged(groups: Mapping[Persona, _Group], least: int) -> dict[Persona, _Group]:
    """Groups of fewer than `least` join their department's, then everyone's; what is left is nobody's."""
    found = dict(groups)
    for wider in (_department, _everyone):
        for persona in [one for one, group in found.items() if group.shoppers < least]:
            group = found.pop(persona)
            found.setdefault(wider(persona), _Group()).join(group)
    return {persona: group for persona, group in found.items() if group.shoppers >= least}


def _department(persona: Persona) -> Persona:
    return replace(persona, price_band="any", recency="")


def _everyone(_persona: Persona) -> Persona:
    return Persona()


def _briefs(
    fingerprint: str, spec: CampaignSpec, assortment: Assortment, groups: Mapping[Persona, _Group]
) -> list[tuple[str, Brief]]:
    planned: dict[str, Brief] = {}
    by_size = sorted(groups.items(), key=lambda pair: (-pair[1].shoppers, pair[0].label))
    for persona, group in by_size:
        audience = Audience(categories=persona.categories, price_band=persona.price_band)
        for item in _items(spec.items, assortment, group.pooled()):
            for size in spec.sizes:
                brief = Brief(
                    item=briefs.facts_of(item), audience=audience, size=size, locale=spec.locale
                )
                planned.setdefault(briefs.key(brief, fingerprint), brief)
        if len(planned) > MAX_PLANNED:
            raise EmptyPlan(
                f"more than {MAX_PLANNED} creatives; choose fewer items, sizes or shoppers"
            )
    if not planned:
        raise EmptyPlan("none of the chosen items is in the catalogue and on sale")
    return list(planned.items())


def _items(wanted: Mapping[str, object], assortment: Assortment, pooled: UserHistory) -> list[Item]:
    items = assortment.shelf.items
    chosen = wanted.get("item_ids")
    if isinstance(chosen, list):
        found = (items.get(item_id) for item_id in chosen)
        return [item for item in found if item is not None and not item.hidden]
    best = wanted.get("best", 3)
    # What a group buys again and again is among its best, so nothing of its past is hidden.
    query = Query(k=int(str(best)), placement="campaign", hide=Hide.NONE)
    slate = ranking.rank(assortment, query, pooled)
    return [items[found.item_id] for found in slate.recommendations]


def _histories(runtime: Runtime, audience: Mapping[str, object]) -> Iterator[UserHistory]:
    """Read each shopper when asked for: one who was deleted a moment ago has no history left."""
    user_ids = audience.get("user_ids")
    if isinstance(user_ids, list):
        for user_id in dict.fromkeys(user_ids):
            with reading(runtime.engine) as session:
                yield events.history(session, user_id)
        return
    with reading(runtime.engine) as session:
        yield from events.all_histories(session, batch=_USERS_A_READ)


def _nobody(audience: Mapping[str, object], groups: int) -> str:
    if audience.get("personas"):
        return f"none of {groups} personas has {MIN_SHOPPERS} shoppers; import more events first"
    return "none of the chosen shoppers has done anything yet, or all were deleted"
