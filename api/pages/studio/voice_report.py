"""What was measured of a voice, as a table: the figures down, who was heard across."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FIRST = "acceptance_1"  # all other figures are of the lines that it counts
_WHO = {"base": "As it came", "tuned": "This voice", "live": "The live one", "lstm": "LSTM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`better` is 1 where more is better, -1 where less is, 0 where neither is by itself."""

    name: str
    key: str
    about: str
    better: int
    form: str = "share"


_FIGURES = (
    Figure(
        name="Lines accepted",
        key=_FIRST,
        about="pass every check at the first try",
        better=1,
    ),
    Figure(
        name="Copied word for word",
        key="verbatim",
        about="stand in the description as they are; a copyist is kept aside",
        better=-1,
    ),
    Figure(name="Words the facts hold", key="support", about="of all that say something", better=1),
    Figure(name="Distinct-2", key="distinct_2", about="pairs of words that come once", better=1),
    Figure(
        name="Commonest opener",
        key="top_opener",
        about="of its lines begin with one word",
        better=-1,
    ),
    Figure(
        name="Opener entropy",
        key="opener_entropy",
        about="bits; how many ways it begins",
        better=1,
        form="number",
    ),
    Figure(
        name="Self-BLEU",
        key="self_bleu",
        about="how much its lines are like one another",
        better=-1,
        form="number",
    ),
    Figure(
        name="BLEU, lines",
        key="bleu_lines",
        about="nearness to lines that were held back",
        better=1,
        form="number",
    ),
    Figure(name="ROUGE-L, lines", key="rouge_l_lines", about="likewise", better=1, form="number"),
    Figure(
        name="BLEU, catalogue",
        key="bleu_catalogue",
        about="nearness to the descriptions",
        better=0,
        form="number",
    ),
    Figure(
        name="ROUGE-L, catalogue",
        key="rouge_l_catalogue",
        about="likewise",
        better=0,
        form="number",
    ),
)


def of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Columns, rows and a note; nothing where nothing was measured yet."""
    heard = report.get("voices") or {}
    who = [name for name in _WHO if name in heard]
    if "tuned" not in who:
        return {"columns": [], "rows": [], "note": "", "loss": ""}
    rows = [row for figure in _FIGURES if (row := _row(figure, heard, who))]
    letters = report.get("loss_per_letter") or {}
    if letters:
        rows.append(
            {
                "name": "Loss a letter",
                "about": "on held-out lines; the only loss that models of other words can share",
                "cells": _cells(letters, who, better=-1, form="long"),
            }
        )
    return {
        "columns": [_WHO[name] for name in who],
        "rows": rows,
        "note": _note(report),
        "loss": _loss(report),
    }


def brief(report: Mapping[str, Any]) -> dict[str, str]:
    """Three figures for a list of voices."""
    tuned = (report.get("voices") or {}).get("tuned") or {}
    return {
        "accepted": _said(tuned.get("acceptance_1"), "share"),
        "verbatim": _said(tuned.get("verbatim"), "share"),
        "loss": _loss(report),
    }


def _row(
    figure: Figure, heard: Mapping[str, Mapping[str, float]], who: list[str]
) -> dict[str, Any] | None:
    # Who had no line accepted has said nothing: it neither copied nor repeated itself.
    speak = [name for name in who if figure.key == _FIRST or heard[name].get(_FIRST) != 0]
    values = {name: heard[name][figure.key] for name in speak if figure.key in heard[name]}
    if not values:
        return None
    cells = _cells(values, who, better=figure.better, form=figure.form)
    return {"name": figure.name, "about": figure.about, "cells": cells}


def _cells(
    values: Mapping[str, float], who: list[str], *, better: int, form: str
) -> list[dict[str, Any]]:
    best = None
    if better and len(set(values.values())) > 1:
        best = max(values.values(), key=lambda value: better * value)
    return [
        {
            "text": _said(values.get(name), form),
            "best": best is not None and values.get(name) == best,
        }
        for name in who
    ]


def _said(value: float | None, form: str) -> str:
    if value is None:
        return "-"
    if form == "share":
        return f"{100 * value:.0f} %"
    return f"{value:.3f}" if form == "long" else f"{value:.2f}"


def _loss(report: Mapping[str, Any]) -> str:
    loss = report.get("loss") or {}
    if "before" not in loss or "after" not in loss:
        return ""
    return f"{loss['before']:.3f} → {loss['after']:.3f}"


def _note(report: Mapping[str, Any]) -> str:
    sources = report.get("sources") or {}
    told = {
        "approved": "that you approved",
        "teacher": "of a larger model",
        "turned": "sentences turned about",
        "joined": "joined of the catalogue's phrases",
    }
    parts = [f"{count:,} {told.get(name, name)}" for name, count in sources.items()]
    learned = f"Learned from {report.get('pairs', 0):,} lines about {report.get('products', 0):,} products"
    heard = f"heard on {report.get('held_out_products', 0):,} others, one line each"
    return f"{learned} ({', '.join(parts)}); {heard}." if parts else f"{learned}; {heard}."
