"""What a shopkeeper decides: rules, placements (where), presets (how)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recsys.types import ROTATION_SECONDS, Boost, Dials, Hide

MAX_SLOT = 100  # as many slots as the largest slate
_STILL = Dials()


class RuleKind(StrEnum):
    """What a rule does with the items that its `where` holds for."""

    PIN = "pin"  # one item stands in one slot
    BOOST = "boost"  # `value` spans of relevance are added
    BURY = "bury"  # `value` spans of relevance are taken away
    INCLUDE = "include"  # nothing else may appear
    EXCLUDE = "exclude"  # none of them may appear
    SHARE = "share"  # at least this share of the slots is theirs
    CAP = "cap"  # at most `value` of them share a brand, or a category


class CapBy(StrEnum):
    BRAND = "brand"
    CATEGORY = "category"


class Subject(StrEnum):
    """What a change of the configuration is about."""

    RULE = "rule"
    PLACEMENT = "placement"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One wish. It is in force from `starts_at` until, and not at, `ends_at`; both are aware UTC.

    `where` is an expression, empty for every item. A pin names its item, or takes the best one
    that `where` holds for. A larger `priority` wins; of equal ones pins come before caps before
    shares, and then the id decides.
    """

    rule_id: str
    kind: RuleKind
    name: str = ""
    where: str = ""
    value: float = 0.0  # spans of relevance, a share of the slots, or a count
    slot: int = 0  # of a pin: 1 is the first
    item_id: str = ""  # of a pin
    by: CapBy | None = None  # of a cap
    placements: tuple[str, ...] = ()  # empty: all of them
    audience: tuple[str, ...] = ()  # any of these words is enough; empty: everyone
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    priority: int = 0
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPreset:
    """How candidates are found: a strategy of the code by name, narrowed and turned."""

    name: str
    base: str
    filter: str = ""
    boosts: tuple[Boost, ...] = ()
    dials: Dials = _STILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A place of the shop: what is written above it, how it is filled, what stays out of it.

    `title` may name `{category}`, `{item}` and `{brand}`. Where `strategy`, a preset or one of the
    code, finds too few, popular and new items fill up, unless the placement is `strict`. `hide`
    None leaves it to the shop's setting.
    """

    name: str
    title: str = ""
    strategy: str = "personal"
    k: int = 20
    banner: str = "rectangle"  # or hero, or none
    filter: str = ""
    boosts: tuple[Boost, ...] = ()
    dials: Dials = _STILL
    hide: Hide | None = None
    hide_in_cart: bool = True
    strict: bool = False
    rotation: float = 0.0  # as a query has it
    rotation_seconds: float = ROTATION_SECONDS


Steered = Rule | Placement | StrategyPreset
