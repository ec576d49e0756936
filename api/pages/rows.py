"""The rows of the shop's pages, each under a title that is true of what stands in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from api import slates
from api.pages.tiles import Row, Tile, of_answer
from api.pages.window import Window
from api.runtime import Runtime
from recsys.types import EventKind, Hide, Item, Query, Source

WIDTH = 6
_VERBS = {EventKind.PURCHASE: "bought", EventKind.CART: "added", EventKind.LIKE: "liked"}


def home_rows(
    runtime: Runtime,
    window: Window,
    answer: Mapping[str, Any],
    picks: Sequence[Tile],
    *,
    top: Tile | None,
) -> list[Row]:
    """No item stands twice on the page."""
    shown = set(window.just_seen) | ({top.item_id} if top else set())
    first = [tile for tile in picks if tile.item_id not in shown][: 2 * WIDTH]
    rows = [Row(title=_title(answer), tiles=tuple(first))]
    shown |= {tile.item_id for tile in first}
    cause = _cause(window)
    if cause is not None:
        item, verb = cause
        near = slates.similar(runtime, item.item_id, k=3 * WIDTH)
        tiles = of_answer(near, without=shown | window.history.purchased | {item.item_id})[:WIDTH]
        rows.append(Row(title=f"Because you {verb} {item.title}", tiles=tiles))
        shown |= {tile.item_id for tile in tiles}
    if rows[0].title != "Popular now":
        query = Query(k=5 * WIDTH, placement="popular", hide=Hide.NONE)
        popular = slates.popular(runtime, query)
        tiles = of_answer(popular, without=shown)[:WIDTH]
        sells = any(entry["source"] == Source.POPULAR for entry in popular["items"])
        rows.append(Row(title="Popular now" if sells else "New in the shop", tiles=tiles))
    return [row for row in rows if row.tiles]


def item_rows(runtime: Runtime, item_id: str) -> list[Row]:
    together = of_answer(slates.bought_together(runtime, item_id, k=WIDTH))
    shown = [tile.item_id for tile in together]
    near = of_answer(slates.similar(runtime, item_id, k=3 * WIDTH), without=shown)[:WIDTH]
    rows = [Row(title="Often bought together", tiles=together), Row(title="Similar", tiles=near)]
    return [row for row in rows if row.tiles]


def listing_row(tiles: Sequence[Tile], *, title: str) -> Row | None:
    return Row(title=title, tiles=tuple(tiles)) if tiles else None


def _title(answer: Mapping[str, Any]) -> str:
    sources = {entry["source"] for entry in answer["items"]}
    if Source.PERSONAL in sources:
        return "For you"
    return "New in the shop" if sources == {Source.NEWEST} else "Popular now"


def _cause(window: Window) -> tuple[Item, str] | None:
    """The newest thing bought, else the newest thing looked at, that the shop still knows."""
    newest = list(zip(window.history.item_ids, window.history.kinds, strict=True))[::-1]
    for bought in (True, False):
        for item_id, kind in newest:
            item = window.shelf.items.get(item_id)
            if item is None or item.hidden or kind is EventKind.DISMISS:
                continue
            if (kind is EventKind.PURCHASE) is bought:
                return item, _VERBS.get(kind, "viewed")
    return None
