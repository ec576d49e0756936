"""The proofs that are stored with a creative: which of its printed words are claims, and why they hold.

Offsets count in "headline. tagline" as it is printed. A slot is filled there, and is itself proved by
the fields of the item that its amount comes from.
"""

import re
from dataclasses import replace
from typing import Any

from generative.checks.claims import Verdict
from generative.copy.slots import amounts, fill
from generative.types import Brief, Copy

_SLOT = re.compile(r"\{(price|was|saving)\}")
_KIND = {"price": "price", "was": "price", "saving": "discount"}
_FIELD = {"price": "price", "was": "was_price", "saving": "was_price"}

Proof = dict[str, Any]


def printed(copy: Copy, brief: Brief) -> Copy:
    """Copy as it is shown: its slots filled from the brief's own facts."""
    item, locale = brief.item, brief.locale
    return replace(
        copy,
        headline=fill(copy.headline, item, locale),
        tagline=fill(copy.tagline, item, locale),
    )


def proofs_of(verdict: Verdict, copy: Copy, brief: Brief) -> tuple[Proof, ...]:
    """Every proved claim of copy that still has its slots, in the order of the words."""
    said = f"{copy.headline}. {copy.tagline}"
    values = amounts(brief.item, brief.locale)
    slots = [found for found in _SLOT.finditer(said) if values[found[1]]]

    def place(at: int) -> int:
        return at + sum(len(values[one[1]]) - len(one[0]) for one in slots if one.end() <= at)

    told = [
        {
            "start": place(claim.start),
            "end": place(claim.end),
            "text": claim.text,
            "kind": str(claim.kind),
            "field": proof.field,
            "value": proof.text,
        }
        for claim, proof in verdict.proofs
    ]
    told += [
        {
            "start": place(one.start()),
            "end": place(one.start()) + len(values[one[1]]),
            "text": values[one[1]],
            "kind": _KIND[one[1]],
            "field": _FIELD[one[1]],
            "value": (brief.item.price if one[1] == "price" else brief.item.was_price) or "",
        }
        for one in slots
    ]
    return tuple(sorted(told, key=lambda one: (one["start"], one["end"])))
