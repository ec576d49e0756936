"""Whether copy says only what the catalogue says: every claim is parsed, then proved, then judged.

Pure and deterministic. It returns problems in words instead of raising: a creative keeps them. A
claim that no field proves is a problem that names the words, their kind and what would prove them.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from generative.brief import facts_text
from generative.checks.binding import ITEM, head_place
from generative.checks.evidence import Evidence, evidence_of
from generative.checks.language import problems_of_form
from generative.checks.parse import Claim, parse
from generative.checks.prove import Proof, copied, prove
from generative.checks.reading import Reading, Scope, stem
from generative.checks.vocabulary import Kind
from generative.copy.limits import limits
from generative.types import Brief, Copy, ItemFacts

MIN_SUPPORT = 0.55
MIN_NEWS = 2  # words that a tagline says and its headline does not
MIN_HEADLINE = 3
MIN_TAGLINE = 8
NEAR_MISS = 0.8  # similarity from which a foreign word is taken for a misspelt name
NAME_WORD = 5
_SHOWN = 60  # characters of a claim that a problem repeats

_MARKUP = re.compile(r"[<>{}\[\]|\\^~`_]|&\w+;|\*\*|https?:|www\.|@\w", re.IGNORECASE)
_PICTOGRAM = re.compile(
    "[\U0001f000-\U0001faff\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\ufe0f\u20e3]"
)
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]")
_LEAK = re.compile(
    r"\b(?:json|prompt|instructions?|language model|as an ai|system|assistant|headline|tagline|"
    r"lorem|ipsum|todo|tbd|placeholder|product name|insert|description|catalog(?:ue)?|facts|example"
    r"|audience|your (?:brand|product|text))\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
# Words that carry nothing of their own, and words that invite and claim nothing.
_STOP_WORDS = """
a an and are as at be been but by can for from get gets has have her here him his how i if in into
is it its just let like made make makes making may me more my no nor not of on one onto or our out
over own she so some such than that the their them then there these they this those through to too
under until up us very was we what when where which while who will with without you your yours all
any every each both also
add bring choose discover enjoy explore find give grab keep look looking love meet need pick ready
reach see serve shop start taste time today treat try use want way day days home
"""
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a text; `problems` is empty where it passes.

    `support` is the share of content words that the facts hold. `proofs` pairs each proved claim of
    "headline. tagline" with its proof, `unproved` holds the others.
    """

    problems: tuple[str, ...]
    support: float
    proofs: tuple[tuple[Claim, Proof], ...] = ()
    unproved: tuple[Claim, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The words of an item's facts, for names and support."""

    stems: frozenset[str]
    names: frozenset[str]


def judge(
    copy: Copy, brief: Brief, *, forbidden: frozenset[str] = frozenset(), at_limit: bool = False
) -> Verdict:
    """Check copy against the facts of a cleaned brief.

    Args:
        copy: What a provider wrote.
        brief: The cleaned brief it answers.
        forbidden: Example lines of the prompt, which must not come back as copy.
        at_limit: The text ran into the length its grammar allows, so it is cut off.
    """
    facts = facts_of(brief.item)
    said = f"{copy.headline}. {copy.tagline}"
    support = share_supported(said, facts)
    unfounded, proofs, unproved = examine(said, brief.item)
    problems = [
        *_problems_of_length(copy, brief.size),
        *_problems_of_text(said, copy, forbidden),
        *unfounded,
        *problems_of_form(copy.headline, copy.tagline),
    ]
    if at_limit:
        problems.append("the text was cut off at its limit")
    if len(_content(copy.tagline) - _content(copy.headline)) < MIN_NEWS:
        problems.append("the tagline adds too little to the headline")
    if support < MIN_SUPPORT:
        problems.append(f"only {support:.0%} of its words are in the facts")
    return Verdict(
        problems=tuple(problems), support=round(support, 3), proofs=proofs, unproved=unproved
    )


def examine(
    said: str, item: ItemFacts
) -> tuple[list[str], tuple[tuple[Claim, Proof], ...], tuple[Claim, ...]]:
    """Every claim of a text against an item's facts: problems in words, proved claims, the others."""
    facts, evidence = facts_of(item), evidence_of(item)
    reading, claims = parse(said)
    quotes = copied(reading, evidence)
    proofs, unproved, problems = [], [], []
    for claim in claims:
        proof = prove(claim, reading, evidence, quotes)
        if proof is not None:
            proofs.append((claim, proof))
            continue
        unproved.append(claim)
        problems.append(_problem(claim, reading, facts, evidence))
    return list(dict.fromkeys(problems)), tuple(proofs), tuple(unproved)


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


def _content(text: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return {stem(word) for word in words if word not in _STOP}


def _problems_of_length(copy: Copy, size: str) -> list[str]:
    room = limits(size)
    parts = (
        ("headline", copy.headline, MIN_HEADLINE, room.headline),
        ("tagline", copy.tagline, MIN_TAGLINE, room.tagline),
        ("action", copy.action, 2, room.action),
    )
    return [
        f"{name}: {len(text)} characters, allowed are {least} to {most}"
        for name, text, least, most in parts
        if not least <= len(text.strip()) <= most
    ]


def _problems_of_text(said: str, copy: Copy, forbidden: frozenset[str]) -> list[str]:
    problems = []
    if _MARKUP.search(said):
        problems.append("markup, a placeholder or an address")
    if _PICTOGRAM.search(said) or _HIDDEN.search(said):
        problems.append("a pictogram or a control character")
    if found := _LEAK.search(said):
        problems.append(f"talks about its own prompt: {found.group()!r}")
    if {normal(copy.headline), normal(copy.tagline)} & forbidden:
        problems.append("repeats an example of the prompt")
    if normal(copy.headline) == normal(copy.tagline):
        problems.append("the tagline repeats the headline")
    return problems


def _problem(claim: Claim, reading: Reading, facts: Facts, evidence: Evidence) -> str:
    """What is wrong with an unproved claim: its words, its kind, and what would prove it."""
    token = reading.tokens[claim.place]
    text = claim.text if len(claim.text) <= _SHOWN else claim.text[:_SHOWN] + "\u2026"
    if claim.kind is Kind.PRICE:
        return f"price {text!r} is not the item's; the price field alone would prove it"
    if claim.kind is Kind.OFFER and token.number is None:
        return f"speaks of a deal without a former price: {text!r} (offer)"
    wanted = f'a field with "{text}" would prove it'
    if claim.kind in {Kind.PERCENTAGE, Kind.OFFER}:
        return f"share {text!r} ({claim.kind}) is in no field; {wanted}"
    if token.number is not None:
        name = "number" if token.text[0].isdigit() else "amount"
        quoted = text if name == "number" else repr(text)
        return f"{name} {quoted} ({claim.kind}) is in no field; {wanted}"
    if (name := _misspelt(token.low, token.stem, facts)) is not None:
        return f"{token.low!r} looks like {name!r} misspelt"
    scopes = {
        evidence.fields[field].reading.scope[place]
        for field, place in evidence.places.get(token.stem, ())
    }
    if scopes == {Scope.DENIED}:
        return f"the facts deny {token.low!r}"
    head = reading.tokens[head_place(reading, claim.place)].low
    things = head if head != token.low else ", ".join(sorted(claim.of - {ITEM}))
    if scopes and things:
        return f"claim {text!r} ({claim.kind}) is said of no {things!r}; a field that says so would prove it"
    return f"claim {text!r} ({claim.kind}) is in no field; {wanted}"


def _misspelt(word: str, root: str, facts: Facts) -> str | None:
    """The word of the name that a foreign word is close to."""
    if len(word) < NAME_WORD or word in _STOP or root in facts.stems:
        return None
    near = (n for n in sorted(facts.names) if SequenceMatcher(None, word, n).ratio() >= NEAR_MISS)
    return next(near, None)


def normal(text: str) -> str:
    """Letters and digits only, for comparing lines."""
    return " ".join(re.findall(r"\w+", text.lower()))
