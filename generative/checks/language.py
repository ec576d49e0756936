"""Whether copy is fit to print: no rude words, and the form of a headline and a sentence."""

import re
from itertools import pairwise

from generative.checks.lexicon import RUDE

MAX_REPEATS = 2
SHOUTED = 0.6

_JOINS = frozenset(("with", "from", "this", "that", "your", "when", "into", "both", "their"))
_BROKEN = re.compile(r"[!?]{2,}|\.{2,}|,{2,}|\s[,.;:!?]|[,;:]$|^\W+\w?$|(\w)\1{3,}")
_DANGLING = re.compile(
    r"\b(?:a|an|the|and|or|but|of|for|with|in|on|to|as|at|by|from|that|which|your|our|their|its|is|are)"
    r"\s*[.!?]?$",
    re.IGNORECASE,
)


def problems_of_form(headline: str, tagline: str) -> list[str]:
    problems = []
    if found := RUDE.search(f"{headline} {tagline}"):
        problems.append(f"rude word {found.group()!r}")
    for name, text in (("headline", headline), ("tagline", tagline)):
        if _BROKEN.search(text) or text.count('"') % 2 or text.count("(") != text.count(")"):
            problems.append(f"{name}: broken punctuation")
        if _DANGLING.search(text):
            problems.append(f"{name}: ends in the middle")
        if (
            not text[:1].isupper()
            and not text[:1].isdigit()
            and text[:1].lower() != text[:1].upper()
        ):
            problems.append(f"{name}: starts in lower case")
        if _repeats(text):
            problems.append(f"{name}: repeats itself")
        if shouts(text):
            problems.append(f"{name}: shouts")
    return problems


def shouts(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    upper = sum(letter.isupper() for letter in letters)
    return len(letters) > 8 and upper / len(letters) > SHOUTED  # noqa: PLR2004 short names may


def _repeats(text: str) -> bool:
    words = re.findall(r"\w+", text.lower())
    long = [word for word in words if len(word) > 3 and word not in _JOINS]  # noqa: PLR2004 letters
    often = any(long.count(word) >= MAX_REPEATS for word in set(long))
    return often or any(first == second for first, second in pairwise(words))
