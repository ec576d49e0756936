"""Whether copy says only what the catalogue says: every claim is parsed, then proved, then judged.

Pure and deterministic. It returns problems in words instead of raising: a creative keeps them. A
claim that no field proves is a problem that names the words, their kind and what would prove them.
"""

import re
from dataclasses import dataclass

from generative.checks.evidence import Proof, evidence_of
from generative.checks.language import problems_of_form
from generative.checks.parse import Claim, parse
from generative.checks.prove import copied, prove
from generative.checks.refusals import content, facts_of, problem, share_supported
from generative.checks.vocabulary import Kind
from generative.copy.limits import limits
from generative.copy.slots import unfilled
from generative.types import Brief, Copy, ItemFacts

MIN_SUPPORT = 0.55
MIN_NEWS = 2  # words that a tagline says and its headline does not
MIN_HEADLINE = 3
MIN_TAGLINE = 8

_SLOT = re.compile(r"\{(price|was|saving)\}")
_MARKUP = re.compile(r"[<>{}\[\]|\\^~`_]|&\w+;|\*\*|https?:|www\.|@\w", re.IGNORECASE)
_PICTOGRAM = re.compile(
    "[\U0001f000-\U0001faff\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\ufe0f\u20e3]"
)
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]")
_LEAK = re.compile(
    r"\b(?:json|prompt|instructions?|language model|as an ai|system|assistant|headline|tagline|"
    r"lorem|ipsum|todo|tbd|placeholder|product name|insert|description|catalog(?:ue)?|facts|(?<!for )example"
    r"|audience|your (?:brand|product|text))\b",
    re.IGNORECASE,
)


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
    # A slot is filled when the words are printed; to the rest of the checks it is a pause of its length.
    said, slotted = blanked(said), said
    support = share_supported(said, facts)
    unfounded, proofs, unproved = examine(said, brief.item)
    problems = [
        *_problems_of_money((*(claim for claim, _ in proofs), *unproved), slotted, brief.item),
        *_problems_of_length(copy, brief.size),
        *_problems_of_text(said, copy, forbidden),
        *unfounded,
        *problems_of_form(_SLOT.sub("1", copy.headline), _SLOT.sub("1", copy.tagline)),
    ]
    if at_limit:
        problems.append("the text was cut off at its limit")
    if len(content(copy.tagline) - content(copy.headline)) < MIN_NEWS:
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
        problems.append(problem(claim, reading, facts, evidence))
    return list(dict.fromkeys(problems)), tuple(proofs), tuple(unproved)


def blanked(text: str) -> str:
    """The text with a pause in the place of each slot, so that every span keeps its place."""
    return _SLOT.sub(lambda found: "," + " " * (len(found[0]) - 1), text)


def _problems_of_money(claims: tuple[Claim, ...], slotted: str, item: ItemFacts) -> list[str]:
    """Money is written by slots alone, even where it is right: words outlive the price they were written at."""
    problems = [trouble] if (trouble := unfilled(slotted, item)) else []
    follows_price = {"was", "saving"} & set(_SLOT.findall(slotted))
    for claim in claims:
        priced = claim.kind is Kind.PRICE or (
            claim.kind is Kind.OFFER and (claim.text[:1].isdigit() or not follows_price)
        )
        if priced:
            problems.append(f"{claim.text!r} speaks of money; only a slot may")
    return problems


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


def normal(text: str) -> str:
    """Letters and digits only, for comparing lines."""
    return " ".join(re.findall(r"\w+", text.lower()))
