"""How long words may be, by placement: a rectangle of 300 pixels says less than a hero."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    headline: int
    tagline: int
    action: int = 22


_LIMITS = {
    "hero": Limits(headline=56, tagline=96),
    "square": Limits(headline=56, tagline=96),
    "story": Limits(headline=56, tagline=110),
    "leaderboard": Limits(headline=40, tagline=60, action=18),
    "rectangle": Limits(headline=44, tagline=66),
    "skyscraper": Limits(headline=40, tagline=66, action=18),
}


def limits(size: str) -> Limits:
    return _LIMITS.get(size, _LIMITS["rectangle"])
