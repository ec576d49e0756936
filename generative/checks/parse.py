"""What a text claims: spans with a kind. What is neither joined nor invited with is a claim."""

from dataclasses import dataclass

from generative.checks.binding import targets
from generative.checks.reading import Reading, Scope, read
from generative.checks.units import CURRENCIES, PROPERTIES, UNITS
from generative.checks.vocabulary import (
    ABSOLUTE,
    HARMLESS,
    OCCASIONS,
    Kind,
    compares,
    kind_of,
)

_PLACE_LEADS = frozenset(("in", "from", "near"))
_AMOUNTS = frozenset(("more", "most", "less", "least"))
_OFF = frozenset(("off", "rabatt", "remise", "descuento", "discount", "reduced", "save", "saving"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`text` is `said[start:end]`; `place` is its token; `of` names the things it speaks of."""

    kind: Kind
    start: int
    end: int
    text: str
    place: int
    of: frozenset[str] = frozenset()


def parse(said: str) -> tuple[Reading, tuple[Claim, ...]]:
    """Read a text and return every claim in it, in order."""
    reading = read(said)
    claims = []
    for place, token in enumerate(reading.tokens):
        if token.number is not None or (token.low == "one" and _counts(reading, place)):
            claims.append(_number(said, reading, place))
        elif token.text[0].isalnum() or token.text.isnumeric():
            if (kind := _kind(reading, place)) is not None:
                of = targets(reading, place) if reading.weighs(place) else frozenset()
                claims.append(_claim(said, reading, place, kind, of))
        elif token.low in CURRENCIES and not _beside_number(reading, place):
            claims.append(_claim(said, reading, place, Kind.PRICE, frozenset()))
        elif token.low in {"%", "\uff05", "\u066a"} and not _number_before(reading, place):
            claims.append(_claim(said, reading, place, Kind.PERCENTAGE, frozenset()))
    # A text longer than is ever read is not judged word by word: it cannot pass.
    if reading.tokens and reading.tokens[-1].end < len(said.rstrip()):
        last = len(reading.tokens) - 1
        claims.append(_claim(said, reading, last, Kind.FEATURE, frozenset(("\0",))))
    return reading, tuple(claims)


def _kind(reading: Reading, place: int) -> Kind | None:
    """What a word claims where it stands; None where it claims nothing."""
    token = reading.tokens[place]
    if token.low in ABSOLUTE:
        return None if _invites(reading, place) else Kind.ABSOLUTE
    if _only_joins(reading, place):
        return None
    kind = kind_of(token.low)
    if kind is not Kind.FEATURE:
        return kind
    if token.text[0].isupper() and not token.opens:
        lead = reading.tokens[place - 1].low if place else ""
        return Kind.ORIGIN if lead in _PLACE_LEADS else Kind.BRAND
    return Kind.COMPARISON if compares(token.low) else Kind.FEATURE


def _only_joins(reading: Reading, place: int) -> bool:
    """Whether a word joins, invites, denies, or belongs to a number that is a claim itself."""
    low = reading.tokens[place].low
    if not reading.weighs(place) or low in HARMLESS or _negates(reading, place):
        return True
    if low in UNITS or low in CURRENCIES:
        return _number_before(reading, place) or (
            low in CURRENCIES and _beside_number(reading, place)
        )
    if low == "off":
        return _discount_before(reading, place)
    if low in _AMOUNTS:
        return _bounds(reading, place)
    return low in PROPERTIES and _measures(reading, place)


def _invites(reading: Reading, place: int) -> bool:
    """Whether "every" or "only" claims nothing: "every day", "only €2.49"."""
    after = reading.tokens[place + 1].low if place + 1 < len(reading.tokens) else ""
    low = reading.tokens[place].low
    return after in CURRENCIES if low == "only" else low in {"every", "any"} and after in OCCASIONS


def _negates(reading: Reading, place: int) -> bool:
    low = reading.tokens[place].low
    if low in {"without", "not", "non", "ohne", "nicht", "sans", "sin"}:
        return True
    back = place - 2 if place > 1 and reading.tokens[place - 1].low == "-" else place - 1
    after = reading.tokens[place + 1].low if place + 1 < len(reading.tokens) else ""
    denied = back >= 0 and reading.scope[back] is Scope.DENIED
    return low == "free" and (denied or after in {"of", "from"})


def _number(said: str, reading: Reading, place: int) -> Claim:
    token = reading.tokens[place]
    before = reading.tokens[place - 1].low if place else ""
    after = place + 1
    while after < len(reading.tokens) and reading.tokens[after].low == "-":
        after += 1
    follows = reading.tokens[after] if after < len(reading.tokens) else None
    start, end, kind = token.start, token.end, Kind.COUNT
    if before in CURRENCIES:
        kind, start = Kind.PRICE, reading.tokens[place - 1].start
    elif follows is not None and follows.low in CURRENCIES:
        kind, end = Kind.PRICE, follows.end
    elif follows is not None and UNITS.get(follows.low, ("",))[0] == "percent":
        kind, end = Kind.PERCENTAGE, follows.end
        if _discounts(reading, place):
            kind = Kind.OFFER
    elif follows is not None and follows.low in UNITS:
        kind, end = Kind.QUANTITY, follows.end
    elif follows is not None and reading.weighs(after) and follows.text[0].isalpha():
        end = follows.end
    return Claim(kind=kind, start=start, end=end, text=said[start:end], place=place)


def _claim(said: str, reading: Reading, place: int, kind: Kind, of: frozenset[str]) -> Claim:
    token = reading.tokens[place]
    return Claim(
        kind=kind,
        start=token.start,
        end=token.end,
        text=said[token.start : token.end],
        place=place,
        of=of,
    )


def _counts(reading: Reading, place: int) -> bool:
    """Whether "one" counts, as in "one litre", and is no pronoun."""
    after = place + 1
    return after < len(reading.tokens) and reading.tokens[after].low in UNITS


def _discounts(reading: Reading, place: int) -> bool:
    clause = reading.clause[place]
    near = range(max(place - 4, 0), min(place + 5, len(reading.tokens)))
    return any(reading.clause[p] == clause and reading.tokens[p].low in _OFF for p in near)


def _bounds(reading: Reading, place: int) -> bool:
    """Whether "more" or "least" only bounds a number, as in "at least two"."""
    near = reading.tokens[place + 1 : place + 3]
    return any(token.number is not None for token in near)


def _measures(reading: Reading, place: int) -> bool:
    """Whether a word such as "wide" or "weighs" only tells of what a number is the measure."""
    near = range(max(place - 3, 0), min(place + 4, len(reading.tokens)))
    part = reading.part[place]
    return any(reading.part[p] == part and reading.tokens[p].number is not None for p in near)


def _discount_before(reading: Reading, place: int) -> bool:
    return place > 0 and UNITS.get(reading.tokens[place - 1].low, ("",))[0] == "percent"


def _number_before(reading: Reading, place: int) -> bool:
    back = place - 1
    while back >= 0 and reading.tokens[back].low in {"-", "fl"}:
        back -= 1
    return back >= 0 and (
        reading.tokens[back].number is not None or reading.tokens[back].low == "one"
    )


def _beside_number(reading: Reading, place: int) -> bool:
    after = reading.tokens[place + 1] if place + 1 < len(reading.tokens) else None
    return _number_before(reading, place) or (after is not None and after.number is not None)
