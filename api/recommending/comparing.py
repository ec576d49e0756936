"""Two models on the requests of the last days: what each would have answered, side by side."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api import auth, parsing
from api.errors import Problem
from api.keys import Role
from api.recommending.again import Past
from api.runtime import runtime
from api.schemas import Strict
from recsys.answers import replay, store
from recsys.answers.entry import Answer
from recsys.answers.replay import Pair
from recsys.database import looking
from recsys.errors import UnknownVersion
from recsys.learning.bundle import ModelBundle
from recsys.serving import registry
from recsys.types import Slate

CAUTION = (
    "The clicks are those that the model of that day got, on items which it had chosen to show: a "
    "model that shows other items cannot have them. The rates favour whatever is like the model "
    "that was live; they are a check, not a verdict. An experiment decides."
)
MAX_REQUESTS = 1_000
BUDGET_SECONDS = 20.0  # what is not replayed by then is left out, and `requests` says how many were
_BUCKETS = ((0, "0 deeds"), (4, "1 to 4 deeds"), (19, "5 to 19 deeds"))

blueprint = APIBlueprint("comparing", __name__, tag="Admin", url_prefix="/admin")
blueprint.before_request(auth.need(Role.ADMIN))


class CompareBody(Strict):
    model_config = ConfigDict(json_schema_extra={"example": {"n": 200, "days": 7}})

    against: str | None = Field(
        default=None, max_length=64, description="The other version; the live one if left out"
    )
    n: int = Field(default=200, ge=1, le=MAX_REQUESTS, description="Requests replayed at most")
    days: float = Field(default=7, gt=0, le=366, description="How far back requests are taken from")


class LikenessOut(BaseModel):
    requests: int
    changed: int
    overlap: float
    rank_biased_overlap: float
    clicked_requests: int
    first_hit_rate: float | None
    second_hit_rate: float | None


class ComparedOut(BaseModel):
    version: str
    against: str
    whole: LikenessOut
    segments: dict[str, dict[str, LikenessOut]]
    coverage: dict[str, float]
    left_out: int
    caution: str


@blueprint.post("/models/<version>/compare")
@blueprint.output(ComparedOut)
@parsing.takes(blueprint, CompareBody, "body")
def compare(version: str, body: CompareBody) -> Response:
    """Answer the last days' requests by two models, and say how unlike the answers are."""
    here, now = runtime(), datetime.now(UTC)
    since = now - timedelta(days=body.days)
    against = body.against or registry.live_version(here.config.recsys.artifacts_dir)
    if against is None:
        raise Problem(409, "no model is live: name the other version in `against`")
    with looking(here.engine) as reader:
        past = Past(here, reader)
        answers = store.sample(reader, since=since, until=now, n=body.n)
        clicked = store.clicks(reader, [one.recommendation_id for one in answers], since=since)
        if not version or not against:
            raise UnknownVersion(version or against)
        pairs = _pairs(past, answers, past.bundle(version), past.bundle(against), clicked)
        sold = sum(not item.hidden for item in past.now.items.values())
    return parsing.answer(
        {
            "version": version,
            "against": against,
            "whole": asdict(replay.likeness(pairs)),
            "segments": {
                kind: {name: asdict(one) for name, one in parts.items()}
                for kind, parts in replay.segments(pairs).items()
            },
            "coverage": {
                version: replay.coverage([pair.first for pair in pairs], sold),
                against: replay.coverage([pair.second for pair in pairs], sold),
            },
            "left_out": len(answers) - len(pairs),
            "caution": CAUTION,
        }
    )


def _pairs(
    past: Past,
    answers: Sequence[Answer],
    first: ModelBundle,
    second: ModelBundle,
    clicked: dict[str, frozenset[str]],
) -> list[Pair]:
    until = time.monotonic() + BUDGET_SECONDS
    pairs: list[Pair] = []
    for answer in replay.by_revision(answers):
        if time.monotonic() > until:
            break
        by_first, by_second = past.slate(answer, first)[0], past.slate(answer, second)[0]
        pairs.append(
            Pair(
                segment={
                    "placement": answer.placement,
                    "strategy": answer.strategy,
                    "history": _bucket(answer.history_n),
                },
                first=_ids(by_first),
                second=_ids(by_second),
                clicked=clicked.get(answer.recommendation_id, frozenset()),
            )
        )
    return pairs


def _ids(slate: Slate) -> tuple[str, ...]:
    return tuple(one.item_id for one in slate.recommendations)


def _bucket(history_n: int) -> str:
    return next((name for most, name in _BUCKETS if history_n <= most), "20 deeds or more")
