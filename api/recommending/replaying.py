"""The ledger over HTTP: what was answered and why, and the same again."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api import auth, parsing
from api.errors import Problem
from api.keys import Role
from api.recommending.again import Past, its_model
from api.runtime import Runtime, runtime
from api.schemas import Strict
from recsys.answers import entry, ledger, replay, store
from recsys.answers.entry import Answer
from recsys.database import looking

_UNDRAINED = timedelta(minutes=5)

blueprint = APIBlueprint("answers", __name__, tag="Admin", url_prefix="/admin")
blueprint.before_request(auth.need(Role.ADMIN))


class HoursQuery(Strict):
    hours: int = Field(default=24, ge=1, le=24 * 31)


class ReplayBody(Strict):
    model_config = ConfigDict(json_schema_extra={"example": {"model_version": None}})

    model_version: str | None = Field(
        default=None, max_length=64, description="Another model than the one that answered"
    )


class FigureOut(BaseModel):
    hour: str
    placement: str
    strategy: str
    degraded: list[str]
    answers: int


class FiguresOut(BaseModel):
    figures: list[FigureOut]
    pending_bytes: int = Field(description="Of answers that are not rows yet")


class AnsweredOut(BaseModel):
    item_id: str
    rank: int
    score: float | None
    source: str
    propensity: float | None
    creative_key: str | None
    team: str | None


class MemberOut(BaseModel):
    user_id: str
    history_n: int
    history_digest: str


class AnswerOut(BaseModel):
    recommendation_id: str
    at: str
    user_id: str | None
    session_hash: str | None
    placement: str
    strategy: str
    request: dict[str, Any]
    model_version: str | None
    catalogue_revision: int
    rules_version: int
    history_n: int
    history_digest: str
    experiments: dict[str, str]
    creative_draw: dict[str, Any] | None = Field(
        default=None, description="The look that its creatives wore, and how likely it was drawn"
    )
    members: list[MemberOut] | None = Field(
        description="The shoppers of a group, whose pasts were read"
    )
    duel: list[dict[str, Any]] | None = Field(description="What each of two rankers was asked")
    shown: list[Any] | None = Field(
        description="What rotation knew: when, and how often each item had been shown by then"
    )
    items: list[AnsweredOut]
    degraded: list[str]


class ReasonGiven(BaseModel):
    kind: str
    item_id: str | None
    text: str


class ReplayedItem(BaseModel):
    item_id: str
    rank: int
    score: float
    source: str
    reasons: list[ReasonGiven]
    placed_by: str | None


class DifferenceOut(BaseModel):
    what: str
    detail: str


class ReplayOut(BaseModel):
    recommendation_id: str
    model_version: str | None
    exact: bool
    differences: list[DifferenceOut]
    items: list[ReplayedItem]
    excluded: dict[str, int]


@blueprint.get("/answers")
@blueprint.output(FiguresOut)
@parsing.takes(blueprint, HoursQuery, "query")
def figures(query: HoursQuery) -> Response:
    """How many answers each hour gave, by placement, strategy and what they did without."""
    here, now = runtime(), datetime.now(UTC)
    with looking(here.engine) as reader:
        found = store.figures(reader, since=now - timedelta(hours=query.hours), until=now)
    waiting = ledger.pending(here.config.recsys.answers_dir)
    told = [asdict(one) | {"hour": one.hour.isoformat()} for one in found]
    return parsing.answer({"figures": told, "pending_bytes": waiting})


@blueprint.get("/answers/<recommendation_id>")
@blueprint.output(AnswerOut)
def one_answer(recommendation_id: str) -> Response:
    """What was answered, to which request, and from which model, catalogue, rules and past."""
    return parsing.answer(_as_json(find(runtime(), recommendation_id)))


@blueprint.post("/answers/<recommendation_id>/replay")
@blueprint.output(ReplayOut)
@parsing.takes(blueprint, ReplayBody, "body")
def again(recommendation_id: str, body: ReplayBody) -> Response:
    """Make an answer again, by the model that gave it or another; 409 where that model is gone."""
    here = runtime()
    answer = find(here, recommendation_id)
    with looking(here.engine) as reader:
        past = Past(here, reader)
        named = body.model_version
        bundle = its_model(past, answer) if named is None else past.bundle(named or "-")
        slate, causes = past.slate(answer, bundle)
    found = replay.compare(answer, slate, causes=causes)
    return parsing.answer(
        {
            "recommendation_id": recommendation_id,
            "model_version": bundle.version or None,
            "exact": found.exact,
            "differences": [asdict(one) for one in found.differences],
            "items": [_replayed(one) for one in slate.recommendations],
            "excluded": dict(slate.excluded),
        }
    )


def find(here: Runtime, recommendation_id: str) -> Answer:
    """An answer of the ledger, also one that was given a moment ago.

    Raises:
        Problem: 404, it is not kept.
    """
    with looking(here.engine) as reader:
        found = store.get(reader, recommendation_id)
    made = entry.time_of(recommendation_id)
    if found is None and made is not None and datetime.now(UTC) - made < _UNDRAINED:
        ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
        with looking(here.engine) as reader:
            found = store.get(reader, recommendation_id)
    if found is None:
        days = here.config.recsys.answers_days
        detail = f"no such answer is kept: older than {days:g} days, erased, or without consent"
        raise Problem(404, detail)
    return found


def _as_json(answer: Answer) -> dict[str, Any]:
    lists = (answer.scores, answer.propensities, answer.creative_keys, answer.teams)
    scores, propensities, creatives, teams = (_filled(one, len(answer.item_ids)) for one in lists)
    shown = zip(
        answer.item_ids, answer.sources, scores, propensities, creatives, teams, strict=False
    )
    told = {name: getattr(answer, name) for name in AnswerOut.model_fields if name != "items"}
    return told | {
        "at": answer.at.isoformat(),
        "model_version": answer.model_version or None,
        "items": [
            {
                "item_id": item_id,
                "rank": rank,
                "score": score,
                "source": source,
                "propensity": propensity,
                "creative_key": creative,
                "team": team,
            }
            for rank, (item_id, source, score, propensity, creative, team) in enumerate(shown, 1)
        ],
    }


def _filled(values: Sequence[Any], n: int) -> list[Any]:
    return [*values, *[None] * (n - len(values))]


def _replayed(one: Any) -> dict[str, Any]:
    return {
        "item_id": one.item_id,
        "rank": one.rank,
        "score": one.score,
        "source": one.source.value,
        "reasons": [asdict(reason) for reason in one.reasons],
        "placed_by": one.placed_by,
    }
