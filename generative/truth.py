"""Whether what was made of an item is still so: asked when it is shown, of the item as it is sold now.

A key names every fact that it was made of, so a slate never asks for a creative of another price.
An address that was handed out before, in a mail or on a page, does: this is what it is held against.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

from generative.brief import Product, facts_of, item_text
from generative.types import Creative, ItemFacts

ITEM = "item_sha256"  # in a creative's provenance


class Sold(Product, Protocol):
    """An item with what decides whether it may be shown at all."""

    @property
    def hidden(self) -> bool: ...
    @property
    def in_stock(self) -> bool: ...


def digest(item: ItemFacts) -> str:
    """Names all that the catalogue says of an item; kept with what is made of it."""
    return hashlib.sha256(item_text(item)).hexdigest()[:32]


def unsold(item: Sold | None) -> str:
    """Why nothing may be shown of an item; "" where it is on sale."""
    if item is None:
        return "the item is no longer in the catalogue"
    if item.hidden:
        return "the item is hidden"
    return "" if item.in_stock else "the item is sold out"


def outdated(creative: Creative, item: Sold) -> bool:
    """Whether a creative was made of other facts than the item has now."""
    return bool(creative.provenance.get(ITEM) != digest(facts_of(item)))


def problem(facts: ItemFacts, item: Sold | None) -> str:
    """Why what was made of these facts may not be shown now, in words; "" where it may."""
    why = unsold(item)
    if item is None or why:
        return why
    now = facts_of(item)
    changed = [
        one.name for one in fields(ItemFacts) if getattr(now, one.name) != getattr(facts, one.name)
    ]
    return f"the item changed: {', '.join(changed)}" if changed else ""


def named(provenance: Mapping[str, Any], item: ItemFacts) -> dict[str, Any]:
    """A provenance that names the facts it rests on."""
    return {**provenance, ITEM: digest(item)}
