"""What is shown until, or instead of, a generated creative: the catalogue's own words."""

import json
from dataclasses import replace
from functools import lru_cache

from generative.brief import clean, from_json, key, to_json
from generative.checks.claims import Verdict, judge
from generative.copy.candidate import Candidate
from generative.copy.extractive import ExtractiveCopy
from generative.copy.template import TemplateCopy
from generative.provenance import provenance
from generative.types import Audience, Brief, Creative, State


def floor(brief: Brief, *, fingerprint: str = "floor") -> Creative:
    """What is shown until, or instead of, a generated creative: pure, about a millisecond, never fails."""
    # The floor's words are the same for every audience, so a shop's shelf fits in a small memory.
    text = json.dumps(to_json(replace(brief, audience=Audience())), sort_keys=True)
    candidate, support, cleaned = _remembered_floor(text)
    return Creative(
        key=key(brief, fingerprint),
        item_id=brief.item.item_id,
        size=brief.size,
        state=State.FALLBACK,
        copy=candidate.copy,
        provenance=provenance(candidate, cleaned, seed=0, fingerprint=fingerprint),
        checks={"support": support, "tried": 1, "refused": []},
    )


@lru_cache(maxsize=4096)
def _remembered_floor(text: str) -> tuple[Candidate, float, Brief]:
    cleaned = clean(from_json(json.loads(text)))
    candidate, verdict = floor_copy(cleaned)
    return candidate, verdict.support, cleaned


def floor_copy(cleaned: Brief) -> tuple[Candidate, Verdict]:
    """The best true words that need no model: the entry's own where they pass, else the template."""
    for candidate in ExtractiveCopy().write(cleaned, seed=0):
        verdict = judge(candidate.copy, cleaned)
        if verdict.passed:
            return candidate, verdict
    # The template prints the item's own name and fixed words, so it is not judged, only trusted.
    return TemplateCopy().write(cleaned, seed=0)[0], Verdict(problems=(), support=1.0)
