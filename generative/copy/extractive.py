"""Taglines cut from the item's own description: short sentences, and clauses after a signal word.

Every word is the merchant's, so nothing is invented; a grammar filter drops fragments.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from generative.brief import orders
from generative.copy.candidate import Candidate
from generative.copy.limits import limits
from generative.copy.template import action, headline, item_name
from generative.types import Brief, Copy

MIN_LENGTH = 14
MIN_WORDS = 3
MAX_TRIES = 6

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'À-Þ])")
_CLAUSE = re.compile(
    r"\b(?:featuring|boasting|with|offering|crafted from|made from|made of)\s+"
    r"(?:an?\s+|its\s+|their\s+|the\s+)?(?P<what>[^.;:!?()]{12,100})",
    re.IGNORECASE,
)
_USE = re.compile(
    r"\b(?P<lead>perfect for|ideal for|suitable for|great for|made for|good for|designed for)\s+"
    r"(?P<what>[^.;:!?()]{6,80})",
    re.IGNORECASE,
)
# A clause that starts or ends like this hangs in the air.
_DANGLING_END = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "but",
        "of",
        "for",
        "with",
        "in",
        "on",
        "to",
        "as",
        "that",
        "which",
        "who",
        "its",
        "their",
        "your",
        "our",
        "this",
        "these",
        "from",
        "by",
        "at",
        "is",
        "are",
        "was",
        "perfect",
        "ideal",
        "making",
        "offering",
        "providing",
        "ensuring",
        "adding",
        "while",
        "when",
        "even",
        "slightly",
        "very",
        "more",
        "most",
        "can",
        "may",
        "will",
        "not",
        "also",
        "both",
        "such",
        "like",
    ]
)
_BAD_START = re.compile(
    r"^(?:and|or|but|it|its|they|their|them|this|these|those|which|that|however|also|thus|then|"
    r"he|she|such|here|there|so)\b",
    re.IGNORECASE,
)
_VERB_TAIL = re.compile(
    r",\s*(?:making|ensuring|adding|providing|offering|perfect|ideal|while)\b.*$"
)


class ExtractiveCopy:
    """Headline from the name, tagline from the description; none where nothing whole is short enough."""

    name = "extractive"

    def write(self, brief: Brief, *, seed: int) -> list[Candidate]:
        room = limits(brief.size).tagline
        lines = list(dict.fromkeys(_lines(brief, room)))
        head, button = headline(brief), action(brief)
        return [
            Candidate(
                copy=Copy(headline=head, tagline=line, action=button), provider=self.name, seed=seed
            )
            for line in lines[:MAX_TRIES]
        ]


def _lines(brief: Brief, room: int) -> Iterator[str]:
    """Clauses first, because they add to the name above them; whole sentences after."""
    description = brief.item.description
    if not description or orders(description):
        return
    sentences = [part.strip() for part in _SENTENCE.split(description) if part.strip()]
    name = item_name(brief.item).lower()
    for sentence in sentences:
        yield from _whole(_clauses(sentence), room, name)
    yield from _whole(iter(sentences), room, name)
    for sentence in sentences:
        yield from _whole(_openings(sentence), room, name)


def _clauses(sentence: str) -> Iterator[str]:
    for found in _CLAUSE.finditer(sentence):
        what = _VERB_TAIL.sub("", found["what"].strip())
        yield what
        # "A and B, perfect for C": the first half alone is whole too.
        yield what.split(", ")[0]
    for found in _USE.finditer(sentence):
        yield f"{found['lead']} {found['what'].strip()}"


def _openings(sentence: str) -> Iterator[str]:
    """A sentence up to its first comma; only sentences that open with a noun phrase stay whole."""
    if ", " in sentence and " - " not in sentence:
        yield sentence.split(", ", maxsplit=1)[0]


def _whole(lines: Iterator[str], room: int, name: str) -> Iterator[str]:
    for line in lines:
        text = _finish(line)
        if len(text) <= room and _reads(text) and _adds(text, name):
            yield text


def _finish(line: str) -> str:
    text = line.strip(" ,;:-\u2013\u2014")
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def _reads(text: str) -> bool:
    words = re.findall(r"[\w'-]+", text.lower())
    if len(words) < MIN_WORDS or len(text) < MIN_LENGTH:
        return False
    if words[-1] in _DANGLING_END or words[-2] in {"a", "an", "very", "slightly"}:
        return False  # "with a mild": the noun was cut off
    if any(first == second for first, second in pairwise(words)) or " of " in text[:10]:
        return False  # a typing error of the feed, or the tail of a phrase
    return not _BAD_START.match(text) and _balanced(text)


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")") and text.count('"') % 2 == 0


def _adds(text: str, name: str) -> bool:
    """Whether a line says more than the name printed above it."""
    named = set(re.findall(r"\w{3,}", name))
    said = [word for word in re.findall(r"\w{3,}", text.lower()) if word not in named]
    return len(said) >= MIN_WORDS - 1
