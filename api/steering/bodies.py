"""What may be said about rules, placements and strategies, and how they are told."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api.schemas import Count, Id, Ids, Strict
from recsys.merchandising.checking import (
    MAX_LABEL,
    MAX_NAME,
    MAX_PRIORITY,
    MAX_WORDS,
    ROTATION_BOUNDS,
)
from recsys.merchandising.types import (
    MAX_SLOT,
    CapBy,
    Placement,
    Rule,
    RuleKind,
    StrategyPreset,
)
from recsys.types import ROTATION_SECONDS, Boost, Dials, Hide

MAX_EXPRESSION = 2_000
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the calendar") from None


Name = Annotated[str, Field(pattern=_NAME, max_length=MAX_NAME)]
Label = Annotated[str, Field(max_length=MAX_LABEL)]
Text = Annotated[str, Field(max_length=MAX_EXPRESSION)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Turn = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
RotationSeconds = Annotated[float, Field(ge=ROTATION_BOUNDS[0], le=ROTATION_BOUNDS[1])]
Banner = Literal["none", "hero", "square", "story", "leaderboard", "rectangle", "skyscraper"]

_RULE: dict[str, Any] = {
    "name": "Summer brands on the front page",
    "kind": "share",
    "where": 'brand in ["Lago", "Sol"] and price < 50',
    "value": 0.25,
    "placements": ["home"],
    "audience": ["new"],
    "starts_at": "2026-06-01T00:00:00Z",
    "ends_at": "2026-09-01T00:00:00Z",
    "priority": 10,
}
_PLACEMENT: dict[str, Any] = {
    "title": "Similar to {item}",
    "strategy": "cheaper",
    "k": 12,
    "banner": "none",
    "filter": "stock > 0",
    "boosts": [{"expression": "discount > 0.2", "weight": 0.1}],
    "dials": {"diversity": 0.3},
    "hide": "purchased",
    "rotation": 0.1,
}
_PRESET: dict[str, Any] = {
    "base": "similar",
    "filter": "price < item.price",
    "dials": {"novelty": 0.2},
}


class RuleBody(Strict):
    """A rule whole; fields left out take their defaults."""

    model_config = ConfigDict(json_schema_extra={"example": _RULE})

    kind: RuleKind
    name: Label = ""
    where: Text = Field(default="", description="An expression; of a cap: empty for every item")
    value: Number = Field(
        default=0,
        description="boost, bury: spans of relevance, 0 to 1; share: 0 to 1; cap: a count",
    )
    slot: Annotated[int, Field(ge=0, le=MAX_SLOT)] = Field(
        default=0, description="Of a pin; 1 is the first"
    )
    item_id: Id | Literal[""] = Field(default="", description="Of a pin; or else `where`")
    by: CapBy | None = Field(default=None, description="Of a cap")
    placements: Annotated[list[Name], Field(max_length=MAX_WORDS)] = Field(
        default=[], description="Empty: all of them"
    )
    audience: Annotated[list[Label], Field(max_length=MAX_WORDS)] = Field(
        default=[],
        description="Any of these is enough: new, returning, a price band, a category, experiment:variant",
    )
    starts_at: Moment | None = None
    ends_at: Moment | None = Field(default=None, description="The rule is in force until, not at")
    priority: Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY)] = Field(
        default=0, description="Where two rules contradict, the larger one wins"
    )
    enabled: bool = True

    def thing(self, rule_id: str) -> Rule:
        said = self.model_dump()
        words = {"placements": tuple(self.placements), "audience": tuple(self.audience)}
        return Rule(rule_id=rule_id, **said | words)


class BoostBody(Strict):
    expression: Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION)] = Field(
        examples=['brand == "Acme"']
    )
    weight: Turn = Field(description="Spans of relevance that a value of 1 is worth")


class DialsBody(Strict):
    diversity: Part = 0
    novelty: Turn = 0
    price: Turn = 0
    margin: Turn = 0
    exploration: Part = 0


class _Finding(Strict):
    filter: Text = Field(default="", description="An expression that every item must satisfy")
    boosts: Annotated[list[BoostBody], Field(max_length=20)] = Field(default=[])
    dials: DialsBody = DialsBody()

    def _found(self) -> dict[str, Any]:
        return {
            "filter": self.filter,
            "boosts": tuple(Boost(**one.model_dump()) for one in self.boosts),
            "dials": Dials(**self.dials.model_dump()),
        }


class PlacementBody(_Finding):
    """A placement whole; fields left out take their defaults."""

    model_config = ConfigDict(json_schema_extra={"example": _PLACEMENT})

    title: Label = Field(default="", description="May name {category}, {item} and {brand}")
    strategy: Name = Field(default="personal", description="A preset, or a strategy by name")
    k: Count = 20
    banner: Banner = "rectangle"
    hide: Hide | None = Field(default=None, description="null: as the shop is set up")
    hide_in_cart: bool = True
    strict: bool = Field(default=False, description="Rather fewer items than filled up")
    rotation: Part = Field(
        default=0, description="How much of its relevance a showing without a click costs an item"
    )
    rotation_seconds: RotationSeconds = Field(
        default=ROTATION_SECONDS, description="In which half of that is forgiven"
    )

    def thing(self, name: str) -> Placement:
        own = self.model_dump(exclude=set(_Finding.model_fields))
        return Placement(name=name, **own, **self._found())


class StrategyBody(_Finding):
    """A preset whole; fields left out take their defaults."""

    model_config = ConfigDict(json_schema_extra={"example": _PRESET})

    base: Name = Field(description="A strategy by name")

    def thing(self, name: str) -> StrategyPreset:
        return StrategyPreset(name=name, base=self.base, **self._found())


class Condition(Strict):
    """What the editor knows of the thing; where it has changed since, the answer is 409."""

    model_config = ConfigDict(extra="ignore")

    if_match: Annotated[str, Field(max_length=40)] = Field(
        default="", alias="If-Match", description="The ETag it was read under"
    )
    if_none_match: Annotated[str, Field(max_length=40)] = Field(
        default="", alias="If-None-Match", description="* where it must not be there yet"
    )


class RuleOut(BaseModel):
    """`version` is that of the rule's last change."""

    rule_id: str
    version: int
    state: Literal["off", "waiting", "in_force", "ended"]
    kind: RuleKind
    name: str
    where: str
    value: float
    slot: int
    item_id: str
    by: CapBy | None
    placements: list[str]
    audience: list[str]
    starts_at: str | None
    ends_at: str | None
    priority: int
    enabled: bool
    notices: list[str]
    degraded: list[str]


class RulesOut(BaseModel):
    """`version` is the number that answers name as their `rules_version`."""

    version: int
    rules: list[RuleOut]


class FindingOut(BaseModel):
    name: str
    version: int
    built_in: bool
    filter: str
    boosts: list[BoostBody]
    dials: DialsBody
    notices: list[str]
    degraded: list[str]


class PlacementOut(FindingOut):
    """`version` is that of its last change, 0 where it is as it came."""

    title: str
    strategy: str
    k: int
    banner: Banner
    hide: Hide | None
    hide_in_cart: bool
    strict: bool
    rotation: float
    rotation_seconds: float


class PlacementsOut(BaseModel):
    version: int
    placements: list[PlacementOut]


class StrategyOut(FindingOut):
    base: str


class BaseOut(BaseModel):
    name: str
    description: str


class StrategiesOut(BaseModel):
    """`strategies` are the presets, `bases` what they can build on."""

    version: int
    strategies: list[StrategyOut]
    bases: list[BaseOut]


class ChangeOut(BaseModel):
    """`before` null: it was made; `after` null: it was taken away."""

    version: int
    at: str
    who: str
    subject: Literal["rule", "placement", "strategy"]
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    undoes: int | None


class ChangedOut(ChangeOut):
    degraded: list[str]


class HistoryOut(BaseModel):
    changes: list[ChangeOut]


class PreviewBody(Strict):
    """A draft, and for whom; nothing of it is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"placement": "home", "user_id": "u-1", "name": "draft", "rule": _RULE}
        }
    )

    name: Name = Field(default="draft", description="The id of the rule, the name of the placement")
    rule: RuleBody | None = None
    draft_placement: PlacementBody | None = None
    draft_strategy: StrategyBody | None = None
    placement: Name = Field(default="home", description="Where the slates are asked for")
    user_id: Id | None = None
    session: Ids = Field(default=[])
    item_ids: Ids = Field(default=[])
