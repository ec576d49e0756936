"""The words of a banner: copy as checked, prices as the shop's facts give them."""

import re
from dataclasses import dataclass

from generative.branding.brand import BrandKit
from generative.brief import clean_text
from generative.copy.audience import eyebrows
from generative.copy.slots import amounts, fill
from generative.types import Brief, Copy, ItemFacts

_AMOUNT = re.compile(r"(?<=\b\d) (?=[a-zA-Z]{1,3}\b)|(?<=\b\d\d) (?=[a-zA-Z]{1,3}\b)")  # "10 lb"
_ALT_LIMIT = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """`eyebrows` are the wordings of the line above the headline, of which one may be set: the longest first."""

    brand: str
    eyebrows: tuple[str, ...]
    headline: str
    tagline: str
    price: str
    was: str
    saving: str
    action: str
    legal: str = ""


def words(brief: Brief, copy: Copy, kit: BrandKit) -> Words:
    item, locale = brief.item, brief.locale
    money = amounts(item, locale)
    return Words(
        brand=kit.name,
        eyebrows=eyebrows(brief),
        headline=_AMOUNT.sub("\u00a0", fill(copy.headline, item, locale)),
        tagline=_AMOUNT.sub("\u00a0", fill(copy.tagline, item, locale)),
        price=money["price"],
        was=money["was"],
        saving=money["saving"].replace("-", "\u2212"),
        action=copy.action,
        legal=kit.legal,
    )


def alt_text(item: ItemFacts, shown: Words) -> str:
    """What a picture shows, for those who do not see it: the item, its price and the words on it.

    From facts and the words that were really printed; never a guess at what the photo shows.
    """
    title = clean_text(item.title, 120)
    price = f"{shown.price} ({shown.was})" if shown.was else shown.price
    said = [shown.headline, shown.tagline]
    news = [text for text in said if text and text.casefold() not in title.casefold()]
    parts = [f"{title}, {price}" if price else title, *news, f"{shown.action} \u2013 {shown.brand}"]
    told = ". ".join(part.strip().rstrip(".\u3002") for part in parts if part.strip())
    return clean_text(told, _ALT_LIMIT)
