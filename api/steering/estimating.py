"""What another model would have earned on last week's requests, without ever having been shown.

Only answers that were drawn with some chance can tell (the dial `exploration`): each is ranked again
by the other model as of its own moment, and clicks on what both would show are weighed by how
likely they were shown. See `recsys.outcomes.estimators`.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api import auth, parsing
from api.errors import Problem
from api.keys import Role
from api.recommending.again import Past
from api.runtime import runtime
from api.schemas import Strict
from api.steering.bodies import Name
from recsys.answers import replay, store
from recsys.answers.entry import Answer
from recsys.database import looking
from recsys.outcomes import estimators
from recsys.outcomes.estimators import Logged

MAX_ANSWERS = 2_000
BUDGET_SECONDS = 20.0  # what is not ranked again by then is left out, and counted
LEAST_SHOPPERS = 2  # one half foretells the other, and one alone has no spread
_NOTHING_SHOWN, _NOTHING_THERE = -1, -2  # not equal: neither slate is as long as the longest

blueprint = APIBlueprint("estimating", __name__, tag="Admin", url_prefix="/admin")
blueprint.before_request(auth.need(Role.ADMIN))


class EstimateBody(Strict):
    model_config = ConfigDict(json_schema_extra={"example": {"placement": "home", "days": 7}})

    placement: Name | None = Field(default=None, description="Answers of this placement alone")
    n: Annotated[int, Field(ge=1, le=MAX_ANSWERS, description="Answers taken at most")] = 1_000
    days: Annotated[float, Field(gt=0, le=366, allow_inf_nan=False)] = 7
    clip: Annotated[float, Field(ge=1, le=1_000_000, allow_inf_nan=False)] = Field(
        default=100, description="No weight counts for more: a little bias for far less noise"
    )


class DiagnosticsOut(BaseModel):
    slates: int
    effective: float
    heaviest: float
    max_weight: float
    mean_weight: float
    clipped: float
    warnings: list[str]


class ValueOut(BaseModel):
    """Clicks an answer, with an ordinary 95 % interval: for one look."""

    estimator: str
    value: float
    se: float
    low: float
    high: float
    diagnostics: DiagnosticsOut


class EstimateOut(BaseModel):
    """`shown` is what the answers earned in truth; `left_out` were not ranked again in time.

    Only answers under `exploration` are asked; in `without_chance` of them rules or two rankers'
    turns left nothing to it.
    """

    version: str
    answers: int
    without_chance: int
    left_out: int
    shown: float
    values: list[ValueOut]


@blueprint.post("/models/<version>/estimate")
@blueprint.output(EstimateOut)
@parsing.takes(blueprint, EstimateBody, "body")
def estimate(version: str, body: EstimateBody) -> Response:
    """Clicks an answer that this model would have earned; 409 where no answer was left to chance."""
    here, now = runtime(), datetime.now(UTC)
    since = now - timedelta(days=body.days)
    with looking(here.engine) as reader:
        past = Past(here, reader)
        bundle = past.bundle(version)
        asked = store.sample(
            reader, since=since, until=now, n=body.n, placement=body.placement, drawn=True
        )
        drawn = [one for one in asked if _left_to_chance(one)]
        clicked = store.clicks(reader, [one.recommendation_id for one in drawn], since=since)
        pairs: list[tuple[Answer, list[str]]] = []
        until = time.monotonic() + BUDGET_SECONDS
        for answer in replay.by_revision(drawn):
            if time.monotonic() > until:
                break
            slate, _ = past.slate(_without_chance(answer), bundle)
            pairs.append((answer, [one.item_id for one in slate.recommendations]))
    if not pairs:
        detail = "no answers were left to chance: give a placement some `exploration`, and wait"
        raise Problem(409, detail)
    if len({answer.user_id or answer.recommendation_id for answer, _ in pairs}) < LEAST_SHOPPERS:
        detail = (
            f"all {len(pairs):,} answers left to chance are one shopper's: two are needed at least"
        )
        raise Problem(409, detail)
    logged, shown, other = _columns(pairs, clicked)
    found = estimators.estimates(logged, shown, other, clip=body.clip)
    return parsing.answer(
        {
            "version": version,
            "answers": len(pairs),
            "without_chance": len(asked) - len(drawn),
            "left_out": len(drawn) - len(pairs),
            "shown": float(logged.rewards.sum(axis=1).mean()),
            "values": [asdict(one) for one in found],
        }
    )


def _left_to_chance(answer: Answer) -> bool:
    """Whether anything else could have been shown; of two rankers' teams nobody knows how likely."""
    chances = answer.propensities
    whole = len(chances) == len(answer.item_ids) > 0
    return whole and not answer.teams and min(chances) > 0 and min(chances) < 1


def _without_chance(answer: Answer) -> Answer:
    dials = {**answer.request.get("dials", {}), "exploration": 0.0}
    return replace(answer, request={**answer.request, "dials": dials})


def _columns(
    pairs: Sequence[tuple[Answer, list[str]]], clicked: dict[str, frozenset[str]]
) -> tuple[Logged, Any, Any]:
    """Slates side by side, as wide as the longest that was shown (N, K)."""
    width = max(len(answer.item_ids) for answer, _ in pairs)
    shape = (len(pairs), width)
    rewards, p = np.zeros(shape), np.zeros(shape)
    shown, other = np.full(shape, _NOTHING_SHOWN), np.full(shape, _NOTHING_THERE)
    rows: dict[str, int] = {}
    users: dict[str, int] = {}
    clusters = np.zeros(len(pairs), np.int64)
    for row, (answer, there) in enumerate(pairs):
        n, also = len(answer.item_ids), there[:width]
        hits = clicked.get(answer.recommendation_id, frozenset())
        rewards[row, :n] = [item_id in hits for item_id in answer.item_ids]
        p[row, :n] = np.minimum(answer.propensities, 1.0)  # a rounding above 1 is 1
        shown[row, :n] = [rows.setdefault(item_id, len(rows)) for item_id in answer.item_ids]
        other[row, : len(also)] = [rows.setdefault(item_id, len(rows)) for item_id in also]
        clusters[row] = users.setdefault(answer.user_id or answer.recommendation_id, len(users))
    q = estimators.certain(shown, other)
    return Logged(rewards=rewards, p=p, q=q, clusters=clusters), shown, other
