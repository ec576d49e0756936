"""A grammar that lets a language model only choose, order and join phrases of the catalogue entry.

A 135M model invents materials, numbers and spellings as soon as it may choose its words. Bound to
the entry's own phrases it cannot: every number, name and claim it prints stands in a field. What
is left to it is what it is good at, a fluent choice. The checks still judge what comes out.
"""

import json
import re

from generative.copy.template import short_name
from generative.types import ItemFacts

MAX_STARTS = 70
PHRASE_WORDS = 8

_WORD = re.compile(r"[^\W_](?:[\w'\u2019&%/-]*[^\W_%])?%?")
_BREAK = re.compile(r"[.;:!?()\"]+\s*|,\s+|\s[-\u2013\u2014]\s")
_SMALL_WORDS = """
a an the and or but of for with in on to as at by from that which who its it is are was has have be
been being this these those also very not than your our their you we they i so if when while can may
will would more most much many some any one into onto over
"""
SMALL = frozenset(_SMALL_WORDS.split())
# A phrase may open a fragment or follow one of these; after "which" or "to" comes a verb, and after
# "without" the opposite of what the entry says.
_LEAD_WORDS = "a an the with and or of for in on has have is are your our its from by"
_LEADS = frozenset(_LEAD_WORDS.split())
_NEVER_LAST = SMALL | frozenset(("without", "no", "never", "non"))


def grammar(item: ItemFacts) -> str:
    """GBNF for `{"headline": …, "tagline": …}` over the phrases of one item."""
    named = _phrases(short_name(item), limit=8)
    told = _phrases(item.description, limit=PHRASE_WORDS)[:MAX_STARTS]
    rules = (
        r'root ::= "{\"headline\": \"" headline "\", \"tagline\": \"" tagline ".\"}"',
        "headline ::= name (join phrase)?",
        "tagline ::= opening (join phrase)?",
        'join ::= ", "',
        "name ::= " + _rule(named[:1] or told, capital=True),
        "opening ::= " + _rule(told or named, capital=True),
        "phrase ::= " + _rule(told or named, capital=False),
    )
    return "\n".join(rules)


def _phrases(text: str, *, limit: int) -> list[list[str]]:
    """Runs of words that may be a phrase: each opens where a fragment or a small word ends."""
    found = []
    for part in _BREAK.split(text):
        words = _WORD.findall(part)
        for start, word in enumerate(words):
            opens = start == 0 or _leads([word.lower() for word in words[:start]])
            run = words[start : start + limit]
            cut_off = start + limit < len(words) and words[start + limit].lower() not in SMALL
            while run and (run[-1].lower() in _NEVER_LAST or cut_off):
                cut_off = cut_off and run[-1].lower() not in SMALL
                run = run[:-1]
            alone = len(run) == 1 and len(words) > 1
            if run and opens and not alone and word.lower() not in _NEVER_LAST:
                found.append(run)
    return found


def _leads(before: list[str]) -> bool:
    """Whether a phrase may open after these words; "than the" would turn a comparison round."""
    if before[-1] in {"a", "an", "the"} and len(before) > 1:
        return before[-2] in _LEADS or before[-2] not in _NEVER_LAST
    return before[-1] in _LEADS


def _rule(phrases: list[list[str]], *, capital: bool) -> str:
    bodies = [_phrase(run, capital=capital) for run in phrases]
    return " | ".join(dict.fromkeys(bodies))


def _phrase(run: list[str], *, capital: bool) -> str:
    """The words in order; the phrase may stop after any word that does not hang in the air."""
    body = ""
    for place in range(len(run) - 1, 0, -1):
        body = f"{_literal(' ' + run[place])} {body}".strip()
        # A phrase is whole where a small word would lead on: "suction cup | to mount".
        if place > 1 and run[place].lower() in SMALL and run[place - 1].lower() not in _NEVER_LAST:
            body = f"({body})?"
    first = run[0][:1].upper() + run[0][1:] if capital else run[0]
    return f"{_literal(first)} {body}".strip()


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
