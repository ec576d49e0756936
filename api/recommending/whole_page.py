"""`POST /pages`: several placements in one call, no product twice, each row with a title that is true.

The shopper and the shop are looked at once, so all rows are of one model and one moment; each row
then leaves out what the rows above it show.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api import auth, parsing
from api.errors import Problem
from api.keys import Role
from api.recommending import opening, slates
from api.recommending.settling import Ask
from api.recommending.wishes import (
    Boosts,
    Brands,
    Expression,
    Name,
    Profile,
    RecommendBody,
    SlateOut,
)
from api.runtime import Runtime, runtime
from api.schemas import Banner, Count, Id, Ids, Placement, Strict, Text
from api.steering.bodies import DialsBody
from recsys.answers.entry import new_id
from recsys.types import Hide

MAX_ROWS = 12
_OF_PAGE = frozenset(
    {"user_id", "session", "session_id", "profile", "consent", "cart", "returned", "exclude"}
    | {"blocked_brands", "in_stock"}
)

blueprint = APIBlueprint("pages_in_one", __name__, tag="Storefront")
blueprint.before_request(auth.need(Role.STOREFRONT))


class RowBody(Strict):
    """One row; what it leaves open its placement decides."""

    placement: Placement
    strategy: Name | None = None
    k: Count = 20
    item_ids: Ids = Field(default=[])
    category: Text = ""
    hide: Hide | None = None
    filter: Expression = ""
    boosts: Boosts = Field(default=[])
    dials: DialsBody = DialsBody()
    liked: Ids = Field(default=[])
    disliked: Ids = Field(default=[])
    text: Text = ""
    strict: bool = False
    reasons: bool = True
    banner: Banner = "rectangle"


class PageBody(Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "user_id": "shopper-7",
                "rows": [
                    {"placement": "home", "k": 12},
                    {"placement": "trending", "k": 6, "filter": "price < 20"},
                    {"placement": "recent"},
                ],
            }
        }
    )

    user_id: Id | None = None
    session: Ids = Field(default=[])
    session_id: Id | None = None
    profile: Profile | None = None
    consent: bool = True
    cart: Ids = Field(default=[])
    returned: Ids = Field(default=[])
    exclude: Ids = Field(default=[])
    blocked_brands: Brands = Field(default=[])
    in_stock: bool = True
    rows: Annotated[list[RowBody], Field(min_length=1, max_length=MAX_ROWS)]


class RowOut(SlateOut):
    """As an answer of `/recommend`; what it took is told of the whole page."""

    took_ms: float = Field(default=0.0, exclude=True)
    degraded: list[str] = Field(default=[], exclude=True)


class PageOut(BaseModel):
    page_id: str
    rows: list[RowOut]
    degraded: list[str]
    took_ms: float


@blueprint.post("/pages")
@blueprint.output(PageOut)
@parsing.takes(blueprint, PageBody, "body")
def page(body: PageBody) -> Response:
    """Every row of a page in one answer, without a product twice."""
    here = runtime()
    hide = here.config.recsys.hide
    common = body.model_dump(include=set(_OF_PAGE), exclude_unset=True)
    asks = []
    for number, row in enumerate(body.rows):
        with _named(number):
            whole = common | row.model_dump(exclude_unset=True)
            asks.append(RecommendBody.model_validate(whole).ask(hide))
    return parsing.answer(answer(here, asks))


def answer(here: Runtime, asks: list[Ask]) -> dict[str, Any]:
    """Rows in the order asked for; a product belongs to the first row that shows it."""
    opened = opening.look(here, asks[0])
    rows: list[dict[str, Any]] = []
    shown: frozenset[str] = frozenset()
    for number, ask in enumerate(asks):
        query = ask.query._replace(returned=ask.query.returned | shown, now=asks[0].query.now)
        with _named(number):
            served = slates.serve(here, ask._replace(query=query), opened)
        rows.append(slates.dressed(here, served))
        shown |= {item.item_id for item in served.items}
    return {"page_id": new_id(), "rows": rows, **slates.closing(here, opened)}


@contextmanager
def _named(number: int) -> Iterator[None]:
    """A field that is wrong is told as this row's."""
    try:
        yield
    except Problem as problem:
        if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        row = f"rows.{number}."
        errors = [(row + field, message) for field, message in problem.errors]
        raise Problem(problem.status, row + str(problem), errors=errors) from None
