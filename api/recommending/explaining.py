"""`GET /explain`: why a shopper is shown an item, or what keeps it away; and who wants an item."""

from dataclasses import asdict
from math import inf
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from api import auth, parsing
from api.keys import Role
from api.recommending import opening, rotating, settling, slates
from api.recommending.settling import Ask, Settled
from api.recommending.wishes import Expression, Name, RecommendBody, Unit, check_expression
from api.runtime import Runtime, runtime
from api.schemas import CommaIds, Count, Id, Placement, Strict, Text
from api.steering.bodies import RotationSeconds
from recsys.behaviour import events
from recsys.database import reading
from recsys.errors import UnknownItem
from recsys.serving import whynot
from recsys.serving.ranking import Steer
from recsys.serving.strategies import audience
from recsys.serving.whynot import Explanation
from recsys.types import ROTATION_SECONDS, Query

blueprint = APIBlueprint("explain", __name__, tag="Admin")
blueprint.before_request(auth.need(Role.ADMIN))


class ExplainQuery(Strict):
    item_id: Id = Field(description="The item asked about")
    user_id: Id | None = None
    session: CommaIds = Field(default=[], description="Item ids of this visit, oldest first")
    session_id: Id | None = Field(default=None, description="Whose experiments, without a user_id")
    placement: Placement = "home"
    strategy: Name | None = None
    k: Count = 20
    item_ids: CommaIds = Field(default=[], description="What the strategy starts from")
    cart: CommaIds = Field(default=[])
    exclude: CommaIds = Field(default=[])
    category: Text = ""
    filter: Expression = ""
    in_stock: bool = True
    rotation: Unit = Field(default=0.0, description="As the request had it")
    rotation_seconds: RotationSeconds = ROTATION_SECONDS


class ExplainBody(RecommendBody):
    """The body of `POST /recommend`, and which item of all is asked about."""

    item_id: Id = Field(description="The item asked about")


class ExplainedReason(BaseModel):
    kind: str
    text: str
    item_id: str | None


class LastShown(BaseModel):
    item_id: str
    score: float


class ExplainOut(BaseModel):
    item_id: str
    verdict: str = Field(
        description="`shown`, `behind`, `unproposed`, or the rule that took it out"
    )
    because: str
    slot: int | None = Field(description="Its place in the slate, from 1")
    rank: int | None = Field(description="Its rank by the model's score among all that may appear")
    n_allowed: int
    score: float | None
    branches: dict[str, float] = Field(description="What each branch adds to the score")
    reasons: list[ExplainedReason]
    last_shown: LastShown | None = Field(description="What it had to beat")
    model_version: str
    rules_version: int
    experiments: dict[str, str] = Field(description="The variants that this shopper is part of")
    team: str | None = Field(
        description="Of two rankers that share the slate, the one that this is told of: where it stands highest"
    )
    degraded: list[str]


class AudienceQuery(Strict):
    k: Annotated[int, Field(ge=1, le=10_000)] = 100
    buyers: bool = Field(default=False, description="Those too who bought it already")


class WantingOut(BaseModel):
    user_id: str
    score: float


class AudienceOut(BaseModel):
    item_id: str
    model_version: str | None
    users: list[WantingOut]
    degraded: list[Literal["model"]]


@blueprint.get("/explain")
@blueprint.output(ExplainOut)
@parsing.takes(blueprint, ExplainQuery, "query")
def explain(query: ExplainQuery) -> Response:
    """Rank, score by branch, and the exact rule, filter or policy that removed an item."""
    check_expression("filter", query.filter)
    ask = Ask(
        query=Query(
            k=query.k,
            placement=query.placement,
            strategy=query.strategy or "",
            item_ids=tuple(query.item_ids),
            in_cart=frozenset(query.cart),
            exclude=frozenset(query.exclude),
            category=tuple(part for part in query.category.split("/") if part),
            filters=(query.filter.strip(),) if query.filter.strip() else (),
            in_stock=query.in_stock,
            rotation=query.rotation,
            rotation_seconds=query.rotation_seconds,
            now=settling.moment(),
        ),
        given=frozenset(query.model_fields_set),
        user_id=query.user_id,
        session=tuple(query.session),
        session_id=query.session_id,
    )
    return parsing.answer(explained(runtime(), ask, query.item_id))


@blueprint.post("/explain")
@blueprint.output(ExplainOut)
@parsing.takes(blueprint, ExplainBody, "body")
def explain_wishes(body: ExplainBody) -> Response:
    """The same of a request with all that only a body can say: what `POST /recommend` was sent."""
    here = runtime()
    return parsing.answer(explained(here, body.ask(here.config.recsys.hide), body.item_id))


@blueprint.get("/admin/items/<any_id:item_id>/audience")
@blueprint.output(AudienceOut)
@parsing.takes(blueprint, AudienceQuery, "query")
def wanting(item_id: str, query: AudienceQuery) -> Response:
    """Which shoppers want an item most, each on their own scale; reads every history, as a stream."""
    here = runtime()
    opened = opening.look(here, Ask(query=Query(now=settling.moment())))
    one = opened.assortment
    if item_id not in one.shelf.items:
        raise UnknownItem(item_id)
    with reading(here.engine) as session:
        found = audience.audience(
            one, item_id, events.all_histories(session), query.k, buyers=query.buyers
        )
    is_missing = "model" in opened.degraded
    return parsing.answer(
        {
            "item_id": item_id,
            "model_version": None if is_missing else one.bundle.version,
            "users": [{"user_id": who.user_id, "score": round(who.score, 4)} for who in found],
            "degraded": ["model"] if is_missing else [],
        }
    )


def explained(here: Runtime, ask: Ask, item_id: str) -> dict[str, Any]:
    """What became of one item under this request, as the API and the console tell it."""
    ask = slates.continued(here, ask)
    opened = opening.look(here, ask)
    state, running = here.steered.now(here, opened.steering_version, opened.degraded)
    settled, duel, rivals = settling.asked(ask, state, running, hide=here.config.recsys.hide)
    shown = rotating.shown(here, ask, opened, settled, *rivals)

    def under(one: Settled) -> Explanation:
        steer = Steer(rules=slates.in_force(opened, one, state), shown=shown)
        return whynot.explain(
            opened.assortment,
            one.query,
            opened.history,
            item_id,
            steer=steer,
            members=opened.members,
        )

    team = None
    if duel is None:
        found = under(settled)
    else:
        sides = list(zip(map(under, rivals), duel.teams, strict=True))
        found, team = min(sides, key=lambda one: one[0].slot or inf)
    last = found.last_shown
    return {
        "item_id": item_id,
        "verdict": found.verdict,
        "because": found.because,
        "slot": found.slot,
        "rank": found.rank,
        "n_allowed": found.n_allowed,
        "score": found.score,
        "branches": dict(found.branches),
        "reasons": [asdict(reason) for reason in found.reasons],
        "last_shown": None if last is None else {"item_id": last.item_id, "score": last.score},
        "model_version": opened.assortment.bundle.version,
        "rules_version": state.version,
        "experiments": dict(settled.experiments),
        "team": team,
        "degraded": opened.degraded.as_list(),
    }
