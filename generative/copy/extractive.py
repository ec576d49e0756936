"""Taglines cut from the item's own description: short sentences, and clauses after a signal word.

Every word is the merchant's, so nothing is invented; a grammar filter drops fragments.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from generative.brief import orders
from generative.copy.candidate import Candidate
from generative.copy.limits import limits
from generative.copy.rewording import varied
from generative.copy.template import action, headline, item_name
from generative.evaluation import opener
from generative.types import Brief, Copy

MIN_LENGTH = 14
MIN_WORDS = 3
MAX_TRIES = 8

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
# "This leather purse has …" is whole where "This has …" points at a sentence before.
_NAMES_ITSELF = re.compile(
    r"^(?:this|these)\s+(?!is\b|are\b|was\b|has\b|have\b|can\b|will\b|makes?\b|gives?\b|one\b)\w+",
    re.IGNORECASE,
)
_OWN_VERB = re.compile(
    r"\b(?:it|they|you|we|this|these|that|which|who|is|are|was|were|has|have|will|can|may|but)\b",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    r"^(?:whether|if|when|while|because|although|though|since|with|without|in|on|at|for|to|from|as|by"
    r"|not)\b",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"^(?:but|or|nor|yet|except|unless|without|never|not|like|so|then|for example)\b", re.IGNORECASE
)
_ADDS_ON = re.compile(
    r"^(?:with|which|making|adding|ensuring|providing|as|each|all|and (?:is|are|has|have|can|will)"
    r"|somewhat|popular|perfect|ideal|suitable)\b",
    re.IGNORECASE,
)
_LISTS = re.compile(r"\b(?:and|or|etc)\b", re.IGNORECASE)
_VERB_TAIL = re.compile(
    r",\s*(?:making|ensuring|adding|providing|offering|perfect|ideal|while)\b.*$"
)


class ExtractiveCopy:
    """Headline from the name, tagline from the description; none where nothing whole is short enough."""

    name = "extractive"

    def write(
        self, brief: Brief, *, seed: int, avoid: frozenset[str] = frozenset()
    ) -> list[Candidate]:
        room = limits(brief.size).tagline
        lines = list(dict.fromkeys(_lines(brief, room)))
        lines = [line for line in varied(lines, brief) if len(line) <= room]
        lines.sort(key=lambda line: opener(line) in avoid)
        head, button = headline(brief), action(brief)
        return [
            Candidate(
                copy=Copy(headline=head, tagline=line, action=button), provider=self.name, seed=seed
            )
            for line in lines[:MAX_TRIES]
        ]


def _lines(brief: Brief, room: int) -> Iterator[str]:
    """Whole sentences first, then sentences without their tail, then clauses: the safest lead."""
    description = brief.item.description
    if not description or orders(description):
        return
    sentences = [part.strip() for part in _SENTENCE.split(description) if part.strip()]
    name = item_name(brief.item).lower()
    yield from _whole(iter(sentences), room, name, cut=False)
    for sentence in sentences:
        yield from _whole(_openings(sentence), room, name)
    for sentence in sentences:
        yield from _whole(_clauses(sentence), room, name)


def _clauses(sentence: str) -> Iterator[str]:
    for found in _CLAUSE.finditer(sentence):
        what = _VERB_TAIL.sub("", found["what"].strip())
        for part in (what, what.split(", ")[0]):
            # "With its fresh acid it softens the heat": a subject or a verb of its own is no clause.
            if found.start() > 0 and not _OWN_VERB.search(part):
                yield part
    for found in _USE.finditer(sentence):
        what = found["what"].strip()
        if not _OWN_VERB.search(what):
            yield f"{found['lead']} {what}"


def _openings(sentence: str) -> Iterator[str]:
    """A sentence up to its first comma, where neither a list nor its meaning is cut in two."""
    head, comma, tail = sentence.partition(", ")
    if not comma or " - " in sentence or _SUBORDINATE.match(head) or _TURNS.match(tail):
        return
    if _ADDS_ON.match(tail) or not _LISTS.search(tail):
        yield head


def _whole(lines: Iterator[str], room: int, name: str, *, cut: bool = True) -> Iterator[str]:
    for line in lines:
        text = _finish(line)
        if len(text) <= room and _reads(text, cut=cut) and _adds(text, name):
            yield text


def _finish(line: str) -> str:
    text = line.strip(" ,;:-\u2013\u2014")
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def _reads(text: str, *, cut: bool) -> bool:
    """Whether a line is whole; what was cut out of a sentence is looked at more closely."""
    words = re.findall(r"[\w'-]+", text.lower())
    if len(words) < MIN_WORDS or len(text) < MIN_LENGTH:
        return False
    if words[-1] in _DANGLING_END or (cut and words[-2] in {"a", "an", "very", "slightly"}):
        return False  # "with a mild": the noun was cut off
    if not cut and _NAMES_ITSELF.match(text):
        return _balanced(text)
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
