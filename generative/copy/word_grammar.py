"""A grammar that binds a tuned voice to the words of the catalogue entry, but not to their order.

A voice that was trained on sound lines can join words itself, so it may: any word of the entry, in
its usual endings, and a small stock of words that claim nothing. No other word can be written, so no
material, place or promise comes from elsewhere; that a word is said of the right thing is left to
the checks. Money is a slot, filled from the live catalogue, and is never spelled out.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from generative.brief import facts_text
from generative.copy.limits import limits
from generative.copy.template import item_name
from generative.types import ItemFacts

HEADLINE_WORDS = (2, 7)
TAGLINE_WORDS = (5, 14)
MAX_WORDS = 260  # of one entry; a longer one is cut, not refused

# Words that join, invite or point and that claim nothing whatever stands beside them. All are free
# words of the checks too (a test holds them together), but nothing here denies, counts or compares.
_GLUE = """a an and are as at be but by can for from get give gives has have here how if in into is it its
    itself just let like made make makes may my near of on onto or our out own so such that the their
    them then there these they this those through to up us was we what when where which while who
    will with you your yourself both during after before about around across
    add bring brings choose discover enjoy explore find grab keep keeps look looking love meet need
    needs pick ready reach see serve start starts take takes taste time today treat try use want way
    wear home day days weekend weekends everyday moment moments come comes feature features featuring
    hold holds fit fits offer offering put simply"""
GLUE = tuple(_GLUE.split())
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_MEASURE = re.compile(r"\d[\d.,]*(?:\s?-?\s?[^\W\d_]+)?")
_MONEY = re.compile(r"[$\u20ac\u00a3\u00a5%]|\b(?:usd|eur|gbp|chf)\b", re.IGNORECASE)
_MIN_PLURAL = 4  # letters: below, an "s" is more often part of the word
_KEPT_AS_IS = ("ss", "us", "is", "ous")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The words of one item's lines, and fewest and most words of each line."""

    first: tuple[str, ...]  # may open a headline
    opening: tuple[str, ...]  # may open a tagline
    word: tuple[str, ...]  # may follow
    headline: tuple[int, int]
    tagline: tuple[int, int]


def stock(item: ItemFacts, size: str, *, avoid: frozenset[str] = frozenset()) -> Stock:
    """No tagline opens with a word of `avoid`, which are in lower case."""
    words = _of_entry(item)
    first = tuple(dict.fromkeys(_capital(word) for word in (*words, *_OPENERS)))
    room = limits(size)
    return Stock(
        first=first,
        opening=tuple(word for word in first if word.lower() not in avoid) or first,
        word=tuple(dict.fromkeys((*words, *GLUE))),
        headline=_room(HEADLINE_WORDS, room.headline),
        tagline=_room(TAGLINE_WORDS, room.tagline),
    )


def word_grammar(item: ItemFacts, size: str, *, avoid: frozenset[str] = frozenset()) -> str:
    """GBNF for `{"headline": …, "tagline": …}` over the words of one item.

    A slot is offered only where the catalogue can fill it and the placement has room for it.
    """
    words = stock(item, size, avoid=avoid)
    slots = _slots(item) if limits(size).tagline >= _SLOT_ROOM else ""
    rules = [
        r'root ::= "{\"headline\": \"" headline "\", \"tagline\": \"" tagline ".\"}"',
        f"headline ::= first {_more(words.headline)}",
        f"tagline ::= opening {_more(words.tagline)}{slots}",
        'gap ::= " " | ", "',
        "first ::= " + _alternatives(words.first),
        "opening ::= " + _alternatives(words.opening),
        "word ::= " + _alternatives(words.word),
    ]
    return "\n".join(rules)


def _more(count: tuple[int, int]) -> str:
    return f"(gap word){{{count[0] - 1},{count[1] - 1}}}"


def word_forms(item: ItemFacts) -> frozenset[str]:
    """Every word, in lower case, that the grammar of an item can print."""
    words = {part for word in (*_of_entry(item), *GLUE) for part in _WORD.findall(word.lower())}
    return frozenset(words)


_SLOT_ROOM = 60
_OPENING = """a an the for from with your our this these enjoy discover add bring keep wear try meet find
    make made take choose pick ready where when as simply treat give love explore serve use"""
_OPENERS = tuple(_OPENING.split())


def _of_entry(item: ItemFacts) -> tuple[str, ...]:
    """The entry's words in the order of its fields, a number only together with what it counts."""
    # Of the shelves only the narrowest: a model makes a material of "Boutique" and a use of "Grocery".
    shelf = item.category[-1:] if item.category[1:] or not item.description else ()
    text = facts_text(replace(item, price=None, was_price=None, category=shelf))
    found: dict[str, None] = {}
    for measure in _MEASURE.findall(text):
        if not _MONEY.search(measure) and any(letter.isalpha() for letter in measure):
            found[measure] = None
    named = set(_WORD.findall(f"{item_name(item)} {item.brand}"))
    for raw in _WORD.findall(text):
        # Feeds write names in capitals; only a name keeps them in the middle of a sentence.
        word = raw if raw in named and not raw.isupper() else raw.lower()
        for form in _endings(word):
            found[form] = None
        if word != raw.lower():
            found[raw.lower()] = None
    glue = set(GLUE)
    return tuple(word for word in found if word not in glue and len(word) > 1)[:MAX_WORDS]


def _endings(word: str) -> Iterable[str]:
    """The word, and its other number where that is spelled by an "s" alone."""
    yield word
    low = word.lower()
    if len(low) < _MIN_PLURAL or not low.isalpha() or not low.isascii():
        return
    if low.endswith("s") and not low.endswith(_KEPT_AS_IS):
        yield word[:-1]
    elif low[-1] not in "sxzyh" and not low.endswith(("ing", "ed", "ly")):
        yield f"{word}s"


def _room(words: tuple[int, int], letters: int) -> tuple[int, int]:
    """Fewest and most words: in a small placement long lines would only be refused."""
    fewest, most = words
    most = max(min(most, letters // 6), 2)
    return min(fewest, most), most


def _slots(item: ItemFacts) -> str:
    if not item.price:
        return ""
    return f" ({json.dumps(', now {price}' if item.was_price else ', for {price}')})?"


def _alternatives(words: Iterable[str]) -> str:
    return " | ".join(json.dumps(word, ensure_ascii=False) for word in words)


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
