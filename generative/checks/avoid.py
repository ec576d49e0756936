"""Words that a shop's brand kit forbids, found wherever they would stand."""

import re
from collections.abc import Sequence
from functools import lru_cache

from generative.types import Copy


def avoided(text: str, forbidden: Sequence[str]) -> str:
    """The first forbidden word or phrase that a text holds as such; "" where it holds none.

    "cheap" is found in "Cheap!" and not in "cheaper"; scripts without spaces are searched by letters.
    """
    if not forbidden:
        return ""
    match = _pattern(tuple(forbidden)).search(" ".join(text.casefold().split()))
    return match.group() if match else ""


def forbidden_in(copy: Copy, forbidden: Sequence[str]) -> str:
    """The first forbidden word that copy says; none is read over two of its lines."""
    return avoided(f"{copy.headline} . {copy.tagline} . {copy.action}", forbidden)


@lru_cache(maxsize=16)
def _pattern(forbidden: tuple[str, ...]) -> re.Pattern[str]:
    words = [" ".join(word.casefold().split()) for word in forbidden]
    return re.compile("|".join(_one(word) for word in words if word) or "(?!)")


def _one(word: str) -> str:
    plain = re.escape(word)
    before = r"(?<!\w)" if _spaced(word[0]) else ""
    after = r"(?!\w)" if _spaced(word[-1]) else ""
    return f"{before}{plain}{after}"


def _spaced(letter: str) -> bool:
    """Whether this letter's script parts words by spaces; Han, kana and Thai do not."""
    return bool(re.match(r"\w", letter)) and not re.match(
        "[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]", letter
    )
