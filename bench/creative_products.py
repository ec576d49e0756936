"""The 200 products on which creatives are measured, and those that a voice may learn from.

All 84 products of the boutique, one grocery of each of the 47 texts, and products of AWS's retail
demo store (MIT-0) up to 200, drawn by a seed. What a voice learns from shares neither an id nor a
description with any of them. Without the retail demo store there are 131, and none to learn from.

PYTHONPATH=. python bench/creative_products.py > learn.jsonl    what `python -m generative finetune` reads
"""

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from generative.types import ItemFacts
from generative.voice.distil import text_of

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
COUNT = 200
SEED = 5


def products(shared: Path = SHARED) -> list[tuple[str, ItemFacts]]:
    """(source, product) of the 200; the source is "boutique", "grocery" or "retail"."""
    sample = [("boutique", item) for item in boutique()] + [("grocery", item) for item in grocery()]
    known = {text_of(item) for _, item in sample}
    others = sorted(
        (item for item in _first_of_each(retail(shared)) if text_of(item) not in known),
        key=lambda item: item.item_id,
    )
    rng = random.Random(SEED)  # noqa: S311 a seed, not a secret
    drawn = rng.sample(others, min(COUNT - len(sample), len(others)))
    return sample + [("retail", item) for item in drawn]


def to_learn_from(shared: Path = SHARED) -> list[ItemFacts]:
    """Products of the retail demo store that are none of the 200, neither by id nor by description."""
    measured = [item for _, item in products(shared)]
    ids, texts = {item.item_id for item in measured}, {text_of(item) for item in measured}
    return [
        item
        for item in _first_of_each(retail(shared))
        if item.item_id not in ids and text_of(item) not in texts
    ]


def boutique() -> list[ItemFacts]:
    lines = (ROOT / "demo" / "boutique" / "items.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        ItemFacts(
            item_id=row["id"],
            title=row["title"],
            description=row["description"],
            category=tuple(row["category"]),
            price=row["price"],
            currency=row["currency"],
            image_url=row["image_url"],
            attributes=row.get("attributes", {}),
        )
        for row in map(json.loads, lines)
    ]


def grocery() -> list[ItemFacts]:
    """One grocery of each text."""
    with (ROOT / "demo" / "grocery" / "items.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["description"]]
    return list(
        _first_of_each(
            ItemFacts(
                item_id=row["id"],
                title=row["title"],
                description=row["description"],
                category=tuple(row["category"].split("/")),
                brand=row["brand"],
                price=row["price"] or None,
                currency=row["currency"],
                image_url=row["image_url"],
                attributes={"size": row["attributes.size"]} if row["attributes.size"] else {},
            )
            for row in rows
        )
    )


def retail(shared: Path = SHARED) -> list[ItemFacts]:
    """The retail demo store's products with a description; none where its file is not there."""
    path = shared / "retail-demo-store" / "products.csv.gz"
    if not path.is_file():
        return []
    with gzip.open(path) as packed:
        rows = list(csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8")))
    return [
        ItemFacts(
            item_id=row["id"],
            title=row["name"],
            description=row["description"],
            category=(row["category"].capitalize(),),
            price=f"{float(row['price']):.2f}",
            currency="USD",
            attributes={"style": row["style"]} if row["style"] else {},
        )
        for row in rows
        if row["description"]
    ]


def _first_of_each(items: Iterator[ItemFacts] | list[ItemFacts]) -> Iterator[ItemFacts]:
    """One item of each text, the first."""
    met: set[str] = set()
    for item in items:
        if text_of(item) not in met:
            met.add(text_of(item))
            yield item


if __name__ == "__main__":
    for product in to_learn_from():
        print(json.dumps({"id": product.item_id, **asdict(product)}))
