"""Make the demo shop's files again from the data sets they come from.

    python demo/build.py --shared DIRECTORY

The directory holds `complete-journey`, `grocery-store` and `retail-demo-store`. Only whoever
changes the demo needs this, and polars; everyone else uses the files as they are in the repository.
"""

import argparse
import csv
import gzip
import io
import json
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from kinds import KINDS, SAFE_DESCRIPTIONS
from PIL import Image

HERE = Path(__file__).resolve().parent
AISLES = ("GROCERY", "PRODUCE", "NUTRITION")
EXPECTED = {"products": 2_280, "purchases": 156_704, "households": 2_396}
LARGEST_BAG_LB = 10  # what is heavier is the case that the shop unpacks, not what a shopper buys
LARGEST_PACK_COUNT = 12
AMOUNT = r"(?:\d+|\d+ 1/2|1/2|\d*\.\d+)"
SIZE = re.compile(
    rf"{AMOUNT} (?:oz|lb|gal|qt|pt|ct|pk|L|ml)(?: bag)?|\d+ x {AMOUNT} oz|\d+-\d+ ct"
    rf"|\d+ pk / {AMOUNT} oz|{AMOUNT} oz / \d+ pk"
)
NOISE = frozenset({"BD", "ALL", "D", "PLST", "PET"})
WRONG_SIZES = frozenset({"59 L"})  # ounces, by its price
PHOTO_WIDTH, PHOTO_QUALITY = 600, 80
BOUTIQUE_OPENED = datetime(2024, 3, 1, tzinfo=UTC)  # after every grocery: the demo's new arrivals
CHEAPEST = 0.05  # below it a unit price is an accident of coupons and rounding
UNITS = {
    "L": "L",
    "GA": "gal",
    "GAL": "gal",
    "OZ": "oz",
    "LB": "lb",
    "QT": "qt",
    "PT": "pt",
    "CT": "ct",
}
WORDS = [("shells?", "peel"), ("pulp", "flesh"), ("kernels?", "seeds"), ("Papayan", "Papaya")]

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True, metavar="DIRECTORY")
    shared = parser.parse_args().shared
    products, sales = read_groceries(shared)
    rows = [dict(row) for row in products.iter_rows(named=True)]
    found = {
        "products": len(rows),
        "purchases": sales.height,
        "households": sales["household_id"].n_unique(),
    }
    if found != EXPECTED:
        raise SystemExit(f"expected {EXPECTED}, found {found}")
    write_groceries(rows, sales)
    write_events(sales)
    images = {row["iconic_image"] for row in rows}
    copy_pictures(shared / "grocery-store/iconic.zip", images, HERE / "media/grocery", None)
    write_boutique(shared / "retail-demo-store")
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file())
    print(found, f"{size / 1e6:.1f} MB in all")


def read_groceries(shared: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Products with their picture's class, most sold first, and their sales in order of time."""
    journey, store = shared / "complete-journey", shared / "grocery-store"
    classes = pl.read_csv(store / "complete_journey_map.csv").join(
        pl.read_csv(store / "products.csv"), on=["class_id", "class_name"]
    )
    products = pl.read_parquet(journey / "products.parquet").join(classes, on="product_type")
    products = products.filter(pl.col("department").is_in(AISLES))
    sales = pl.read_parquet(journey / "transactions.parquet")
    sales = sales.filter(pl.col("product_id").is_in(products["product_id"].to_list()))
    sales = sales.sort("transaction_timestamp", "basket_id", "household_id", "product_id")
    figures = sales.group_by("product_id").agg(
        sold=pl.len(),
        first_sold=pl.col("transaction_timestamp").min(),
        unit_price=(pl.col("sales_value") / pl.col("quantity"))
        .filter((pl.col("quantity") > 0) & (pl.col("sales_value") > 0))
        .median(),
    )
    products = products.join(figures, on="product_id", how="left")
    return products.sort(["sold", "product_id"], descending=[True, False], nulls_last=True), sales


def write_groceries(rows: list[Row], sales: pl.DataFrame) -> None:
    prices = estimated_prices(rows)
    opened = sales["transaction_timestamp"].min()
    titles = distinct_titles(rows)
    path = HERE / "grocery/items.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            [
                "id",
                "title",
                "description",
                "category",
                "brand",
                "price",
                "currency",
                "image_url",
                "created_at",
                "attributes.size",
            ]
        )
        for row, title in sorted(zip(rows, titles, strict=True), key=lambda p: p[0]["product_id"]):
            writer.writerow(
                [
                    f"grocery-{row['product_id']}",
                    title,
                    description(row),
                    f"Grocery/{KINDS[row['product_type']][1]}",
                    "Store brand" if row["brand"] == "Private" else "",
                    prices(row),
                    "USD",
                    f"/media/grocery/{row['iconic_image']}",
                    f"{(row['first_sold'] or opened).isoformat(timespec='seconds')}Z",
                    "" if is_case(row) else size_of(row),
                ]
            )


def estimated_prices(rows: Sequence[Row]) -> Callable[[Row], Decimal]:
    """A product's median unit price; for one never sold, that of its kind and size, or its kind."""
    known = [row for row in rows if row["unit_price"] and row["unit_price"] >= CHEAPEST]
    by_size, by_kind = defaultdict(list), defaultdict(list)
    for row in known:
        by_size[row["product_type"], size_of(row)].append(row["unit_price"])
        by_kind[row["product_type"]].append(row["unit_price"])

    def price(row: Row) -> Decimal:
        kind = row["product_type"]
        near = by_size.get((kind, size_of(row))) or by_kind[kind]
        own = row["unit_price"] or 0.0
        value = own if own >= CHEAPEST else sorted(near)[len(near) // 2]
        return Decimal(str(value)).quantize(Decimal("0.01"))

    return price


def distinct_titles(rows: Sequence[Row]) -> list[str]:
    """Kind, size and whose brand; a number only where the data tell two products no further apart."""
    titles = [plain_title(row) for row in rows]
    seen: Counter[str] = Counter()
    taken = set(titles)
    for index, title in enumerate(titles):
        seen[title] += 1
        if seen[title] > 1:
            titles[index] = f"{title}, No. {seen[title]}"
            if titles[index] in taken:
                raise SystemExit(f"two products are called {titles[index]}")
    return titles


def plain_title(row: Row) -> str:
    name = KINDS[row["product_type"]][0]
    aisle = row["product_category"] or ""
    if "SHELF STABLE" in aisle:
        name = f"Preserved {name}"
    if "ORGANIC" in aisle:
        name = f"Organic {name}"
    size = size_of(row)
    if is_case(row):
        size = "" if name.startswith("Loose") or is_sold_singly(row) else "loose"
    brand = " — store brand" if row["brand"] == "Private" else ""
    return (f"{name}, {size}" if size else name) + brand


def description(row: Row) -> str:
    """The data set's text in English words, or the part of it that holds for this product."""
    kind = row["product_type"]
    fresh = row["department"] == "PRODUCE" or KINDS[kind][1].split("/")[0] in {"Dairy", "Drinks"}
    if not fresh:  # a tin of plums is not what a text about a plum describes
        return ""
    if kind in SAFE_DESCRIPTIONS:
        return SAFE_DESCRIPTIONS[kind]
    if row["match"] != "same kind":
        raise SystemExit(f"{kind} needs a description of its own")
    text = row["description"]
    for theirs, ours in WORDS:
        text = re.sub(rf"\b{theirs}\b", ours, text)
    return text


def size_of(row: Row) -> str:
    """The size as a shopper writes it; empty where the data's own is missing or unreadable."""
    text = (row["package_size"] or "").upper().replace("HALF", "1/2").replace("-LB", " LB")
    words = [word for word in text.split() if word not in NOISE]
    if words and words[0] in UNITS:
        words.insert(0, "1")
    text = " ".join(UNITS.get(word, word.lower()) for word in words).replace("/", " / ")
    text = text.replace("1 / 2", "1/2").replace(".0 ", " ")
    text = re.sub(r"^\.5 ", "1/2 ", text)
    text = re.sub(r"^(\d) ?- ?([\d.]+ oz)$", r"\1 x \2", text)
    return text if SIZE.fullmatch(text) and text not in WRONG_SIZES else ""


def is_case(row: Row) -> bool:
    """Produce whose size is that of the case it comes in, not of what is sold."""
    if row["department"] != "PRODUCE":
        return False
    size = size_of(row)
    number = re.match(r"(\d+)", size)
    if number is None:
        return bool(row["package_size"])
    if "ct" in size:
        return is_sold_singly(row) or int(number[1]) > LARGEST_PACK_COUNT
    return "lb" in size and int(number[1]) > LARGEST_BAG_LB


def is_sold_singly(row: Row) -> bool:
    leaf = KINDS[row["product_type"]][1].rpartition("/")[2]
    return leaf in {"Melons", "Pineapple", "Papaya", "Mangoes", "Cabbage", "Asparagus"}


def write_events(sales: pl.DataFrame) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["event_id", "user_id", "item_id", "kind", "at", "quantity", "order_id"])
    columns = ("household_id", "product_id", "transaction_timestamp", "quantity", "basket_id")
    for number, row in enumerate(sales.select(columns).iter_rows(), start=1):
        household, product, moment, quantity, basket = row
        at = f"{moment.isoformat(timespec='seconds')}Z"
        # A quantity of 0 is something weighed; it was bought all the same.
        event = (f"cj-{number}", f"household-{household}", f"grocery-{product}", "purchase", at)
        writer.writerow([*event, max(1, quantity), f"basket-{basket}"])
    # A fixed time inside the file, so that the same data give the same bytes.
    data = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
    (HERE / "grocery/events.csv.gz").write_bytes(data)


def write_boutique(source: Path) -> None:
    rows = list(pl.read_csv(source / "photo_products.csv.gz").iter_rows(named=True))
    copy_pictures(
        source / "photos.zip", {row["image"] for row in rows}, HERE / "media/boutique", PHOTO_WIDTH
    )
    path = HERE / "boutique/items.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    seen: Counter[str] = Counter()
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            title = " ".join(row["name"].replace("T- Shirt", "T-Shirt").split())
            seen[title] += 1
            item = {
                "id": f"boutique-{row['id']}",
                "title": title if seen[title] == 1 else f"{title}, No. {seen[title]}",
                "description": row["description"],
                "category": ["Boutique", row["category"].title()],
                "price": f"{row['price']:.2f}",
                "currency": "USD",
                "image_url": f"/media/boutique/{row['image']}",
                "stock": row["current_stock"],
                "created_at": (BOUTIQUE_OPENED + timedelta(hours=row["id"])).isoformat(),
                "attributes": {"style": row["style"]},
            }
            file.write(json.dumps(item, ensure_ascii=False) + "\n")


def copy_pictures(archive: Path, names: set[str], target: Path, width: int | None) -> None:
    """Copy pictures as they are, or no wider than `width` and without what a camera wrote."""
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.namelist():
            name = Path(member).name
            if name not in names:
                continue
            data = bundle.read(member)
            if width is not None:
                picture = Image.open(io.BytesIO(data)).convert("RGB")
                picture.thumbnail((width, width * 2), Image.Resampling.LANCZOS)
                smaller = io.BytesIO()
                picture.save(smaller, "JPEG", quality=PHOTO_QUALITY, optimize=True)
                data = smaller.getvalue()
            (target / name).write_bytes(data)
    missing = names - {path.name for path in target.iterdir()}
    if missing:
        raise SystemExit(f"no picture for {sorted(missing)}")


if __name__ == "__main__":
    main()
