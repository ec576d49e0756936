"""Words that are always there: the item's own name and small fixed sentences about its shelf.

Nothing here can fail or claim anything. Sentences vary by item, and never by chance.
"""

import hashlib
import re
from collections.abc import Sequence

from generative.brief import clean_text, cut, language, orders
from generative.copy import tongues
from generative.copy.candidate import Candidate
from generative.copy.limits import limits
from generative.evaluation import opener
from generative.types import Brief, Copy, ItemFacts

_TAIL = re.compile(r"\s[\u2013\u2014|\u00b7]\s|,?\sNo\.\s?\d+$")
_TAGLINES = {
    "en": (
        "From our {shelf} range.",
        "A pick from our {shelf} range.",
        "Picked for you from our {shelf} range.",
        "Discover our {shelf} range.",
        "Find it in {shelf}.",
        "Look for it in {shelf}.",
        "Out of our {shelf} range.",
        "Explore our {shelf} range.",
        "See it in {shelf}.",
        "Take a look at our {shelf} range.",
        "One from our {shelf} range.",
    ),
    "de": (
        "Aus unserem Bereich {shelf}.",
        "Ein Tipp aus {shelf}.",
        "Für Sie aus {shelf}.",
        "Entdecken Sie {shelf}.",
        "Zu finden unter {shelf}.",
        "Mehr davon: {shelf}.",
    ),
    "fr": (
        "De notre rayon {shelf}.",
        "À voir dans {shelf}.",
        "Choisi pour vous : {shelf}.",
        "Découvrez {shelf}.",
        "Rayon {shelf}.",
        "Retrouvez {shelf}.",
    ),
    "es": (
        "De nuestra sección {shelf}.",
        "Véalo en {shelf}.",
        "Elegido para usted: {shelf}.",
        "Descubra {shelf}.",
        "Está en {shelf}.",
        "Sección {shelf}.",
    ),
    **tongues.TAGLINES,
}
_NO_SHELF = {
    "en": "Picked for you.",
    "de": "Für Sie ausgesucht.",
    "fr": "Choisi pour vous.",
    "es": "Elegido para usted.",
    **tongues.NO_SHELF,
}
_NO_NAME = {
    "en": "Something for you",
    "de": "Etwas für Sie",
    "fr": "Quelque chose pour vous",
    "es": "Algo para usted",
    **tongues.NO_NAME,
}
_ACTIONS = {
    "en": ("Shop now", "Take a look", "See details"),
    "de": ("Jetzt ansehen", "Zum Artikel", "Mehr erfahren"),
    "fr": ("Voir l'article", "Découvrir", "Voir plus"),
    "es": ("Ver ahora", "Ver artículo", "Descubrir"),
    **tongues.ACTIONS,
}
_FOOD_ACTIONS = ("Add to basket", "Shop now", "Put it on the list")
_FOOD = frozenset({"grocery", "groceries", "food", "produce", "dairy", "bakery", "drinks"})


class TemplateCopy:
    """The provider that cannot fail."""

    name = "template"

    def write(
        self,
        brief: Brief,
        *,
        seed: int,
        avoid: frozenset[str] = frozenset(),
    ) -> list[Candidate]:
        """One candidate, whose first word is none of `avoid` where the sentences allow it."""
        lines = taglines(brief)
        line = next((one for one in lines if opener(one) not in avoid), lines[0])
        copy = Copy(headline=headline(brief), tagline=line, action=action(brief))
        return [Candidate(copy=copy, provider=self.name, seed=seed)]


def headline(brief: Brief) -> str:
    """The item's name, or its shelf's where the name is an order to a machine or no name at all."""
    room = limits(brief.size).headline
    name = short_name(brief.item)
    if name:
        return cut(name, room)
    shelf = shelf_of(brief.item)
    return cut(shelf, room) if shelf else _NO_NAME[spoken(brief)]


def taglines(brief: Brief) -> list[str]:
    """Every sentence that fits, the item's own first; never none."""
    shelf, room, tongue = shelf_of(brief.item), limits(brief.size).tagline, spoken(brief)
    if not shelf:
        return [_NO_SHELF[tongue]]
    sentences = _TAGLINES[tongue]
    first = sentences.index(_choose(brief, sentences))
    said = [one.format(shelf=shelf) for one in (*sentences[first:], *sentences[:first])]
    return [one for one in said if len(one) <= room] or [_NO_SHELF[tongue]]


def action(brief: Brief) -> str:
    """The words on the button, from a small fixed set."""
    tongue = spoken(brief)
    return _choose(
        brief, _FOOD_ACTIONS if food(brief.item) and tongue == "en" else _ACTIONS[tongue]
    )


def food(item: ItemFacts) -> bool:
    return any(part.lower() in _FOOD for part in item.category)


def item_name(item: ItemFacts) -> str:
    """The title as a name that may be printed large; empty where it is none."""
    name = clean_text(item.title, 200)
    return "" if orders(name) or not any(letter.isalpha() for letter in name) else name


def short_name(item: ItemFacts) -> str:
    """The name without what feeds hang onto it after a dash or a bar: pack, variant, number."""
    name = item_name(item)
    short = _TAIL.split(name, maxsplit=1)[0].strip(" ,")
    return short if any(letter.isalpha() for letter in short) else name


def shelf_of(item: ItemFacts) -> str:
    """The narrowest shelf that says more than the name printed above it."""
    shelves = [clean_text(part, 40) for part in reversed(item.category)]
    shelves = [shelf for shelf in shelves if shelf and not orders(shelf)]
    name = short_name(item).lower()
    news = (shelf for shelf in shelves if shelf.lower().rstrip("s") not in name)
    return next(news, shelves[0] if shelves else "")


def spoken(brief: Brief) -> str:
    """The language of the fixed words: English where there are none in the one asked for."""
    found = language(brief.locale)
    return found if found in _TAGLINES else "en"


def _choose(brief: Brief, options: Sequence[str]) -> str:
    digest = hashlib.blake2b(brief.item.item_id.encode("utf-8", "replace"), digest_size=4).digest()
    return options[int.from_bytes(digest) % len(options)]
