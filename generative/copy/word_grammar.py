"""A grammar that binds a tuned voice to the words of the catalogue entry, but not to their order.

A voice that was trained on sound lines can join words itself, so it may: any word of the entry, in
its usual endings, and a small stock of words that claim nothing. No other word can be written, so no
material, place or promise comes from elsewhere; that a word is said of the right thing is left to
the checks. Money is a slot, filled from the live catalogue, and is never spelled out.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from generative.copy.limits import limits
from generative.copy.template import short_name
from generative.types import ItemFacts

HEADLINE_WORDS = (2, 7)
TAGLINE_WORDS = (4, 14)
MAX_WORDS = 260  # of one entry; a longer one is cut, not refused

# Words that join, invite or point and that claim nothing whatever stands beside them. All are free
# words of the checks too (a test holds them together), but nothing here denies, counts or compares,
# and nothing could be a line's subject by itself: "a love of the vine" is bound to words, and nonsense.
_GLUE = """a an and are as at be both but by can during for from has have how if in into is it its itself
    just like made make makes may near of on onto or our out own so such that the their them then there
    these they this those through to up us was we what when where which while who will with you your
    yourself after before about around across
    add bring brings choose comes discover enjoy everyday explore featuring find fit fits home holds keep
    keeps needs pick put ready serve simply take use want wear day days moment moments weekend weekends"""
GLUE = tuple(_GLUE.split())
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_MEASURE = re.compile(r"\d+(?:[.,]\d+)*(?:\s?-\s?|\s)?[a-z]+\b")
_MONEY = re.compile(
    r"[$\u20ac\u00a3\u00a5]\s?\d[\d.,]*|\d[\d.,]*\s?(?:[$\u20ac\u00a3\u00a5%]|(?:usd|eur|gbp|chf|percent)\b)",
    re.IGNORECASE,
)
_MIN_PLURAL = 5  # letters: below, an "s" is more often part of the word
_NO_PLURAL = ("ss", "us", "is", "ous")


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
_OPENING = """a an the for from with your our this these in add bring choose comes discover enjoy explore
    find keep made make pick ready serve simply take use wear when where"""
_OPENERS = tuple(_OPENING.split())


def _of_entry(item: ItemFacts) -> tuple[str, ...]:
    """The entry's words in the order of its fields, a number only together with what it counts."""
    found: dict[str, None] = {}
    named = set(_WORD.findall(f"{short_name(item)} {item.brand}"))
    for text in _told(item):
        for measure in _MEASURE.findall(text):
            if any(letter.islower() for letter in measure):
                found[measure] = None
        for raw in _WORD.findall(text):
            # Feeds write names in capitals; only a name keeps them in the middle of a sentence.
            for form in _singular(raw if raw in named and not raw.isupper() else raw.lower()):
                found[form] = None
            found[raw.lower()] = None
    glue = set(GLUE)
    return tuple(word for word in found if word not in glue and len(word) > 1)[:MAX_WORDS]


def _told(item: ItemFacts) -> tuple[str, ...]:
    """The fields that a line may be made of, without money.

    Of the shelves only the narrowest: a model makes a stuff of "Boutique" and a use of "Grocery". Of
    the name without its pack and number, of an attribute without what the shop calls it.
    """
    shelf = item.category[-1:] if item.category[1:] or not item.description else ()
    fields = (short_name(item), item.description, *item.attributes.values(), *shelf)
    return tuple(_MONEY.sub(" ", field) for field in fields)


def _singular(word: str) -> Iterable[str]:
    """The word, and where it is a plural what it is a plural of.

    The other way round would offer "crisps" for "crisp": which words are nouns is not known.
    """
    yield word
    low = word.lower()
    if len(low) < _MIN_PLURAL or not low.isascii() or low.endswith(_NO_PLURAL):
        return
    if low.endswith("ies"):
        yield f"{word[:-3]}y"
    elif low.endswith(("shes", "ches", "xes", "sses")):
        yield word[:-2]
    elif low.endswith("s"):
        yield word[:-1]


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
