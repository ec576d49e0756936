"""What an audience changes: a line above the headline, and which of several sound texts is taken.

Nothing here adds a word to the copy: texts are only chosen between, and the line above names the
audience's own shelf, never the item's merits. A brief is expected to be cleaned.
"""

import re

from generative.brief import AGAIN
from generative.copy import tongues
from generative.copy.template import food, spoken
from generative.types import Brief, Copy

# Language -> a line for an item of the audience's own shelf: food, anything else; for other items.
_LINES = {
    "en": ("For your {shelf} basket", "For {shelf} fans", "With your {shelf} favourites"),
    "de": ("Für Ihren Korb: {shelf}", "Für Sie: {shelf}", "Zu Ihren Favoriten: {shelf}"),
    "fr": ("Pour votre panier : {shelf}", "Pour vous : {shelf}", "Avec vos favoris : {shelf}"),
    "es": ("Para su cesta: {shelf}", "Para usted: {shelf}", "Con sus favoritos: {shelf}"),
    **tongues.LINES,
}
# The last of them in few words, for a narrow banner; of the audience's own shelf its name is enough.
_BESIDE = {
    "en": "With your {shelf}",
    "de": "Zu {shelf}",
    "fr": "Avec : {shelf}",
    "es": "Con: {shelf}",
    **tongues.BESIDE,
}
_AGAIN = {
    "en": "Buy it again",
    "de": "Wieder bestellen",
    "fr": "À racheter",
    "es": "Volver a pedir",
    "ar": "اطلبه من جديد",
    "he": "להזמין שוב",
    "ja": "もう一度購入",
    "zh": "再次购买",
}
# What people who turn to a shelf look for; a shelf without an entry speaks through its own name.
_SPEECH = {
    "fruit": "fruit snack snacks dessert desserts sweet juicy pastry jam marmalade",
    "vegetables": "vegetable salad salads cooking cook soup soups fry stew raw dishes sandwich",
    "dairy": "breakfast creamy cereals porridge sauces dressings milk",
    "drinks": "drink drinks breakfast meal quencher juice",
    "bakery": "bread breakfast crust sandwich dough",
    "accessories": "bag office outfit carry style styling strap leather",
    "apparel": "outfit wear look style warm season comfortable",
    "beauty": "skin lips eyes look shade makeup scented fragrance",
    "electronics": "phone wireless speaker video charge listening",
    "footwear": "shoes soles running outdoors town deck",
    "housewares": "kitchen home coffee desserts mug comfy",
    "jewelry": "outfit accessorize gold pendant style color",
    "outdoors": "outdoors fishing travel pole lure tackle",
}
_WORTH = {
    "value": (
        "pack set pieces piece bag large size everyday practical compact sturdy durable easy"
        " suitable fits use used using keep keeps store breakfast snack snacks spare works any both"
    ),
    "premium": (
        "taste flavor flavour aroma texture sweet juicy creamy mellow rich fresh leather gold"
        " silver wool silk linen turquoise handmade crafted classic origin unique flesh scented"
        " fragrance style stylish designed attractive"
    ),
}


def eyebrows(brief: Brief) -> tuple[str, ...]:
    """The line above the headline, and a shorter wording of it where there is one.

    For what comes back it says that it does, else it names the audience's shelf; none for everyone.
    """
    tongue = spoken(brief)
    if brief.reason == AGAIN:
        return (_AGAIN[tongue],)
    if not brief.audience.categories:
        return ()
    shelf = brief.audience.categories[0]
    basket, fans, beside = _LINES[tongue]
    if not related(brief):
        return beside.format(shelf=shelf), _BESIDE[tongue].format(shelf=shelf)
    return (basket if food(brief.item) else fans).format(shelf=shelf), shelf


def related(brief: Brief) -> bool:
    """Whether the item stands on a shelf that the audience turns to."""
    shelves = {part.casefold() for part in brief.item.category}
    return any(part.casefold() in shelves for part in brief.audience.categories)


def preference(copy: Copy, brief: Brief) -> int:
    """How much of what an audience looks for a text speaks of, in words; 0 for everyone."""
    said = set(re.findall(r"\w+", f"{copy.headline} {copy.tagline}".lower()))
    sought = set(_WORTH.get(brief.audience.price_band, "").split())
    for category in brief.audience.categories:
        name = category.lower()
        sought |= {name, *_SPEECH.get(name, "").split()}
    return len(said & sought)


def reader(brief: Brief) -> str:
    """The audience in the words of a prompt; empty for everyone."""
    audience = brief.audience
    likes = [category.lower() for category in audience.categories]
    worth = {"value": "practical use and size", "premium": "taste, material and origin"}
    if audience.price_band in worth:
        likes.append(worth[audience.price_band])
    return " and ".join(likes)
