"""How candidates are found: every strategy a request may name, and what it is for.

A strategy turns an `Ask` into `Candidates`: at most as many as asked for, only what may appear,
best first. It never raises for what a shopper did or asked for; where it knows nothing it proposes
nothing, and whoever asked fills up with what is popular and new.
"""

from collections.abc import Mapping
from types import MappingProxyType

from recsys.serving.asking import Strategy
from recsys.serving.strategies.counts import newest, popular, trending
from recsys.serving.strategies.given import recently_viewed, rerank
from recsys.serving.strategies.lists import bought_together, complements, similar
from recsys.serving.strategies.past import buy_again
from recsys.serving.strategies.personal import personal
from recsys.serving.strategies.searching import search
from recsys.serving.strategies.sharing import group
from recsys.serving.strategies.tasting import taste
from recsys.serving.strategies.visit import session

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "personal": personal,
        "session": session,
        "similar": similar,
        "bought_together": bought_together,
        "complements": complements,
        "buy_again": buy_again,
        "trending": trending,
        "popular": popular,
        "newest": newest,
        "recently_viewed": recently_viewed,
        "rerank": rerank,
        "search": search,
        "taste": taste,
        "group": group,
    }
)

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "personal": "What the model thinks best for this shopper, from the whole history.",
        "session": "What follows from this visit alone: the items named, or the last deeds.",
        "similar": "Items like the first one named: by shoppers, by position, by category.",
        "bought_together": "What shares a basket with the first item named more than chance would.",
        "complements": "What the cart still lacks: the items named and those in it, one voice each.",
        "buy_again": "What the shopper bought before, what is due again first.",
        "trending": "What is surely asked for more than it used to be.",
        "popular": "What sells most now, whoever asks.",
        "newest": "What came into the shop last.",
        "recently_viewed": "What the shopper looked at last, newest first.",
        "rerank": "The items named, in this shopper's order; none is added.",
        "search": "Items that hold the words of the text, in this shopper's order.",
        "taste": "The history turned by liked and disliked items and by a text.",
        "group": "One slate for several shoppers, with a floor under each one's share.",
    }
)

# What they propose, they propose for one shopper's taste: who is held out sees something else.
PERSONAL = frozenset({"personal", "session", "taste", "group"})

# They propose what the shopper has had: hiding the past would leave them nothing.
OWN_PAST = frozenset({"buy_again", "recently_viewed", "rerank", "search"})
