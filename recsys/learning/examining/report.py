"""One HTML page about one model: what was measured, beside whom, and for whom it is good.

Everything it needs is in the page (style and SVG, no script, no request), and everything it says
comes from a manifest, which is not trusted: texts are escaped, and what is missing is left out.
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from recsys.learning.examining import plots

STYLE = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
# For whoever serves the page: nothing is loaded, and this style alone applies.
POLICY = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)

_WHO = {
    "candidate": "This model",
    "dense": "dense branch alone",
    "linear": "linear branch alone",
    "neighbours": "neighbours alone",
    "live": "Compared model",
    "itemknn": "ItemKNN",
    "popularity": "Popularity",
}
_IN_WORDS = {"live": "the compared model", "popularity": "popularity"}
_ACCURACY = {
    "ndcg@10": "NDCG@10",
    "ndcg@20": "NDCG@20",
    "ndcg@100": "NDCG@100",
    "recall@20": "Recall@20",
    "recall@50": "Recall@50",
    "hit@10": "HR@10",
    "mrr@10": "MRR@10",
}
_SAMPLED = {"sampled_ndcg@10": "NDCG@10", "sampled_hit@10": "HR@10"}
_CHARACTER = {
    "coverage@20": "Coverage",
    "gini@20": "Gini",
    "popularity@20": "Popularity percentile",
    "novelty@20": "Novelty, bits",
    "diversity@20": "Diversity",
    "calibration@20": "Miscalibration, KL",
}
_FAMILIES = {
    "all": "Everybody",
    "history": "By how much is known of a shopper",
    "knows": "Told only the newest items: what a newcomer gets",
    "taste": "By how well the targets sell",
    "category": "By category of the targets",
}
_CURVES = {"loss": "Training loss", "ndcg": "NDCG@100 on the validation shoppers"}
_Z = 1.96
_LEAST_TO_SCALE = 50  # shoppers of a segment whose interval decides how wide the forest is

Mapped = Mapping[str, Any]


def render(version: str, manifest: Mapped) -> str:
    """The page for a manifest, or for what `evaluate` measured in the same form."""
    metrics = _mapping(manifest.get("metrics"))
    sections = (
        _summary(metrics, manifest),
        _accuracy(metrics),
        _forest(metrics),
        _segments(metrics),
        _branches(metrics),
        _character(metrics),
        _curves(_mapping(manifest.get("curves")), metrics),
        _notes(metrics),
    )
    title = f"Model {escape(version)}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>"
        f"<header><p class=eyebrow>Evaluation report</p><h1>{title}</h1></header>"
        f"{''.join(sections)}</main></body></html>\n"
    )


def _summary(metrics: Mapped, manifest: Mapped) -> str:
    data = _mapping(manifest.get("data"))
    verdict = metrics.get("verdict")
    passed = metrics.get("passed")
    state = "measured" if passed is None else ("passed" if passed else "refused")
    word = {"passed": "Passed", "refused": "Refused", "measured": "Measured"}[state]
    candidate = _mapping(metrics.get("candidate"))
    tiles = []
    if "ndcg@20" in candidate:
        tiles.append(_tile("NDCG@20", _figure(candidate, "ndcg@20"), "all items ranked"))
    overall = next(
        (row for row in _rows(metrics.get("paired")) if row.get("family") == "all"), None
    )
    if overall:
        rival = _in_words(metrics.get("paired_with"))
        low, high = _number(overall.get("low")), _number(overall.get("high"))
        spread = f"95 % in pairs: {low:+.4f} to {high:+.4f}"
        tiles.append(_tile(f"over {rival}", f"{_number(overall.get('difference')):+.4f}", spread))
    if "coverage@20" in candidate:
        shown = f"{_number(candidate['coverage@20']):.0%}"
        tiles.append(_tile("of the catalogue shown", shown, "in the first 20 places"))
    facts = (
        ("Made", str(manifest.get("created_at", ""))[:16].replace("T", " ")),
        ("Split", metrics.get("split")),
        ("Shoppers examined", _count(metrics.get("holdout_users"))),
        ("Shoppers taught", _count(data.get("users"))),
        ("Items", _count(data.get("items"))),
        ("Interactions", _count(data.get("interactions"))),
        ("Compared with", metrics.get("live_version")),
    )
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in facts
        if value
    )
    said = f"<p class='verdict {state}'><b>{word}</b> {escape(str(verdict))}</p>" if verdict else ""
    flattered = metrics.get("live_has_seen_holdout")
    warning = "<p class=warn>The compared model was trained on part of this hold-out, which flatters it.</p>"
    return (
        f"{said}{warning if flattered else ''}<div class=tiles>{''.join(tiles)}</div>"
        f"<dl class=facts>{listed}</dl>"
    )


def _accuracy(metrics: Mapped) -> str:
    who = _measured(metrics)
    if not who:
        return "<section><h2>How well it ranks</h2><p>Too few shoppers came back to measure it.</p></section>"
    full = _table("Who", list(_ACCURACY.values()), _cells(metrics, who, _ACCURACY))
    sampled = [name for name in who if _SAMPLED.keys() & _mapping(metrics[name]).keys()]
    small = _table("Who", list(_SAMPLED.values()), _cells(metrics, sampled, _SAMPLED))
    beside = (
        "<details><summary>Among 100 random items <span class=tag>comparable with nothing</span>"
        "</summary><p class=soft>Each target beside 100 random items, as some papers report it. It "
        "is several times higher than the full ranking and can even turn the order of models "
        f"round. It is here only so that nobody has to guess.</p>{small}</details>"
    )
    return (
        "<section><h2>How well it ranks</h2><p class=soft>Every item of the catalogue is ranked; "
        "what a shopper already had is left out. Below each mean its standard error.</p>"
        f"{full}{beside if sampled else ''}</section>"
    )


def _forest(metrics: Mapped) -> str:
    rows = _rows(metrics.get("paired"))
    if not rows:
        return ""
    rival = _in_words(metrics.get("paired_with"))
    refused = set(_mapping(metrics.get("gate")).get("refused_by") or ())
    sure = [row for row in rows if _number(row.get("n")) >= _LEAST_TO_SCALE] or rows
    reach = plots.reach_of([_number(row.get(end)) for row in sure for end in ("low", "high")])
    parts = []
    for family, named in _by_family(rows):
        lines = []
        for row in named:
            name = _ACCURACY.get(str(row.get("metric"))) if family == "all" else row.get("name")
            low, middle, high = (_number(row.get(key)) for key in ("low", "difference", "high"))
            mark = " <span class='tag bad'>refused by this</span>" if name in refused else ""
            lines.append(
                f"<div class=pair><span>{escape(str(name))}{mark}</span>"
                f"{plots.interval(low, middle, high, reach=reach)}"
                f"<span class=number>{middle:+.4f} <small>± {_number(row.get('se')):.4f}</small></span>"
                f"<span class='number soft'>{_count(row.get('n'))}</span></div>"
            )
        parts.append(f"<h3>{escape(_FAMILIES.get(family, family))}</h3>{''.join(lines)}")
    scale = (
        f"<div class='pair scale'><span></span><span class=ends><i>{-reach:+g}</i><i>0</i>"
        f"<i>{reach:+g}</i></span><span class=number>difference ± SE</span>"
        "<span class=number>shoppers</span></div>"
    )
    return (
        f"<section><h2>This model minus {escape(rival)}</h2><p class=soft>Shopper by shopper, so "
        "the bar is the 95 % interval of the difference itself: right of the line this model is "
        "better, left of it worse, across it they cannot be told apart. By segment it is NDCG@20; intervals of few shoppers may run out of the picture.</p>"
        f"{scale}{''.join(parts)}</section>"
    )


def _segments(metrics: Mapped) -> str:
    rows = [row for row in _rows(metrics.get("segments")) if _mapping(row.get("ndcg@20"))]
    if not rows:
        return ""
    present = {name for row in rows for name in _mapping(row["ndcg@20"])}
    who = [name for name in _WHO if name in present]
    parts = []
    for family, named in _by_family(rows):
        cells = []
        for row in named:
            figures = _mapping(row["ndcg@20"])
            best = max((_number(_pair(figures.get(name))[0]) for name in who), default=0.0)
            line = [
                _mean(*_pair(figures.get(name)), best=best) if name in figures else "<td></td>"
                for name in who
            ]
            count = f"<td class=number>{_count(row.get('n'))}</td>"
            cells.append((escape(str(row.get("name"))), count + "".join(line)))
        heads = ["Shoppers", *(_who(name) for name in who)]
        title = _FAMILIES.get(family, family)
        parts.append(f"<h3>{escape(title)}</h3>{_table('Segment', heads, cells, label=title)}")
    return (
        "<section><h2>For whom it is good</h2><p class=soft>NDCG@20. A shopper counts where one of "
        f"the targets is of the segment.</p>{''.join(parts)}</section>"
    )


def _branches(metrics: Mapped) -> str:
    chosen = _mapping(metrics.get("branches"))
    weights = _mapping(chosen.get("weights"))
    who = [name for name in ("candidate", "dense", "linear", "neighbours") if name in metrics]
    figures = {name: _mapping(metrics[name]) for name in who}
    figures = {name: one for name, one in figures.items() if "ndcg@20" in one}
    if len(figures) < 2 and not weights:  # noqa: PLR2004 one bar compares nothing
        return ""
    most = max((_number(one["ndcg@20"]) for one in figures.values()), default=0.0) * 1.08
    bars = "".join(
        f"<div class=strip><span>{escape(_who(name))}</span>"
        f"{_bar(one, most, first=name == 'candidate')}"
        f"<span class=number>{_number(one['ndcg@20']):.4f}</span></div>"
        for name, one in figures.items()
    )
    said = "".join(
        f"<div><dt>{escape(str(name))}</dt><dd>{_number(weight):.3g}</dd></div>"
        for name, weight in weights.items()
    )
    listed = f"<h3>Weights chosen on validation</h3><dl class=facts>{said}</dl>" if said else ""
    return (
        "<section><h2>What each branch is worth</h2><p class=soft>NDCG@20 on the test shoppers, "
        f"each branch alone and all fused. A weight of 0 means that validation saw no use.</p>{bars}{listed}</section>"
    )


def _character(metrics: Mapped) -> str:
    who = [name for name in _measured(metrics) if "coverage@20" in _mapping(metrics[name])]
    names = {
        name: head
        for name, head in _CHARACTER.items()
        if any(name in _mapping(metrics[one]) for one in who)
    }
    if not who:
        return ""
    return (
        "<section><h2>What its lists are like</h2><p class=soft>The first 20 places. None of these "
        "is good by being high or low: they say what shoppers are shown.</p>"
        f"{_table('Who', list(names.values()), _cells(metrics, who, names))}</section>"
    )


def _curves(curves: Mapped, metrics: Mapped) -> str:
    best = metrics.get("best_epoch")
    parts = []
    for name, values in curves.items():
        finite = [_number(value) for value in values] if isinstance(values, list) else []
        if not finite:
            continue
        title = _CURVES.get(name, name)
        label = f"{title}: {finite[0]:.4f} at first, {finite[-1]:.4f} after {len(finite)} epochs"
        marked = best if name == "ndcg" and isinstance(best, int) else None
        drawn = plots.curve(finite, label, best=marked)
        parts.append(f"<figure>{drawn}<figcaption>{escape(label)}</figcaption></figure>")
    if not parts:
        return ""
    return f"<section><h2>How it learned</h2><div class=plots>{''.join(parts)}</div></section>"


def _notes(metrics: Mapped) -> str:
    gate = _mapping(metrics.get("gate"))
    rule = ""
    if gate:
        ratio, tolerance = _number(gate.get("ratio")), _number(gate.get("tolerance"))
        rule = (
            f"<dt>Gate</dt><dd>Refused where NDCG@20 is below {ratio:g} of the live model&rsquo;s, or in a "
            f"segment of 50 shoppers or more below {max(ratio - tolerance, 0):g} of it, and a paired "
            "t-test at 5 % agrees; over the segments the 5 % is divided by their number "
            f"({_count(gate.get('segments_tested'))} were tested).</dd>"
        )
    return (
        "<section><h2>What the words mean</h2><dl class=words>"
        "<dt>NDCG@k, Recall@k</dt><dd>Share of what the shopper took next that stands in the first "
        "k places; NDCG counts higher places more.</dd>"
        "<dt>HR@k, MRR@k</dt><dd>Whether anything taken stands there at all, and one over the rank "
        "of the first.</dd>"
        "<dt>Popularity percentile</dt><dd>1 is the bestseller, 0.5 the middle of the catalogue.</dd>"
        "<dt>Novelty</dt><dd>Bits of surprise: 1 is what half of the shoppers had.</dd>"
        "<dt>Diversity</dt><dd>Share of a list&rsquo;s pairs from different categories; without "
        "categories, mean of 1 &minus; cosine of their item vectors.</dd>"
        "<dt>Miscalibration</dt><dd>KL divergence of the list&rsquo;s category mix from the history&rsquo;s: 0 is the "
        "same mix.</dd>"
        "<dt>Gini</dt><dd>How unequally the places go to items: 0 all alike, 1 a few get all.</dd>"
        f"{rule}</dl></section>"
    )


def _cells(metrics: Mapped, who: Iterable[str], names: Mapped) -> list[tuple[str, str]]:
    who = list(who)
    best = {
        name: max((_number(_mapping(metrics[one]).get(name)) for one in who), default=0.0)
        for name in names
    }
    crowned = names is _ACCURACY
    rows = []
    for one in who:
        figures = _mapping(metrics[one])
        cells = "".join(
            _mean(figures[name], figures.get(f"{name}_se"), best=best[name] if crowned else None)
            if name in figures
            else "<td></td>"
            for name in names
        )
        rows.append((escape(_who(one)), cells))
    return rows


def _table(
    corner: str, heads: Sequence[str], rows: Sequence[tuple[str, str]], *, label: str = ""
) -> str:
    top = "".join(f"<th scope=col>{escape(head)}</th>" for head in heads)
    body = "".join(f"<tr><th scope=row>{name}</th>{cells}</tr>" for name, cells in rows)
    return (
        f'<div class=scroll tabindex=0 role=region aria-label="{escape(label or corner)}"><table><thead><tr>'
        f"<th scope=col>{escape(corner)}</th>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _mean(value: Any, se: Any, *, best: float | None = None) -> str:
    number = _number(value)
    crown = " best" if best is not None and number == best and best > 0 else ""
    error = f"<small>±{_number(se):.4f}</small>" if se else ""
    return f"<td class='number{crown}'>{number:.4f}{error}</td>"


def _bar(figures: Mapped, most: float, *, first: bool) -> str:
    error = _Z * _number(figures.get("ndcg@20_se"))
    tone = "bar first" if first else "bar"
    return plots.bar(_number(figures["ndcg@20"]), most, error=error, tone=tone)


def _tile(name: str, value: str, note: str) -> str:
    return (
        f"<div><b>{escape(value)}</b><span>{escape(name)}</span><small>{escape(note)}</small></div>"
    )


def _figure(figures: Mapped, name: str) -> str:
    return f"{_number(figures.get(name)):.4f} ± {_number(figures.get(f'{name}_se')):.4f}"


def _measured(metrics: Mapped) -> list[str]:
    return [name for name in _WHO if "ndcg@20" in _mapping(metrics.get(name))]


def _by_family(rows: Sequence[Mapped]) -> list[tuple[str, list[Mapped]]]:
    found: dict[str, list[Mapped]] = {}
    for row in rows:
        found.setdefault(str(row.get("family")), []).append(row)
    return list(found.items())


def _who(name: str) -> str:
    return _WHO.get(name, name)


def _in_words(name: Any) -> str:
    return _IN_WORDS.get(str(name), _who(str(name)))


def _pair(value: Any) -> tuple[Any, Any]:
    return (
        (value[0], value[1]) if isinstance(value, list | tuple) and len(value) > 1 else (value, 0)
    )


def _mapping(value: Any) -> Mapped:
    return value if isinstance(value, Mapping) else {}


def _rows(value: Any) -> list[Mapped]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _number(value: Any) -> float:
    usable = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if usable else 0.0


def _count(value: Any) -> str:
    return f"{int(_number(value)):,}" if value is not None else ""
