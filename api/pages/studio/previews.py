"""A kit seen before it is in force: one product of the shop, drawn by the renderer that draws them all."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from generative import brief as briefs
from generative.banner.templates import NAMES
from generative.branding.brand import BrandKit
from generative.config import GenerativeConfig
from generative.errors import UnsafeImage
from generative.floor import floor_copy
from generative.types import SIZES, Brief, Copy
from recsys.types import Item

LOOKS = tuple(NAMES)
_QUICK = frozenset({"library", "procedural"})  # painters that load no model
_SEED = 7  # a preview looks the same each time it is asked for
# One at a time: whoever tries colours must not take the cores that answer shoppers.
_drawing = threading.Lock()


def chosen(items: Mapping[str, Item], item_id: str) -> Item | None:
    """The item asked for, else one that shows most of a banner: a photo, a price cut, a name that fits."""
    if item_id in items:
        return items[item_id]
    return max(items.values(), key=_telling, default=None)


def others(items: Iterable[Item], *, most: int = 40) -> list[Item]:
    """What to try a kit on, by category, one after the other, so that the list is no single shelf."""
    shelves: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        if item.image_url and not item.hidden:
            shelves.setdefault(item.category, []).append(item)
    found: list[Item] = []
    depth = 0
    while shelves and len(found) < most:
        shelves = {name: shelf for name, shelf in shelves.items() if len(shelf) > depth}
        found += [shelf[depth] for shelf in shelves.values()]
        depth += 1
    return sorted(found[:most], key=lambda one: one.title)


def look_of(asked: str, size: str) -> str:
    """The template of one size: the one asked for, else each size another, so that all are seen."""
    if asked in LOOKS:
        return asked
    return LOOKS[list(SIZES).index(size) % len(LOOKS)]


def brief_of(item: Item, size: str, look: str) -> Brief:
    return Brief(item=briefs.facts_of(item), size=size, variant=look)


def words_of(brief: Brief, kit: BrandKit) -> Copy:
    """The entry's own words, as the shop shows them while nothing better is made."""
    cleaned = briefs.clean(brief)
    return floor_copy(cleaned, kit.forbidden)[0].copy


def draw(brief: Brief, kit: BrandKit, config: GenerativeConfig, *, form: str = "jpeg") -> Any:
    """The banner as the studio would draw it now, and what was measured of it.

    All but what takes a model: seconds of cut-out and gigabytes of weights are for a worker.
    """
    from generative.drawing import draw as drawn  # noqa: PLC0415 leaf: the engine is for who looks
    from generative.picture.source import fetch  # noqa: PLC0415 leaf

    cleaned = briefs.clean(brief)
    try:
        photo = fetch(cleaned.item.image_url, config.media_dirs) if cleaned.item.image_url else None
    except UnsafeImage:
        photo = None
    light = replace(
        config,
        cutout_model="none",
        nsfw_model="none",
        upscale_model="none",
        backdrops=tuple(name for name in config.backdrops if name in _QUICK),
    )
    with _drawing:
        return drawn(
            cleaned,
            words_of(brief, kit),
            photo,
            kit,
            light,
            key="preview",
            picture_seed=_SEED,
            written_by_model=False,
            form=form,
        )


def _telling(item: Item) -> tuple[bool, bool, bool, bool]:
    fits = 8 <= len(item.title) <= 40  # noqa: PLR2004 letters: neither a stub nor a specification
    sellable = not item.hidden and item.stock != 0
    return (sellable, bool(item.image_url), item.was_price is not None, fits)
