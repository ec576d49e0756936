"""A grammar that lets a language model only choose, order and join phrases of the catalogue entry.

A 135M model invents materials, numbers and spellings as soon as it may choose its words. Bound to
the entry's own phrases it cannot: every number, name and claim it prints stands in a field. What
is left to it is what it is good at, a fluent choice. The checks still judge what comes out.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generative.copy.template import short_name
from generative.evaluation import opener
from generative.types import Copy, ItemFacts

MAX_STARTS = 70
PHRASE_WORDS = 12
MIN_NOUN, MAX_NOUN = 2, 5  # words

_WORD = re.compile(r"[^\W_](?:[\w'\u2019&%/-]*[^\W_%])?%?")
_STOP = re.compile(r"[.;:!?()\"]+\s*|\s[-\u2013\u2014]\s")
_COMMA = re.compile(r",\s+")
_SMALL_WORDS = """
a an the and or but of for with in on to as at by from that which who its it is are was has have be
been being this these those also very not than your our their you we they i so if when while can may
will would more most much many some any one into onto over
"""
SMALL = frozenset(_SMALL_WORDS.split())
# A phrase may open a sentence or follow one of these. After "which" or "to" comes a verb, after "in"
# half of a thought, and after "without" the opposite of what the entry says.
_LEADS = frozenset(("a", "an", "with", "has", "have", "is", "are"))
_VERBS = frozenset(("is", "are", "was", "has", "have", "can", "may", "will", "would", "than"))
_BINDS = _VERBS | {"of"}
_ARTICLES = frozenset(("a", "an", "the", "its", "their"))
_MAY_OPEN = frozenset(("a", "an", "the", "our", "this", "these", "can", "every"))
_DENIALS = frozenset(
    ("not", "no", "never", "without", "don't", "don\u2019t", "cannot", "can't", "nor")
)
_NEVER_LAST = SMALL | frozenset(("without", "no", "never", "non"))
_NEVER_FIRST = _NEVER_LAST | {"little", "bit", "lot", "almost", "nearly", "rather", "quite", "far"}


def grammar(item: ItemFacts, *, avoid: frozenset[str] = frozenset(), fewest: int = 2) -> str:
    """GBNF for `{"headline": …, "tagline": …}` over the phrases of one item.

    A headline is the name, with a noun phrase behind it at most. A tagline is a phrase or a noun
    phrase, with another noun phrase behind it at most: nothing else can be joined and still read.
    No tagline opens with a word of `avoid`, or has less than `fewest` words, where the entry has
    another phrase.
    """
    named = _phrases(short_name(item), limit=8)
    told = _phrases(item.description, limit=PHRASE_WORDS)[:MAX_STARTS]
    told = [run for run in told if opener(run[0]) not in avoid] or told
    told = [run for run in told if len(run) >= fewest] or told
    nouns = _noun_phrases(item.description)[:MAX_STARTS]
    join = ' (", " noun)?' if nouns else ""
    rules = [
        r'root ::= "{\"headline\": \"" headline "\", \"tagline\": \"" tagline ".\"}"',
        f"headline ::= name{join}",
        f"tagline ::= opening{join}",
        "name ::= " + (_literal(" ".join(named[0])) if named else _rule(told, capital=True)),
        "opening ::= " + _rule(told or named, capital=True, fewest=fewest),
    ]
    if nouns:
        rules.append("noun ::= " + " | ".join(dict.fromkeys(_literal(noun) for noun in nouns)))
    return "\n".join(rules)


def choice(copies: Sequence[Copy]) -> str:
    """GBNF for one of these headlines and one of these taglines, each as it stands."""
    headlines = dict.fromkeys(_literal(copy.headline) for copy in copies)
    taglines = dict.fromkeys(_literal(copy.tagline) for copy in copies)
    return "\n".join(
        [
            r'root ::= "{\"headline\": \"" headline "\", \"tagline\": \"" tagline "\"}"',
            "headline ::= " + " | ".join(headlines),
            "tagline ::= " + " | ".join(taglines),
        ]
    )


def _phrases(text: str, *, limit: int) -> list[list[str]]:
    """Runs of words that may be a phrase: each opens a sentence or follows a word that leads to one."""
    found = []
    for part in _parts(text):
        low = [word.lower() for word in part.words]
        for start in range(len(part.words)):
            if not _opens(low, start, part):
                continue
            run = part.words[start : start + limit]
            cut_off = start + limit < len(low) and low[start + limit] not in SMALL
            if part.listed and start + len(run) == len(low):
                run = _without_hanging_adjective(run)
            while run and (run[-1].lower() in _NEVER_LAST or cut_off):
                cut_off = cut_off and run[-1].lower() not in SMALL
                run = run[:-1]
            end = start + len(run)
            if end < len(low) and "to" in low[max(end - 3, start) : end]:
                end -= low[start:end][::-1].index("to") + 1  # "a cup to mount | on any surface"
                run = run[: end - start]
            whole = end == len(low) or low[end] not in _BINDS
            if run and whole and (len(run) > 1 or len(low) == 1):
                found.append(run)
    return found


def _opens(low: list[str], start: int, part: "_Part") -> bool:
    """Whether a phrase may start at this word of a part, in lower case."""
    if start == 0:
        return part.first and (low[0] in _MAY_OPEN or low[0] not in _NEVER_LAST)
    if start == 1 and part.first and low[0] in _MAY_OPEN:
        return False  # "A green pepper is …" keeps its article
    return _leads(low[:start]) and low[start] not in _NEVER_FIRST


def _without_hanging_adjective(run: list[str]) -> list[str]:
    """What is left of "apple with a sweet" when the noun stands behind the next comma."""
    if len(run) > 1 and run[-2].lower() in _ARTICLES:
        return run[:-2]
    return run


def _noun_phrases(text: str) -> list[str]:
    """Words of weight up to where a small one follows, as in (a) crisp pink apple."""
    found = []
    for part in _parts(text):
        low = [word.lower() for word in part.words]
        for start in range(1, len(low)):
            if not _leads(low[:start]) or low[start] in _NEVER_FIRST:
                continue
            end = start
            while end < len(low) and (low[end] not in SMALL or _joins(low, end)):
                end += 1
            ends = end == len(low) or low[end] not in _BINDS
            if ends and MIN_NOUN <= end - start <= MAX_NOUN:
                found.append(" ".join(part.words[start:end]))
    return found


def _joins(low: list[str], place: int) -> bool:
    """Whether an "and" stands between two words of weight."""
    return low[place] == "and" and place + 1 < len(low) and low[place + 1] not in SMALL


@dataclass(frozen=True, slots=True)
class _Part:
    """Words between stops and commas. `first` opens a sentence; after `listed` a comma follows."""

    words: list[str]
    first: bool
    listed: bool


def _parts(text: str) -> Iterator[_Part]:
    for sentence in _STOP.split(text):
        pieces = [_WORD.findall(piece) for piece in _COMMA.split(sentence)]
        for place, words in enumerate(pieces):
            yield _Part(words, first=place == 0, listed=place + 1 < len(pieces))


def _leads(before: list[str]) -> bool:
    """Whether a phrase may open after these words; "than the" would turn a comparison round."""
    if not _DENIALS.isdisjoint(before):
        return False
    if before[-1] in {"a", "an", "the"} and len(before) > 1:
        return before[-2] in _LEADS or before[-2] not in _NEVER_LAST
    return before[-1] in _LEADS


def _rule(phrases: list[list[str]], *, capital: bool, fewest: int = 2) -> str:
    bodies = [_phrase(run, capital=capital, fewest=fewest) for run in phrases]
    return " | ".join(dict.fromkeys(bodies))


def _phrase(run: list[str], *, capital: bool, fewest: int) -> str:
    """The words in order; the phrase may stop after any word that does not hang in the air."""
    body = ""
    for place in range(len(run) - 1, 0, -1):
        body = f"{_literal(' ' + run[place])} {body}".strip()
        # A phrase is whole where a small word would lead on: "suction cup | to mount".
        here, before = run[place].lower(), run[place - 1].lower()
        hangs = here in {"and", "or"} and not _ARTICLES.isdisjoint(
            word.lower() for word in run[max(place - 3, 0) : place]
        )  # "a rather small | and round melon"
        hangs = hangs or "to" in [word.lower() for word in run[max(place - 3, 0) : place]]
        if place >= fewest and here in SMALL - _BINDS and before not in _NEVER_LAST and not hangs:
            body = f"({body})?"
    first = run[0][:1].upper() + run[0][1:] if capital else run[0]
    return f"{_literal(first)} {body}".strip()


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
