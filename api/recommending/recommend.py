"""`GET` and `POST /recommend`: validate, then `slates.answer`. The path is told in `slates.py`."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from api import auth, parsing
from api.keys import Role
from api.recommending import slates
from api.recommending.wishes import RecommendBody, RecommendQuery, SlateOut, TraceQuery
from api.runtime import Runtime, runtime

blueprint = APIBlueprint("recommend", __name__, tag="Storefront")
blueprint.before_request(auth.need(Role.STOREFRONT))


@blueprint.get("/recommend")
@blueprint.output(SlateOut)
@parsing.takes(blueprint, RecommendQuery, "query")
def recommend(query: RecommendQuery) -> Response:
    """The items for a shopper, a session or nobody in particular."""
    if request.method == "HEAD":  # nobody is shown anything: nothing is read of anyone, or kept
        query = query.model_copy(update={"consent": False})
    return parsing.answer(told(runtime(), query))


def told(here: Runtime, query: RecommendQuery) -> dict[str, Any]:
    return slates.answer(here, query.ask(here.config.recsys.hide))


@blueprint.post("/recommend")
@blueprint.output(SlateOut)
@parsing.takes(blueprint, TraceQuery, "query")
@parsing.takes(blueprint, RecommendBody, "body")
def recommend_body(body: RecommendBody, query: TraceQuery) -> Response:
    """As `GET /recommend`, with everything that may be wished for; `trace` shows how it came about."""
    if query.trace:
        auth.need(Role.ADMIN)()
    here = runtime()
    ask = body.ask(here.config.recsys.hide)
    return parsing.answer(slates.answer(here, ask, traced=query.trace))
