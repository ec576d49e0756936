"""The hero of the home page: the first pick's banner once it is made, and the same words until then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from api.pages.tiles import Tile
from api.pages.window import Window
from api.recommending import creatives
from api.recommending.degraded import Degraded
from api.runtime import Runtime
from generative.cache import as_shown
from generative.types import State
from recsys.serving import personas, titles

SIZE = "hero"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hero:
    """`poll` is where to ask for a banner that is being made; empty where there is nothing to wait for."""

    tile: Tile
    eyebrow: str
    headline: str
    tagline: str
    action: str
    banner: str = ""
    alt: str = ""
    poll: str = ""

    @staticmethod
    def words_of(creative: Mapping[str, Any]) -> str:
        """What the banner's picture says, for those who do not see it."""
        said = (creative["headline"], creative["tagline"], creative["action"])
        return ". ".join(part.rstrip(".") for part in said if part)


def hero_of(
    runtime: Runtime, window: Window, answer: Mapping[str, Any], picks: Sequence[Tile]
) -> Hero | None:
    """The first pick with its creative; a miss rings for one, and only for this one."""
    if not picks:
        return None
    first = answer["items"][0]
    item = window.shelf.items.get(first["item_id"])
    if item is None:
        return None
    assortment = runtime.assortment(runtime.shelf)  # as the answer had it
    persona = personas.persona_of(assortment, window.history)
    made = creatives.for_slate(runtime, [item], persona, SIZE, Degraded())[0]
    shown = as_shown(made)
    ready = made.state is State.READY and shown["banner_url"]
    pending = made.state is State.PENDING
    return Hero(
        tile=picks[0],
        eyebrow=titles.of_source(first["source"]),
        headline=shown["headline"],
        tagline=shown["tagline"],
        action=shown["action"],
        banner=shown["banner_url"] if ready else "",
        alt=Hero.words_of(shown),
        poll=url_for("storefront.hero_state", key=made.key) if pending else "",
    )
