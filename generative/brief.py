"""A brief as data: cleaned, keyed, written to JSON and read back.

Catalogue text comes from feeds, so it is treated as hostile here once, and trusted afterwards.
"""

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Protocol

from generative.checks.lexicon import CLAIM, DEAL, RUDE
from generative.types import Audience, Brief, ItemFacts

TITLE_LIMIT = 160
DESCRIPTION_LIMIT = 1200
LABEL_LIMIT = 80
MAX_LABELS = 20
KEY_LENGTH = 32
LANGUAGES = frozenset({"en", "de", "fr", "es", "ar", "he", "ja", "zh"})
UNKNOWN_LANGUAGE = "und"
AGAIN = "again"  # the reason of an item that its shopper bought before
_REASONS = frozenset({AGAIN})  # those that change a word
_BANDS = frozenset({"value", "premium"})

# As `json.dumps` says it, which would make an encoder a call.
_compact = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z!?][^<>]*>", re.DOTALL)
_TAG_WITH_CODE = re.compile(r"<(script|style)\b.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_CHAT_MARKER = re.compile(
    r"<\|[^<>|]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|\b(?:system|assistant|user)\s*:", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"\$?\{+[^{}]*\}+")
_PICTOGRAM = re.compile(
    "[\U0001f000-\U0001faff\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\ufe0f\u20e3]"
)
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\ue000-\uf8ff]"
)
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instruction|prompt|rule|above|previous)"
    r"|\b(?:vergiss|vergesst|ignorier\w*|missachte\w*)\b.{0,40}\b(?:anweisung|regel|vorgabe)"
    r"|\b(?:oublie[rz]?|ignore[rz]?)\b.{0,40}\b(?:instruction|consigne|r\u00e8gle)"
    r"|\b(?:olvida|ignora)\b.{0,40}\b(?:instruccion|regla|instrucciones|reglas)"
    r"|\bsystem prompt\b|\byou are (?:now|an?)\b|\b(?:respond|reply|answer|output) (?:with|only)\b"
    r"|https?://|www\.|\bprompt\b|\bjailbreak"
    r"|\S@\S+\.\w|\b(?:call|phone|tel|whatsapp|telegram)\b\W{0,3}\+?\d[\d ()/-]{4,}",
    re.IGNORECASE,
)


class Product(Protocol):
    """What a shop's item must say for itself; this package need not know whose item it is."""

    @property
    def item_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def category(self) -> tuple[str, ...]: ...
    @property
    def brand(self) -> str: ...
    @property
    def price(self) -> Decimal | None: ...
    @property
    def was_price(self) -> Decimal | None: ...
    @property
    def currency(self) -> str: ...
    @property
    def image_url(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...
    @property
    def offer_until(self) -> datetime | None: ...


def facts_of(product: Product) -> ItemFacts:
    """The one way from an item to its facts: the web and the workers must agree on every key."""
    return ItemFacts(
        item_id=product.item_id,
        title=product.title,
        description=product.description,
        category=product.category,
        brand=product.brand,
        price=None if product.price is None else f"{product.price:.2f}",
        was_price=None if product.was_price is None else f"{product.was_price:.2f}",
        currency=product.currency,
        image_url=product.image_url,
        attributes=product.attributes,
        offer_until="" if product.offer_until is None else product.offer_until.isoformat(),
    )


def copy_key(brief: Brief, fingerprint: str) -> str:
    """Hash what shapes a creative's words: no price, offer or picture, as no word depends on them."""
    item = replace(brief.item, price=None, was_price=None, image_url="", offer_until="")
    return key(replace(brief, item=item, variant="", reason=""), fingerprint)


def key(brief: Brief, fingerprint: str) -> str:
    """Hash everything that shapes a creative, so that whatever changes it also renames it."""
    before, after = frame(brief, fingerprint)
    return framed_key(before, item_text(brief.item), after)


def frame(brief: Brief, fingerprint: str) -> tuple[bytes, bytes]:
    """What a key's text holds before and after the item: the same for all items of equal worth."""
    shaped = shaping(brief)
    audience = {
        "categories": list(shaped.audience.categories),
        "price_band": shaped.audience.price_band,
    }
    before = f'[{_compact(fingerprint)},{{"audience":{_compact(audience)},"item":'
    rest = {"locale": shaped.locale, "reason": shaped.reason, "size": shaped.size}
    after = f",{_compact(rest | {'variant': shaped.variant})[1:]}]"
    return before.encode(), after.encode()


def item_text(item: ItemFacts) -> bytes:
    """What a key's text holds of the item."""
    return _compact(_item_json(item)).encode()


def framed_key(before: bytes, text: bytes, after: bytes) -> str:
    return hashlib.sha256(before + text + after).hexdigest()[:KEY_LENGTH]


def speaks_of_worth(item: ItemFacts) -> bool:
    """Whether there is a price to set, or a text to choose, by what an audience spends."""
    return bool(item.price or item.description)


def shaping(brief: Brief) -> Brief:
    """The brief without what cannot change a creative, so that equal results share one key.

    Of an audience's categories the first that may be printed counts; of its price bands, the two
    ends, where there is a price to set or a text to choose; of a locale, its language.
    """
    item, audience = brief.item, brief.audience
    labels = (clean_text(part, LABEL_LIMIT) for part in audience.categories[:MAX_LABELS])
    return replace(
        brief,
        audience=Audience(
            categories=tuple(islice(filter(_printable, labels), 1)),
            price_band=audience.price_band
            if audience.price_band in _BANDS and speaks_of_worth(item)
            else "any",
        ),
        locale=language(brief.locale),
        reason=brief.reason if brief.reason in _REASONS else "",
    )


def language(locale: str) -> str:
    """The language of a locale, or that of none where the studio has no words in it."""
    found = locale.lower().replace("_", "-").split("-")[0]
    return found if found in LANGUAGES else UNKNOWN_LANGUAGE


def _printable(label: str) -> bool:
    """Whether an audience's word may stand on a banner: no promise, no order, nothing rude."""
    refused = DEAL.search(label) or CLAIM.search(label) or RUDE.search(label) or orders(label)
    return not refused and any(letter.isalpha() for letter in label)


def clean(brief: Brief) -> Brief:
    """The same brief with every word from the catalogue made harmless and short."""
    item, shaped = brief.item, shaping(brief)
    return Brief(
        item=ItemFacts(
            item_id=item.item_id,
            title=clean_text(item.title, TITLE_LIMIT),
            description=clean_text(item.description, DESCRIPTION_LIMIT),
            category=tuple(clean_text(part, LABEL_LIMIT) for part in item.category[:MAX_LABELS]),
            brand=clean_text(item.brand, LABEL_LIMIT),
            price=item.price,
            was_price=item.was_price,
            currency=item.currency,
            image_url=item.image_url,
            attributes={
                clean_text(name, LABEL_LIMIT): clean_text(value, LABEL_LIMIT)
                for name, value in list(item.attributes.items())[:MAX_LABELS]
            },
            offer_until=item.offer_until,
        ),
        audience=shaped.audience,
        size=brief.size,
        locale=shaped.locale,
        variant=brief.variant,
        reason=shaped.reason,
    )


def clean_text(text: str, limit: int) -> str:
    """Plain words only: no tags, chat markers, control characters or pictograms, cut at a word."""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text or "[" in text or ":" in text:
        text = _TAG_WITH_CODE.sub(" ", text)
        text = _CHAT_MARKER.sub(" ", text)
        text = _TAG.sub(" ", text).replace("<", " ").replace(">", " ")
    if "{" in text or "}" in text:
        # No placeholder of a template engine is printed, and none of ours may come from a feed.
        text = _PLACEHOLDER.sub(" ", text).replace("{", " ").replace("}", " ")
    text = _PICTOGRAM.sub("", _HIDDEN.sub(" ", text))
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return cut(text, limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, ending at a word where one ends in the last third."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    space = head.rfind(" ", limit * 2 // 3)
    return (head[:space] if space > 0 else head).rstrip(" ,;:-\u2013\u2014(&/")


def orders(text: str) -> bool:
    """Whether a text speaks to a language model or leads to a web page instead of naming a thing."""
    return _ORDER.search(text) is not None


def facts_text(item: ItemFacts) -> str:
    """All that may be claimed about an item, as one text; the checks compare copy with it."""
    attributes = " ".join(f"{name} {value}" for name, value in item.attributes.items())
    prices = " ".join(price for price in (item.price, item.was_price) if price)
    parts = (item.title, item.description, *item.category, item.brand, attributes, prices)
    return " ".join(part for part in parts if part)


def to_json(brief: Brief) -> dict[str, Any]:
    """Plain dictionaries and lists, as a row keeps them."""
    return {
        "item": _item_json(brief.item),
        "audience": {
            "categories": list(brief.audience.categories),
            "price_band": brief.audience.price_band,
        },
        "size": brief.size,
        "locale": brief.locale,
        "variant": brief.variant,
        "reason": brief.reason,
    }


def _item_json(item: ItemFacts) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "description": item.description,
        "category": list(item.category),
        "brand": item.brand,
        "price": item.price,
        "was_price": item.was_price,
        "currency": item.currency,
        "image_url": item.image_url,
        "attributes": dict(item.attributes),
        "offer_until": item.offer_until,
    }


def from_json(payload: Mapping[str, Any]) -> Brief:
    """The brief that `to_json` wrote; fields left out take their defaults.

    Raises:
        KeyError: No item, or an item without id or title.
    """
    item = payload["item"]
    audience = payload.get("audience", {})
    return Brief(
        item=ItemFacts(
            item_id=item["item_id"],
            title=item["title"],
            description=item.get("description", ""),
            category=tuple(item.get("category", ())),
            brand=item.get("brand", ""),
            price=item.get("price"),
            was_price=item.get("was_price"),
            currency=item.get("currency", "EUR"),
            image_url=item.get("image_url", ""),
            attributes=dict(item.get("attributes", {})),
            offer_until=item.get("offer_until", ""),
        ),
        audience=Audience(
            categories=tuple(audience.get("categories", ())),
            price_band=audience.get("price_band", "any"),
        ),
        size=payload.get("size", "rectangle"),
        locale=payload.get("locale", "en"),
        variant=payload.get("variant", ""),
        reason=payload.get("reason", ""),
    )
