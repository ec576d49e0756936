"""Nine sets of behaviour, each split and read as its published table was.

Where a table comes with a validation file, that file chooses; elsewhere validation is carved out
of training as the test was. `final` is what teaches the model that is tested: training alone
where the table's own models saw no more, and all of training where validation was carved from it.
"""

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.learning import split
from recsys.learning.split import HoldOut
from recsys.models import histories
from recsys.models.histories import Histories
from recsys.types import EventKind, EventLog

ROOT = Path(__file__).resolve().parent.parent
GROCERY = ROOT / "demo" / "grocery" / "events.csv.gz"
SPLIT_SEED = 98765  # the seed of the Mult-VAE paper's code, here for every draw
CARVED_SHARE = 0.2  # as much as the split itself took for its test
CHOOSERS = 8_000  # validation users at most: as good a judge, at a third of the time
VIEW, CART, PURCHASE = (tuple(EventKind).index(kind) for kind in tuple(EventKind)[:3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Deeds in the order of time, where the data know it: what a season is read from."""

    user_rows: NDArray[np.int32]
    item_rows: NDArray[np.int32]
    at: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One published table: who teaches, who chooses, who is read once, and how."""

    name: str
    train: Histories
    validation: HoldOut
    final: Histories  # teaches the model that is tested; `train` itself where nothing is refitted
    test: HoldOut
    metrics: tuple[str, ...]
    chosen_by: str  # the metric by which every setting is chosen on validation
    plain_recall: bool = False  # hits / targets, as the LightGCN and DiffRec tables have it
    ordered: bool = False  # the order of a history is known
    deeds: bool = False  # views, carts and purchases differ
    clock: Clock | None = None  # of `train`
    final_clock: Clock | None = None
    also: dict[str, HoldOut] = field(default_factory=dict)  # the test read in another way too
    note: str = ""

    @property
    def refitted(self) -> bool:
        return self.final is not self.train


Loader = Callable[[Path], Protocol]


def load(name: str, shared: Path) -> Protocol | None:
    """One set by its name, or None where its files are not."""
    folder, loader = LOADERS[name]
    there = GROCERY if folder is None else shared / folder
    return loader(there) if there.exists() else None


def ml1m(folder: Path) -> Protocol:
    """Liang et al. (WWW 2018): users never trained on, 80 % of theirs goes in."""

    def read(name: str) -> Any:
        return sparse.csr_array(sparse.load_npz(folder / f"{name}.npz").astype(np.float32))

    def held_out(name: str) -> HoldOut:
        return HoldOut(
            fold_in=histories.from_matrix(read(f"{name}_tr")), targets=read(f"{name}_te")
        )

    train = histories.from_matrix(read("train"))
    return Protocol(
        name="ml1m",
        train=train,
        validation=held_out("valid"),
        final=train,
        test=held_out("test"),
        metrics=("ndcg@100", "recall@20", "recall@50"),
        chosen_by="ndcg@100",
        note="strong generalisation; recall / min(R, targets); fitted on train",
    )


def gowalla(folder: Path) -> Protocol:
    """He et al. (SIGIR 2020, LightGCN): the same users in training, their items masked."""
    users, items = _pairs(folder / "train.parquet")
    test_users, test_items = _pairs(folder / "test.parquet")
    shape = _shape((users, items), (test_users, test_items))
    order = np.lexsort((items, users))
    users, items = users[order], items[order]
    draw = np.random.default_rng(SPLIT_SEED)
    carved = _carved(users, draw)
    final, train = _set(users, items, shape), _set(users[~carved], items[~carved], shape)
    targets = split.matrix(users[carved], items[carved], shape=shape)
    return Protocol(
        name="gowalla",
        train=train,
        validation=_choosers(HoldOut(fold_in=train, targets=targets)),
        final=final,
        test=HoldOut(fold_in=final, targets=split.matrix(test_users, test_items, shape=shape)),
        metrics=("recall@20", "ndcg@20"),
        chosen_by="ndcg@20",
        plain_recall=True,
        note="weak generalisation; plain recall; a fifth of each user's training items, a run of "
        "neighbouring ids, chose, then fitted on all of train; the test had been read before, "
        "when a random tenth chose",
    )


def videogames(folder: Path) -> Protocol:
    """Amazon Video Games 5-core, the WSDM'22 leave-one-out files; input and masked: train."""
    files = [_pairs(folder / f"{name}.parquet") for name in ("train", "validation", "test")]
    return _leave_one_out(
        "videogames", *files, metrics=("ndcg@10", "recall@10", "ndcg@20", "recall@20")
    )


def ml100k(folder: Path) -> Protocol:
    """MovieLens 100k, the WSDM'22 leave-one-out files."""
    files = [_table(folder / f"wsdm22_{name}.csv.gz") for name in ("train", "validation", "test")]
    return _leave_one_out(
        "ml100k", *files, metrics=("ndcg@10", "recall@10", "ndcg@20", "recall@20")
    )


def beauty(folder: Path) -> Protocol:
    """Amazon Beauty 5-core next item (S3-Rec's file): last item tests, the one before chooses.

    Sequence tables do not mask what was seen; the test is read masked as well.
    """
    table = _columns(folder / "interactions.parquet", ("user", "item", "pos"))
    order = np.lexsort((table["pos"], table["user"]))
    users = np.unique(table["user"][order], return_inverse=True)[1]
    items = table["item"][order].astype(np.int64) - 1
    shape = (int(users[-1]) + 1, int(items.max()) + 1)
    from_end = np.bincount(users)[users] - 1 - _places(users)
    before = _sequence(users[from_end >= 2], items[from_end >= 2], shape)
    known = _sequence(users[from_end >= 1], items[from_end >= 1], shape)
    nothing = sparse.csr_array(shape, dtype=np.float32)
    chosen, wanted = (
        split.matrix(users[from_end == n], items[from_end == n], shape=shape) for n in (1, 0)
    )
    return Protocol(
        name="beauty",
        train=before,
        validation=_choosers(HoldOut(fold_in=before, targets=chosen, masked=nothing)),
        final=before,
        test=HoldOut(fold_in=known, targets=wanted, masked=nothing),
        metrics=("ndcg@10", "recall@10", "ndcg@20", "recall@20"),
        chosen_by="ndcg@10",
        ordered=True,
        also={"masked": HoldOut(fold_in=known, targets=wanted)},
        note="next item, unmasked (masked beside it); recall is HR; fitted on train, "
        "the validation item joins the test's input",
    )


def ml1mdiffrec(folder: Path) -> Protocol:
    """Wang et al. (SIGIR 2023, DiffRec): in = train; train and validation masked at test."""
    train_pairs, valid_pairs, test_pairs = (
        _pairs(folder / f"{name}.parquet") for name in ("train", "valid", "test")
    )
    shape = _shape(train_pairs, valid_pairs, test_pairs)
    train = _set(*train_pairs, shape)  # the order in the file tells validation nothing
    chosen, wanted = (split.matrix(*pairs, shape=shape) for pairs in (valid_pairs, test_pairs))
    return Protocol(
        name="ml1mdiffrec",
        train=train,
        validation=HoldOut(fold_in=train, targets=chosen),
        final=train,
        test=HoldOut(fold_in=train, targets=wanted, masked=train.matrix() + chosen),
        metrics=("recall@10", "recall@20", "ndcg@10", "ndcg@20"),
        chosen_by="ndcg@20",
        plain_recall=True,
        note="temporal 7:2:1; plain recall; fitted on train, train and validation masked",
    )


def retailrocket(folder: Path) -> Protocol:
    """RetailRocket views, carts and purchases; SSLRec's one held-out purchase a shopper.

    Validation is each shopper's last purchase in training: that pair, and all that the shopper did
    from that moment on, is put aside, so that the past alone foretells.
    """
    table = _columns(folder / "events.parquet", ("user", "item", "event", "timestamp"))
    order = np.argsort(table["timestamp"], kind="stable")
    users, items, at = (table[name][order] for name in ("user", "item", "timestamp"))
    code = {"view": VIEW, "cart": CART, "buy": PURCHASE}
    kinds = np.array([code[name] for name in table["event"][order]], np.int8)
    test_users, test_items = _pairs(folder / "test_buy.parquet")
    shape = _shape((users, items), (test_users, test_items))
    bought = np.flatnonzero(kinds == PURCHASE)
    last = np.full(shape[0], -1, np.int64)
    last[users[bought]] = bought  # the newest of each shopper wins
    chosen, until = items[last], at[last]
    past = (at < until[users]) & (items != chosen[users])
    final = _deeds(users, items, kinds, shape)
    train = _deeds(users[past], items[past], kinds[past], shape)
    choosers = np.flatnonzero(train.sizes > 0)
    targets = split.matrix(np.arange(shape[0]), chosen, shape=shape)
    return Protocol(
        name="retailrocket",
        train=train,
        validation=HoldOut(fold_in=train.take(choosers), targets=targets[choosers]),
        final=final,
        test=HoldOut(fold_in=final, targets=split.matrix(test_users, test_items, shape=shape)),
        metrics=("ndcg@10", "recall@10", "ndcg@20", "recall@20"),
        chosen_by="ndcg@20",
        ordered=True,
        deeds=True,
        clock=Clock(user_rows=users[past], item_rows=items[past], at=at[past]),
        final_clock=Clock(user_rows=users, item_rows=items, at=at),
        note="one held-out purchase, what was touched before is masked; each shopper's last "
        "training purchase and all after it chose, then fitted on all of train",
    )


def onlineretail(folder: Path) -> Protocol:
    """Online Retail (UCI): the last tenth of the purchases, and only what is new to the customer."""
    table = _columns(
        folder / "transactions.parquet", ("customer_id", "stock_code", "quantity", "invoice_date")
    )
    real = (table["quantity"] > 0) & np.isfinite(table["customer_id"])  # NaN: nobody is known
    at = table["invoice_date"][real].astype("datetime64[s]").astype(np.int64)
    order = np.argsort(at, kind="stable")
    users = table["customer_id"][real][order].astype(np.int64).astype(str)
    items = table["stock_code"][real][order].astype(str)
    return _temporal("onlineretail", _log(users, items, ["purchase"] * len(order), at[order]))


def grocery(path: Path) -> Protocol:
    """The demo's grocery shop, cut in time as the product cuts its own log."""
    with gzip.open(path, "rt", newline="", encoding="utf-8") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["at"])
    at = np.array([int(datetime.fromisoformat(row["at"]).timestamp()) for row in rows], np.int64)
    users, items, kinds = ([row[name] for row in rows] for name in ("user_id", "item_id", "kind"))
    return _temporal("grocery", _log(np.array(users), np.array(items), kinds, at))


LOADERS: dict[str, tuple[str | None, Loader]] = {
    "ml1m": ("ml-1m-multvae", ml1m),
    "gowalla": ("gowalla", gowalla),
    "videogames": ("amazon-video-games", videogames),
    "beauty": ("amazon-beauty", beauty),
    "ml100k": ("ml-100k", ml100k),
    "ml1mdiffrec": ("ml-1m-diffrec", ml1mdiffrec),
    "retailrocket": ("retailrocket", retailrocket),
    "onlineretail": ("online-retail-uci", onlineretail),
    "grocery": (None, grocery),
}


def _leave_one_out(
    name: str, train_pairs: Any, valid_pairs: Any, test_pairs: Any, *, metrics: tuple[str, ...]
) -> Protocol:
    shape = _shape(train_pairs, valid_pairs, test_pairs)
    train = _sequence(*train_pairs, shape)
    chosen, wanted = (split.matrix(*pairs, shape=shape) for pairs in (valid_pairs, test_pairs))
    return Protocol(
        name=name,
        train=train,
        validation=_choosers(HoldOut(fold_in=train, targets=chosen)),
        final=train,
        test=HoldOut(fold_in=train, targets=wanted),
        metrics=metrics,
        chosen_by="ndcg@10",
        ordered=True,
        note="leave-one-out; fitted on train, input and masked: train, whose file stands in the "
        "order of time (the published models did not read it)",
    )


def _choosers(validation: HoldOut) -> HoldOut:
    if len(validation) <= CHOOSERS:
        return validation
    drawn = np.random.default_rng(SPLIT_SEED).permutation(len(validation))[:CHOOSERS]
    rows = np.sort(drawn)
    masked = None if validation.masked is None else validation.masked[rows]
    return HoldOut(
        fold_in=validation.fold_in.take(rows), targets=validation.targets[rows], masked=masked
    )


def _temporal(name: str, log: EventLog) -> Protocol:
    cut = split.temporal(log, seed=SPLIT_SEED)
    row_of = np.full(len(log.item_ids), -1, np.int32)
    row_of[cut.item_rows] = np.arange(len(cut.item_rows), dtype=np.int32)
    before = split.positive(log) & (log.at < cut.cut_at)
    clock = Clock(
        user_rows=log.user_rows[before],
        item_rows=row_of[log.item_rows[before]],
        at=log.at[before],
    )
    return Protocol(
        name=name,
        train=cut.train,
        validation=cut.validation,
        final=cut.train,
        test=cut.test,
        metrics=("ndcg@10", "ndcg@20", "ndcg@100", "recall@10", "recall@20", "recall@50"),
        chosen_by="ndcg@100",
        ordered=True,
        deeds=len(np.unique(log.kinds)) > 1,
        clock=clock,
        final_clock=clock,
        note="the last 10 % of events in time, new items only, half of the shoppers chose",
    )


def _log(users: NDArray[Any], items: NDArray[Any], kinds: list[str], at: Any) -> EventLog:
    number = {kind.value: n for n, kind in enumerate(EventKind)}
    user_ids, user_rows = np.unique(users, return_inverse=True)
    item_ids, item_rows = np.unique(items, return_inverse=True)
    return EventLog(
        user_rows=user_rows.astype(np.int32),
        item_rows=item_rows.astype(np.int32),
        kinds=np.array([number[kind] for kind in kinds], np.int8),
        at=at,
        order_rows=np.full(len(at), -1, np.int32),
        user_ids=tuple(user_ids.tolist()),
        item_ids=tuple(item_ids.tolist()),
    )


def _set(users: Any, items: Any, shape: tuple[int, int]) -> Histories:
    """Histories without an order: what the models of an order-blind table were given."""
    return histories.from_matrix(split.matrix(users, items, shape=shape))


def _sequence(users: Any, items: Any, shape: tuple[int, int]) -> Histories:
    return _deeds(users, items, np.full(len(users), PURCHASE, np.int8), shape)


def _deeds(users: Any, items: Any, kinds: Any, shape: tuple[int, int]) -> Histories:
    return histories.from_deeds(users, items, kinds, n_users=shape[0], n_items=shape[1])


def _carved(users: NDArray[Any], draw: np.random.Generator) -> NDArray[np.bool_]:
    """A run of each user's neighbouring items, round the end; `users` sorted, items within them.

    Ids count first appearances, so neighbours were met together. Items drawn one by one would leave
    each one's companions in the history, and neighbour lists would seem better than any test is.
    """
    sizes = np.bincount(users)
    held = np.maximum(1, (CARVED_SHARE * sizes).astype(np.int64))
    starts = (draw.random(len(sizes)) * sizes).astype(np.int64)
    return np.asarray((_places(users) - starts[users]) % sizes[users] < held[users])


def _places(users: NDArray[Any]) -> NDArray[np.int64]:
    """0, 1, 2, ... within each user; `users` must be sorted."""
    sizes = np.bincount(users)
    return np.arange(len(users)) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _shape(*pairs: tuple[Any, Any]) -> tuple[int, int]:
    users, items = (max(int(pair[n].max()) for pair in pairs) + 1 for n in (0, 1))
    return users, items


def _pairs(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    table = _columns(path, ("user", "item"))
    return table["user"].astype(np.int64), table["item"].astype(np.int64)


def _columns(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    from pyarrow import parquet  # noqa: PLC0415 only the shared sets are parquet, not the demo's

    table = parquet.read_table(path, columns=list(names))
    return {name: table[name].to_numpy() for name in names}


def _table(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        pairs = np.loadtxt(stream, delimiter=",", skiprows=1, dtype=np.int64, ndmin=2)
    return pairs[:, 0], pairs[:, 1]
