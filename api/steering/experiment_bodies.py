"""What may be said about experiments, and how they and their outcomes are told."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Strict
from api.steering.bodies import BoostBody, DialsBody, Label, Name, Part, RotationSeconds, Text
from recsys.merchandising.checking import MAX_BOOSTS, MAX_WORDS
from recsys.outcomes.assignment import EVERYWHERE, MAX_VARIANTS, WHOLE, Experiment, Kind, Variant
from recsys.outcomes.sequential import PLANNED_USERS
from recsys.outcomes.tables import MAX_NAME
from recsys.types import ROTATION_SECONDS, Boost, Dials

Weight = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
PerCent = Annotated[float, Field(ge=0, le=WHOLE, allow_inf_nan=False)]
Place = Annotated[str, Field(pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9_.-]{0,63})$", max_length=64)]
Salt = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$", max_length=MAX_NAME)]

_EXPERIMENT: dict[str, Any] = {
    "name": "Trending instead of personal on the front page",
    "kind": "split",
    "variants": [
        {"name": "as_is", "weight": 1},
        {"name": "trending", "weight": 1, "placements": {"home": {"strategy": "trending"}}},
    ],
    "planned_users": 10_000,
}


class ChangesBody(Strict):
    """What is different about a placement; what is left out stays as the placement has it."""

    strategy: Name = Field(default="", description="A preset, or a strategy by name")
    filter: Text = ""
    boosts: Annotated[list[BoostBody], Field(max_length=MAX_BOOSTS)] = Field(default=[])
    dials: DialsBody = DialsBody()
    strict: bool = False
    rotation: Part = 0
    rotation_seconds: RotationSeconds = ROTATION_SECONDS

    def changes(self) -> dict[str, Any]:
        typed = {
            "strategy": self.strategy,
            "filter": self.filter,
            "boosts": tuple(Boost(**one.model_dump()) for one in self.boosts),
            "dials": Dials(**self.dials.model_dump()),
            "strict": self.strict,
            "rotation": self.rotation,
            "rotation_seconds": self.rotation_seconds,
        }
        return {name: typed[name] for name in sorted(self.model_fields_set)}


class VariantBody(Strict):
    name: Name
    weight: Weight = Field(default=1, description="Its share is its part of all weights")
    placements: Annotated[dict[Place, ChangesBody], Field(max_length=MAX_WORDS)] = Field(
        default={}, description=f"What is different where; {EVERYWHERE} is every placement"
    )

    def thing(self) -> Variant:
        placements = {name: body.changes() for name, body in self.placements.items()}
        return Variant(name=self.name, weight=self.weight, placements=placements)


class ExperimentBody(Strict):
    """An experiment whole. The first variant is the base that others are compared with.

    `holdout` is an experiment of its own: its variants are `held_out`, which says what is shown
    instead of what is personal, and `personalised`, the shop as it is.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXPERIMENT})

    name: Label = ""
    kind: Kind = Field(
        default=Kind.SPLIT,
        description="interleaved: two variants share each slate, and clicks vote",
    )
    variants: Annotated[list[VariantBody], Field(min_length=1, max_length=MAX_VARIANTS)]
    salt: Salt = Field(default="", description="Another one draws every user anew; empty: keep it")
    layer: Salt = Field(default="", description="Experiments of one layer never meet in a user")
    slice_from: PerCent = Field(default=0, description="Which users of the layer, in per cent")
    slice_to: PerCent = WHOLE
    planned_users: Annotated[int, Field(ge=100, le=100_000_000)] = Field(
        default=PLANNED_USERS, description="Where the intervals are narrowest; fix it beforehand"
    )

    def thing(self, experiment_id: str) -> Experiment:
        return Experiment(
            experiment_id=experiment_id,
            variants=tuple(one.thing() for one in self.variants),
            salt=self.salt,
            kind=self.kind,
            layer=self.layer,
            slice_from=self.slice_from,
            slice_to=self.slice_to,
        )


class ReportQuery(Strict):
    days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] = Field(
        default=28, description="How far back; never before the start"
    )
    window_days: Annotated[float, Field(ge=0.01, le=90, allow_inf_nan=False)] = Field(
        default=7, description="How long each user is watched from the first answer on"
    )


class OutcomesQuery(Strict):
    days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] = 7


class VariantOut(BaseModel):
    name: str
    weight: float
    placements: dict[str, dict[str, Any]]


class ExperimentOut(BaseModel):
    experiment_id: str
    name: str
    status: Literal["draft", "running", "stopped"]
    kind: Kind
    variants: list[VariantOut]
    salt: str
    layer: str
    slice_from: float
    slice_to: float
    planned_users: int
    created_at: str
    started_at: str | None
    stopped_at: str | None
    notices: list[str] = Field(description="What is allowed, and yet may be a slip")
    degraded: list[str]


class ExperimentsOut(BaseModel):
    experiments: list[ExperimentOut]


class IntervalOut(BaseModel):
    """Holds the truth at every look, at the report's level; `p` likewise, against zero."""

    value: float
    low: float
    high: float
    p: float


class MetricOut(BaseModel):
    """`difference` and `lift` are to the base; null: too little to say, or nothing to compare."""

    name: str
    value: float
    interval: IntervalOut | None
    difference: IntervalOut | None
    lift: IntervalOut | None


class AtPlacementOut(BaseModel):
    placement: str
    users: int
    impressions: int
    clicks: int
    touched: float
    ctr: MetricOut


class OfVariantOut(BaseModel):
    """Money: `touched` was bought through its slates, `caused` is what they added, in all."""

    name: str
    is_base: bool
    users: int
    impressions: int
    clicks: int
    revenue: float
    touched: float
    caused: IntervalOut | None
    metrics: list[MetricOut]
    placements: list[AtPlacementOut]


class PreferenceOut(BaseModel):
    users: int
    first: int
    second: int
    ties: int
    interval: IntervalOut | None


class ReportOut(BaseModel):
    """`mismatch` below 0.001, also among the `warnings`, means that nothing here can be trusted."""

    experiment_id: str
    name: str
    kind: Kind
    status: Literal["draft", "running", "stopped"]
    since: str
    until: str
    window_days: float
    level: float
    planned_users: int
    currency: str
    users_waiting: int
    users_crossed: int
    mismatch: float
    warnings: list[str]
    variants: list[OfVariantOut]
    preference: PreferenceOut | None


class OutcomeOut(BaseModel):
    placement: str
    strategy: str
    answers: int
    impressions: int
    clicks: int
    ctr: float
    ctr_interval: IntervalOut | None
    carts: int
    purchases: int
    touched: float


class CellOut(BaseModel):
    name: str
    impressions: int
    clicks: int
    ctr: float
    carts: int
    purchases: int
    touched: float


class OutcomesOut(BaseModel):
    """`holdout` is its report over the same days, where one has been started."""

    since: str
    until: str
    rows: list[OutcomeOut]
    positions: list[CellOut]
    creatives: list[CellOut]
    answers: int
    deeds: int
    owed: int
    named: int
    revenue: float
    touched: float
    currency: str
    unpriced: int = Field(description="Purchases without a price in this currency: no money")
    odd_prices: int = Field(
        description="Purchases that say ten times what the catalogue asks today, or a tenth"
    )
    holdout: ReportOut | None
