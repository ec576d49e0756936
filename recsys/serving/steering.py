"""Which of the shop's rules are in force for one shopper, here and now.

A rule's audience is any of these words: `new` or `returning` (something is known from before
this visit's items), the persona's category and price band,
and `experiment:variant` for every experiment that the shopper is part of.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from recsys.merchandising import arranging
from recsys.merchandising.types import Rule
from recsys.types import Persona

NEW, RETURNING = "new", "returning"


def in_force(
    rules: Sequence[Rule],
    *,
    placement: str,
    returning: bool,
    persona: Persona,
    experiments: Mapping[str, str],
    now: datetime,
) -> tuple[Rule, ...]:
    """The rules that count for this answer, in the order in which they are met."""
    if not rules:
        return ()
    words = audience(persona, experiments, returning=returning)
    return arranging.in_force(rules, placement=placement, audience=words, now=now)


def audience(
    persona: Persona, experiments: Mapping[str, str], *, returning: bool
) -> frozenset[str]:
    """The words that stand for this shopper."""
    known = RETURNING if returning else NEW
    variants = (f"{name}:{variant}" for name, variant in experiments.items())
    return frozenset({known, persona.price_band, *persona.categories, *variants})
