"""The rows of the shop's pages, each under a title that is true of what stands in it.

Rules of presentation, not of ranking: a row shows at most `ALIKE` products of one picture and one
leaf category, prefers reasons that do not all name the same product, and says a reason that all
of its tiles share once, beside its title.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from api.pages.shopper import Shopper
from api.pages.tiles import Row, Tile, of_answer
from api.pages.window import Window
from api.recommending import slates
from api.recommending.settling import Ask, about, moment
from api.runtime import Runtime
from recsys.serving import titles
from recsys.types import EventKind, Hide, Item, Query, Source

WIDTH = 6
ALIKE = 2
SAME_REASON = 3
ASKED = 5 * WIDTH  # more than is shown, so that what is left out is made up for
FEWEST = 3  # a row "because of" something needs that many to look like one
CAUSES = 4
_EVERYBODYS = {Source.POPULAR, Source.NEWEST}
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
    fresh = [tile for tile in picks if tile.item_id not in shown]
    first = varied(fresh, most=2 * WIDTH, beside=[top] if top else [])
    rows = [_row(answer["title"], first)]
    shown |= {tile.item_id for tile in first}
    because = _because(runtime, window, shown)
    if because is not None:
        rows.append(because)
        shown |= {tile.item_id for tile in because.tiles}
    sources = {entry["source"] for entry in answer["items"]}
    if not (Source.POPULAR in sources and sources <= _EVERYBODYS):  # else it stands there already
        query = Query(
            k=ASKED, placement="popular", strategy="popular", hide=Hide.NONE, now=moment()
        )
        popular = slates.plain(runtime, slates.Ask(query=query))
        tiles = varied(of_answer(popular, without=shown), most=WIDTH)
        rows.append(_row(_shared_title(popular, tiles), tiles))
    return [row for row in rows if row.tiles]


def item_rows(runtime: Runtime, shopper: Shopper, item_id: str) -> list[Row]:
    rows: list[Row] = []
    for placement, k in (("product_together", 3 * WIDTH), ("product", ASKED)):
        ask = at(placement, shopper, k=k, item_ids=(item_id,), exclude=frozenset({item_id}))
        answer = slates.plain(runtime, ask)
        shown = [tile.item_id for row in rows for tile in row.tiles]
        rows.append(_row(answer["title"], varied(of_answer(answer, without=shown), most=WIDTH)))
    return [row for row in rows if row.tiles]


def listing_row(tiles: Sequence[Tile], *, title: str) -> Row | None:
    return _row(title, tiles) if tiles else None


def at(placement: str, shopper: Shopper, *, k: int, **said: Any) -> Ask:
    """What a page asks: where it is, for whom, and how many; all else is its placement's to say."""
    return Ask(
        query=Query(placement=placement, strategy="", k=k, now=moment(), **said),
        given=frozenset({"k", "banner", *said}),
        user_id=shopper.user_id,
        consent=shopper.consent,
        banner=slates.NO_BANNER,
    )


def varied(tiles: Iterable[Tile], *, most: int, beside: Iterable[Tile] = ()) -> tuple[Tile, ...]:
    """The first `most` tiles without a third of one look, the better-founded order kept.

    A reason that was given `SAME_REASON` times makes way for later tiles with another; what made
    way fills the row up where there are too few of those.
    """
    looks = Counter(tile.look for tile in beside)
    reasons: Counter[str] = Counter()
    kept: list[tuple[int, Tile]] = []
    waiting: list[tuple[int, Tile]] = []
    for place, tile in enumerate(tiles):
        if tile.look is not None and looks[tile.look] >= ALIKE:
            continue
        looks[tile.look] += 1
        worn = "Because" in tile.reason and reasons[tile.reason] >= SAME_REASON
        reasons[tile.reason] += 1
        (waiting if worn else kept).append((place, tile))
    chosen = (kept + waiting)[:most]
    return tuple(tile for _, tile in sorted(chosen, key=lambda pair: pair[0]))


def _shared_title(answer: Mapping[str, Any], tiles: Sequence[Tile]) -> str:
    sources = {entry["item_id"]: entry["source"] for entry in answer["items"]}
    sells = any(sources[tile.item_id] == Source.POPULAR for tile in tiles)
    return titles.of_source(Source.POPULAR if sells else Source.NEWEST)


def _row(title: str, tiles: Sequence[Tile]) -> Row:
    reasons = {tile.reason for tile in tiles}
    if len(tiles) < FEWEST or len(reasons) != 1:
        return Row(title=title, tiles=tuple(tiles))
    bare = tuple(replace(tile, reason="") for tile in tiles)
    note = reasons.pop()
    return Row(title=title, tiles=bare, note="" if title == note else note)


def _because(runtime: Runtime, window: Window, shown: set[str]) -> Row | None:
    """A row about the first of the newest deeds that has enough to show beside it."""
    for item, verb in _causes(window):
        near = slates.plain(runtime, about("similar", item.item_id, k=ASKED))
        without = shown | window.history.purchased | {item.item_id}
        tiles = varied(of_answer(near, without=without), most=WIDTH)
        if len(tiles) >= FEWEST:
            return _row(f"Because you {verb} {item.title}", tiles)
    return None


def _causes(window: Window) -> Iterator[tuple[Item, str]]:
    """The newest things bought, then those looked at, that the shop still knows."""
    newest = list(zip(window.history.item_ids, window.history.kinds, strict=True))[::-1]
    named: set[str] = set()
    for bought in (True, False):
        for item_id, kind in newest:
            item = window.shelf.items.get(item_id)
            if item is None or item.hidden or kind is EventKind.DISMISS or item_id in named:
                continue
            if len(named) < CAUSES and (kind is EventKind.PURCHASE) is bought:
                named.add(item_id)
                yield item, _VERBS.get(kind, "viewed")
