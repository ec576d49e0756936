"""The sample shop that the repository ships is the one that its figures speak of."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from recsys.behaviour.vocabulary import parse_event
from recsys.catalogue.feeds import FeedFormat, read_feed
from recsys.types import EventKind, Item

DEMO = Path(__file__).resolve().parents[2] / "demo"


@pytest.fixture(scope="module")
def purchases() -> list[dict[str, str]]:
    with gzip.open(DEMO / "grocery/events.csv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_purchases_are_all_there(purchases: list[dict[str, str]]) -> None:
    assert len({row["event_id"] for row in purchases}) == len(purchases) == 156_704
    assert len({row["user_id"] for row in purchases}) == 2_396
    assert {row["kind"] for row in purchases} == {"purchase"}
    assert min(int(row["quantity"]) for row in purchases) == 1
    assert [row["at"] for row in purchases] == sorted(row["at"] for row in purchases)


def test_every_purchase_is_of_a_product_that_is_for_sale(purchases: list[dict[str, str]]) -> None:
    with (DEMO / "grocery/items.csv").open("rb") as file:
        items = [item for _, item in read_feed(file, FeedFormat.CSV) if isinstance(item, Item)]

    assert {row["item_id"] for row in purchases} < {item.item_id for item in items}


def test_a_purchase_is_an_event_as_it_stands(purchases: list[dict[str, str]]) -> None:
    row = purchases[0]

    (event,) = parse_event({"event": row["kind"], **row}, received_at=datetime.now(UTC))

    assert (event.event_id, event.kind) == ("cj-1", EventKind.PURCHASE)
    assert event.at == datetime(2017, 1, 1, 13, 22, 42, tzinfo=UTC)


def test_every_picture_opens_and_none_is_left_over() -> None:
    wanted = set()
    for name, feed in (
        ("grocery/items.csv", FeedFormat.CSV),
        ("boutique/items.jsonl", FeedFormat.JSONL),
    ):
        with (DEMO / name).open("rb") as file:
            wanted |= {
                item.image_url for _, item in read_feed(file, feed) if isinstance(item, Item)
            }

    shipped = {f"/{path.relative_to(DEMO)}" for path in (DEMO / "media").rglob("*.jpg")}
    assert shipped == wanted
    for path in (DEMO / "media").rglob("*.jpg"):
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 150


def test_the_shop_is_small_enough_to_ship_and_says_where_it_comes_from() -> None:
    size = sum(
        path.stat().st_size
        for path in DEMO.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    licences = (DEMO / "LICENCES.md").read_text(encoding="utf-8")

    assert size < 12_000_000
    for source in ("Complete Journey", "GroceryStoreDataset", "Retail Demo Store"):
        assert source in licences
