"""One look at the shop for one page: its shelf, its departments, who is shopping and what they did.

The database may be away: then the last shelf is shown, and nobody's past.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from flask import current_app
from sqlalchemy.orm import Session

from api.pages import shopper as shoppers
from api.pages.shopper import Shopper
from api.pages.tiles import Link, category_href
from api.runtime import DATABASE_ERRORS, Runtime
from recsys.behaviour import events
from recsys.catalogue.shelf import Shelf
from recsys.database import reading
from recsys.types import EventKind, UserHistory

log = logging.getLogger(__name__)

PEOPLE = 6
PEOPLE_SECONDS = 60.0  # counting all events to find the regulars is too much for every page
DEPARTMENTS = 8
JUST_SEEN = 5
EXTENSION = "vitrine.regulars"
_VERBS = {
    EventKind.VIEW: "you viewed {}",
    EventKind.CART: "you put {} into the cart",
    EventKind.PURCHASE: "you bought {}",
    EventKind.LIKE: "you liked {}",
    EventKind.DISMISS: "you are not interested in {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    user_id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a page stands on. `tab` and `search` say where in the shop it is."""

    shelf: Shelf
    history: UserHistory
    shopper: Shopper
    people: tuple[Person, ...] = ()
    tab: str = ""
    search: str = ""

    @property
    def tabs(self) -> tuple[Link, ...]:
        names = children(self.shelf, ())[:DEPARTMENTS]
        return tuple(Link(name=name, href=category_href((name,))) for name in names)

    @property
    def just_seen(self) -> frozenset[str]:
        """What was opened a moment ago: it is a reason for the page, not news on it."""
        return frozenset(self.history.item_ids[-JUST_SEEN:])

    @property
    def noted(self) -> str:
        """What the shop last noted about this shopper, from the record itself."""
        if not self.shopper.consent:
            return "Personalisation is off: nothing you do here is noted."
        for item_id, kind in zip(
            reversed(self.history.item_ids), reversed(self.history.kinds), strict=True
        ):
            item = self.shelf.items.get(item_id)
            if item is not None:
                return f"Noted: {_VERBS[kind].format(item.title)}."
        return "Nothing noted yet: have a look around, the next page will know."


class Regulars:
    """The shoppers with the longest histories, counted again once a minute at most."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._people: tuple[Person, ...] = ()
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def of(self, session: Session) -> tuple[Person, ...]:
        with self._lock:
            if self._clock() - self._read_at > PEOPLE_SECONDS:
                found = events.frequent_users(session, PEOPLE)
                self._people = tuple(
                    Person(user_id=user_id, label=_label(user_id)) for user_id, _ in found
                )
                self._read_at = self._clock()
            return self._people

    @property
    def last(self) -> tuple[Person, ...]:
        return self._people


def look(runtime: Runtime, *, tab: str = "", search: str = "") -> Window:
    shopper = shoppers.current()
    regulars = cast(Regulars, current_app.extensions[EXTENSION])
    shelf, history = runtime.shelf, UserHistory()
    people = regulars.last
    try:
        with runtime.database.asking(), reading(runtime.engine) as session:
            shelf = runtime.fresh_shelf(session)
            people = regulars.of(session)
            if shopper.noted_as is not None:
                history = events.history(session, shopper.noted_as)
    except DATABASE_ERRORS as error:
        log.warning("a page without the database: %s", type(error).__name__)
    return Window(
        shelf=shelf, history=history, shopper=shopper, people=people, tab=tab, search=search
    )


@lru_cache(
    maxsize=64
)  # a shelf lives until the catalogue changes, and each path is asked for often
def children(shelf: Shelf, path: tuple[str, ...]) -> tuple[str, ...]:
    """The categories right below a path, those with most visible items first."""
    depth = len(path)
    counts = Counter(
        item.category[depth]
        for item in shelf.newest()
        if len(item.category) > depth and item.category[:depth] == path
    )
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def _label(user_id: str) -> str:
    return user_id.replace("-", " ").replace("_", " ").capitalize()
