"""`GET` and `POST /recommend`: validate, then `slates.answer`. The path is told in `slates.py`."""

from apiflask import APIBlueprint
from flask import Response

from api import auth, parsing
from api.keys import Role
from api.recommending import slates
from api.runtime import runtime
from api.schemas import RecommendBody, RecommendQuery, SlateOut

blueprint = APIBlueprint("recommend", __name__, tag="Storefront")
blueprint.before_request(auth.need(Role.STOREFRONT))


@blueprint.get("/recommend")
@blueprint.output(SlateOut)
@parsing.takes(blueprint, RecommendQuery, "query")
def recommend(query: RecommendQuery) -> Response:
    """The items for a shopper, a session or nobody in particular."""
    return _answer(query)


@blueprint.post("/recommend")
@blueprint.output(SlateOut)
@parsing.takes(blueprint, RecommendBody, "body")
def recommend_body(body: RecommendBody) -> Response:
    """As `GET /recommend`, for ids with commas and for long lists."""
    return _answer(body)


def _answer(wanted: RecommendBody) -> Response:
    here = runtime()
    return parsing.answer(slates.answer(here, wanted.ask(here.config.recsys.hide)))
