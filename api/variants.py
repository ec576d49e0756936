"""Looks of creatives: which may be shown, how likely each is drawn, and what drawing them is worth."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api import auth, parsing
from api.errors import invalid
from api.keys import Role
from api.runtime import Runtime, runtime
from api.schemas import Strict
from generative import variant_store, variants
from generative.banner.templates import NAMES
from generative.types import Approval
from generative.variants import Rules
from recsys.database import Reader, looking, reading, writing
from recsys.errors import TooManyAnswers
from recsys.outcomes import looks
from recsys.outcomes import reading as outcomes

blueprint = APIBlueprint("variants", __name__, tag="Admin", url_prefix="/admin")
blueprint.before_request(auth.need(Role.ADMIN))


class DecisionBody(Strict):
    model_config = ConfigDict(json_schema_extra={"example": {"approval": "approved"}})

    approval: Literal["approved", "rejected", "none"]


class ReportQuery(Strict):
    days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] = 28


class DecidedOut(BaseModel):
    size: str
    variant: str
    approval: str
    changed_at: str


class ShareOut(BaseModel):
    """One look of one slot; `persona` is empty for whoever has no counts of their own.

    `chance` is how likely it is drawn, `best` how likely it is the best; `low` and `high` hold its
    rate of clicked slates with 95 % of the posterior. What is `retired` rests.
    """

    size: str
    persona: str
    variant: str
    shown: float
    clicked: float
    rate: float
    low: float
    high: float
    best: float
    chance: float
    retired: bool


class VariantsOut(BaseModel):
    decisions: list[DecidedOut]
    chances: list[ShareOut]
    counted_until: str | None
    names: list[str]


class VariantsChangedOut(VariantsOut):
    degraded: list[str]


class IntervalOut(BaseModel):
    value: float
    low: float
    high: float
    p: float


class EstimateOut(BaseModel):
    """An ordinary 95 % interval: for one look."""

    estimator: str
    value: float
    se: float
    low: float
    high: float
    effective: float
    warnings: list[str]


class LookOut(BaseModel):
    variant: str
    slates: int
    clicked: int
    value: IntervalOut | None


class WorthOut(BaseModel):
    """`drawn` is what was earned in truth; `even` what an even choice would have; `gain` the one less the other."""

    size: str
    slates: int
    shoppers: int
    drawn: float
    gain: IntervalOut | None
    even: list[EstimateOut]
    looks: list[LookOut]


class VariantReportOut(BaseModel):
    since: str
    until: str
    sizes: list[WorthOut]


@blueprint.get("/variants")
@blueprint.output(VariantsOut)
def every() -> Response:
    """Looks that were decided on, and how likely each is drawn now."""
    with looking(runtime().engine) as reader:
        return parsing.answer(state(reader))


@blueprint.put("/variants/<size>/<variant>")
@blueprint.output(VariantsChangedOut)
@parsing.takes(blueprint, DecisionBody, "body")
def decide(size: str, variant: str, body: DecisionBody) -> Response:
    """Let a look be shown in a size, or not any more. One is always worn, of two or more one is drawn."""
    here = runtime()
    told, degraded = decided(here, size, variant, Approval(body.approval))
    return parsing.answer(told | {"degraded": degraded})


@blueprint.get("/variants/report")
@blueprint.output(VariantReportOut)
@parsing.takes(blueprint, ReportQuery, "query")
def report(query: ReportQuery) -> Response:
    """What drawing looks was worth beside an even choice, from the ledger and each slate's own chance."""
    return parsing.answer(worth(runtime(), days=query.days))


def decided(
    here: Runtime, size: str, variant: str, approval: Approval
) -> tuple[dict[str, Any], list[str]]:
    """Write a decision of whoever asks; what holds from now on, and what could not be told of it.

    Raises:
        Problem: 422, no such size or look.
    """
    settings = here.config.generative
    with writing(here.engine) as session:
        try:
            variant_store.decide(
                session,
                size,
                variant,
                approval,
                who=auth.who(),
                now=datetime.now(UTC),
                rules=Rules(exploration=settings.variant_exploration),
            )
        except ValueError as error:
            field, _, detail = str(error).partition(": ")
            raise invalid(field, detail) from None
        told = state(session)
    return told, here.pulse.steering_changed()


def state(reader: Reader) -> dict[str, Any]:
    """All that is known of looks; for the console's page too."""
    chosen = variant_store.read(reader)
    until = chosen.counted_until
    return {
        "decisions": [
            {
                "size": one.size,
                "variant": one.variant,
                "approval": one.approval.value,
                "changed_at": one.changed_at.isoformat(),
            }
            for one in variant_store.decisions(reader)
        ],
        "chances": variants.report(variant_store.known(reader), chosen.table),
        "counted_until": None if until is None else until.isoformat(),
        "names": list(NAMES),
    }


def worth(here: Runtime, *, days: float) -> dict[str, Any]:
    """The report of the last days.

    Raises:
        Problem: 422, there are too many answers to hold.
    """
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    try:
        with reading(here.engine) as session:
            log = outcomes.read(session, since=since, until=until)
    except TooManyAnswers as error:
        raise invalid("days", str(error)) from None
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "sizes": [_plain(one) for one in looks.worth(looks.trials(log))],
    }


def _plain(one: looks.Worth) -> dict[str, Any]:
    told = one.as_dict()
    for value in told["even"]:
        found = value.pop("diagnostics")
        value |= {"effective": found["effective"], "warnings": list(found["warnings"])}
    return told
