"""The one way through: a brief in, a checked and rendered creative out.

Candidates come from the configured providers, every one is judged, the best that passes is drawn.
A provider, a picture or a layout that fails costs the creative something, never the answer.
"""

import hashlib
import json
import logging
from functools import lru_cache
from pathlib import Path
from dataclasses import replace

from generative.brief import clean, from_json, key, to_json
from generative.checks.claims import Verdict, judge
from generative.config import GenerativeConfig
from generative.copy.candidate import Candidate
from generative.copy.extractive import ExtractiveCopy
from generative.copy.language_model import identity
from generative.copy.prompts import PROMPT_VERSION
from generative.copy.template import TemplateCopy
from generative.provenance import TEMPLATE_VERSION, provenance
from generative.types import Audience, Brief, Creative, State

log = logging.getLogger(__name__)

CHECKS_VERSION = "1"


def fingerprint(config: GenerativeConfig) -> str:
    """What besides the brief shapes a creative; loads no model, and is equal in web and worker."""
    shaping = [
        CHECKS_VERSION,
        TEMPLATE_VERSION,
        list(config.copy_providers),
        config.brand_name,
        config.brand_color,
        _file_identity(config.cutout_model),
    ]
    if "llama" in config.copy_providers:
        shaping += [PROMPT_VERSION, identity(config.gguf_path), str(config.llm_samples)]
    return hashlib.sha256(json.dumps(shaping).encode()).hexdigest()[:16]


def floor(brief: Brief, *, fingerprint: str = "floor") -> Creative:
    """What is shown until, or instead of, a generated creative: pure, about a millisecond, never fails."""
    # The words do not depend on the audience, so a shop's shelf fits in a small memory.
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
    candidate, verdict = _floor_copy(cleaned)
    return candidate, verdict.support, cleaned


def _floor_copy(cleaned: Brief) -> tuple[Candidate, Verdict]:
    for candidate in ExtractiveCopy().write(cleaned, seed=0):
        verdict = judge(candidate.copy, cleaned)
        if verdict.passed:
            return candidate, verdict
    # The template prints the item's own name and fixed words, so it is not judged, only trusted.
    return TemplateCopy().write(cleaned, seed=0)[0], Verdict(problems=(), support=1.0)


def _file_identity(path: str) -> str:
    if not path or not Path(path).is_file():
        return "none"
    return f"{Path(path).name}:{Path(path).stat().st_size}"
