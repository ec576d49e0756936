"""What training costs: CPU seconds to a given NDCG, an epoch of a large shop, and how both grow.

Parts: ml1m (CPU seconds to NDCG@100 .396 on ML-1M, Mult-VAE protocol, beside a plain dense PyTorch
Mult-VAE), ml20m (an epoch of 116,677 shoppers x 20,108 items, 8.5 M events, and the dense model's),
ten_million (memory for 10 M events, 1 M shoppers, 100,000 items), growth (1 M to 10 M events, 10k to
200k items), gpu (the ml20m epoch on a card, and its share of the memory bandwidth). Each runs in
processes of its own, so that memory and CPU time are its own; a part that is left out keeps what
the last run found.

python bench/training.py [--parts ml1m ml20m ten_million growth gpu] [--shared ../shared/data]
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.dense_vae import DenseVAE, fit_dense  # noqa: E402 the path is set above
from bench.record import RESULTS, write  # noqa: E402 as above
from recsys.learning.examining import evaluation  # noqa: E402 as above
from recsys.learning.fitting import training  # noqa: E402 as above
from recsys.learning.fitting.training import TrainingOptions  # noqa: E402 as above
from recsys.learning.split import HoldOut  # noqa: E402 as above
from recsys.models import histories  # noqa: E402 as above
from recsys.models.histories import Histories  # noqa: E402 as above

PARTS = ("ml1m", "ml20m", "ten_million", "growth", "gpu")
SEEDS = (11, 12, 13)
GOAL_NDCG = 0.396
ML1M_EPOCHS, DENSE_EPOCHS = 24, 40
WIDE = TrainingOptions(hidden=600, latent=200, gamma=0.005, validate_every=5)
ML20M = {"n_users": 116_677, "n_items": 20_108, "n_events": 8_500_000}
TEN_MILLION = {"n_users": 1_000_000, "n_items": 100_000, "n_events": 10_000_000}
BATCH = 500
DENSE_STEPS = 8  # of the 234 that an epoch of the dense model has: it is timed, not trained
FIGURES = (
    "ml1m_cpu_s_to_ndcg396",
    "ml20m_shape_epoch_wall_s",
    "ml20m_shape_epoch_cpu_s",
    "ml20m_shape_peak_mb",
    "ml20m_shape_epoch_gpu_s",
    "ten_million_peak_mb",
)

Row = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--child", help="for this script's own use: measure one thing, print JSON")
    options = parser.parse_args()
    if options.child:
        name, _, argument = options.child.partition(":")
        print(json.dumps(MEASURES[name](options.shared, argument)))
        return 0
    figures, rows = _kept()
    for part in PARTS:
        if part not in options.parts:
            continue
        found, new = RUNS[part](options.shared)
        figures |= found
        rows = [row for row in rows if row["part"] != part] + new
        for row in new:
            print(row, flush=True)
        write(
            "training",
            figures=figures,
            rows=rows,
            packages=("torch", "numpy", "scipy"),
            seeds=SEEDS,
            command="python bench/training.py",
        )
    return 0


def _run_ml1m(shared: Path) -> tuple[dict[str, float | None], list[Row]]:
    if not (shared / "ml-1m-multvae").exists():
        print("ML-1M is not here: not run")
        return {"ml1m_cpu_s_to_ndcg396": None}, []
    ours = [_child(f"ml1m:{seed}", shared, threads=1) for seed in SEEDS]
    peer = _child("ml1m_dense", shared, threads=1)
    cpu, ndcg = (float(np.mean([row[name] for row in ours])) for name in ("cpu_s", "ndcg@100"))
    figures: dict[str, float | None] = {
        "ml1m_cpu_s_to_ndcg396": cpu if ndcg >= GOAL_NDCG else None,
        "ml1m_ndcg100_then": ndcg,
        "ml1m_cpu_s_per_epoch": cpu / ML1M_EPOCHS,
        "ml1m_dense_peer_cpu_s": peer["cpu_s"],
        "ml1m_dense_peer_ndcg100": peer["ndcg@100"],
    }
    return figures, [{"part": "ml1m", **row} for row in (*ours, peer)]


def _run_ml20m(shared: Path) -> tuple[dict[str, float | None], list[Row]]:
    ours = _child("epoch:" + json.dumps(ML20M), shared, threads=2)
    peer = _child("dense_epoch:" + json.dumps(ML20M), shared, threads=2)
    figures = {
        "ml20m_shape_epoch_wall_s": ours["wall_s"],
        "ml20m_shape_epoch_cpu_s": ours["cpu_s"],
        "ml20m_shape_peak_mb": ours["peak_mb"],
        "ml20m_shape_dense_peer_epoch_wall_s": peer["wall_s"],
        "ml20m_shape_dense_peer_peak_mb": peer["peak_mb"],
    }
    return figures, [{"part": "ml20m", **row} for row in (ours, peer)]


def _run_ten_million(shared: Path) -> tuple[dict[str, float | None], list[Row]]:
    row = _child(
        "epoch:" + json.dumps({**TEN_MILLION, "epochs": 1, "wide": False}), shared, threads=2
    )
    figures = {"ten_million_peak_mb": row["peak_mb"], "ten_million_epoch_wall_s": row["wall_s"]}
    return figures, [{"part": "ten_million", **row}]


def _run_growth(shared: Path) -> tuple[dict[str, float | None], list[Row]]:
    """Events at 20,000 items and 73 a shopper; items at 1 M events and 10 a shopper."""
    shapes = [
        {"n_users": events // 73, "n_items": 20_000, "n_events": events}
        for events in (1_000_000, 3_000_000, 10_000_000)
    ] + [
        {"n_users": 100_000, "n_items": items, "n_events": 1_000_000}
        for items in (10_000, 50_000, 200_000)
    ]
    rows = [
        _child("epoch:" + json.dumps({**shape, "epochs": 1}), shared, threads=2) for shape in shapes
    ]
    figures = {
        "growth_1m_to_10m_events_epoch_ratio": rows[2]["wall_s"] / rows[0]["wall_s"],
        "growth_10k_to_200k_items_epoch_ratio": rows[5]["wall_s"] / rows[3]["wall_s"],
    }
    return figures, [{"part": "growth", **row} for row in rows]


def _run_gpu(shared: Path) -> tuple[dict[str, float | None], list[Row]]:
    if not torch.cuda.is_available():
        print("gpu: not run, torch sees no card")
        return {"ml20m_shape_epoch_gpu_s": None}, []
    shape = {**ML20M, "epochs": 4, "device": "cuda", "batch": 1_000}
    row = _child("epoch:" + json.dumps(shape), shared, threads=2)
    floor = _bytes_moved(batch=1_000) / _bandwidth()
    figures = {
        "ml20m_shape_epoch_gpu_s": row["wall_s"],
        "ml20m_shape_gpu_share_of_bandwidth_floor": floor / row["wall_s"],
    }
    return figures, [{"part": "gpu", "floor_s": floor, **row}]


def _measure_ml1m(shared: Path, seed: str) -> Row:
    train, validation, test = _ml1m(shared)
    began, wall = time.process_time(), time.perf_counter()
    fitted = training.fit(
        train, validation=validation, options=WIDE, epochs=ML1M_EPOCHS, seed=int(seed)
    )
    spent, wall = time.process_time() - began, time.perf_counter() - wall
    row = {"model": "vae", "seed": int(seed), "epochs": len(fitted.losses), "cpu_s": spent}
    return row | _tested(evaluation.by_vae(fitted.encoder, fitted.vectors), test, wall)


def _measure_ml1m_dense(shared: Path, _: str) -> Row:
    """Liang et al.'s settings: tanh 600, latent 200, KL annealed to .2, batch 500."""
    train, _, test = _ml1m(shared)
    began, wall = time.process_time(), time.perf_counter()
    model = DenseVAE(train.n_items)
    fit_dense(model, train.matrix(), epochs=DENSE_EPOCHS)
    spent, wall = time.process_time() - began, time.perf_counter() - wall
    row = {"model": "dense peer", "seed": 0, "epochs": DENSE_EPOCHS, "cpu_s": spent}
    return row | _tested(lambda held: model.scores(held.matrix()), test, wall)


def _measure_epoch(_: Path, argument: str) -> Row:
    """The last epoch of a fit on made-up events of a shape, from the log's columns on."""
    shape = json.loads(argument)
    epochs, device = shape.pop("epochs", 2), shape.pop("device", "cpu")
    wide = WIDE if shape.pop("wide", True) else TrainingOptions()  # else as a shop's is made
    options = replace(wide, batch=shape.pop("batch", BATCH))
    began = time.perf_counter()
    train = made_up(**shape)
    read = time.perf_counter() - began
    marks = [(time.perf_counter(), time.process_time())]
    training.fit(
        train,
        validation=_nobody(train.n_items),
        options=options,
        epochs=epochs,
        seed=SEEDS[0],
        device=device,
        on_epoch=lambda *_: marks.append((time.perf_counter(), time.process_time())) or True,
    )
    (wall, cpu), (wall_end, cpu_end) = marks[-2:]
    return {
        "model": "vae",
        **shape,
        "events": len(train.items),
        "hidden": options.hidden,
        "batch": options.batch,
        "device": device,
        "read_s": read,
        "wall_s": wall_end - wall,
        "cpu_s": cpu_end - cpu,
        "peak_mb": _peak_mb(),
    }


def _measure_dense_epoch(_: Path, argument: str) -> Row:
    shape = json.loads(argument)
    matrix = made_up(**shape).matrix()
    model = DenseVAE(shape["n_items"])
    steps = math.ceil(shape["n_users"] / BATCH)
    fit_dense(model, matrix[:BATCH], epochs=1)  # warm
    wall, cpu = time.perf_counter(), time.process_time()
    fit_dense(model, matrix[: DENSE_STEPS * BATCH], epochs=1)
    share = steps / DENSE_STEPS
    return {
        "model": f"dense peer, {DENSE_STEPS} steps timed and multiplied",
        **shape,
        "events": int(matrix.nnz),
        "batch": BATCH,
        "device": "cpu",
        "wall_s": (time.perf_counter() - wall) * share,
        "cpu_s": (time.process_time() - cpu) * share,
        "peak_mb": _peak_mb(),
    }


def made_up(*, n_users: int, n_items: int, n_events: int, seed: int = 7) -> Histories:
    """Events with log-normal histories and power-law items, read as a log's columns are."""
    draw = np.random.default_rng(seed)
    wanted = draw.lognormal(0.0, 1.0, n_users)
    n_drawn = int(n_events * 1.4)
    users = draw.choice(n_users, n_drawn, p=wanted / wanted.sum()).astype(np.int32)
    items = (n_items * draw.random(n_drawn) ** 2.5).astype(np.int32)
    _, first = np.unique(users.astype(np.int64) * n_items + items, return_index=True)
    kept = np.sort(draw.permutation(first)[:n_events])
    users, items = users[kept], items[kept]
    kinds = np.full(len(users), 2, np.int8)
    return histories.from_deeds(users, items, kinds, n_users=n_users, n_items=n_items)


def _tested(score: Callable[[Histories], Any], test: HoldOut, wall: float) -> Row:
    found = evaluation.measure(score, test, ndcg_at=(100,))
    metrics = {name: found[name] for name in ("ndcg@100", "recall@20", "recall@50")}
    return {**metrics, "wall_s": wall, "peak_mb": _peak_mb()}


def _ml1m(shared: Path) -> tuple[Histories, HoldOut, HoldOut]:
    def read(name: str) -> Any:
        loaded = sparse.load_npz(shared / "ml-1m-multvae" / f"{name}.npz")
        return sparse.csr_array(loaded.astype(np.float32))

    validation, test = (
        HoldOut(fold_in=histories.from_matrix(read(f"{part}_tr")), targets=read(f"{part}_te"))
        for part in ("valid", "test")
    )
    return histories.from_matrix(read("train")), validation, test


def _nobody(n_items: int) -> HoldOut:
    empty = sparse.csr_array((0, n_items), dtype=np.float32)
    return HoldOut(fold_in=histories.from_matrix(empty), targets=empty)


def _bytes_moved(*, batch: int) -> float:
    """What an epoch must read and write at the least: Adam's 28 bytes a weight, logits in bf16.

    A buffer of logits is written once, read and written by the softmax, and read by two products.
    """
    steps = math.ceil(ML20M["n_users"] / batch)
    n_weights = ML20M["n_items"] * (600 + 200 + 1) + 2 * 600 * 600 + 2 * 200 * 600
    return steps * n_weights * 28.0 + ML20M["n_users"] * ML20M["n_items"] * 2 * 5.0


def _bandwidth() -> float:
    """Bytes a second that a copy on the card moves."""
    source = torch.empty(2**28, dtype=torch.float32, device="cuda")
    target = torch.empty_like(source)
    target.copy_(source)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(20):
        target.copy_(source)
    torch.cuda.synchronize()
    return 20 * 2 * source.nbytes / (time.perf_counter() - began)


def _child(measure: str, shared: Path, *, threads: int) -> Row:
    command = [sys.executable, __file__, "--child", measure, "--shared", str(shared)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    environment["OPENBLAS_NUM_THREADS"] = str(threads)
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: Row = json.loads(ended.stdout.splitlines()[-1])
    return {"threads": threads, **found}


def _kept() -> tuple[dict[str, float | None], list[Row]]:
    """What the last run found; a part that is not run again keeps it."""
    path = RESULTS / "training.json"
    figures: dict[str, float | None] = dict.fromkeys(FIGURES)
    if not path.exists():
        return figures, []
    last = json.loads(path.read_text(encoding="utf-8"))
    return figures | last["figures"], last["rows"]


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


RUNS = {
    "ml1m": _run_ml1m,
    "ml20m": _run_ml20m,
    "ten_million": _run_ten_million,
    "growth": _run_growth,
    "gpu": _run_gpu,
}
MEASURES = {
    "ml1m": _measure_ml1m,
    "ml1m_dense": _measure_ml1m_dense,
    "epoch": _measure_epoch,
    "dense_epoch": _measure_dense_epoch,
}

if __name__ == "__main__":
    sys.exit(main())
