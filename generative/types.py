"""The nouns that flow through the studio. All are frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """`ready`: generated, checked, rendered. `pending`: being made. `fallback`: the floor, for now or for good."""

    READY = "ready"
    PENDING = "pending"
    FALLBACK = "fallback"


class Approval(StrEnum):
    NONE = "none"
    APPROVED = "approved"
    REJECTED = "rejected"


SIZES: Mapping[str, tuple[int, int]] = {
    "hero": (1200, 628),
    "square": (1080, 1080),
    "story": (1080, 1920),
    "leaderboard": (728, 90),
    "rectangle": (300, 250),
    "skyscraper": (160, 600),
}  # pixels, width x height


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """All that a text may claim about an item; prices are strings as the shop prints them, e.g. "3.49"."""

    item_id: str
    title: str
    description: str = ""
    category: tuple[str, ...] = ()
    brand: str = ""
    price: str | None = None
    was_price: str | None = None
    currency: str = "EUR"
    image_url: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    offer_until: str = ""  # ISO 8601 in UTC: when `price` ends and `was_price` holds again


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a creative speaks to, in words: never a user id."""

    categories: tuple[str, ...] = ()
    price_band: str = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Everything that shapes one creative.

    `size` is a name in SIZES. `variant` names one of several looks of the same creative, "" the
    studio's own choice. `reason` says in a word why the recommender chose the item, e.g. "again".
    """

    item: ItemFacts
    audience: Audience = Audience()
    size: str = "rectangle"
    locale: str = "en"
    variant: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    headline: str
    tagline: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A rendered picture. `path` is relative to the banners directory; `alt` says what it shows."""

    path: str
    sha256: str
    width: int
    height: int
    media_type: str = "image/jpeg"
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creative:
    """One answer of the studio.

    `provenance` says who made it from what; `checks` what was measured; `proofs` which words of the
    copy are claims, and which field of the item proves each: dictionaries of `checks.proofs`.
    `audit` is what the picture was made from, so that it can be made again; only its row keeps it.
    """

    key: str
    item_id: str
    size: str
    state: State
    copy: Copy
    banner: Banner | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    proofs: tuple[Mapping[str, Any], ...] = ()
    audit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSpec:
    """What a shopkeeper asks for.

    `audience` is `{"personas": True}` or `{"user_ids": [...]}`; `items` is `{"item_ids": [...]}`
    or `{"best": n}`, the n best for each persona. `sizes` are names in SIZES.
    """

    name: str
    sizes: tuple[str, ...] = ("rectangle",)
    audience: Mapping[str, Any] = field(default_factory=lambda: {"personas": True})
    items: Mapping[str, Any] = field(default_factory=lambda: {"best": 3})
    locale: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    campaign_id: str
    spec: CampaignSpec
    status: str
    total: int
    error: str | None
    created_at: datetime
    lease_until: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One creative still to make, in the order of the plan."""

    key: str
    position: int
    brief: Brief


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One planned creative as a gallery shows it; `creative` is None until it is made.

    `stale` says why it may not be shown any more, where somebody looked; "" where it may.
    """

    key: str
    item_id: str
    brief: Brief
    status: str
    approval: Approval
    error: str | None
    creative: Creative | None
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    total: int
    planned: int
    made: int
    failed: int
    approved: int
    rejected: int
