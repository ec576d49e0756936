"""Letters that no font on this machine can draw: a banner of empty boxes must never be served.

The engine has no question for this, so it is shown the letter and a code point that nobody draws:
the same pixels mean the same empty box.
"""

from functools import lru_cache
from typing import Any

_UNDRAWN = "\U0010fffd"  # the last private-use code point
_ALWAYS = 0x250  # basic Latin to Latin Extended-A and B: the bundled Inter has them


def missing(blitz: Any, texts: tuple[str, ...]) -> str:
    """The distinct letters of `texts` that would come out as an empty box, in order."""
    letters = dict.fromkeys(letter for text in texts for letter in text if ord(letter) >= _ALWAYS)
    return "".join(letter for letter in letters if letter.isprintable() and _boxed(blitz, letter))


@lru_cache(maxsize=8192)
def _boxed(blitz: Any, letter: str) -> bool:
    return _pixels(blitz, letter) == _empty(blitz)


@lru_cache(maxsize=1)
def _empty(blitz: Any) -> bytes:
    return _pixels(blitz, _UNDRAWN)


def _pixels(blitz: Any, letter: str) -> bytes:
    html = f'<div style="font: 24px Inter; margin: 4px">{letter}</div>'
    page = blitz.Template(html, width=60, height=44, background=None)
    pixels: bytes = page.render_rgba()[2]
    return pixels
