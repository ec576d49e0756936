"""A teacher where there is no larger model: phrases of the entry, joined anew.

It finds what an entry calls its thing ("robust green jacket"), what it gives it ("a cozy hood"),
what that is made from, whom it is for and what one does with it, and puts two or three of them into one of a few sentences
that a copywriter would use. Much of it is refused by the checks or dull; a line costs a millisecond,
and what passes is sound, short and in an order of its own.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from generative.checks.vocabulary import (
    ABSOLUTE,
    FUNCTION,
    HARMLESS,
    NUMBER_WORDS,
    Kind,
    kind_of,
)
from generative.copy.limits import limits
from generative.copy.template import action, short_name
from generative.types import Brief, Copy

LINES = 24  # tried for one product
MIN_WORDS, MAX_WORDS = 2, 4  # of a phrase
MAX_USE = 5  # words

_VERBS_TEXT = """accentuates accents adds adorned allows balances becomes blends boasts boasting brightens
    capture captures combine combines complement complemented complements contrasts create creates
    delight delivers drapes elevates embodies embrace emits enhance enhances ensure ensures evokes
    exudes feature fits gives hugs includes infuses invites keeps lends makes offers promise promises
    protects provide provides reads remains showcase showcases stands suits tells transforms
    transitions adapts bring reminiscent designed accented crafted paired nestled made perfect ideal
    suitable inspired finished topped filled set alike against amid amidst alongside between beyond
    throughout yet even while"""
_VERBS = frozenset(_VERBS_TEXT.split())
_GIVES_TEXT = """with features featuring feature has have boasts boasting showcases showcasing its including
    includes offers offering"""
_GIVES = frozenset(_GIVES_TEXT.split())
_ARTICLES = frozenset(("a", "an", "the"))
_DETERMINERS = _ARTICLES | {"its", "your", "any", "both", "every", "their", "all"}
_NOUNS_IN_ING = frozenset(
    ("ceiling", "lighting", "stitching", "lining", "detailing", "ring", "string")
)
_NO_AIM = FUNCTION | {"featuring", "made", "perfect", "ideal", "crafted", "set", "designed"}
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|[^\w\s]")
_USE = re.compile(
    r"\b(?:(?:perfect|ideal|great|suitable|made|designed|good|works|fits) (?:for|in)\s+"
    r"|for\s+(?=(?:the|any|your|every|all|both)\s)|with (?:almost )?(?=any\s))"
    r"(?P<what>[^.,;:!?()]{4,60})",
    re.IGNORECASE,
)
_OF = re.compile(
    r"\b(?P<deed>crafted|made|woven|carved|knitted|built) (?P<link>from|of|in|with)\s+"
    r"(?P<what>[^.,;:!?()]{4,40}?)(?=[.;:!?()]|,\s(?:this|these|it|its|the)\b|\s(?:and|with|in|this|that|for|it)\b)",
    re.IGNORECASE,
)
_AIM = re.compile(
    r"(?:^|(?<=[.!?]\s))(?P<deed>[A-Z][a-z]{2,}) (?P<what>(?:your|any|the|every)\s[^.,;:!?()]{3,40}?)"
    r"(?=\swith\s(?:this|these|our|the|a|an)\b|[.!]|\sin\s(?:this|these|our)\b)"
)
_TAGLINES = (
    "{S} with {a}.",
    "{S} with {a} and {b}.",
    "{S}, {m}.",
    "{S} for {u}.",
    "{S}, made for {u}.",
    "{S}, with {a}, for {u}.",
    "{A} and {b}.",
    "{A}, {b} and {c}.",
    "{A} and {b}, for {u}.",
    "{A} for {u}.",
    "{B}, {a}.",
    "{M}, with {a}.",
    "{M}, for {u}.",
    "For {u}, with {a}.",
    "Ready for {u}, with {a}.",
    "Made for {u}, with {a} and {b}.",
    "With {a} and {b}, for {u}.",
    "Enjoy {a} and {b}.",
    "{N} with {a}.",
    "{N} with {a} and {b}.",
    "{N} with {a}, for {u}.",
    "{N} for {u}.",
    "{N}, {m}.",
    "{N}, {m}, for {u}.",
    "Made for {u}, with {a}.",
    "{S} to {t}.",
    "{S}, ready to {t}.",
    "{S}, made to {t}.",
    "{A} to {t}.",
    "{N} to {t}.",
    "Made to {t}, with {a}.",
    "Ready to {t}.",
    "With {a}, to {t}.",
)
_HEADLINES = (
    "{N}",
    "{N} with {a}",
    "{N} for {u}",
    "{S}",
    "{S} for {u}",
    "{S} with {a}",
    "{A} and {b}",
    "{A}, {b}",
    "{A} for {u}",
    "Made for {u}",
    "For {u}",
    "{A}",
    "{T}",
    "Made to {t}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """`called`: what the entry calls its thing; `given`: what the thing has, each with its article."""

    called: tuple[str, ...]
    given: tuple[str, ...]
    uses: tuple[str, ...]
    made: tuple[str, ...]
    aims: tuple[str, ...]


def joining(brief: Brief, seed: int) -> list[Copy]:
    """Unchecked copy, in an order that follows the seed; a Teacher of `distil`."""
    rng = random.Random(f"{seed}:{brief.item.item_id}")  # noqa: S311 a seed, not a secret
    found = phrases(brief.item.description)
    room = limits(brief.size)
    lines: dict[tuple[str, str], Copy] = {}
    for _ in range(LINES):
        given = rng.sample(found.given, len(found.given))
        values = {
            "N": short_name(brief.item),
            "s": _pick(found.called, rng),
            "u": _pick(found.uses, rng),
            "m": _pick(found.made, rng),
            "t": _pick(found.aims, rng),
        }
        headline = _filled(rng.choice(_HEADLINES), values, given)
        # What the headline has said is not said again.
        said = headline.lower()
        left = [phrase for phrase in given if _bare(phrase).lower() not in said]
        values |= {name: "" for name in "Nsumt" if values[name] and values[name].lower() in said}
        tagline = _filled(rng.choice(_TAGLINES), values, left)
        if headline and tagline and len(headline) <= room.headline and len(tagline) <= room.tagline:
            copy = Copy(headline=headline, tagline=tagline, action=action(brief))
            lines[headline, tagline] = copy
    return list(lines.values())


def phrases(text: str) -> Phrases:
    """What a description says in phrases of two to four words of weight."""
    runs = list(_runs(text))
    return Phrases(
        called=_distinct(words for lead, _, words in runs if lead in {"this", "these", "our"}),
        given=_distinct(
            f"{article} {words}".strip()
            for lead, article, words in runs
            if lead in _GIVES or (lead == "." and article)
        ),
        uses=_distinct(use for found in _USE.finditer(text) for use in _short(found["what"])),
        made=_distinct(
            f"{found['deed'].lower()} {found['link'].lower()} {found['what'].strip()}"
            for found in _OF.finditer(text)
        ),
        aims=_distinct(
            f"{found['deed'].lower()} {found['what'].strip()}"
            for found in _AIM.finditer(text)
            if found["deed"].lower() not in _NO_AIM
        ),
    )


def _runs(text: str) -> Iterator[tuple[str, str, str]]:
    """(the word that leads to it, "a" or "an" where it takes one, the phrase) of what names a thing.

    After "and" a phrase stands in the place of the one before; "its sleek design" is a sleek design.
    """
    tokens = [*_TOKEN.findall(text), ".", "."]
    run: list[str] = []
    before, lead, led, article, counts = ".", "", "", "", False
    for place, token in enumerate(tokens[:-1]):
        low = token.lower()
        if _weighs(token) and not _is_verb(low, tokens[place + 1].lower()):
            if not run:
                joined = before in {"and", ","}
                lead, counts = (led if joined else before), bool(article) or (counts and joined)
            run.append(token)
            continue
        if _names(run) and low != "of":
            words = [w if w[1:] != w[1:].lower() else w.lower() for w in run]
            yield lead, _article(words) if counts else "", " ".join(words)
        if run:
            # "a sleek, | stainless steel": the adjective before the comma names nothing yet.
            led, article = lead, article if low == "," and len(run) == 1 else ""
        if low in _ARTICLES or low in {"its", "their"}:
            article = low
            before = before if low in _ARTICLES else low
        else:
            before = low
        run = []


def _names(run: list[str]) -> bool:
    """Whether a run of words names a thing and says something of it."""
    if not MIN_WORDS <= len(run) <= MAX_WORDS or run[0].lower() in ABSOLUTE | NUMBER_WORDS.keys():
        return False
    return kind_of(run[-1].lower()) is Kind.FEATURE


def _article(words: list[str]) -> str:
    if words[-1].endswith("s"):
        return ""
    return "an" if words[0][0].lower() in "aeiou" else "a"


def _weighs(token: str) -> bool:
    low = token.lower()
    return token[0].isalpha() and low not in FUNCTION | HARMLESS | _VERBS


def _is_verb(word: str, after: str) -> bool:
    """Whether a word is a deed: "ensuring", "perfectly", and "drapes" before an article."""
    tells = word.endswith(("ly", "ing")) and len(word) > 4 and word not in _NOUNS_IN_ING  # noqa: PLR2004 letters
    return tells or (word.endswith("s") and after in _DETERMINERS)


def _short(what: str) -> Iterator[str]:
    """A use whole, or up to its first "or"; not one that says more than a few words."""
    first = re.split(r"\s(?:or|and)\s", what)[0].strip()
    for text in (what.strip(), first):
        words = text.lower().split()
        if not 0 < len(words) <= MAX_USE or words[-1] in FUNCTION or words[0] == "both":
            continue
        if text is first and first != what.strip() and words[0].endswith("ing"):
            continue  # "creating a warm | and inviting atmosphere"
        yield text


def _bare(phrase: str) -> str:
    first, _, rest = phrase.partition(" ")
    return rest if first in _ARTICLES else phrase


def _distinct(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _pick(values: tuple[str, ...], rng: random.Random) -> str:
    return rng.choice(values) if values else ""


def _filled(pattern: str, values: dict[str, str], given: list[str]) -> str:
    """The sentence with its phrases; empty where one is missing."""
    parts = dict(values) | dict.fromkeys("abc", "") | dict(zip("abc", given, strict=False))
    parts |= {name.upper(): _capital(_bare(parts[name])) for name in "absmt"}
    wanted = re.findall(r"\{(\w)\}", pattern)
    return _capital(pattern.format(**parts)) if all(parts[name] for name in wanted) else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
