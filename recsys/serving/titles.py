"""What is written above a row, and only what is true of the row beneath it.

A placement's template may name `{category}`, `{brand}` and `{item}`. Each is filled only where it
holds: the category or brand that all of a row share, the item that the row starts from and that
nothing was filled up beside. Where a name cannot be filled, or a template begins as the plain title
of a strategy that brought none of the row, what did bring it has its own plain title instead.
"""

import re
from collections.abc import Sequence

from recsys.types import Item, Recommendation, Source

_NAMES = re.compile(r"\{(category|brand|item)\}")
_PLAIN = {
    "personal": "Picked for you",
    "session": "Because of this visit",
    "similar": "Similar items",
    "bought_together": "Often bought together",
    "complements": "Goes with your cart",
    "buy_again": "Buy again",
    "trending": "Trending now",
    "popular": "Popular right now",
    "newest": "New in the shop",
    "recently_viewed": "Recently viewed",
    "rerank": "Your list, best first",
    "search": "What you searched for",
    "taste": "To your taste",
    "group": "For all of you",
}

_FILLING = {Source.POPULAR, Source.NEWEST}


def title(
    template: str, shown: Sequence[Recommendation], items: Sequence[Item], about: Item | None
) -> str:
    """The title of a row of these items; `about` is the item that it starts from, if any."""
    sources = {one.source for one in shown}
    known = {name: _said(name, items, about, sources) for name in _NAMES.findall(template)}
    if template and all(known.values()) and _claimed(template, sources):
        return _NAMES.sub(lambda found: known[found[1]], template)
    main = shown[0].source if shown else ""
    if main == Source.PINNED and Source.PERSONAL in sources:
        main = Source.PERSONAL
    return of_source(main)


def of_source(source: str) -> str:
    """What may be written above what one source alone brought."""
    return _PLAIN.get(source, "For you")


def _said(name: str, items: Sequence[Item], about: Item | None, sources: set[Source]) -> str:
    """What stands for a name; nothing where it does not hold."""
    if name == "category":
        return _category(items)
    if name == "brand":
        return _shared([one.brand for one in items])
    return about.title if about is not None and not sources & _FILLING else ""


def _claimed(template: str, sources: set[Source]) -> bool:
    """Whether a title that speaks for a strategy stands over some of its items."""
    speaks = {name for name, plain in _PLAIN.items() if template.startswith(plain)}
    return not sources or not speaks or not speaks.isdisjoint(sources)


def _category(items: Sequence[Item]) -> str:
    """The narrowest category that all of them lie in."""
    narrowest = ""
    for names in zip(*[one.category for one in items], strict=False):
        if len(set(names)) > 1:
            break
        narrowest = names[0]
    return narrowest


def _shared(names: Sequence[str]) -> str:
    return names[0] if names and len(set(names)) == 1 else ""
