"""Made-up shoppers of the grocery shop: how like real ones, what they teach, what privacy costs.

Three fifths of the households are learnt from, the others judge. Beside each source stands what
real households score, the most that can be hoped for. `taught_*` is what a model learns from that
source alone (as many shoppers), examined on real ones. Private fits are repeated with three noises.

python bench/synthetic.py [--threads 1] [--epochs 30] [--events FILE.csv.gz]
"""

import argparse
import csv
import gzip
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from recsys.learning.examining import evaluation  # noqa: E402 as above
from recsys.learning.fitting import private, training  # noqa: E402 as above
from recsys.learning.fitting.training import TrainingOptions  # noqa: E402 as above
from recsys.learning.imitating import imitation, synthesis  # noqa: E402 as above
from recsys.learning.imitating.imitation import World  # noqa: E402 as above
from recsys.learning.imitating.synthesis import Latent, Sampler  # noqa: E402 as above
from recsys.types import EventKind, EventLog  # noqa: E402 as above

SHOP = ROOT / "demo" / "grocery"
SEED = 98765
NOISES = (1.0, 2.0, 4.0)
NOISE_SEEDS = (1, 2, 3)
SHARES = (0.5, 1.0)
MEASURES = {
    "popularity_correlation": "popularity",
    "pair_correlation": "pairs",
    "length_ks": "lengths_ks",
    "category_distance": "categories",
    "classifier_auc": "auc",
    "taught_itemknn_ndcg100": "taught_itemknn_ndcg100",
    "taught_ease_ndcg100": "taught_ease_ndcg100",
    "too_near": "too_near",
    "copies": "copies",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=Path, default=SHOP / "events.csv.gz")
    parser.add_argument("--items", type=Path, default=SHOP / "items.csv")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    began = time.monotonic()
    world = imitation.divide(read_log(options.events), seed=SEED)
    fitted = training.fit(
        world.train,
        validation=world.validation,
        options=TrainingOptions(),
        epochs=options.epochs,
        seed=SEED,
    )
    figures: dict[str, float | None] = {}
    sampler = synthesis.sampler(fitted.encoder, fitted.vectors, world.train)
    rows = likeness(world, sampler, options.items, figures)
    rows += privacy(world, fitted, figures)
    rows += augmentation(world, fitted, options.epochs, figures)
    figures["bench_wall_s"] = round(time.monotonic() - began, 1)
    write(
        "synthetic",
        figures=figures,
        rows=rows,
        packages=("torch", "numpy", "scipy", "opacus"),
        seeds=[SEED, *NOISE_SEEDS],
    )


def likeness(
    world: World, sampler: Sampler, items: Path, figures: dict[str, float | None]
) -> list[dict[str, Any]]:
    """The VAE's shoppers, from the aggregate posterior and the prior, against the baskets'."""
    n = len(world.train)
    posterior = synthesis.tuned(sampler, seed=SEED)
    prior = synthesis.tuned(replace(sampler, latent=Latent.PRIOR), seed=SEED)
    made = {
        "vae": synthesis.sample(posterior, n, seed=SEED),
        "vae_prior": synthesis.sample(prior, n, seed=SEED),
        "baskets": imitation.histories_of(imitation.from_baskets(world, n, seed=SEED)),
    }
    rows = imitation.judge(world, made, seed=SEED, categories=categories(world, items))
    print(imitation.table(rows), flush=True)
    for row in rows:
        for measure, name in MEASURES.items():
            if measure in row:
                figures[f"{name}_{row['from']}"] = row[measure]
    figures["memorised_vae"] = float(rows[1]["memorised"])
    figures["vae_temperature"] = posterior.temperature
    figures["taught_ease_vae_share_of_real_percent"] = round(
        100 * rows[1]["taught_ease_ndcg100"] / rows[0]["taught_ease_ndcg100"], 1
    )
    return rows


def privacy(
    world: World, plain: training.Fitted, figures: dict[str, float | None]
) -> list[dict[str, Any]]:
    """What each amount of noise promises and costs; `dp_*` are of the default."""
    counts = np.bincount(world.train.items, minlength=world.train.n_items).astype(np.float32)
    figures["dp_ndcg100_nonprivate"] = examined(world, plain.encoder, plain.vectors)
    figures["dp_ndcg100_popularity"] = evaluation.measure(evaluation.by_counts(counts), world.exam)[
        "ndcg@100"
    ]
    rows = []
    for noise in NOISES:
        options = private.PrivacyOptions(noise=noise)
        made = [
            private.fit(world.train, options=options, seed=SEED, noise_seed=seed)
            for seed in NOISE_SEEDS
        ]
        ndcgs = [examined(world, one.encoder, one.vectors) for one in made]
        row = {
            "from": f"private fit, noise {noise:g}",
            "epsilon": made[0].epsilon,
            "delta": made[0].delta,
            "ndcg100": float(np.mean(ndcgs)),
            "ndcg100_se_over_noise": float(np.std(ndcgs, ddof=1) / len(ndcgs) ** 0.5),
        }
        rows.append(row)
        print(row, flush=True)
        if noise == private.PrivacyOptions().noise:
            figures["dp_epsilon"], figures["dp_ndcg100"] = row["epsilon"], row["ndcg100"]
            figures["dp_delta"] = row["delta"]
    return rows


def augmentation(
    world: World, plain: training.Fitted, epochs: int, figures: dict[str, float | None]
) -> list[dict[str, Any]]:
    """Made-up histories beside the real ones; validation chooses, the exam is read once."""
    found = synthesis.augment(
        world.train,
        validation=world.validation,
        options=TrainingOptions(),
        epochs=epochs,
        seed=SEED,
        shares=SHARES,
        plain=plain,
    )
    figures["augment_share_chosen"] = found.share
    figures["augment_ndcg100"] = examined(world, found.fitted.encoder, found.fitted.vectors)
    figures["augment_ndcg100_without"] = examined(world, plain.encoder, plain.vectors)
    return [
        {"from": f"real and {share:g} made-up for each", "validation_ndcg100": ndcg}
        for share, ndcg in found.ndcgs.items()
    ]


def examined(world: World, encoder: Any, vectors: Any) -> float:
    return evaluation.measure(evaluation.by_vae(encoder, vectors), world.exam)["ndcg@100"]


def categories(world: World, items: Path) -> np.ndarray:
    with items.open(encoding="utf-8", newline="") as stream:
        paths = {row["id"]: row["category"] for row in csv.DictReader(stream)}
    names = [paths.get(item_id, "") for item_id in world.log.item_ids]
    return np.unique(names, return_inverse=True)[1]


def read_log(path: Path) -> EventLog:
    """A log as `import events` reads it, without a database."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    at = np.array([row["at"].removesuffix("Z") for row in rows], "datetime64[s]").astype(np.int64)
    order = np.argsort(at, kind="stable")
    user_ids, users = np.unique([row["user_id"] for row in rows], return_inverse=True)
    item_ids, items = np.unique([row["item_id"] for row in rows], return_inverse=True)
    baskets = np.unique([row["order_id"] for row in rows], return_inverse=True)[1]
    kinds = {kind.value: number for number, kind in enumerate(EventKind)}
    return EventLog(
        user_rows=users[order].astype(np.int32),
        item_rows=items[order].astype(np.int32),
        kinds=np.array([kinds[row["kind"]] for row in rows], np.int8)[order],
        at=at[order],
        order_rows=baskets[order].astype(np.int32),
        user_ids=tuple(user_ids.tolist()),
        item_ids=tuple(item_ids.tolist()),
    )


if __name__ == "__main__":
    main()
