"""Which thing a word speaks of: "brown" of the straps, not of the backpack they hang on.

The same rules read the catalogue and the copy, so a quotation binds as its source does.
"""

import re
from typing import NamedTuple

from generative.checks.reading import Reading, Scope, Token
from generative.checks.units import BOUNDS, PROPERTIES, UNITS
from generative.checks.vocabulary import FUNCTION, HARMLESS, QUALIFIERS, Kind, kind_of

ITEM = ""  # the head of what names no other: the item itself
BOUND_KINDS = frozenset((Kind.MATERIAL, Kind.COLOUR, Kind.ORIGIN))
_LINKS = frozenset(("of", "in", "from", "is", "are", "made", "comes", "en", "aus", "de"))
_PARTICIPLES = frozenset(
    [
        "woven",
        "crafted",
        "knitted",
        "knit",
        "cut",
        "carved",
        "forged",
        "sewn",
        "built",
        "finished",
        "available",
        "made",
        "painted",
        "covered",
        "spun",
        "moulded",
        "turned",
    ]
)
_CONTINUES = frozenset(("to", "x", "\u00d7", "-", "\u2013", "or", "and", "by"))
_DONE = re.compile(r"\w{2,}[^e\W]ed")  # "scented", but neither "red" nor "seed"
_SPANS = {"to": "range", "\u2013": "range", "x": "size", "\u00d7": "size"}
_MAX_DEPTH = 4
_NEAR = 12  # tokens looked back over for what a number is of
_REACH = 3  # tokens between a number and the word that bounds it


class Measure(NamedTuple):
    """A number with its dimension and what it is said of; `value` is in the dimension's first unit."""

    place: int
    end: int
    value: float
    dimension: str
    heads: frozenset[str]
    head: str
    before: str
    groups: frozenset[str]
    bound: str
    scope: Scope


def heads(reading: Reading, place: int, depth: int = 0) -> frozenset[str]:
    """The stems of the things that a word speaks of; ITEM where no other thing is named."""
    head = head_place(reading, place)
    if head != place:
        found = {reading.tokens[head].stem}
        if depth < _MAX_DEPTH and _is_stuff(reading.tokens[head].low):
            found |= heads(reading, head, depth + 1)
        return frozenset(found)
    before = _before_chunk(reading, place)
    if before < 0 or depth == _MAX_DEPTH:
        return frozenset((ITEM,))
    between = {reading.tokens[p].low for p in range(before + 1, _chunk_start(reading, place))}
    other = reading.tokens[before]
    if between & _LINKS and reading.clause[before] == reading.clause[place]:
        while _names_nothing(other) and before and reading.weighs(before - 1):
            before -= 1
            other = reading.tokens[before]
        if _names_nothing(other):
            return frozenset((ITEM,))
        found = {other.stem}
        if _is_stuff(other.low):
            found |= heads(reading, before, depth + 1)
        return frozenset(found)
    if between <= {"and", "or", ",", "&"} and kind_of(other.low) is kind_of(
        reading.tokens[place].low
    ):
        return heads(reading, before, depth + 1)
    return frozenset((ITEM,))


def targets(reading: Reading, place: int) -> frozenset[str]:
    """The things alone, without the materials and colours on the way to them."""
    found = heads(reading, place)
    things = frozenset(stem for stem in found if not _is_stuff(stem))
    return things or found


def linked(reading: Reading, place: int) -> bool:
    """Whether a chunk hangs on the one before by nothing but "of", "in" or "from"."""
    before = _before_chunk(reading, place)
    between = {reading.tokens[p].low for p in range(before + 1, _chunk_start(reading, place))}
    return before >= 0 and between <= {"of", "in", "from", "a", "an", "the", "its"}


def _names_nothing(token: Token) -> bool:
    """Numbers, units and what was done to a thing: "woven", "350 ml", "30 cm wide"."""
    measures = token.number is not None or token.low in UNITS or token.low in PROPERTIES
    return measures or token.low in _PARTICIPLES or not token.text[0].isalnum()


def _is_stuff(word: str) -> bool:
    """Whether a word names what a thing is made or coloured with, and so leads on to the thing."""
    return word in QUALIFIERS or kind_of(word) in BOUND_KINDS


def head_place(reading: Reading, place: int) -> int:
    """The last word of the chunk, numbers and units aside; the place itself where none follows."""
    end = reading.chunks[place][1]
    while end > place:
        token = reading.tokens[end]
        if not _names_nothing(token) and _DONE.fullmatch(token.low) is None:
            return end
        end -= 1
    return place


def material_key(reading: Reading, place: int) -> str:
    """The material with what makes it another one: "gold plated", "faux leather", "wool blend"."""
    root = reading.tokens[place].stem
    after, before = _next_word(reading, place, 1), _next_word(reading, place, -1)
    if before in QUALIFIERS:
        return f"{root} {before}"
    if after in QUALIFIERS:
        return f"{root} {after}"
    clause = reading.clause[place]
    for back in range(place - 1, max(place - 6, -1), -1):
        if reading.clause[back] == clause and reading.tokens[back].low in {
            "plated",
            "coated",
            "filled",
        }:
            return f"{root} {reading.tokens[back].low}"
    return root


def measure(reading: Reading, place: int) -> Measure:
    """The measure whose number stands at a place."""
    tokens = reading.tokens
    number = 1.0 if tokens[place].low == "one" else tokens[place].number or 0.0
    dimension, factor, unit = _unit(reading, place)
    end = max(unit, place)
    stop = reading.chunks[end][1] if reading.weighs(end) else end
    named = [
        token.stem
        for token in tokens[end + 1 : stop + 1]
        if token.number is None and token.text[0].isalpha() and token.low not in PROPERTIES
    ]
    near = reading.beside(place)
    before = ""
    for back in range(place - 1, max(near.start, place - _NEAR) - 1, -1):
        low = tokens[back].low
        skipped = low in FUNCTION or low in HARMLESS or tokens[back].number is not None
        skipped = skipped or low in PROPERTIES or reading.chunk[back] == reading.chunk[place]
        if not (skipped or (low,) in BOUNDS or low in UNITS or not low[0].isalpha()):
            before = tokens[back].stem
            break
    return Measure(
        place=place,
        end=tokens[stop if named and not dimension else end].end,
        value=round(number * factor, 6),
        dimension=dimension,
        heads=frozenset(named),
        head=named[-1] if named else ITEM,
        before=before,
        groups=frozenset(PROPERTIES[tokens[p].low] for p in near if tokens[p].low in PROPERTIES),
        bound=_bound(reading, place),
        scope=reading.scope[place],
    )


def _unit(reading: Reading, place: int) -> tuple[str, float, int]:
    """Dimension, factor and place of a number's unit; a range or a size takes that of its last number."""
    tokens = reading.tokens
    for _ in range(_REACH):
        after = place + 1
        while after < len(tokens) and tokens[after].low in {"-", "fl"}:
            after += 1
        if after >= len(tokens):
            break
        if (unit := UNITS.get(tokens[after].low)) is not None:
            dimension, factor = unit
            if after + 2 < len(tokens) and tokens[after + 1].low == "/":
                dimension += "/" + tokens[after + 2].low  # 500 g/m2 are no 500 g
            return dimension, factor, after
        follows = after + 1 < len(tokens) and tokens[after + 1].number is not None
        if tokens[after].low in _CONTINUES and follows:
            place = after + 1
        elif tokens[after].number is not None and after > place + 1:
            place = after
        else:
            break
    return "", 1.0, -1


def _bound(reading: Reading, place: int) -> str:
    """How a number is bounded; each end of a range and each side of a size counts as one of them."""
    tokens = reading.tokens
    before = tokens[max(place - 3, 0) : place][::-1]
    if spanned := _spans(tokens[place + 1 : place + 4]) or _spans(before):
        return spanned
    if place + 1 < len(tokens) and tokens[place + 1].low == "+":
        return "lower"
    for back in range(place - 1, max(place - 1 - _REACH, -1), -1):
        if reading.clause[back] != reading.clause[place]:
            break
        pair = (tokens[back].low, tokens[back + 1].low)
        if (bound := BOUNDS.get(pair) or BOUNDS.get(pair[:1])) is not None:
            return bound
    return ""


def _spans(beside: tuple[Token, ...]) -> str:
    """What the tokens beside a number, nearest first, make of it: "72 cm to 118", "70 x 140"."""
    others = [token for token in beside if token.low not in UNITS]
    if len(others) > 1 and others[1].number is not None:
        return _SPANS.get(others[0].low, "")
    return ""


def _chunk_start(reading: Reading, place: int) -> int:
    return reading.chunks[place][0] if reading.weighs(place) else place


def _before_chunk(reading: Reading, place: int) -> int:
    """The last place of the chunk before, in the same sentence; -1 where there is none."""
    back = _chunk_start(reading, place) - 1
    while back >= 0 and not reading.weighs(back):
        back = reading.chunks[back][0] - 1
    if back < 0 or reading.sentence[back] != reading.sentence[place]:
        return -1
    return back


def _next_word(reading: Reading, place: int, step: int) -> str:
    place += step
    while 0 <= place < len(reading.tokens) and reading.tokens[place].low == "-":
        place += step
    return reading.tokens[place].low if 0 <= place < len(reading.tokens) else ""
