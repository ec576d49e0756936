"""From rankers to figures: the test is read once, kept a shopper at a time, and compared in pairs.

What each shopper got is kept under var/accuracy, so that peers measured yesterday can be paired
with a model measured today, and one set can be run without losing the others' rows.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import published, reading
from bench.peers import NAMES as PEERS
from bench.peers import TIMED, Chosen
from bench.protocols import LOADERS, ROOT, Protocol

OURS = ("vae", "linear", "neighbours", "fused")
MODELS = (*PEERS, *OURS)
TIMED_PEERS = tuple(f"{name}{TIMED}" for name in PEERS)
UNREAD = "_order_unread"
ROWS = (*PEERS, *TIMED_PEERS, *OURS, *(f"{name}{UNREAD}" for name in OURS))
BASELINES = {"best_baseline": PEERS, "best_timed_baseline": (*PEERS, *TIMED_PEERS)}
KEPT = ROOT / "var" / "accuracy"
METRICS = {
    "ml1m": ("ndcg@100", "recall@20", "recall@50"),
    "gowalla": ("recall@20", "ndcg@20"),
    "videogames": ("ndcg@10", "recall@10", "ndcg@20", "recall@20"),
    "beauty": ("ndcg@10", "recall@10", "ndcg@20", "recall@20"),
    "ml100k": ("ndcg@10", "recall@10", "ndcg@20", "recall@20"),
    "ml1mdiffrec": ("recall@10", "recall@20", "ndcg@10", "ndcg@20"),
    "retailrocket": ("ndcg@10", "recall@10", "ndcg@20", "recall@20"),
    "onlineretail": ("ndcg@100", "ndcg@20", "ndcg@10", "recall@50", "recall@20", "recall@10"),
    "grocery": ("ndcg@100", "ndcg@20", "ndcg@10", "recall@50", "recall@20", "recall@10"),
}

Row = dict[str, Any]
Users = dict[str, NDArray[np.float64]]


def examine(protocol: Protocol, chosen: Chosen, judge: ModuleType | None) -> None:
    """Read the test, once for each seed, and keep what each shopper got."""
    row: Row = {"data": protocol.name, "model": chosen.name}
    users: Users = {}
    if chosen.scores:
        readings = {"": protocol.test} | {f"{how} ": test for how, test in protocol.also.items()}
        for prefix, holdout in readings.items():
            runs = [
                reading.per_user(
                    score,
                    holdout,
                    names=protocol.metrics,
                    plain_recall=protocol.plain_recall,
                    judge=judge,
                )
                for score in chosen.scores
            ]
            for name in protocol.metrics:
                users[prefix + name] = np.mean([run[name] for run in runs], axis=0)
                row[prefix + name] = round(float(users[prefix + name].mean()), 5)
            if not prefix:
                row |= _errors(protocol.chosen_by, runs, users)
    row |= {
        "validation": round(chosen.validation[protocol.chosen_by], 5) if chosen.scores else None,
        "train CPU s": round(chosen.cpu_seconds, 1),
        "settings": chosen.settings,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _keep(protocol.name, chosen.name, row, users, chosen.validation)
    print(row, flush=True)


def merge(path: Path) -> tuple[dict[str, float | None], list[Row]]:
    """All that was ever measured: the figures by the names agreed, and a row for each model."""
    old = json.loads(path.read_text()) if path.exists() else {"figures": {}, "rows": []}
    figures: dict[str, float | None] = {}
    rows: list[Row] = []
    for data in LOADERS:
        kept = {model: found for model in ROWS if (found := _kept(data, model)) is not None}
        for name in METRICS[data]:
            for model in MODELS:
                there = kept[model][1].get(name) if model in kept else None
                figures |= _figure(f"{data}_{_plain(name)}_{model}", there, old["figures"])
            for against, among in BASELINES.items():
                key = f"{data}_{_plain(name)}_fused_minus_{against}"
                figures |= _figure(key, _difference(kept, name, among), old["figures"])
        before = {row["model"]: row for row in old["rows"] if row.get("data") == data}
        for model in ROWS:
            if model in kept:
                rows.append(kept[model][0] | _compared(kept, model, data))
            elif model in before:
                rows.append(before[model])
        rows += published.rows(data)
    first = {data: names[0] for data, names in METRICS.items()}
    return figures, [*published.goals(figures, first), *rows]


def best_baseline(
    validation: dict[str, dict[str, float]], metric: str, among: tuple[str, ...] = PEERS
) -> str | None:
    """The peer that validation likes best by this metric; the test has no say."""
    able = [name for name in among if metric in validation.get(name, {})]
    return max(able, key=lambda name: validation[name][metric]) if able else None


def _errors(name: str, runs: list[Users], users: Users) -> Row:
    seeds = np.array([run[name].mean() for run in runs])
    return {
        f"{name} SE over users": round(reading.standard_error(users[name]), 5),
        f"{name} SE over seeds": (
            round(reading.standard_error(seeds), 5) if len(seeds) > 1 else None
        ),
    }


def _compared(kept: dict[str, Any], model: str, data: str) -> Row:
    """The row's first metric against the best baselines', a shopper at a time."""
    name, found = METRICS[data][0], {}
    for against, among in BASELINES.items():
        best = best_baseline({peer: one[2] for peer, one in kept.items()}, name, among)
        if best is None or name not in kept[model][1] or model == best:
            continue
        difference = kept[model][1][name] - kept[best][1][name]
        error = reading.standard_error(difference)
        found[f"{name} minus {against}"] = f"{difference.mean():+.4f} ± {error:.4f} ({best})"
    return found


def _difference(
    kept: dict[str, Any], name: str, among: tuple[str, ...]
) -> NDArray[np.float64] | None:
    best = best_baseline({peer: one[2] for peer, one in kept.items()}, name, among)
    if best is None or "fused" not in kept or name not in kept["fused"][1]:
        return None
    return np.asarray(kept["fused"][1][name] - kept[best][1][name])


def _figure(
    key: str, values: NDArray[np.float64] | None, old: dict[str, float | None]
) -> dict[str, float | None]:
    """A mean and its standard error, or what was measured before."""
    if values is None:
        return {key: old.get(key), f"{key}_se": old.get(f"{key}_se")}
    return {key: float(values.mean()), f"{key}_se": reading.standard_error(values)}


def _plain(metric: str) -> str:
    return metric.replace("@", "")


def _keep(data: str, model: str, row: Row, users: Users, validation: dict[str, float]) -> None:
    path = KEPT / data / f"{model}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    said = json.dumps({"row": row, "validation": validation})
    np.savez(path, said=np.array(said), **users)


def _kept(data: str, model: str) -> tuple[Row, Users, dict[str, float]] | None:
    path = KEPT / data / f"{model}.npz"
    if not path.exists():
        return None
    with np.load(path) as found:
        users = {name: found[name] for name in found.files if name != "said"}
        said = json.loads(str(found["said"]))
    return said["row"], users, said["validation"]
