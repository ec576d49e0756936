"""FAISS indexes on trained item vectors: what one query takes, what it finds, what it costs in NDCG.

For each size a made-up shop (every shopper has three tastes out of sqrt(items) * 3, sizes by Zipf,
and a tenth of the deeds anywhere) is learnt by the product's own linear branch, `linear.svd` of
rank 128, from four fifths of each shopper's deeds; the last fifth are the held-out targets. The
queries are those of shoppers. Every index answers one query at a time on one thread, through
`serving.index.search` with the shopper's past masked, so a figure holds the exact scoring of the
candidates too. HNSW and FAISS's own lists are asked directly, with as many more as are masked.

python bench/retrieval.py [--sizes 10000,100000,1000000] [--shoppers 3000] [--state DIR]
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from scipy import sparse

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from recsys.learning import indexing  # noqa: E402 as above
from recsys.learning.bundle import ModelBundle, assemble  # noqa: E402 as above
from recsys.learning.examining import metrics  # noqa: E402 as above
from recsys.learning.indexing import IndexKind  # noqa: E402 as above
from recsys.models import histories, linear, neighbours  # noqa: E402 as above
from recsys.models.fusion import Fused  # noqa: E402 as above
from recsys.serving import index  # noqa: E402 as above
from recsys.serving.eligibility import Allowed, Pool  # noqa: E402 as above

RANK, DEEDS, K = 128, 20, 100
SEED = 20261122
NAMES = {10_000: "10k", 100_000: "100k", 1_000_000: "1m"}
HNSW_LIMIT = 100_000  # beyond, building the graph alone takes longer than all the rest
PROBES = (8, 32, 128)
CORES = os.cpu_count() or 1

Search = Callable[[int], np.ndarray]  # the shopper's number -> at least K rows, the past left out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--shoppers", type=int, default=3_000)
    parser.add_argument("--state", type=Path, default=None, help="keep trained vectors here")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for n_items in (int(size) for size in options.sizes.split(",")):
        rows += bench(n_items, n_shoppers=options.shoppers, state=options.state)
    write(
        "retrieval",
        figures=figures(rows),
        rows=rows,
        packages=("faiss-cpu", "numpy", "scipy"),
        seeds=[SEED],
    )


def figures(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """The numbers the docs quote; None for a size that was not run."""

    def of(n_items: int, wanted: str, column: str) -> float | None:
        found = (
            row[column]
            for row in rows
            if row["items"] == n_items
            and (row["index"] == wanted or (wanted == "chosen" and row["chosen"]))
        )
        return next(found, None)

    found = {"flat_100k_p50_ms": of(100_000, "flat", "p50_ms")}
    for n_items, name in NAMES.items():
        for column in ("p50_ms", "p99_ms", "recall100", "ndcg_loss_percent", "build_s"):
            found[f"chosen_{name}_{column}"] = of(n_items, "chosen", column)
    return found


# --- the shop


def shop(n_items: int) -> tuple[Any, Any]:
    """What shoppers did and what they did then: sparse (U, I) twice."""
    draw = np.random.default_rng(SEED)
    n_shoppers = min(max(20_000, n_items), 300_000)
    n_tastes = int(3 * np.sqrt(n_items))
    of_taste = n_items // n_tastes
    popular = np.arange(1, n_tastes + 1) ** -0.6
    own = draw.choice(n_tastes, (n_shoppers, 3), p=popular / popular.sum())
    which = draw.choice(3, (n_shoppers, DEEDS), p=[0.6, 0.3, 0.1])
    place = (of_taste ** draw.random((n_shoppers, DEEDS)) - 1).astype(np.int64)
    items = np.take_along_axis(own, which, axis=1) * of_taste + place
    anywhere = (n_items ** draw.random((n_shoppers, DEEDS))).astype(np.int64) * 7919 % n_items
    items = np.where(draw.random(items.shape) < 0.1, anywhere, items)
    cut = DEEDS * 4 // 5
    past, future = (matrix(part, n_items) for part in (items[:, :cut], items[:, cut:]))
    future = future - future.multiply(past)
    future.eliminate_zeros()
    return past, sparse.csr_array(future)


def matrix(items: np.ndarray, n_items: int) -> Any:
    owners = np.repeat(np.arange(len(items)), items.shape[1])
    found = sparse.csr_array(
        (np.ones(items.size, np.float32), (owners, items.ravel())), shape=(len(items), n_items)
    )
    found.sum_duplicates()
    found.data[:] = 1
    return found


def trained(n_items: int, past: Any, state: Path | None) -> Fused:
    kept = None if state is None else state / f"retrieval-{n_items}.npz"
    if kept is not None and kept.exists():
        stored = np.load(kept)
        branch = linear.Linear(project=stored["project"], items=stored["items"])
    else:
        branch = linear.svd(histories.from_matrix(past), rank=RANK, popularity_power=0.4)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez(kept, project=branch.project, items=branch.items)
    counts = np.maximum(np.asarray(past.sum(axis=0)).ravel(), 1)
    bias = np.asarray(0.02 * np.log(counts), np.float32)  # some pull of what sells, as a decoder's
    return Fused(bias=bias, linear=branch)


# --- one size


def bench(n_items: int, *, n_shoppers: int, state: Path | None) -> list[dict[str, Any]]:
    began = time.perf_counter()
    past, future = shop(n_items)
    fused = trained(n_items, past, state)
    print(f"{n_items} items, {past.nnz} deeds, trained in {time.perf_counter() - began:.0f} s")
    rng = np.random.default_rng(SEED + 1)
    asked = rng.choice(past.shape[0], n_shoppers + 1_000, replace=False)
    read = histories.from_matrix(past)
    tested, tuning = asked[:n_shoppers], read.take(asked[n_shoppers:])
    queries = fused.users(read.take(tested))
    seen = [past.indices[past.indptr[row] : past.indptr[row + 1]] for row in tested]
    faiss.omp_set_num_threads(CORES)
    bundle = assemble(
        version="bench",
        fused=fused,
        item_ids=tuple(map(str, range(n_items))),
        popularity=np.ones(n_items, np.float32),
        neighbours=neighbours.empty(n_items),
        together=neighbours.empty(n_items),
        manifest={},
        index_kind=IndexKind.FLAT,
    )
    found: list[dict[str, Any]] = []
    best: list[np.ndarray] = []

    def measure(name: str, built: float, search: Search, *, chosen: bool = False) -> None:
        times, lists = timed(search, seen)
        best[:] = best or lists  # the exact index is measured first
        row = {"items": n_items, "index": name, "chosen": chosen}
        row |= judged(times, lists, best, future[tested]) | {"build_s": round(built, 1)}
        exact = found[0]["ndcg100"] if found else row["ndcg100"]
        row["ndcg_loss_percent"] = round(100 * (1 - row["ndcg100"] / exact), 2)
        print(row, flush=True)
        found.append(row)

    for kind in IndexKind:
        faiss.omp_set_num_threads(CORES)
        started = time.perf_counter()
        built = indexing.build(bundle.vectors, fused.users(tuning), kind=kind)
        seconds = time.perf_counter() - started
        made = replace(bundle, index=built.index)
        chosen = kind is indexing.kind_for(n_items)
        # Codes that miss the recall give way to lists in half precision: say what was measured.
        name = str(kind) if built.kind is kind else f"{built.kind}, asked for {kind}"
        measure(name, seconds, served(made, queries, seen), chosen=chosen)
        listed = indexing.lists_of(built.index)
        if listed is not None:
            found[-1]["probes"] = tuned = listed.nprobe
            for probes in PROBES if chosen else ():
                listed.nprobe = probes
                measure(f"{name}, {probes} probes", seconds, served(made, queries, seen))
            listed.nprobe = tuned
    for name, seconds, search in others(bundle.vectors, queries):
        measure(name, seconds, search)
    return found


def timed(search: Search, seen: list[np.ndarray]) -> tuple[list[float], list[np.ndarray]]:
    """Seconds of each shopper's search on one thread, and the best that it found unseen."""
    faiss.omp_set_num_threads(1)
    search(0)
    times, lists = [], []
    for number, past in enumerate(seen):
        started = time.perf_counter()
        rows = search(number)
        times.append(time.perf_counter() - started)
        lists.append(rows[~np.isin(rows, past)][:K])
    return times, lists


def judged(
    times: list[float], lists: list[np.ndarray], best: list[np.ndarray], future: Any
) -> dict[str, Any]:
    """How quick, and how much of the true best was found."""
    ranked = np.array([np.pad(one, (0, K - len(one)), constant_values=-1) for one in lists])
    quality = metrics.per_user(ranked, future, recall_at=(), ndcg_at=(100,))["ndcg@100"]
    hits = [len(np.intersect1d(one, true)) for one, true in zip(lists, best, strict=True)]
    return {
        "p50_ms": round(1000 * float(np.percentile(times, 50)), 3),
        "p99_ms": round(1000 * float(np.percentile(times, 99)), 3),
        "recall100": round(float(np.sum(hits)) / sum(map(len, best)), 4),
        "ndcg100": round(float(quality.mean()), 5),
    }


def served(bundle: ModelBundle, queries: np.ndarray, seen: list[np.ndarray]) -> Search:
    pool = Pool(np.ones(len(bundle.vectors), np.bool_), len(bundle.vectors))

    def search(number: int) -> np.ndarray:
        allowed = Allowed(pool, {"seen": seen[number].tolist()})
        return index.search(bundle, queries[number], K, allowed)[0]

    return search


def others(vectors: np.ndarray, queries: np.ndarray) -> Any:
    """What FAISS offers that the product does not use, and why: name, seconds to build, search."""
    n, width = vectors.shape

    def searching(made: Any, params: Any) -> Search:
        def search(number: int) -> np.ndarray:
            rows = made.search(queries[number : number + 1], K + DEEDS, params=params)[1][0]
            return np.asarray(rows[rows >= 0])

        return search

    faiss.omp_set_num_threads(CORES)
    started = time.perf_counter()
    n_lists = int(4 * np.sqrt(n))
    own = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, n_lists, faiss.METRIC_INNER_PRODUCT)
    own.cp.niter = 6
    own.train(vectors[np.random.default_rng(0).choice(n, min(n, 32 * n_lists), replace=False)])
    own.add(vectors)
    seconds = time.perf_counter() - started
    for probes in PROBES:
        params = faiss.SearchParametersIVF(nprobe=probes)  # type: ignore[call-arg]  # stubs are of the C++ signature
        yield f"FAISS's own lists, {probes} probes", seconds, searching(own, params)
    if n > HNSW_LIMIT:
        return
    faiss.omp_set_num_threads(CORES)
    started = time.perf_counter()
    graph = faiss.IndexHNSWFlat(width, 32, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 60
    graph.add(vectors)
    seconds = time.perf_counter() - started
    for effort in (128, 512):
        params = faiss.SearchParametersHNSW(efSearch=effort)  # type: ignore[attr-defined]  # not in the stubs
        yield f"HNSW32, ef {effort}", seconds, searching(graph, params)


if __name__ == "__main__":
    main()
