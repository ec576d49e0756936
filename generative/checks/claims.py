"""Whether copy says only what the catalogue says: numbers, prices, claims, names, lengths.

Pure and deterministic. It returns problems in words instead of raising: a creative keeps them.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from generative.brief import facts_text
from generative.checks.language import problems_of_form
from generative.checks.lexicon import CLAIM, DEAL
from generative.copy.limits import limits
from generative.types import Brief, Copy, ItemFacts

MIN_SUPPORT = 0.55
MIN_NEWS = 2  # words that a tagline says and its headline does not
MIN_HEADLINE = 3
MIN_TAGLINE = 8
NEAR_MISS = 0.8  # similarity from which a foreign word is taken for a misspelt name
NAME_WORD = 5

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_MONEY = re.compile(
    r"[$€£¥₹]\s*\d[\d.,]*|\d[\d.,]*\s*(?:[$€£¥₹]|\b(?:eur|usd|gbp|dollars?|euros?)\b)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\d[\d.,]*\s*(?:%|percent|per cent)", re.IGNORECASE)
_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?"
    r"|millions?|half|double|triple)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:without|no|not|never|free (?:of|from))\s+(?:an?\s+|any\s+|the\s+)?(?P<what>\w{4,})"
)
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
    """`support` is the share of content words that the facts hold; `problems` is empty where it passes."""

    problems: tuple[str, ...]
    support: float

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An item's facts, taken apart once for all its candidates."""

    text: str
    words: frozenset[str]
    stems: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    prices: frozenset[str]
    reduced: bool


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
    problems = [
        *_problems_of_length(copy, brief.size),
        *_problems_of_text(said, copy, forbidden),
        *_problems_of_numbers(said, facts),
        *_problems_of_claims(said, facts),
        *_problems_of_denial(said, facts),
        *_problems_of_names(said, facts),
        *problems_of_form(copy.headline, copy.tagline),
    ]
    if at_limit:
        problems.append("the text was cut off at its limit")
    if len(_content(copy.tagline) - _content(copy.headline)) < MIN_NEWS:
        problems.append("the tagline adds too little to the headline")
    if support < MIN_SUPPORT:
        problems.append(f"only {support:.0%} of its words are in the facts")
    return Verdict(problems=tuple(problems), support=round(support, 3))


def facts_of(item: ItemFacts) -> Facts:
    return _facts(facts_text(item), f"{item.title} {item.brand}", item.price, item.was_price)


@lru_cache(maxsize=64)
def _facts(text: str, names: str, price: str | None, was_price: str | None) -> Facts:
    words = frozenset(word.lower() for word in _WORD.findall(text))
    return Facts(
        text=" ".join(text.lower().split()),
        words=words,
        stems=frozenset(_stem(word) for word in words),
        numbers=frozenset(_plain(number) for number in _NUMBER.findall(text)),
        names=frozenset(word.lower() for word in _WORD.findall(names) if len(word) >= NAME_WORD),
        prices=frozenset(_plain(value) for value in (price, was_price) if value),
        reduced=_amount(was_price) > _amount(price) > 0,
    )


def share_supported(text: str, facts: Facts) -> float:
    """The share of content words that the facts hold, in any of their usual endings."""
    words = [word.lower() for word in _WORD.findall(text)]
    content = [word for word in words if word not in _STOP and len(word) > 2]  # noqa: PLR2004 letters
    if not content:
        return 0.0
    return sum(_stem(word) in facts.stems for word in content) / len(content)


def _content(text: str) -> set[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return {_stem(word) for word in words if word not in _STOP}


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


def _problems_of_numbers(said: str, facts: Facts) -> list[str]:
    numbers = [number for number in _NUMBER.findall(said) if _plain(number) not in facts.numbers]
    problems = [f"number {number} is in no field" for number in numbers]
    for money in _MONEY.findall(said):
        amounts = {_plain(number) for number in _NUMBER.findall(money)}
        if not amounts <= facts.prices:
            problems.append(f"price {money.strip()!r} is not the item's")
    problems.extend(
        f"share {percent.strip()!r} is in no field"
        for percent in _PERCENT.findall(said)
        if " ".join(percent.lower().split()) not in facts.text
    )
    problems.extend(
        f"amount {word!r} is in no field"
        for word in _NUMBER_WORD.findall(said)
        if word.lower() not in facts.words
    )
    return problems


def _problems_of_claims(said: str, facts: Facts) -> list[str]:
    problems = [
        f"speaks of a deal without a former price: {found.group()!r}"
        for found in DEAL.finditer(said)
        if not facts.reduced and not _said_by(found.group(), facts)
    ]
    problems.extend(
        f"claim {found.group()!r} is in no field"
        for found in CLAIM.finditer(said)
        if not _said_by(found.group(), facts)
    )
    return problems


def _said_by(claim: str, facts: Facts) -> bool:
    """Whether the facts hold the claim as whole words."""
    pattern = r"(?<!\w)" + re.escape(claim.lower()) + r"(?!\w)"
    return re.search(pattern, facts.text) is not None


def _problems_of_denial(said: str, facts: Facts) -> list[str]:
    """What the facts only deny ("without a scent") must not be said without the denial."""
    affirmed = _affirmed(said.lower())
    denied = {found["what"] for found in _DENIED.finditer(facts.text)} - _affirmed(facts.text)
    return [f"the facts deny {word!r}" for word in sorted(denied & affirmed)]


def _affirmed(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(_DENIED.sub(" ", text))}


def _problems_of_names(said: str, facts: Facts) -> list[str]:
    """A foreign word close to a word of the name is the name misspelt."""
    problems = []
    for word in {word.lower() for word in _WORD.findall(said)}:
        if len(word) < NAME_WORD or word in _STOP or _stem(word) in facts.stems:
            continue
        near = [n for n in facts.names if SequenceMatcher(None, word, n).ratio() >= NEAR_MISS]
        if near:
            problems.append(f"{word!r} looks like {near[0]!r} misspelt")
    return problems


def normal(text: str) -> str:
    """Letters and digits only, for comparing lines."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _stem(word: str) -> str:
    word = word.lower().replace("\u2019", "'").removesuffix("'s")
    for ending in ("ingly", "ness", "ies", "ing", "ers", "ed", "er", "es", "ly", "y", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) > 3:  # noqa: PLR2004 a stem has four letters
            return word[: -len(ending)]
    return word


def _plain(number: str) -> str:
    return number.replace(",", ".").rstrip(".")


def _amount(price: str | None) -> float:
    try:
        return float(price or 0)
    except ValueError:
        return 0.0
