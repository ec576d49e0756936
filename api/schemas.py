"""What requests may say and what answers look like; the OpenAPI document is made from these."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from recsys.tables import MAX_ID_LENGTH, id_problem

MAX_K = 100
MAX_LIST = 500


def _checked(value: str) -> str:
    """An id or a text whose length was looked at already, and which is not empty."""
    if value.isprintable() and not value.isspace():  # nearly all are: nothing more is called
        return value
    problem = id_problem(value)
    if problem:
        raise ValueError(problem)
    return value


def _listed(value: Any) -> Any:
    """A query string says `a,b`, or the name twice; JSON says a list."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return [item_id for part in value for item_id in part.split(",") if item_id]
    return value


def _text(value: str) -> str:
    return _checked(value) if value else value


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_checked)]
Ids = Annotated[list[Id], Field(max_length=MAX_LIST)]
CommaIds = Annotated[Ids, BeforeValidator(_listed)]
Text = Annotated[str, Field(max_length=MAX_ID_LENGTH), AfterValidator(_text)]
Placement = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_checked)]
Size = Literal["hero", "square", "story", "leaderboard", "rectangle", "skyscraper"]
Banner = Literal["hero", "square", "story", "leaderboard", "rectangle", "skyscraper", "none"]
Form = Literal["jpeg", "webp", "png", "svg", "loop", "gif"]
Count = Annotated[int, Field(ge=1, le=MAX_K)]


def empty_list(description: str) -> Any:
    """A field that is an empty list unless it is sent: a new one, where pydantic copies a default."""
    return Field(default_factory=list, description=description, json_schema_extra={"default": []})


class Strict(BaseModel):
    """A misspelt field is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class RowQuery(Strict):
    k: Count = 12
    banner: Banner = "none"


class SearchQuery(Strict):
    search: Text = ""
    limit: Count = 24


class ProofOut(BaseModel):
    """`start` and `end` count in "headline. tagline"; the words between them claim something."""

    start: int
    end: int
    text: str
    kind: str
    field: str
    value: str


class CreativeOut(BaseModel):
    key: str
    state: Literal["ready", "pending", "fallback"]
    headline: str
    tagline: str
    action: str
    size: str
    banner_url: str | None
    width: int | None
    height: int | None
    alt: str = Field(default="", description="What the picture shows, for who cannot see it")
    generated_by: str | None
    ai_generated: bool = Field(
        default=False, description="Whether a language model wrote any of the words"
    )
    proofs: list[ProofOut] | None = Field(
        default=None, description="Of `GET /creatives/{key}?proofs=true`, for admins"
    )


class CreativeQuery(Strict):
    proofs: bool = Field(
        default=False, description="Which field of the item proves which words; needs an admin key"
    )


class BannerQuery(Strict):
    form: Form = Field(
        default="jpeg", description="Another than jpeg is drawn when it is first asked for"
    )


class ItemOut(BaseModel):
    item_id: str
    title: str
    description: str
    category: list[str]
    brand: str
    price: str | None
    was_price: str | None
    currency: str
    image_url: str
    url: str
    stock: int | None
    hidden: bool
    attributes: dict[str, str]
    created_at: str | None
    offer_until: str | None = None
    degraded: list[str] = []


class ItemsOut(BaseModel):
    items: list[ItemOut]


class ItemBody(BaseModel):
    """An item whole; fields left out take their defaults. Feed names such as `id` are feeds' own."""

    model_config = ConfigDict(extra="allow")

    title: Any = None
    description: Any = None
    category: Any = None
    brand: Any = None
    price: Any = None
    was_price: Any = None
    offer_until: Any = None
    currency: Any = None
    image_url: Any = None
    url: Any = None
    stock: Any = None
    hidden: Any = None
    attributes: Any = None


class PatchBody(Strict):
    price: Any = None
    stock: Any = None
    hidden: Any = None


class RowError(BaseModel):
    line: int
    field: str
    message: str


class ImportOut(BaseModel):
    accepted: int
    rejected: int
    errors: list[RowError]
    degraded: list[str] = []


class ImportQuery(Strict):
    format: Literal["csv", "jsonl", "google_xml", "google_tsv"] | None = None


class EventRowOut(BaseModel):
    index: int
    status: Literal["accepted", "duplicate", "erased", "ignored", "rejected"]
    event_ids: list[str]
    field: str | None = None
    message: str | None = None
    unknown_item: list[str] | None = None
    unknown_user: bool | None = None


class EventsOut(BaseModel):
    results: list[EventRowOut]
    accepted: int
    rejected: int
    degraded: list[str]


class RunOut(BaseModel):
    run_id: str
    status: str
    stage: str
    progress: float
    trigger: str
    cancel_requested: bool
    curves: dict[str, list[float]]
    metrics: dict[str, Any]
    model_version: str | None
    error: str | None
    created_at: str | None
    heartbeat_at: str | None
    finished_at: str | None


class RunsOut(BaseModel):
    runs: list[RunOut]


class FindingOut(BaseModel):
    level: Literal["PASS", "WARN", "FAIL"]
    name: str
    message: str
    count: int
    rows: list[str]


class ChecksOut(BaseModel):
    worst: Literal["PASS", "WARN", "FAIL"]
    checked_at: str
    events: int
    findings: list[FindingOut]


class StartedOut(BaseModel):
    run_id: str
    status: str
    degraded: list[str]


class ModelOut(BaseModel):
    version: str
    created_at: str
    live: bool
    metrics: dict[str, Any]
    problem: str | None


class ModelsOut(BaseModel):
    models: list[ModelOut]
    serving: str | None
    problem: str | None


class PromotedOut(BaseModel):
    version: str
    previous: str | None


class AudienceBody(Strict):
    personas: bool = False
    user_ids: Annotated[list[Id], Field(max_length=10_000)] = []


class ChosenBody(Strict):
    item_ids: Ids = []
    best: Annotated[int, Field(ge=0, le=MAX_K)] = 0


class CampaignBody(Strict):
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_checked)]
    sizes: Annotated[list[Size], Field(min_length=1, max_length=8)]
    audience: AudienceBody
    items: ChosenBody
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"


class PageQuery(Strict):
    limit: Count = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class ProgressOut(BaseModel):
    total: int
    planned: int
    made: int
    failed: int
    approved: int
    rejected: int


class CampaignOut(BaseModel):
    campaign_id: str
    name: str
    status: str
    sizes: list[str]
    audience: dict[str, Any]
    items: dict[str, Any]
    locale: str
    progress: ProgressOut
    missing_ids: list[str] = Field(description="Chosen items that the catalogue does not have")
    error: str | None
    created_at: str | None
    finished_at: str | None
    degraded: list[str]


class CampaignsOut(BaseModel):
    campaigns: list[CampaignOut]


class PlannedOut(BaseModel):
    key: str
    item_id: str
    size: str
    audience: str
    status: str
    approval: str
    error: str | None
    stale: str = Field(default="", description="Why it may not be shown any more")
    creative: CreativeOut | None


class CampaignPageOut(CampaignOut):
    creatives: list[PlannedOut]


class DecisionOut(BaseModel):
    key: str
    approval: str


class ReceiptOut(BaseModel):
    user_id: str
    erased_at: str
    events_deleted: int
    campaigns_changed: int
    spooled_events_drained: int
    answers_deleted: int
    model_version: str | None
    model_note: str
    degraded: list[str] = []


class DependencyOut(BaseModel):
    status: Literal["ok", "degraded", "away"]
    detail: str


class ReadyOut(BaseModel):
    status: Literal["ok", "degraded", "unavailable"]
    dependencies: dict[str, DependencyOut]


class LiveOut(BaseModel):
    status: Literal["ok"]
