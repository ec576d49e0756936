"""A run's figures as a table: the candidate first, then whom it was measured beside."""

from collections.abc import Mapping
from typing import Any

KEY_FIGURE = "ndcg@100"
_COLUMNS = ("ndcg@100", "ndcg@20", "recall@20", "recall@50", "coverage@20")
_NAMES = {
    "candidate": "This candidate",
    "live": "Live model",
    "popularity": "Popularity",
    "itemknn": "ItemKNN",
}


def comparison(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Rows for the template, or none where the run has not been measured."""
    measured = _measured(metrics)
    if not measured:
        return {"rows": [], "columns": [], "note": ""}
    figures = [name for name in _COLUMNS if any(name in one for one in measured.values())]
    highest = max(float(one.get(KEY_FIGURE) or 0.0) for one in measured.values()) or 1.0
    order = sorted(measured, key=_rank)
    rows = [
        {
            "name": _NAMES.get(name, name.replace("_", " ").capitalize()),
            "first": name == "candidate",
            "cells": [_cell(measured[name].get(figure)) for figure in figures],
            "percent": round(100 * float(measured[name].get(KEY_FIGURE) or 0.0) / highest, 1),
        }
        for name in order
    ]
    columns = [
        name.upper().replace("RECALL", "Recall").replace("COVERAGE", "Coverage") for name in figures
    ]
    return {"rows": rows, "columns": columns, "note": _note(metrics, measured)}


def figure_of(metrics: Mapping[str, Any]) -> str:
    """The candidate's key figure alone, or nothing where it was not measured."""
    return _cell(one.get(KEY_FIGURE)) if (one := _measured(metrics).get("candidate")) else ""


def _measured(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {
        name: value
        for name, value in metrics.items()
        if isinstance(value, Mapping) and KEY_FIGURE in value
    }
    if found:
        return found
    deeper = (_measured(value) for value in metrics.values() if isinstance(value, Mapping))
    return next((one for one in deeper if one), {})


def _rank(name: str) -> tuple[int, str]:
    known = list(_NAMES)
    return (known.index(name) if name in known else len(known), name)


def _cell(value: Any) -> str:
    return "-" if value is None else f"{float(value):.4f}"


def _note(metrics: Mapping[str, Any], measured: Mapping[str, Mapping[str, Any]]) -> str:
    users = next((one["users"] for one in measured.values() if one.get("users")), None)
    parts = ["The bar is NDCG@100. All items are ranked; what a shopper already had is left out."]
    if users:
        parts.append(f"{int(users):,} shoppers are in the reported half.")
    if "live" in metrics and "live" not in measured:
        parts.append("No model was live then, so there is none to compare with.")
    if metrics.get("live_has_seen_holdout"):
        parts.append("The live model was trained on part of this hold-out, which flatters it.")
    return " ".join(parts)
