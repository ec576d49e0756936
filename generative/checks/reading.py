"""A text as tokens that know their place: sentence, clause, part, chunk, and what is meant by them.

A chunk is a run of words that carry weight, as in "brown leather straps"; its last word is its head.
A scope says how the words are meant: plainly, denied ("without perfume", "lid sold separately"), or
only set beside the item ("pairs with a wool coat", "as soft as cashmere"). Every pass is linear.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from generative.checks.vocabulary import FUNCTION, HARMLESS, NUMBER_WORDS

MAX_DENIED = 8  # tokens after the word that denies
MAX_TOKENS = 600

_TOKEN = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*)|[^\s\w]|\w"
)
_SENTENCE_ENDS = frozenset(".!?")
_CLAUSE_ENDS = frozenset(',;:()\u2013\u2014|"/[]{}')
_PART_ENDS = frozenset(("and", "or", "with", "plus", "but", "&"))
_DENIES = frozenset(
    [
        "without",
        "no",
        "not",
        "never",
        "nor",
        "neither",
        "cannot",
        "non",
        "lacks",
        "don't",
        "doesn't",
        "isn't",
        "aren't",
        "can't",
        "won't",
        "ohne",
        "nicht",
        "kein",
        "keine",
        "keinen",
        "keiner",
        "nie",
        "sans",
        "pas",
        "jamais",
        "sin",
        "nunca",
        "ni",
    ]
)
_BESIDE = frozenset(
    ("than", "unlike", "like", "inspired", "compatible", "instead", "pairs", "matches")
)
_BESIDE_PAIRS = frozenset(
    (first, second)
    for first, seconds in (
        ("goes", "well with"), ("go", "well"), ("works", "with"), ("notes", "of"),
        ("smells", "of"), ("scent", "of"), ("tastes", "of"), ("scented", "with"), ("use", "with"),
        ("rather", "than"), ("reminiscent", "of"), ("also", "available comes"),
    )
    for second in seconds.split()
)  # fmt: skip
# What a thing does ends its name: "amber glass bottles | adds a warm touch". None of these is a thing.
_DEEDS = frozenset(
    [
        "adds",
        "allows",
        "boasts",
        "combines",
        "complements",
        "creates",
        "delivers",
        "elevates",
        "embodies",
        "enhances",
        "ensures",
        "evokes",
        "exudes",
        "includes",
        "keeps",
        "makes",
        "offers",
        "provides",
        "showcases",
        "transforms",
    ]
)
_ENDS_DENIAL = frozenset(("and", article) for article in ("a", "an", "the"))
_TAKES_BACK = frozenset(
    (("sold", "separately"), ("not", "included"), ("not", "supplied"), ("costs", "extra"), ("extra", "cost"), ("extra", "charge"),
     ("available", "separately"))
)  # fmt: skip


class Scope(IntEnum):
    PLAIN = 0
    DENIED = 1
    BESIDE = 2


class Token(NamedTuple):
    """`glued`: no space before it; `opens`: the first of a sentence; `number`: what it counts."""

    text: str
    low: str
    stem: str
    start: int
    end: int
    number: float | None
    glued: bool
    opens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Tokens, and for each of them its sentence, clause, part and chunk (-1: in none) and its scope.

    `chunks` and `parts` hold the first and the last place of the run that each token stands in.
    """

    tokens: tuple[Token, ...]
    sentence: tuple[int, ...]
    clause: tuple[int, ...]
    part: tuple[int, ...]
    chunk: tuple[int, ...]
    scope: tuple[Scope, ...]
    chunks: tuple[tuple[int, int], ...]
    parts: tuple[tuple[int, int], ...]

    def weighs(self, place: int) -> bool:
        return self.chunk[place] >= 0

    def beside(self, place: int) -> range:
        """The places of the part that a token stands in."""
        first, last = self.parts[place]
        return range(first, last + 1)


def read(text: str) -> Reading:
    tokens = _tokens(text)
    places = _Places()
    for place, token in enumerate(tokens):
        places.add(token, tokens[place - 1] if place else None, _after(tokens, place))
    return Reading(
        tokens=tokens,
        sentence=tuple(places.sentence),
        clause=tuple(places.clause),
        part=tuple(places.part),
        chunk=tuple(places.chunk),
        scope=tuple(_scopes(tokens, places.clause)),
        chunks=_runs(places.chunk),
        parts=_runs(places.part),
    )


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word in lower case without its usual endings; what is left has four letters at least."""
    word = word.lower().replace("\u2019", "'").removesuffix("'s")
    for ending in ("ingly", "ness", "ies", "ing", "ers", "ed", "er", "es", "ly", "y", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) > 3:  # noqa: PLR2004 a stem has four letters
            return word[: -len(ending)]
    return word[:-1] if len(word) == 4 and word.endswith("s") else word  # noqa: PLR2004 bags, bag


def value_of(number: str) -> float:
    """The value of digits as shops print them: 3,000 is three thousand, 1,7 is one and seven tenths."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    try:
        return float(number.replace(",", "."))
    except ValueError:  # 1.2.3: a version or a date, which equals only itself
        return float(int.from_bytes(number.encode()[:40]))


def _tokens(text: str) -> tuple[Token, ...]:
    found: list[Token] = []
    opens = True
    for match in _TOKEN.finditer(text):
        raw = match.group()
        low = raw.lower().replace("\u2019", "'")
        if match["number"]:
            number: float | None = value_of(raw)
        else:
            number = NUMBER_WORDS.get(low)
        glued = bool(found) and found[-1].end == match.start()
        root = stem(low) if match["word"] else low
        found.append(Token(raw, low, root, match.start(), match.end(), number, glued, opens))
        opens = raw in _SENTENCE_ENDS or (opens and not raw[0].isalnum())
        if len(found) == MAX_TOKENS:
            break
    return tuple(found)


def _runs(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    """For each place the first and the last place of its run of equal numbers."""
    runs: list[tuple[int, int]] = []
    first = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[first]:
            runs += [(first, place - 1)] * (place - first)
            first = place
    return tuple(runs)


def _after(tokens: tuple[Token, ...], place: int) -> Token | None:
    return tokens[place + 1] if place + 1 < len(tokens) else None


class _Places:
    """The running numbers of sentence, clause, part and chunk while a text is read once."""

    def __init__(self) -> None:
        self.sentence: list[int] = []
        self.clause: list[int] = []
        self.part: list[int] = []
        self.chunk: list[int] = []
        self._now = [0, 0, 0, 0]
        self._in_chunk = False

    def add(self, token: Token, before: Token | None, after: Token | None) -> None:
        now = self._now
        hyphen = token.low == "-" and token.glued and after is not None and after.glued
        joined = before is not None and before.low == "-" and before.glued and token.glued
        if token.low in _SENTENCE_ENDS:
            now[0] += 1
        if token.low in _SENTENCE_ENDS or token.low in _CLAUSE_ENDS or token.low == "but":
            now[1] += 1
        if token.low in _SENTENCE_ENDS or token.low in _CLAUSE_ENDS or token.low in _PART_ENDS:
            now[2] += 1
        inside = hyphen or token.low in {"%", '"', "\u00b0"} or self._carries(token, joined=joined)
        deed = token.low in _DEEDS
        if inside and (deed or not self._in_chunk):
            now[3] += 1
        self._in_chunk = inside and not deed
        self.sentence.append(now[0])
        self.clause.append(now[1])
        self.part.append(now[2])
        self.chunk.append(now[3] if inside else -1)

    @staticmethod
    def _carries(token: Token, *, joined: bool) -> bool:
        if not token.text[0].isalnum():
            return False
        return joined or not (token.low in FUNCTION or token.low in HARMLESS)


def _scopes(tokens: tuple[Token, ...], clause: list[int]) -> list[Scope]:
    scopes = [Scope.PLAIN] * len(tokens)
    scope, left, at, as_seen = Scope.PLAIN, 0, -1, False
    for place, token in enumerate(tokens):
        low, after = token.low, _after(tokens, place)
        next_low = after.low if after else ""
        if clause[place] != at and not (scope is Scope.DENIED and _lists_on(tokens, place)):
            scope, as_seen = Scope.PLAIN, False
        at = clause[place]
        if scope is Scope.DENIED and (left == 0 or (low, next_low) in _ENDS_DENIAL):
            scope = Scope.PLAIN
        left -= 1
        scopes[place] = scope
        if _denies(low, next_low):
            scope, left = Scope.DENIED, MAX_DENIED
        elif scope is Scope.PLAIN and (_sets_beside(low, next_low) or (low == "as" and as_seen)):
            scope = Scope.BESIDE
        if low == "free" and next_low not in {"of", "from"} and place:
            _deny_before(tokens, scopes, place)
        as_seen = as_seen or low == "as"
        if (low, next_low) in _TAKES_BACK or low == "option":
            first = next((back for back in range(place, -1, -1) if clause[back] != at), -1) + 1
            scopes[first : place + 1] = [Scope.DENIED] * (place + 1 - first)
    return scopes


def _denies(low: str, after: str) -> bool:
    if low == "not" and after in {"only", "just", "merely"}:
        return False
    if low == "no" and after in {"time", "doubt", "wonder", "matter"}:
        return False  # "catches in no time with a silver lure" denies no silver
    return low in _DENIES or (low == "free" and after in {"of", "from"})


def _sets_beside(low: str, after: str) -> bool:
    return low in _BESIDE or (low, after) in _BESIDE_PAIRS


def _lists_on(tokens: tuple[Token, ...], place: int) -> bool:
    """Whether a comma only goes on with a list: "without parabens, perfume or dyes"."""
    if tokens[place].low != ",":
        return False
    for token in tokens[place + 1 : place + 1 + MAX_DENIED]:
        if token.low in {"or", "nor"}:
            return True
        if token.low != "," and (token.low in FUNCTION or not token.text[0].isalnum()):
            return False
    return False


def _deny_before(tokens: tuple[Token, ...], scopes: list[Scope], place: int) -> None:
    """Deny the word before "free", as in "nickel free" and "gluten-free"."""
    back = place - 1
    if tokens[back].low == "-" and back:
        back -= 1
    if tokens[back].low not in FUNCTION and tokens[back].text[0].isalpha():
        scopes[back] = scopes[place] = Scope.DENIED
