"""A run's figures as tables: the candidate beside others, and its difference from one in pairs."""

from collections.abc import Mapping
from typing import Any

KEY_FIGURE = "ndcg@100"
_COLUMNS = ("ndcg@100", "ndcg@20", "recall@20", "recall@50", "coverage@20")
_NAMES = {
    "candidate": "This candidate",
    "live": "Live model",
    "popularity": "Popularity",
    "itemknn": "ItemKNN",
    "dense": "Dense branch alone",
    "linear": "Linear branch alone",
    "neighbours": "Neighbours alone",
}
_RIVALS = {"live": "the live model", "popularity": "popularity", "itemknn": "ItemKNN"}
_PAIRED_FIGURE = "ndcg@20"
_LEAST_SHOWN = 50  # shoppers of a segment; of fewer the full report speaks


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


def in_pairs(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The candidate minus its rival, over all shoppers and by segment, for the template."""
    found = metrics.get("paired")
    rows = [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
    shown = [
        row
        for row in rows
        if row.get("metric") == _PAIRED_FIGURE
        and (row.get("family") == "all" or float(row.get("n") or 0) >= _LEAST_SHOWN)
    ]
    gate = metrics.get("gate")
    refused = set(gate.get("refused_by") or ()) if isinstance(gate, Mapping) else set()
    reach = max((abs(_float(row, end)) for row in shown for end in ("low", "high")), default=0.0)
    return {
        "pairs": [_paired(row, reach or 1.0, refused) for row in shown],
        "rival": _RIVALS.get(str(metrics.get("paired_with")), "the other"),
    }


def figure_of(metrics: Mapping[str, Any]) -> str:
    """The candidate's key figure alone, or nothing where it was not measured."""
    return _cell(one.get(KEY_FIGURE)) if (one := _measured(metrics).get("candidate")) else ""


def _paired(row: Mapping[str, Any], reach: float, refused: set[str]) -> dict[str, Any]:
    low, middle, high = (_float(row, name) for name in ("low", "difference", "high"))
    return {
        "name": str(row.get("name")).capitalize()
        if row.get("family") == "all"
        else row.get("name"),
        "difference": f"{middle:+.4f}",
        "se": f"{_float(row, 'se'):.4f}",
        "shoppers": f"{int(_float(row, 'n')):,}",
        "tone": "better" if low > 0 else ("worse" if high < 0 else "same"),
        "low": round(50 + 48 * low / reach, 1),
        "middle": round(50 + 48 * middle / reach, 1),
        "high": round(50 + 48 * high / reach, 1),
        "refused": row.get("name") in refused,
    }


def _float(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


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
