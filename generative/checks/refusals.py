"""What is wrong with an unproved claim, in words: the words, their kind, and what would prove them."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from generative.brief import facts_text
from generative.checks.binding import head_place
from generative.checks.evidence import Evidence
from generative.checks.parse import Claim
from generative.checks.reading import Reading, Scope, stem
from generative.checks.vocabulary import ABSOLUTE, FUNCTION, INVITES, Kind
from generative.types import ItemFacts

NEAR_MISS = 0.8  # similarity from which a foreign word is taken for a misspelt name
NAME_WORD = 5
_SHOWN = 60  # characters of a claim that a problem repeats
_STOP = FUNCTION | INVITES | ABSOLUTE
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The words of an item's facts, for support, and those of its name, for misspellings."""

    stems: frozenset[str]
    names: frozenset[str]


def facts_of(item: ItemFacts) -> Facts:
    return _facts(facts_text(item), f"{item.title} {item.brand}")


@lru_cache(maxsize=64)
def _facts(text: str, names: str) -> Facts:
    return Facts(
        stems=frozenset(stem(word) for word in _WORD.findall(text)),
        names=frozenset(word.lower() for word in _WORD.findall(names) if len(word) >= NAME_WORD),
    )


def share_supported(text: str, facts: Facts) -> float:
    """The share of content words that the facts hold, in any of their usual endings."""
    words = [word.lower() for word in _WORD.findall(text)]
    content = [word for word in words if word not in _STOP and len(word) > 2]  # noqa: PLR2004 letters
    if not content:
        return 0.0
    return sum(stem(word) in facts.stems for word in content) / len(content)


def content(text: str) -> set[str]:
    """The stems of the words that carry something of their own."""
    words = (word.lower() for word in _WORD.findall(text))
    return {stem(word) for word in words if word not in _STOP}


def problem(claim: Claim, reading: Reading, facts: Facts, evidence: Evidence) -> str:
    token = reading.tokens[claim.place]
    text = claim.text if len(claim.text) <= _SHOWN else claim.text[:_SHOWN] + "\u2026"
    if claim.kind is Kind.PRICE:
        return f"price {text!r} is not the item's; the price field alone would prove it"
    wanted = f'({claim.kind}) is in no field; a field with "{text}" would prove it'
    if token.number is not None:
        if claim.kind in {Kind.PERCENTAGE, Kind.OFFER}:
            return f"share {text!r} {wanted}"
        return f"number {text} {wanted}" if token.text[0].isdigit() else f"amount {text!r} {wanted}"
    if claim.kind is Kind.OFFER:
        return f"speaks of a deal without a former price: {text!r} (offer)"
    return _unproved_word(claim, reading, facts, evidence) or f"claim {text!r} {wanted}"


def _unproved_word(claim: Claim, reading: Reading, facts: Facts, evidence: Evidence) -> str:
    """What the facts do say of a word, where they say something; empty where they do not know it."""
    token = reading.tokens[claim.place]
    if (name := _misspelt(token.low, token.stem, facts)) is not None:
        return f"{token.low!r} looks like {name!r} misspelt"
    places = evidence.places.get(token.stem, ())
    scopes = {evidence.fields[field].reading.scope[place] for field, place in places}
    if scopes == {Scope.DENIED}:
        return f"the facts deny {token.low!r}"
    head = reading.tokens[head_place(reading, claim.place)]
    others = (t for t in reading.tokens[: claim.place] if t.stem in claim.of)
    thing = head.low if head is not token else next((other.low for other in others), "")
    if not scopes or not thing:
        return ""
    return f"claim {claim.text!r} ({claim.kind}) is not said of {thing!r}; a field that says so would prove it"


def _misspelt(word: str, root: str, facts: Facts) -> str | None:
    """The word of the name that a foreign word is close to."""
    if len(word) < NAME_WORD or word in _STOP or root in facts.stems:
        return None
    near = (n for n in sorted(facts.names) if SequenceMatcher(None, word, n).ratio() >= NEAR_MISS)
    return next(near, None)
