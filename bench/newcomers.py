"""How well items that nobody has touched are placed by their words, and how soon they are shown.

A fifth of the items is hidden from all training: no deed with them teaches anything. Then shoppers
who bring only their other deeds must be given the hidden items that they took. Ranked by our map
from text to the fused item vectors (with the packaged sentence encoder, and with hashed words), by
a plain sum of text cosines, by the history's category (or brand, where there is none), by chance,
and by what no shop knows of a new item: how popular it was going to be.

python bench/newcomers.py [--shared ../shared/data] [--seeds 3] [--epochs 20] [--no-worker]
"""

import argparse
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

from bench import arrival  # noqa: E402 the path is set above
from bench.record import write  # noqa: E402 as above
from bench.shops import Shop, histories, shops  # noqa: E402 as above
from recsys.catalogue.text_vectors import ItemVectors  # noqa: E402 as above
from recsys.learning.blending import branches, texts  # noqa: E402 as above
from recsys.learning.embedding import open_encoder  # noqa: E402 as above
from recsys.learning.examining import metrics  # noqa: E402 as above
from recsys.learning.fitting import training  # noqa: E402 as above
from recsys.learning.fitting.training import TrainingOptions  # noqa: E402 as above
from recsys.learning.split import HoldOut, matrix  # noqa: E402 as above
from recsys.models import sentences, text  # noqa: E402 as above
from recsys.models.histories import Histories  # noqa: E402 as above
from recsys.models.words import HashedWords  # noqa: E402 as above

FIRST_SEED = 11
HIDDEN = 5  # one item in so many
AT = 20
NAMES = ("officetext", "grocery", "onlineretail")
RANKERS = ("text", "text_words", "map_alone", "cosine", "category", "popularity", "random")
TIMED = 300  # texts

Scores = np.ndarray


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--no-worker", action="store_true", help="leave out the way through a worker"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + options.seeds))
    figures: dict[str, float | None] = {
        f"{name}_hidden_{metric}_{ranker}": None
        for name in NAMES
        for metric in ("recall20", "ndcg20")
        for ranker in RANKERS
    }
    rows: list[dict[str, Any]] = []
    for shop in shops(options.shared):
        _examine(shop, seeds, options.epochs, figures, rows)
    figures |= _speed(rows)
    first = None if options.no_worker else arrival.seconds()
    figures["newcomer_seconds_to_first_recommendation"] = first
    rows.append({"data": "speed", "what": "seconds from PUT to the first showing", "value": first})
    write(
        "newcomers",
        figures=figures,
        rows=rows,
        packages=("torch", "numpy", "scipy"),
        seeds=seeds,
    )
    return 0


def _examine(
    shop: Shop,
    seeds: tuple[int, ...],
    epochs: int,
    figures: dict[str, float | None],
    rows: list[dict[str, Any]],
) -> None:
    encoders = {"text_words": HashedWords()}
    packaged = sentences.find()
    if packaged is not None:
        encoders["text"] = packaged
    vectors = {name: _encoded(name, encoder, shop) for name, encoder in encoders.items()}
    found: dict[str, list[dict[str, np.ndarray]]] = {}
    for seed in seeds:
        for name, values in _one(shop, vectors, seed, epochs).items():
            found.setdefault(name, []).append(values)
    popular = found["popularity"]
    for name, runs in found.items():
        row: dict[str, Any] = {"data": shop.name, "ranker": name}
        for metric in runs[0]:
            row[metric] = round(float(np.mean([run[metric].mean() for run in runs])), 5)
        if name in RANKERS:
            pairs = zip(runs, popular, strict=True)
            joined = np.concatenate([run["recall@20"] - other["recall@20"] for run, other in pairs])
            row["recall@20 minus popularity"] = round(float(joined.mean()), 5)
            row["its SE"] = round(float(joined.std(ddof=1) / np.sqrt(len(joined))), 5)
            for metric in ("recall@20", "ndcg@20"):
                figures[f"{shop.name}_hidden_{metric.replace('@', '')}_{name}"] = row[metric]
        else:
            figures[f"{shop.name}_{name}_recall20"] = row["recall@20"]
        row["shoppers"] = int(np.mean([len(run["recall@20"]) for run in runs]))
        rows.append(row)
        print(row, flush=True)


def _one(
    shop: Shop, vectors: dict[str, ItemVectors], seed: int, epochs: int
) -> dict[str, dict[str, np.ndarray]]:
    """Hide, train on the rest, rank: per shopper, by ranker."""
    n_items = len(shop.texts)
    draw = np.random.default_rng(seed)
    hidden = draw.permutation(n_items) % HIDDEN == 0
    known, row_of, train, validation = _taught(shop, hidden, draw)
    fitted = training.fit(
        train,
        validation=validation,
        options=TrainingOptions(hidden=300, latent=100),
        epochs=epochs,
        seed=seed,
    )
    fused, _ = branches.grow(train, fitted, validation)
    fold_in, wanted_hidden, wanted_known = _test(shop, hidden, row_of, len(known))
    places = np.flatnonzero(hidden)
    popularity = np.bincount(
        [item for past, t in zip(shop.pasts, shop.test, strict=True) if not t for item in past],
        minlength=n_items,
    )[places].astype(np.float32)
    rank = _ranker(wanted_hidden)
    found = {
        "popularity": rank(np.repeat(popularity[None], len(fold_in), axis=0)),
        "random": rank(draw.random((len(fold_in), len(places)), np.float32)),
        "category": rank(_category(shop, fold_in, known, places)),
    }
    item_ids = tuple(str(item) for item in known.tolist())
    plain = fused.scores(fold_in)
    found["known_without_text"] = _known(plain, fold_in, wanted_known)
    for name, all_vectors in vectors.items():
        joined, placed, told = texts.join(
            fused, all_vectors, item_ids=item_ids, train=train, validation=validation
        )
        if placed is None:
            continue
        print(shop.name, seed, name, told, flush=True)
        users = joined.users(fold_in)
        new = placed.rows(all_vectors.vectors[places])
        found[name] = rank(users @ new.T)
        suffix = "" if name == "text" else "_words"
        found[f"known_with{suffix}_text"] = _known(joined.scores(fold_in), fold_in, wanted_known)
        among = np.concatenate([joined.scores(fold_in), users @ new.T], axis=1)
        found[f"hidden_among_all{suffix}_text"] = _among(among, fold_in, wanted_hidden, len(known))
        if name == "text":
            found |= _peers(rank, joined, placed, all_vectors, fold_in, known, places)
    return found


def _taught(
    shop: Shop, hidden: np.ndarray, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Histories, HoldOut]:
    """The items that the model has a row for, each item's row or -1, who teaches, who chooses."""
    taught = [
        [item for item in past if not hidden[item]]
        for past, examines in zip(shop.pasts, shop.test, strict=True)
        if not examines
    ]
    taught = [one for one in taught if len(one) > 1]
    counts = np.bincount([item for one in taught for item in one], minlength=len(hidden))
    known = np.flatnonzero(counts)
    row_of = np.full(len(hidden), -1, np.int64)
    row_of[known] = np.arange(len(known))
    chooses = draw.random(len(taught)) < 0.1
    train, validation = (
        [_rows(one, row_of) for one, c in zip(taught, chooses, strict=True) if c == part]
        for part in (False, True)
    )
    return known, row_of, histories(train, len(known)), _next_of(validation, len(known))


def _peers(
    rank: Callable[[Scores], dict[str, np.ndarray]],
    joined: Any,
    placed: text.TextMap,
    vectors: ItemVectors,
    fold_in: Histories,
    known: np.ndarray,
    places: np.ndarray,
) -> dict[str, dict[str, np.ndarray]]:
    """The ridge without the text columns, and the texts without behaviour."""
    weight = placed.weight.copy()
    weight[:, -1 - placed.columns.shape[1] : -1] = 0
    ridge = replace(placed, weight=weight).rows(vectors.vectors[places])
    features = text.centred(vectors.vectors, placed.mean)
    profile = np.asarray(fold_in.matrix() @ features[known])
    return {
        "map_alone": rank(joined.users(fold_in) @ ridge.T),
        "cosine": rank(profile @ features[places].T),
    }


def _test(
    shop: Shop, hidden: np.ndarray, row_of: np.ndarray, n_known: int
) -> tuple[Histories, Any, Any]:
    """Examining shoppers with a past: their known deeds, the hidden and the known items they took."""
    places = np.cumsum(hidden) - 1
    pasts, of_hidden, of_known = [], [], []
    for past, future, examines in zip(shop.pasts, shop.futures, shop.test, strict=True):
        rows = _rows(past, row_of)
        if not examines or not rows:
            continue
        taken = [item for item in future if not hidden[item] and row_of[item] >= 0]
        if past is future:  # no order between past and future: the last fifth is asked for
            cut = max(1, len(rows) * 4 // 5)
            rows, taken = rows[:cut], [item for item in taken if row_of[item] in rows[cut:]]
        pasts.append(rows)
        of_hidden.append([int(places[item]) for item in future if hidden[item]])
        of_known.append([int(row_of[item]) for item in taken])
    return (
        histories(pasts, n_known),
        _targets(of_hidden, int(hidden.sum())),
        _targets(of_known, n_known),
    )


def _targets(wanted: list[list[int]], n_items: int) -> Any:
    sizes = [len(one) for one in wanted]
    owners = np.repeat(np.arange(len(wanted)), sizes)
    items = np.array([item for one in wanted for item in one], np.int64)
    return matrix(owners, items, shape=(len(wanted), n_items))


def _ranker(wanted: Any) -> Callable[[Scores], dict[str, np.ndarray]]:
    def rank(scores: Scores) -> dict[str, np.ndarray]:
        ranked = metrics.best_rows(np.asarray(scores, np.float32), AT)
        return metrics.per_user(ranked, wanted, recall_at=(AT,), ndcg_at=(AT,))

    return rank


def _known(scores: Scores, fold_in: Histories, wanted: Any) -> dict[str, np.ndarray]:
    scores = scores.copy()
    scores[fold_in.owners, fold_in.items] = -np.inf
    return _ranker(wanted)(scores)


def _among(scores: Scores, fold_in: Histories, wanted: Any, n_known: int) -> dict[str, np.ndarray]:
    """The hidden items' targets where every known item competes."""
    scores[fold_in.owners, fold_in.items] = -np.inf
    empty = sparse.csr_array((wanted.shape[0], n_known), dtype=np.float32)
    return _ranker(sparse.csr_array(sparse.hstack([empty, wanted])))(scores)


def _category(shop: Shop, fold_in: Histories, known: np.ndarray, places: np.ndarray) -> Scores:
    """The share of a history that lies in the new item's category."""
    names = {name: n for n, name in enumerate(sorted(set(shop.groups)))}
    of = np.array([names[name] for name in shop.groups])
    belongs = sparse.csr_array(
        (np.ones(len(known), np.float32), (np.arange(len(known)), of[known])),
        shape=(len(known), len(names)),
    )
    return np.asarray((fold_in.matrix() @ belongs).toarray())[:, of[places]]


def _next_of(sequences: list[list[int]], n_items: int) -> HoldOut:
    """Validation: the last fifth of each sequence is asked for."""
    cuts = [max(1, len(one) * 4 // 5) for one in sequences]
    return HoldOut(
        fold_in=histories([one[:cut] for one, cut in zip(sequences, cuts, strict=True)], n_items),
        targets=_targets([one[cut:] for one, cut in zip(sequences, cuts, strict=True)], n_items),
    )


def _encoded(name: str, encoder: text.TextEncoder, shop: Shop) -> ItemVectors:
    began = time.process_time()
    vectors = encoder.encode(shop.texts)
    print(
        f"{shop.name}: {name} read {len(shop.texts)} texts in {time.process_time() - began:.1f} CPU s"
    )
    ids = tuple(str(row) for row in range(len(shop.texts)))
    return ItemVectors(encoder=encoder.fingerprint, item_ids=ids, vectors=vectors)


def _speed(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """CPU ms a text on one thread, of the demo's own items."""
    found: dict[str, float | None] = {"minilm_cpu_ms_per_text": None, "words_cpu_ms_per_text": None}
    sample = shops(Path("nowhere"))[0].texts[:TIMED]
    for name in ("minilm", "words"):
        if name == "minilm" and sentences.find() is None:
            continue
        encoder = open_encoder(name)
        if encoder is None:
            continue
        encoder.encode(sample[:2])
        began = time.process_time()
        encoder.encode(sample)
        taken = (time.process_time() - began) / len(sample) * 1000
        found[f"{name}_cpu_ms_per_text"] = round(taken, 3)
        rows.append(
            {
                "data": "speed",
                "what": f"CPU ms a text, {encoder.fingerprint}, {encoder.width} numbers",
                "value": taken,
            }
        )
    return found


def _rows(items: list[int], row_of: np.ndarray) -> list[int]:
    return [int(row_of[item]) for item in items if row_of[item] >= 0]


if __name__ == "__main__":
    sys.exit(main())
