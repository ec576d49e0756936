"""What is shown until, or instead of, a generated creative: the catalogue's own words."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from generative.brief import clean, from_json, key, to_json
from generative.checks.avoid import forbidden_in
from generative.checks.claims import Verdict, examine, judge
from generative.checks.lexicon import RUDE
from generative.copy.candidate import Candidate
from generative.copy.extractive import ExtractiveCopy
from generative.copy.template import TemplateCopy, spoken
from generative.marking.provenance import provenance
from generative.truth import named
from generative.types import Audience, Brief, Copy, Creative, State


def floor(brief: Brief, *, fingerprint: str = "floor", avoid: tuple[str, ...] = ()) -> Creative:
    """What is shown of a brief until more is made: pure, about a millisecond, never fails.

    `avoid` are the words that the brand kit forbids.
    """
    # The floor's words are the same for every audience, so a shop's shelf fits in a small memory.
    text = json.dumps(to_json(replace(brief, audience=Audience())), sort_keys=True)
    candidate, verdict, cleaned = _remembered_floor(text, avoid)
    return Creative(
        key=key(brief, fingerprint),
        item_id=brief.item.item_id,
        size=brief.size,
        state=State.FALLBACK,
        copy=candidate.copy,
        provenance=named(
            provenance(candidate, cleaned, seed=0, fingerprint=fingerprint), brief.item
        ),
        checks={"support": verdict.support, "tried": 1, "refused": []},
    )


@lru_cache(maxsize=4096)
def _remembered_floor(text: str, avoid: tuple[str, ...]) -> tuple[Candidate, Verdict, Brief]:
    cleaned = clean(from_json(json.loads(text)))
    return *floor_copy(cleaned, avoid), cleaned


def floor_copy(cleaned: Brief, avoid: Sequence[str] = ()) -> tuple[Candidate, Verdict]:
    """The best true words that need no model: the entry's own where they pass, else fixed ones.

    The fixed words print the item's name, then its shelf's, then nobody's: the last cannot fail.
    """
    for candidate in ExtractiveCopy().write(cleaned, seed=0):
        verdict = judge(candidate.copy, cleaned)
        if verdict.passed and not forbidden_in(candidate.copy, avoid):
            return candidate, verdict
    nameless = replace(cleaned.item, title="")
    for item in (cleaned.item, nameless, replace(nameless, category=())):
        candidate = TemplateCopy().write(replace(cleaned, item=item), seed=0)[0]
        verdict = judge_fixed(candidate.copy, cleaned)
        if verdict.passed and not forbidden_in(candidate.copy, avoid):
            break
    return candidate, replace(verdict, problems=())


def judge_fixed(copy: Copy, cleaned: Brief) -> Verdict:
    """Check words of which only the catalogue's part can fail: a name that claims what no field holds.

    They need not be in the facts, as a language model's must: "Picked for you" says nothing of the item.
    """
    said = f"{copy.headline}. {copy.tagline}" if spoken(cleaned) == "en" else copy.headline
    problems, proofs, unproved = examine(said, cleaned.item)
    if rude := RUDE.search(said):
        problems = [*problems, f"rude: {rude.group()!r}"]
    return Verdict(problems=tuple(problems), support=1.0, proofs=proofs, unproved=unproved)
