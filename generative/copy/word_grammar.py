"""A grammar that binds a tuned voice to the things an entry names, but not to their order.

A voice that was trained on sound lines can join words itself, so it may: any run of the entry's words
that belongs together ("pebbled leather exterior", or from its end "leather exterior"), joined by a
small stock of words that claim nothing. No other word can be written, so no material, place or promise
comes from elsewhere, and no colour goes over to another thing; what the entry denies, or only sets
beside the item, is not offered at all. Money is a slot, filled from the live catalogue, and is never
spelled out.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from generative.checks.reading import Reading, Scope, read
from generative.checks.vocabulary import ABSOLUTE, Kind, kind_of
from generative.copy.limits import limits
from generative.copy.template import short_name
from generative.evaluation import opener
from generative.types import ItemFacts

JOINED = (1, 2)  # runs behind the first of a tagline
MOST_WORDS = 5  # of a run
MAX_RUNS = 160  # of one entry; a longer one is cut, not refused

# What may stand before a run and between two. All are free words of the checks too (a test holds them
# together), nothing here denies, counts or compares, and nothing is a line's subject by itself: with
# "love", "is" and "that" a small model wrote sentences of bound words that meant nothing, and a bare
# "to" led to a noun ("to bright stylings") or to a verb with nothing behind it ("to transform").
LEADS = (
    "with", "for", "from", "made for", "made from", "made with", "ready for", "enjoy", "discover",
    "explore", "find", "choose", "bring", "add", "wear", "serve", "keep", "pick", "use", "try",
)  # fmt: skip
LINKS = (
    "with", "for", "and", "or", "in", "on", "of", "from", "at", "through", "during", "made for",
    "made from", "made with", "ready for", "to add", "to wear", "to serve", "to enjoy", "to bring",
)  # fmt: skip
POINTERS = ("your", "the", "our", "its", "their", "this", "these", "both", "everyday", "those")
GLUE = tuple(dict.fromkeys(" ".join((*LEADS, *LINKS, *POINTERS)).split()))
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_MONEY = re.compile(
    r"[$\u20ac\u00a3\u00a5]\s?\d[\d.,]*|\d[\d.,]*\s?(?:[$\u20ac\u00a3\u00a5%]|(?:usd|eur|gbp|chf|percent)\b)",
    re.IGNORECASE,
)
_ARTICLES = frozenset(("a", "an"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What one item's lines are made of."""

    first: tuple[str, ...]  # runs and words that may open a headline
    opening: tuple[str, ...]  # may open a tagline
    runs: tuple[str, ...]


def stock(item: ItemFacts, *, avoid: frozenset[str] = frozenset()) -> Stock:
    """No tagline opens with a word of `avoid`, which are in lower case."""
    of_name, told = _runs((_name(item),)), _runs(_told(item))
    named = {run.lower() for run in of_name}
    # The name stands in the headline; a tagline that says it again says nothing.
    news = tuple(run for run in told if run.lower().removeprefix("a ") not in named)
    things = {run.split()[-1].lower() for run in news}
    runs = news if len(things) >= _ENOUGH else (*news, *of_name)
    first = tuple(dict.fromkeys(_capital(run) for run in (*of_name, *told)))
    opening = tuple(dict.fromkeys(_capital(run) for run in runs))
    fresh = tuple(run for run in opening if opener(run) not in avoid)
    return Stock(first=first, opening=fresh or opening, runs=runs)


def word_grammar(item: ItemFacts, size: str, *, avoid: frozenset[str] = frozenset()) -> str:
    """GBNF for `{"headline": …, "tagline": …}` over the runs of words of one item.

    A slot is offered only where the catalogue can fill it and the placement has room for it.
    """
    words = stock(item, avoid=avoid)
    leads = [word for word in LEADS if word.split()[0] not in avoid] or list(LEADS)
    pointers = [word for word in POINTERS if word not in avoid] or list(POINTERS)
    name = _name(item)
    named = f"{_literal(name)} joined? | " if name else ""
    slots = _slots(item) if limits(size).tagline >= _SLOT_ROOM else ""
    fewest, most = JOINED
    rules = [
        r'root ::= "{\"headline\": \"" headline "\", \"tagline\": \"" tagline ".\"}"',
        f"headline ::= {named}first joined?",
        f"tagline ::= (opening | lead run) joined{{{fewest},{most}}}{slots}",
        'joined ::= (" " | ", ") link pointer? run | ", " pointer? run',
        f'lead ::= ({_alternatives(map(_capital, leads))}) " " pointer? | opener " "',
        f"opener ::= {_alternatives(map(_capital, pointers))}",
        f'link ::= ({_alternatives(LINKS)}) " "',
        f'pointer ::= ({_alternatives(POINTERS)}) " "',
        "first ::= " + _alternatives(words.first or (name or "This",)),
        "opening ::= " + _alternatives(words.opening or (name or "This",)),
        "run ::= " + _alternatives(words.runs or (name or "this",)),
    ]
    return "\n".join(rules)


_SLOT_ROOM = 60
_SAID = frozenset((Kind.COLOUR, Kind.MATERIAL))
_ENOUGH = 4  # things that a tagline needs to choose from


def _runs(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Words of the entry that belong together, from their end; with an article where they may have one."""
    found: dict[str, None] = {}
    for text in fields:
        reading = read(text)
        for first, last in dict.fromkeys(reading.chunks):
            places = range(first, last + 1)
            if not reading.weighs(first) or not all(_may_stand(reading, p) for p in places):
                continue
            after = reading.tokens[last + 1].low if last + 1 < len(reading.tokens) else ""
            if after in {"one", "ones"}:
                continue  # "land a big one": no thing is named
            counted = first > 0 and reading.tokens[first - 1].low in _ARTICLES
            for start in places:
                if last - start >= MOST_WORDS or reading.tokens[start].text == "-":
                    continue
                run = _spelled(reading, start, last)
                # Of one word alone it is not known whether it can be counted: "a wood".
                thing = not run.endswith("s") and run[0].isalpha() and last > start
                if counted or thing:
                    found[f"{'an' if run[0].lower() in 'aeiou' else 'a'} {run}"] = None
                found[run] = None
    return tuple(found)[:MAX_RUNS]


def _may_stand(reading: Reading, place: int) -> bool:
    token = reading.tokens[place]
    plain = reading.scope[place] is Scope.PLAIN
    compared = token.low in {"more", "less", "most", "least"}  # "a more juicy" names no thing
    return plain and not compared and token.low not in ABSOLUTE and token.text[0] not in '"\\'


def _spelled(reading: Reading, start: int, last: int) -> str:
    """A run as a line spells it: a sentence's first capital is none of its own, nor are shouted words'."""
    said = ""
    for place in range(start, last + 1):
        token = reading.tokens[place]
        shouted = token.text.isupper() and len(token.text) > 1
        word = token.low if shouted or (token.opens and place > 0) else token.text
        said += word if token.glued or said.endswith("-") or not said else f" {word}"
    return said


def _name(item: ItemFacts) -> str:
    """The name without its pack, its number and what stands behind a comma."""
    return short_name(item).split(",")[0].strip()


def _told(item: ItemFacts) -> tuple[str, ...]:
    """The fields that a tagline may be made of, without money.

    No shelf where there is a description: a model makes a stuff of "Boutique" and a use of "Grocery".
    Nor does a shop's word for a kind ("consumable") read well; a colour and a stuff do.
    """
    shelf = () if item.description else item.category[-1:]
    described = item.description[:1].lower() + item.description[1:]
    told = (value for value in item.attributes.values() if " " in value or kind_of(value) in _SAID)
    return tuple(_MONEY.sub(" ", field) for field in (described, *told, *shelf))


def _slots(item: ItemFacts) -> str:
    if not item.price:
        return ""
    return f" ({json.dumps(', now {price}' if item.was_price else ', for {price}')})?"


def _alternatives(words: Iterable[str]) -> str:
    return " | ".join(_literal(word) for word in words)


def _literal(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
