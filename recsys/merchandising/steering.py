"""Steering: an immutable snapshot of every rule, placement and preset, under one version number.

What nobody has written yet is built in, so an empty database steers a whole shop. A placement or
a preset of an unknown name is a plain one of that name: an unknown word is never an error.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar, assert_never

from recsys.merchandising.types import Placement, Rule, Steered, StrategyPreset, Subject
from recsys.types import Dials, Hide

Key = tuple[Subject, str]


def _row(name: str, title: str, strategy: str, *, k: int = 12, **more: Any) -> Placement:
    return Placement(name=name, title=title, strategy=strategy, k=k, banner="none", **more)


_PLACEMENTS = (
    Placement(name="home", title="Picked for you"),
    Placement(name="category", title="Picked for you in {category}", k=24),
    _row("product", "Similar to {item}", "similar"),
    _row("product_together", "Often bought with {item}", "bought_together", k=6, strict=True),
    _row("cart", "Goes with your cart", "complements", k=8),
    _row("confirmation", "You may also like", "personal", k=8),
    _row("search", "What you searched for", "search", k=24, hide=Hide.NONE, strict=True),
    _row("recent", "Recently viewed", "recently_viewed", hide=Hide.NONE, strict=True),
    _row("account", "Buy again", "buy_again", hide=Hide.NONE, strict=True),
    _row("trending", "Trending now", "trending"),
    _row("new", "New in the shop", "newest"),
    _row("not_found", "Popular right now", "popular"),
    Placement(name="email", title="Picked for you", k=6, banner="hero"),
)
_PRESETS = (
    StrategyPreset(name="discover", base="personal", dials=Dials(diversity=0.5, novelty=0.4)),
    StrategyPreset(name="cheaper", base="similar", filter="price < item.price"),
    StrategyPreset(name="dearer", base="similar", filter="price > item.price"),
    StrategyPreset(name="reduced", base="personal", filter="discount > 0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that was accepted and has no effect, or not the one that was meant."""

    subject: Subject
    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steering:
    """`version` is the number of the last change; `changed_in` that of each thing's own last one."""

    version: int = 0
    rules: tuple[Rule, ...] = ()
    placements: Mapping[str, Placement] = field(
        default_factory=lambda: MappingProxyType({one.name: one for one in _PLACEMENTS})
    )
    presets: Mapping[str, StrategyPreset] = field(
        default_factory=lambda: MappingProxyType({one.name: one for one in _PRESETS})
    )
    changed_in: Mapping[Key, int] = field(default_factory=lambda: MappingProxyType({}))

    def placement(self, name: str) -> Placement:
        return self.placements.get(name) or Placement(name=name)

    def preset(self, name: str) -> StrategyPreset:
        """The preset; a strategy of the code is a preset of its own name."""
        return self.presets.get(name) or StrategyPreset(name=name, base=name)

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)

    @staticmethod
    def of(changed: Iterable[tuple[Steered, int]], *, version: int) -> "Steering":
        """What is built in, with these things and the versions of their last changes over it."""
        written = list(changed)
        made = Steering(
            version=version,
            changed_in=MappingProxyType({key_of(thing): number for thing, number in written}),
        )
        for thing, _ in written:
            made = with_draft(made, thing)
        return made


def key_of(thing: Steered) -> Key:
    match thing:
        case Rule():
            return Subject.RULE, thing.rule_id
        case Placement():
            return Subject.PLACEMENT, thing.name
        case StrategyPreset():
            return Subject.STRATEGY, thing.name
        case _:
            assert_never(thing)


def with_draft(steering: Steering, draft: Steered) -> Steering:
    """The same with one thing written over, under the same version: nothing is kept."""
    match draft:
        case Rule():
            others = (rule for rule in steering.rules if rule.rule_id != draft.rule_id)
            rules = sorted((*others, draft), key=lambda rule: (-rule.priority, rule.rule_id))
            return replace(steering, rules=tuple(rules))
        case Placement():
            return replace(steering, placements=_over(steering.placements, draft.name, draft))
        case StrategyPreset():
            return replace(steering, presets=_over(steering.presets, draft.name, draft))
        case _:
            assert_never(draft)


def notices(steering: Steering, strategies: Collection[str] = ()) -> tuple[Notice, ...]:
    """Rules of unknown placements, and names of strategies that are neither presets nor code.

    `strategies` are those of the code; where none are told, strategies are not judged.
    """
    found = [
        Notice(subject=Subject.RULE, name=rule.rule_id, message=f"no placement is called {name!r}")
        for rule in steering.rules
        for name in rule.placements
        if name not in steering.placements
    ]
    if not strategies:
        return tuple(found)
    asked = [
        (Subject.PLACEMENT, placement.name, placement.strategy)
        for placement in steering.placements.values()
        if placement.strategy not in steering.presets
    ]
    asked += [(Subject.STRATEGY, preset.name, preset.base) for preset in steering.presets.values()]
    found += [
        Notice(subject=subject, name=name, message=f"no strategy is called {wanted!r}")
        for subject, name, wanted in asked
        if wanted not in strategies
    ]
    return tuple(found)


Thing = TypeVar("Thing", Placement, StrategyPreset)


def _over(things: Mapping[str, Thing], name: str, thing: Thing) -> Mapping[str, Thing]:
    return MappingProxyType({**things, name: thing})
