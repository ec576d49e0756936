"""Feeds as shops send them, and as nobody should."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from recsys.catalogue.feeds import (
    MAX_LINE,
    FeedFormat,
    read_feed,
)
from recsys.errors import InvalidItem
from recsys.types import Item

DEMO = Path(__file__).resolve().parents[2] / "demo"


def read(text: str | bytes, feed_format: FeedFormat) -> list[tuple[int, str]]:
    """Each row in short: the item's id, or the field that was refused."""
    data = text.encode() if isinstance(text, str) else text
    return [
        (number, f"! {result.field}" if isinstance(result, InvalidItem) else result.item_id)
        for number, result in read_feed(io.BytesIO(data), feed_format)
    ]


def only_item(text: str, feed_format: FeedFormat) -> Item:
    ((_, result),) = read_feed(io.BytesIO(text.encode()), feed_format)
    assert isinstance(result, Item), result
    return result


# CSV.


def test_a_broken_line_in_the_middle_costs_only_itself() -> None:
    feed = (
        "id,title,price\n"
        "1,Milk,1.00\n"
        "2,Bread,cheap\n"
        "3,Too,many,cells\n"
        "4,Few\n"
        ",No id,1\n"
        "\n"
        "5,Butter,2.00\n"
    )

    assert read(feed, FeedFormat.CSV) == [
        (2, "1"),
        (3, "! price"),
        (4, "! line"),
        (5, "! line"),
        (6, "! item_id"),
        (8, "5"),
    ]


def test_a_quote_that_never_closes_costs_only_its_line() -> None:
    feed = 'id,title\n1,Milk\n2,"Open\n3,Bread\n4,"Fine, too"\n5,Butter\n'

    assert read(feed, FeedFormat.CSV) == [
        (2, "1"),
        (3, "! line"),
        (4, "3"),
        (5, "4"),
        (6, "5"),
    ]


def test_a_quoted_field_may_span_lines() -> None:
    feed = 'id,title,description\n1,Milk,"two\nlines, ""quoted"""\n2,Bread,\n'

    rows = list(read_feed(io.BytesIO(feed.encode()), FeedFormat.CSV))

    assert [number for number, _ in rows] == [2, 4]
    assert isinstance(rows[0][1], Item)
    assert rows[0][1].description == 'two lines, "quoted"'


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_shows_the_delimiter(delimiter: str) -> None:
    feed = f"id{delimiter}title\n1{delimiter}Milk\n"

    assert read(feed, FeedFormat.CSV) == [(2, "1")]


def test_a_byte_order_mark_and_windows_lines_do_no_harm() -> None:
    feed = b"\xef\xbb\xbfid,title\r\n1,Milk\r\n"

    assert read(feed, FeedFormat.CSV) == [(2, "1")]


def test_a_line_in_another_encoding_costs_only_itself() -> None:
    feed = b"id,title\n1,Milk\n" + "2,Käse\n".encode("latin-1") + b"3,Bread\n"

    assert read(feed, FeedFormat.CSV) == [(2, "1"), (3, "! line"), (4, "3")]


@pytest.mark.parametrize("feed", ["", "\n\n", "no,header\n1,2\n", "id,price\n1,2\n", "title\nx\n"])
def test_a_table_without_id_and_title_is_one_error(feed: str) -> None:
    ((_, result),) = read(feed, FeedFormat.CSV)

    assert result == "! line"


def test_other_columns_are_left_alone_and_attributes_are_named() -> None:
    feed = "id,title,warehouse,attributes.size\n1,Milk,North,1 gal\n"

    assert only_item(feed, FeedFormat.CSV).attributes == {"size": "1 gal"}


def test_googles_column_names_do_in_a_csv_too() -> None:
    feed = (
        "id,title,link,image_link,price,sale_price,product_type,color,availability\n"
        "1,Tee,https://s.example/t,https://s.example/t.jpg,20.00 USD,15.00 USD,A > B,Red,in_stock\n"
    )

    item = only_item(feed, FeedFormat.CSV)

    assert (item.price, item.was_price) == (Decimal("15.00"), Decimal("20.00"))
    assert (item.currency, item.category) == ("USD", ("A", "B"))
    assert (item.url, item.image_url) == ("https://s.example/t", "https://s.example/t.jpg")
    assert item.attributes == {"color": "Red"}


class Endless(io.RawIOBase):
    """A stream that makes its content as it is read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._chunks, b"")
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def test_a_line_without_end_is_an_error_and_not_a_memory_problem() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"id,title\n1,Milk\n2,"
        yield from (b"x" * 65_536 for _ in range(500))
        yield b"\n3,Bread\n"

    tracemalloc.start()
    rows = list(read_feed(io.BufferedReader(Endless(chunks())), FeedFormat.CSV))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [number for number, _ in rows] == [2, 3, 4]
    assert isinstance(rows[1][1], InvalidItem)
    assert peak < 8 * MAX_LINE


# TSV.


def test_a_google_tsv_keeps_its_inches() -> None:
    feed = 'id\ttitle\tavailability\n1\t12" pan\tin_stock\n2\t"Best" mug\tout_of_stock\n'

    rows = [result for _, result in read_feed(io.BytesIO(feed.encode()), FeedFormat.GOOGLE_TSV)]

    assert [row.title for row in rows if isinstance(row, Item)] == ['12" pan', '"Best" mug']
    assert [row.stock for row in rows if isinstance(row, Item)] == [None, 0]


# JSON lines.


def test_bad_json_lines_cost_only_themselves() -> None:
    lines = [
        '{"id": "1", "title": "Milk"}',
        "{broken",
        "[1, 2]",
        "null",
        "[" * 100_000,
        '{"id": "2", "title": "Bread", "price": NaN}',
        '{"id": "3", "title": "Salt", "stock": -1}',
        '{"id": "x", "title": "Lone \\ud800"}',
        '{"id": ["4"], "title": "List"}',
        '{"id": "5", "title": "Odd", "quantity": [], "product_type": {}, "sale_price": 1e999}',
        '{"id": 6, "title": "Butter", "unknown": {"deep": 1}}',
    ]

    assert read("\n".join(lines), FeedFormat.JSONL) == [
        (1, "1"),
        (2, "! line"),
        (3, "! line"),
        (4, "! line"),
        (5, "! line"),
        (6, "! price"),
        (7, "! stock"),
        (8, "! title"),
        (9, "! item_id"),
        (10, "! price"),
        (11, "6"),
    ]


def test_attributes_of_both_kinds_meet_in_json_lines() -> None:
    line = json.dumps({"id": "1", "title": "Tee", "color": "Red", "attributes": {"fit": "wide"}})

    assert only_item(line, FeedFormat.JSONL).attributes == {"color": "Red", "fit": "wide"}


# Google's XML.

RSS = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
<channel>
<title>A shop</title><link>https://s.example</link>
<item>
<g:id>1</g:id>
<g:title>Tee &amp; more</g:title>
<g:link>https://s.example/t</g:link>
<g:image_link>https://s.example/t.jpg</g:image_link>
<g:price>15.00 USD</g:price>
<g:availability>out_of_stock</g:availability>
<g:product_type>Apparel &gt; Shirts</g:product_type>
<g:shipping><g:country>US</g:country><g:price>9.99 USD</g:price></g:shipping>
</item>
<item><g:id>2</g:id><title>No price is fine</title></item>
<item><g:id>3</g:id><title>Bad</title><g:price>free</g:price></item>
<item><title>No id</title></item>
</channel>
</rss>
"""


def test_a_google_rss_feed() -> None:
    assert read(RSS, FeedFormat.GOOGLE_XML) == [
        (14, "1"),
        (15, "2"),
        (16, "! price"),
        (17, "! item_id"),
    ]


def test_an_rss_item_is_read_without_what_lies_deeper() -> None:
    _, item = next(read_feed(io.BytesIO(RSS.encode()), FeedFormat.GOOGLE_XML))

    assert isinstance(item, Item)
    assert (item.title, item.price, item.currency) == ("Tee & more", Decimal("15.00"), "USD")
    assert (item.stock, item.category) == (0, ("Apparel", "Shirts"))


def test_a_google_atom_feed() -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
    <entry><id>tag:s.example,1</id><g:id>1</g:id><title>Tee</title>
    <link href="https://s.example/t"/></entry></feed>"""

    item = only_item(feed, FeedFormat.GOOGLE_XML)

    assert (item.item_id, item.url) == ("1", "https://s.example/t")


BILLION_LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss><channel><item><id>1</id><title>&b;</title></item></channel></rss>"""
EXTERNAL = """<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<rss><channel><item><id>1</id><title>&f;</title></item></channel></rss>"""


@pytest.mark.parametrize(
    "feed",
    [
        BILLION_LAUGHS,
        EXTERNAL,
        "",
        "no xml at all",
        "<rss><channel></channel></rss>",
        '<?xml version="1.0" encoding="klingon"?><rss/>',
        b"\x00\x01\x02",
        "<item>" * 1_000,
    ],
)
def test_hostile_xml_is_one_error_row(feed: str | bytes) -> None:
    ((_, result),) = read(feed, FeedFormat.GOOGLE_XML)

    assert result == "! line"


def test_items_before_the_break_are_kept() -> None:
    broken = RSS.replace("<item><g:id>3</g:id>", "<item><g:id>3</wrong>")

    assert read(broken, FeedFormat.GOOGLE_XML) == [(14, "1"), (15, "2"), (16, "! line")]


def test_a_long_xml_feed_costs_the_memory_of_one_item() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"<rss><channel>"
        for number in range(20_000):
            yield f"<item><id>{number}</id><title>Some title here</title></item>\n".encode()
        yield b"</channel></rss>"

    tracemalloc.start()
    found = sum(
        isinstance(result, Item)
        for _, result in read_feed(io.BufferedReader(Endless(chunks())), FeedFormat.GOOGLE_XML)
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == 20_000
    assert peak < 2_000_000


# What we ship.


@pytest.mark.parametrize(
    ("name", "feed_format", "number"),
    [
        ("grocery/items.csv", FeedFormat.CSV, 2_280),
        ("boutique/items.jsonl", FeedFormat.JSONL, 84),
    ],
)
def test_the_sample_shop_is_read_without_an_error(
    name: str, feed_format: FeedFormat, number: int
) -> None:
    with (DEMO / name).open("rb") as file:
        items = [result for _, result in read_feed(file, feed_format)]

    found = [item for item in items if isinstance(item, Item)]
    assert len(found) == len(items) == number
    assert len({item.title for item in found}) == number
    assert all(item.price and item.currency == "USD" for item in found)
    pictures = {DEMO / item.image_url.lstrip("/") for item in found}
    assert all(picture.is_file() for picture in pictures)
