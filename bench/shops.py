"""Shops with behaviour and words, for bench/newcomers.py: items' texts and shoppers' sequences."""

import csv
import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsys.catalogue.text_vectors import words_of
from recsys.models.histories import Histories

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """`pasts[n]` and what that shopper took next, `futures[n]`; `test[n]` says who examines."""

    name: str
    texts: list[str]
    groups: list[str]  # the finest category, or the brand where there is none
    pasts: list[list[int]]
    futures: list[list[int]]
    test: np.ndarray


def shops(shared: Path) -> list[Shop]:
    """The grocery shop of the demo, and what lies in `shared`."""
    found = [_grocery()]
    for name, read in (("amazon-office-text", _office), ("online-retail-uci", _online_retail)):
        if (shared / name).is_dir():
            found.append(read(shared / name))
        else:
            print(f"{name}: not run, it is not there")
    return found


def histories(sequences: Sequence[Sequence[int]], n_items: int) -> Histories:
    """Distinct items of each shopper, oldest first; purchases all."""
    sizes = np.array([len(one) for one in sequences], np.int64)
    ages = [age for size in sizes.tolist() for age in range(size - 1, -1, -1)]
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        items=np.array([item for one in sequences for item in one], np.int32),
        ages=np.array(ages, np.int32),
        kinds=np.zeros(len(ages), np.int8),
        n_items=n_items,
    )


def _grocery() -> Shop:
    with (ROOT / "demo" / "grocery" / "items.csv").open(encoding="utf-8", newline="") as stream:
        items = list(csv.DictReader(stream))
    rows = {item["id"]: row for row, item in enumerate(items)}
    texts = [
        words_of(
            title=item["title"],
            brand=item["brand"],
            category=item["category"].split("/"),
            description=item["description"],
        )
        for item in items
    ]
    with gzip.open(ROOT / "demo" / "grocery" / "events.csv.gz", "rt", encoding="utf-8") as stream:
        deeds = [(e["user_id"], rows[e["item_id"]], e["at"]) for e in csv.DictReader(stream)]
    return _by_shopper("grocery", texts, [item["category"] for item in items], deeds)


def _office(folder: Path) -> Shop:
    items = _rows(folder / "items.parquet")
    texts = [
        words_of(title=one["title"], brand=one["brand"] or "", description=one["description"] or "")
        for one in items
    ]
    taught: dict[str, list[int]] = {}
    pasts, futures = [], []
    for one in _rows(folder / "next_item.parquet"):
        if one["split"] == "valid":
            taught.setdefault(one["user"], []).extend([*one["history"], one["target"]])
        else:
            pasts.append(_distinct(one["history"]))
            futures.append([one["target"]])
    train = [_distinct(one) for one in taught.values()]
    return Shop(
        name="officetext",
        texts=texts,
        groups=[one["brand"] or "" for one in items],
        pasts=[*train, *pasts],
        futures=[*([] for _ in train), *futures],
        test=np.arange(len(train) + len(pasts)) >= len(train),
    )


def _online_retail(folder: Path) -> Shop:
    names: dict[str, str] = {}
    deeds = []
    for one in _rows(folder / "transactions.parquet"):
        code, words = one["stock_code"], (one["description"] or "").strip()
        if one["customer_id"] is None or one["quantity"] <= 0 or not code[:5].isdigit():
            continue
        if len(words) > len(names.get(code, "")):
            names[code] = words
        deeds.append((str(one["customer_id"]), code, one["invoice_date"].isoformat()))
    codes = {code: row for row, code in enumerate(sorted(names))}
    kept = [(user, codes[code], at) for user, code, at in deeds if code in codes]
    texts = [names[code] for code in sorted(names)]
    return _by_shopper("onlineretail", texts, [words.split()[-1] for words in texts], kept)


def _by_shopper(
    name: str, texts: list[str], groups: list[str], deeds: Iterable[tuple[str, int, str]]
) -> Shop:
    """A fifth of the shoppers, by a hash of their id, examine and teach nothing."""
    taken: dict[str, list[tuple[str, int]]] = {}
    for user, item, at in deeds:
        taken.setdefault(user, []).append((at, item))
    users = sorted(taken)
    sequences = [_distinct(item for _, item in sorted(taken[user])) for user in users]
    test = np.array([zlib.crc32(user.encode()) % 5 == 0 for user in users])
    futures = [one if examines else [] for one, examines in zip(sequences, test, strict=True)]
    return Shop(name=name, texts=texts, groups=groups, pasts=sequences, futures=futures, test=test)


def _distinct(items: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(items))


def _rows(path: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet  # noqa: PLC0415 a reader of the shared sets only

    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows
