"""The nouns that flow through the recommender.

All are frozen values. `*_id` is the shop's string, `*_row` our integer position.
Validation happens once, at the edge; inside, these types are trusted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class EventKind(StrEnum):
    """What a shopper did with an item."""

    VIEW = "view"
    CART = "cart"
    PURCHASE = "purchase"
    LIKE = "like"
    DISMISS = "dismiss"


# What still counts when many deeds came after it: it keeps an item out of a slate.
LASTING = frozenset({EventKind.PURCHASE, EventKind.DISMISS})


class Hide(StrEnum):
    """Which items of a shopper's own past are kept out of a slate.

    `until_due` keeps out what was bought until it is about to be needed again.
    """

    NONE = "none"
    UNTIL_DUE = "until_due"
    PURCHASED = "purchased"
    SEEN = "seen"


class Source(StrEnum):
    """The rung of the ladder an item came from."""

    PERSONAL = "personal"
    SESSION = "session"
    SIMILAR = "similar"
    TOGETHER = "bought_together"
    COMPLEMENTS = "complements"
    BUY_AGAIN = "buy_again"
    TRENDING = "trending"
    VIEWED = "recently_viewed"
    GIVEN = "rerank"
    SEARCH = "search"
    TASTE = "taste"
    GROUP = "group"
    PINNED = "pinned"
    POPULAR = "popular"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing the shop sells. `category` is a path, widest first; `stock` None means untracked."""

    item_id: str
    title: str
    description: str = ""
    category: tuple[str, ...] = ()
    brand: str = ""
    price: Decimal | None = None
    was_price: Decimal | None = None
    currency: str = "EUR"
    image_url: str = ""
    url: str = ""
    stock: int | None = None
    hidden: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    offer_until: datetime | None = None  # when `price` ends and `was_price` holds again

    @property
    def in_stock(self) -> bool:
        return self.stock is None or self.stock > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One accepted deed. `at` is aware UTC; `event_id` is the client's, and makes retries harmless."""

    event_id: str
    user_id: str
    item_id: str
    kind: EventKind
    at: datetime
    quantity: int = 1
    order_id: str | None = None
    recommendation_id: str | None = None
    price: Decimal | None = None  # of a purchase: what was paid for one piece
    currency: str | None = None  # None: the item's own


class Deed(NamedTuple):
    """One thing done with an item; `at` is seconds since the epoch."""

    item_id: str
    kind: EventKind
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UserHistory:
    """What one shopper did, oldest first; `kinds[i]` is what was done with `item_ids[i]`.

    `at` tells when, in seconds since the epoch; it is empty where that is not known. A history is
    the newest deeds alone; `lasting` is what was bought or dismissed before them, each item's last
    time: a model does not read it, but what must not come back does not come back.
    """

    user_id: str | None = None
    item_ids: tuple[str, ...] = ()
    kinds: tuple[EventKind, ...] = ()
    at: tuple[float, ...] = ()
    lasting: tuple[Deed, ...] = ()

    @property
    def purchases(self) -> Iterator[tuple[str, float]]:
        """What was bought and when, oldest first; 0 where that is not known."""
        yield from ((one.item_id, one.at) for one in self.lasting if one.kind is EventKind.PURCHASE)
        at = self.at or (0.0,) * len(self.item_ids)
        for item_id, kind, when in zip(self.item_ids, self.kinds, at, strict=True):
            if kind is EventKind.PURCHASE:
                yield item_id, when

    @property
    def purchased(self) -> frozenset[str]:
        return self._items(EventKind.PURCHASE)

    @property
    def dismissed(self) -> frozenset[str]:
        return self._items(EventKind.DISMISS)

    def _items(self, wanted: EventKind) -> frozenset[str]:
        if wanted not in self.kinds and not self.lasting:
            return frozenset()
        pairs = zip(self.item_ids, self.kinds, strict=True)
        found = [item_id for item_id, kind in pairs if kind is wanted]
        return frozenset(found + [one.item_id for one in self.lasting if one.kind is wanted])


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """Every training event as columns: five aligned arrays of length E, sorted by time.

    `kinds` indexes `tuple(EventKind)`; `at` is seconds since the epoch; `order_rows` is -1
    where an event belongs to no order.
    """

    user_rows: NDArray[np.int32]
    item_rows: NDArray[np.int32]
    kinds: NDArray[np.int8]
    at: NDArray[np.int64]
    order_rows: NDArray[np.int32]
    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dials:
    """How far a request turns a slate from plain relevance; all 0 leaves it as it is.

    `diversity` and `exploration` go from 0 to 1; `novelty`, `price` and `margin` from -1 (known,
    cheap, thin) to 1 (little known, dear, rich).
    """

    diversity: float = 0.0
    novelty: float = 0.0
    price: float = 0.0
    margin: float = 0.0
    exploration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost:
    """What an expression is worth: `weight` times its value, in spans of relevance, from -1 to 1."""

    expression: str
    weight: float


ROTATION_SECONDS = 21_600.0


class Query(NamedTuple):
    """Everything a request asks for, once it has been validated; say its fields by name.

    `item_ids` is what the strategy starts from: the page's item, the cart, the list to rank again.
    `now` is the moment the answer is for, so that a replay can ask for the same one.
    A tuple, as every answer makes two, and a dataclass of so many fields takes four times as long.
    """

    k: int = 20
    placement: str = "home"
    strategy: str = "personal"
    item_ids: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    in_cart: frozenset[str] = frozenset()
    hide_in_cart: bool = True
    returned: frozenset[str] = frozenset()  # already shown in this session or on an earlier page
    blocked_brands: frozenset[str] = frozenset()
    category: tuple[str, ...] = ()
    in_stock: bool = True
    hide: Hide = Hide.PURCHASED
    filters: tuple[str, ...] = ()  # expressions that all must hold
    boosts: tuple[Boost, ...] = ()
    dials: Dials = Dials()
    liked: tuple[str, ...] = ()  # added to the taste
    disliked: tuple[str, ...] = ()  # subtracted from it
    text: str = ""  # free words: added to the taste, or searched for
    strict: bool = False  # rather fewer than filled up
    reasons: bool = True
    personal: bool = True  # False: hits and given lists come in nobody's own order
    rotation: float = 0.0  # share of relevance that a showing without a click takes away
    rotation_seconds: float = ROTATION_SECONDS  # in which half of that is forgiven
    seed: int = 0  # of whatever is drawn by chance
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an item is here. `item_id` is the past item it rests on, where there is one."""

    kind: str
    text: str
    item_id: str | None = None


class Recommendation(NamedTuple):
    """`placed_by` is the merchandising rule that put it there; `propensity`, how likely that was.

    A tuple, as every answer makes twenty and a frozen dataclass takes five times as long to make.
    """

    item_id: str
    rank: int
    score: float
    source: Source
    reasons: tuple[Reason, ...] = ()
    placed_by: str | None = None
    propensity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slate:
    """An ordered answer. `excluded` counts what each rule was the first to keep out.

    `missing_ids` are ids of the request and the history that the shelf has not, where they were looked for.
    """

    recommendations: tuple[Recommendation, ...]
    model_version: str
    excluded: Mapping[str, int] = field(default_factory=dict)
    missing_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A group of shoppers in words, so that a retrain keeps the creatives made for it."""

    categories: tuple[str, ...] = ()
    price_band: str = "any"
    recency: str = ""  # when they came last: "recent", "lapsed", or no word for it

    @property
    def label(self) -> str:
        if not self.categories:
            return "everyone"
        words = (*self.categories, self.price_band)
        return ", ".join((*words, self.recency) if self.recency else words)
