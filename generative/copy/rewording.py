"""The same true clause in other words, so that a shelf of alike entries does not all open alike.

Only what stands before the clause is changed: "Fits well for breakfast" says no less, and no more,
as "For breakfast". Which of them an item shows hangs on its id, never on chance.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence

from generative.brief import language
from generative.copy.template import shelf_of
from generative.types import Brief

_FITS = re.compile(
    r"^(?:fits|suits|works|goes) (?:very )?well (?P<how>for|in|with|at|on) (?P<what>.+)$",
    re.IGNORECASE,
)
_THE = re.compile(r"^(?:fits|suits) (?P<what>(?:the|an?) .+)$", re.IGNORECASE)
_CHOICE = re.compile(r"^an? (?:popular|good) choice for (?P<what>.+)$", re.IGNORECASE)
_CAN = re.compile(r"^can (?:also )?be (?P<verb>enjoyed|used|served) (?P<what>.+)$", re.IGNORECASE)
_BIDDEN = {"enjoyed": "Enjoy it", "used": "Use it", "served": "Serve it"}


def varied(lines: Sequence[str], brief: Brief) -> list[str]:
    """The lines with the first one's rewordings around it, in an order that is the item's own."""
    if not lines or language(brief.locale) != "en":
        return list(lines)
    family = [lines[0], *_reworded(lines[0], shelf_of(brief.item))]
    start = _number(brief.item.item_id) % len(family)
    return list(dict.fromkeys([*family[start:], *family[:start], *lines[1:]]))


def _reworded(line: str, shelf: str) -> Iterator[str]:
    if found := _CAN.match(line):
        yield f"{_BIDDEN[found['verb'].lower()]} {found['what']}"
        yield f"{found['verb'].capitalize()} {found['what']}"
        return
    found = _FITS.match(line) or _THE.match(line) or _CHOICE.match(line)
    if found is None:
        return
    how = found.groupdict().get("how", "for").lower()
    yield f"{how.capitalize()} {found['what']}"
    yield f"Try it {how} {found['what']}"
    if shelf and shelf.lower() not in line.lower():
        yield f"{shelf} {how} {found['what']}"


def _number(item_id: str) -> int:
    digest = hashlib.blake2b(item_id.encode("utf-8", "replace"), digest_size=4, person=b"words")
    return int.from_bytes(digest.digest())
