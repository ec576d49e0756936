"""The console's looks: which may be shown where, how likely each is drawn, and what drawing was worth."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request

from api import variants
from api.errors import Problem
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.runtime import runtime
from generative.types import SIZES, Approval
from generative.variants import EVERYONE
from recsys.database import looking

SPANS = (7, 28, 90)
_ESTIMATORS = {
    "ips": "Inverse propensity",
    "snips": "Self-normalised",
    "dr": "Doubly robust",
}


def show() -> Response:
    days = request.args.get("days", 28, type=int)
    days = days if days in SPANS else 28
    with looking(runtime().engine) as reader:
        state = variants.state(reader)
    try:
        worth, problem = variants.worth(runtime(), days=days)["sizes"], ""
    except Problem as error:
        worth, problem = [], error.detail
    return page(
        "console/variants.html",
        heading="Variants",
        tab="creatives",
        matrix=_matrix(state["decisions"], state["names"]),
        names=_names(state["decisions"], state["names"]),
        slots=_slots(state["chances"]),
        worth=[_worth(one) for one in worth],
        problem=problem,
        counted=(state["counted_until"] or "")[:16].replace("T", " "),
        floor=f"{100 * runtime().config.generative.variant_exploration:g}",
        days=days,
        spans=SPANS,
    )


def decide() -> Response:
    """Let a look be shown in a size, or not any more."""
    form = request.form
    try:
        approval = Approval(form.get("approval", ""))
    except ValueError:
        raise Problem(422, "approval is approved, rejected or none") from None
    size, variant = form.get("size", "")[:20], form.get("variant", "")[:60]
    variants.decided(runtime(), size, variant, approval)
    words = {
        Approval.APPROVED: "may be shown",
        Approval.REJECTED: "is never shown",
        Approval.NONE: "is not drawn any more",
    }
    tell(f"{variant.capitalize()} {words[approval]} as {size}.")
    return see_other("console.variants", _anchor=f"look-{size}-{variant}")


def _names(decisions: Sequence[Mapping[str, Any]], known: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*known, *(one["variant"] for one in decisions)]))


def _matrix(decisions: Sequence[Mapping[str, Any]], known: Sequence[str]) -> list[dict[str, Any]]:
    said = {(one["size"], one["variant"]): one["approval"] for one in decisions}
    rows = []
    for size, (width, height) in SIZES.items():
        cells = [(name, said.get((size, name), "none")) for name in _names(decisions, known)]
        approved = sum(state == "approved" for _, state in cells)
        rows.append(
            {
                "size": size,
                "pixels": f"{width} \u00d7 {height}",
                "cells": cells,
                "words": ("the studio chooses", "always this one")[approved]
                if approved < 2  # noqa: PLR2004 that make a choice
                else f"one of {approved} is drawn",
            }
        )
    return rows


def _slots(chances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sizes, each with everyone's arms and those of every persona that has counts of its own."""
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in chances:
        found.setdefault(row["size"], {}).setdefault(row["persona"], []).append(row)
    return [
        {
            "size": size,
            "personas": [
                {"name": persona or "Everyone", "arms": _arms(rows)}
                for persona, rows in sorted(
                    slots.items(), key=lambda one: (one[0] != EVERYONE, one[0])
                )
            ],
            "choice": any(len(rows) > 1 for rows in slots.values()),
        }
        for size, slots in found.items()
    ]


def _arms(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The likeliest first; intervals on one scale, so that they can be held against one another."""
    most = max((row["high"] for row in rows if row["shown"]), default=1.0) or 1.0
    active = sum(not row["retired"] for row in rows)
    return [
        {
            "variant": row["variant"],
            "shown": f"{row['shown']:,.0f}",
            "clicked": f"{row['clicked']:,.0f}",
            "rate": f"{100 * row['rate']:.1f} %" if row["shown"] else "-",
            "interval": f"{100 * row['low']:.1f} to {100 * row['high']:.1f} %",
            "known": bool(row["shown"]),
            "low": round(100 * min(row["low"] / most, 1), 1),
            "middle": round(100 * min(row["rate"] / most, 1), 1),
            "high": round(100 * min(row["high"] / most, 1), 1),
            "best": f"{100 * row['best']:.0f} %",
            "chance": f"{100 * row['chance']:.0f} %",
            "percent": round(100 * row["chance"], 1),
            "retired": row["retired"],
            "above": not row["retired"] and (active == 1 or row["chance"] > 1.0 / active),
        }
        for row in sorted(rows, key=lambda one: (one["retired"], -one["chance"]))
    ]


def _worth(one: Mapping[str, Any]) -> dict[str, Any]:
    gain = one["gain"]
    return {
        "size": one["size"],
        "slates": f"{one['slates']:,}",
        "shoppers": f"{one['shoppers']:,}",
        "drawn": f"{100 * one['drawn']:.2f} %",
        "gain": _gain(gain) if gain else None,
        "even": [
            {
                "name": _ESTIMATORS.get(row["estimator"], row["estimator"]),
                "value": f"{100 * row['value']:.2f} %",
                "interval": f"{100 * row['low']:.2f} to {100 * row['high']:.2f} %",
                "warnings": list(row["warnings"]),
            }
            for row in one["even"]
        ],
    }


def _gain(gain: Mapping[str, float]) -> dict[str, Any]:
    """The difference in points as a dot and its interval, nought in the middle."""
    widest = max(abs(gain["low"]), abs(gain["high"]), 1e-9)
    tone = "better" if gain["low"] > 0 else "worse" if gain["high"] < 0 else ""
    words = {
        "better": "more than an even choice would have had",
        "worse": "less than an even choice would have had",
        "": "no difference from an even choice can be told yet",
    }[tone]
    return {
        "words": words,
        "value": f"{100 * gain['value']:+.2f} points",
        "interval": f"{100 * gain['low']:+.2f} to {100 * gain['high']:+.2f}",
        "tone": tone,
        "low": round(50 + 45 * gain["low"] / widest, 1),
        "middle": round(50 + 45 * gain["value"] / widest, 1),
        "high": round(50 + 45 * gain["high"] / widest, 1),
    }
