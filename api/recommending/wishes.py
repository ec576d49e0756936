"""What `/recommend` may be asked, and what it answers: every field, its bounds and an example."""

import secrets
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.errors import invalid
from api.recommending.profile import MAX_CHARACTERS
from api.recommending.settling import Ask, moment
from api.schemas import (
    Banner,
    CommaIds,
    Count,
    CreativeOut,
    Id,
    Ids,
    Placement,
    Strict,
    Text,
    empty_list,
)
from api.steering.bodies import BoostBody, DialsBody, RotationSeconds
from recsys import expressions
from recsys.errors import InvalidExpression
from recsys.types import ROTATION_SECONDS, Boost, Dials, Hide, Query, Source

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.:-]+$")]
Expression = Annotated[str, Field(max_length=2_000)]
Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

Profile = Annotated[str, Field(max_length=MAX_CHARACTERS)]
Brands = Annotated[list[Text], Field(max_length=100)]

_FILTER = 'price < 20 and brand in ["A", "B"] and not tags has "refurbished"'


Boosts = Annotated[list[BoostBody], Field(max_length=16)]


class _Wish(Strict):
    user_id: Id | None = None
    session: Ids = empty_list("Item ids of this visit, oldest first")
    session_id: Id | None = Field(
        default=None, description="Whom an experiment sees without a user"
    )
    profile: Profile | None = Field(
        default=None, description="A token of `POST /profile`, instead of what is kept here"
    )
    placement: Placement = "home"
    strategy: Name | None = Field(default=None, description="How; the placement's own by default")
    k: Count = 20
    item_ids: Ids = empty_list("What the strategy starts from: the page's item, the list to rank")
    cart: Ids = empty_list("What lies in the cart; left out where the placement hides it")
    exclude: Ids = empty_list("Item ids that must not appear")
    returned: Ids = empty_list("Item ids this visit was shown already")
    continue_from: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, alias="continue", description="A recommendation_id: what comes after it"
    )
    category: Text = Field(default="", description="A path, such as Grocery/Fruit")
    in_stock: bool = Field(default=True, description="Leave out what is sold out")
    consent: bool = Field(default=True, description="false: nothing about the user is read or kept")
    hide: Hide | None = Field(default=None, description="What of the shopper's past is left out")
    filter: Expression = Field(
        default="", description="Keep what this holds for", examples=[_FILTER]
    )
    text: Text = Field(default="", description="Words to search for, or to add to the taste")
    rotation: Unit = Field(
        default=0.0,
        description="How much of its relevance a showing without a click costs an item; as the placement has it by default",
    )
    rotation_seconds: RotationSeconds = Field(
        default=ROTATION_SECONDS, description="In which half of that is forgiven"
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = Field(
        default=None, description="Of what is drawn by chance; drawn anew where it is left out"
    )
    strict: bool = Field(default=False, description="Rather fewer items than filled up with others")
    reasons: bool = Field(default=True, description="false is quicker")
    banner: Banner = "rectangle"

    def ask(self, hide: Hide) -> Ask:
        """The value that the rest of the program knows.

        Raises:
            Problem: 422 with the field whose expression cannot be read, and where.
        """
        check_expression("filter", self.filter)
        where, given = self.filter.strip(), frozenset(self.model_fields_set)
        query = Query(
            k=self.k,
            placement=self.placement,
            strategy=self.strategy or "",
            item_ids=tuple(self.item_ids),
            exclude=frozenset(self.exclude),
            in_cart=frozenset(self.cart),
            returned=frozenset(self.returned),
            category=tuple(part for part in self.category.split("/") if part),
            in_stock=self.in_stock,
            hide=self.hide or hide,
            filters=(where,) if where else (),
            text=self.text,
            strict=self.strict,
            reasons=self.reasons,
            rotation=self.rotation,
            rotation_seconds=self.rotation_seconds,
            seed=secrets.randbits(62) if self.seed is None else self.seed,
            now=moment(),
            **self._more(),
        )
        return Ask(
            query=query,
            given=given if self.hide else given - {"hide"},  # of null the placement decides
            users=self._group(),
            user_id=self.user_id,
            session=tuple(self.session),
            session_id=self.session_id,
            profile=self.profile,
            continues=self.continue_from,
            consent=self.consent,
            banner=self.banner,
        )

    def _more(self) -> dict[str, Any]:
        """What else of a query only a body can say."""
        return {}

    def _group(self) -> tuple[str, ...]:
        """For whom else it is; only a body can say."""
        return ()


class RecommendBody(_Wish):
    users: Annotated[list[Id], Field(max_length=20)] = Field(
        default=[], description="A group; strategy `group` serves all of them"
    )
    blocked_brands: Brands = Field(default=[])
    boosts: Boosts = Field(default=[])
    dials: DialsBody = DialsBody()
    liked: Ids = empty_list("Items added to the taste")
    disliked: Ids = empty_list("Items subtracted from it")

    def _more(self) -> dict[str, Any]:
        for number, boost in enumerate(self.boosts):
            check_expression(f"boosts.{number}.expression", boost.expression)
        return {
            "blocked_brands": frozenset(brand for brand in self.blocked_brands if brand),
            "boosts": tuple(Boost(expression=b.expression, weight=b.weight) for b in self.boosts),
            "dials": Dials(**self.dials.model_dump()),
            "liked": tuple(self.liked),
            "disliked": tuple(self.disliked),
        }

    def _group(self) -> tuple[str, ...]:
        return tuple(self.users)


class RecommendQuery(_Wish):
    """Of a query string; dials, boosts, groups and tastes need a body."""

    session: CommaIds = empty_list("Item ids of this visit, oldest first")
    item_ids: CommaIds = empty_list("What the strategy starts from")
    cart: CommaIds = empty_list("What lies in the cart; left out where the placement hides it")
    exclude: CommaIds = empty_list("Item ids that must not appear")
    returned: CommaIds = empty_list("Item ids this visit was shown already")


class TraceQuery(Strict):
    trace: bool = Field(default=False, description="Stage timings and counts; needs an admin key")


def check_expression(field: str, text: str) -> None:
    """End the request with 422 unless the expression can be read; no filter is a filter."""
    if field == "filter" and not text.strip():
        return
    try:
        expressions.condition(text) if field == "filter" else expressions.compile(text)
    except InvalidExpression as error:
        raise invalid(field, str(error)) from None


class ReasonOut(BaseModel):
    kind: str
    item_id: str | None
    text: str


class ProductOut(BaseModel):
    title: str
    price: str | None
    was_price: str | None
    offer_until: str | None = Field(
        default=None, description="When the price goes back to `was_price`"
    )
    currency: str
    image_url: str
    url: str
    category: str
    brand: str
    in_stock: bool


class RecommendationOut(BaseModel):
    item_id: str
    rank: int
    score: float
    source: Source
    reasons: list[ReasonOut]
    product: ProductOut
    creative: CreativeOut | None
    placed_by: str | None = Field(
        default=None, description="The merchandising rule that put it here"
    )
    propensity: float = Field(default=1.0, description="How likely it was, where drawn by chance")


class SlateOut(BaseModel):
    recommendation_id: str
    user_id: str | None
    placement: str
    title: str
    strategy: str
    rules_version: int
    model_version: str | None
    took_ms: float
    degraded: list[str]
    items: list[RecommendationOut]
    missing_ids: list[str]
    excluded: dict[str, int]
    experiments: dict[str, str] = Field(
        default={}, description="Which variant of each experiment this is"
    )
    trace: dict[str, Any] | None = Field(default=None, description="Stages, for admins who ask")
