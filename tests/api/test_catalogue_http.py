"""Items and feeds over HTTP."""

import io
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine

from api import create_app, imports
from api.config import ApiConfig
from api.errors import Problem
from api.runtime import Runtime
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat
from recsys.database import reading

GOOD = {"title": "Bananas", "price": "1.29", "stock": 3, "category": "Grocery/Fruit"}


def test_put_creates_then_replaces(client, admin, shop) -> None:
    created = client.put("/items/b1", json=GOOD, headers=admin)
    replaced = client.put("/items/b1", json={"title": "Ripe bananas"}, headers=admin)

    assert (created.status_code, replaced.status_code) == (201, 200)
    assert created.json["price"] == "1.29"
    read = client.get("/items/b1", headers=shop).json
    assert read["title"] == "Ripe bananas"
    assert read["price"] is None
    assert read["stock"] is None
    assert read["created_at"] == created.json["created_at"]


def test_patch_changes_only_what_it_names(client, admin) -> None:
    client.put("/items/b1", json=GOOD, headers=admin)

    answer = client.patch("/items/b1", json={"stock": None, "price": 0.99}, headers=admin)

    assert answer.status_code == 200
    assert answer.json["stock"] is None
    assert answer.json["price"] == "0.99"
    assert answer.json["title"] == "Bananas"


@pytest.mark.parametrize(
    "item_id",
    ["a/b", "a//b", "/a", "//", "🍌", "ü" * 200, "a b", "a%2Fb", "x/similarly", "import", "a?b#c"],
)
def test_odd_ids_are_only_ids(client, admin, shop, item_id: str) -> None:
    path = f"/items/{quote(item_id)}"

    assert client.put(path, json=GOOD, headers=admin).status_code == 201
    assert client.get(path, headers=shop).json["item_id"] == item_id
    assert client.patch(path, json={"hidden": True}, headers=admin).json["hidden"] is True
    assert client.get(f"{path}/similar", headers=shop).status_code == 200


@pytest.mark.parametrize("item_id", ["x" * 201, "x" * 500, "a\x07b", "a/similar", " "])
def test_impossible_ids_are_refused(client, admin, item_id: str) -> None:
    answer = client.put(f"/items/{quote(item_id)}", json=GOOD, headers=admin)

    assert 400 <= answer.status_code < 500
    assert answer.mimetype == "application/problem+json"


def test_a_nul_in_an_address_is_refused(client, admin) -> None:
    assert client.put("/items/a%00b", json=GOOD, headers=admin).status_code == 400


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "NaN"}, "price"),
        ({"price": float("nan")}, "price"),
        ({"price": float("inf")}, "price"),
        ({"price": -1}, "price"),
        ({"price": True}, "price"),
        ({"stock": -1}, "stock"),
        ({"stock": 1.5}, "stock"),
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": 17}, "title"),
        ({"image_url": "javascript:alert(1)"}, "image_url"),
        ({"url": "data:text/html,x"}, "url"),
        ({"hidden": "perhaps"}, "hidden"),
        ({"attributes": [1]}, "attributes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_item_is_refused_by_field(client, admin, shop, changes, field: str) -> None:
    answer = client.put("/items/b1", json=GOOD | changes, headers=admin)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert client.get("/items/b1", headers=shop).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": float("nan")}, "price"),
        ({"price": "3 USD"}, "price"),
        ({"stock": -2}, "stock"),
        ({"hidden": "maybe"}, "hidden"),
        ({"title": "x"}, "title"),
    ],
)
def test_a_wrong_patch_is_refused_by_field(client, admin, changes, field: str) -> None:
    client.put("/items/b1", json=GOOD, headers=admin)

    answer = client.patch("/items/b1", json=changes, headers=admin)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_an_empty_patch_and_an_unknown_item(client, admin, shop) -> None:
    assert client.patch("/items/ghost", json={}, headers=admin).status_code == 422
    assert client.patch("/items/ghost", json={"stock": 1}, headers=admin).status_code == 404
    assert client.get("/items/ghost", headers=shop).status_code == 404


def test_search_finds_visible_titles(client, admin, shop) -> None:
    client.put("/items/b1", json=GOOD, headers=admin)
    client.put("/items/b2", json=GOOD | {"hidden": True}, headers=admin)
    client.put("/items/b3", json=GOOD | {"title": "100% juice"}, headers=admin)

    def found(text: str) -> list[str]:
        answer = client.get("/items", query_string={"search": text}, headers=shop)
        return [item["item_id"] for item in answer.json["items"]]

    assert found("BANAN") == ["b1"]
    assert found("100%") == ["b3"]
    assert found("%") == []
    assert found("") == ["b1", "b3"]


CSV = b"id,title,price\nc1,Apple,1.00\nc2,Pear,NaN\nc3,Plum,2.00\nonly two,cells\nc4,Fig,3 EUR\n"
JSONL = b'{"id": "j1", "title": "Apple"}\n{broken\n{"id": "j2", "title": "Pear", "stock": -4}\n'
TSV = b"id\ttitle\tprice\nt1\tApple\t1.00 EUR\nt2\t\t2.00 EUR\n"
XML = b"""<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel>
<item><g:id>x1</g:id><g:title>Apple &lt;b&gt;</g:title><g:price>1.00 EUR</g:price></item>
<item><g:id>x2</g:id><g:title>Pear</g:title><g:price>-1 EUR</g:price></item>
</channel></rss>"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]>
<rss><channel><item><id>x1</id><title>&b;</title></item></channel></rss>"""


@pytest.mark.parametrize(
    ("body", "content_type", "accepted", "lines"),
    [
        (CSV, "text/csv", 3, [3, 5]),
        (JSONL, "application/jsonl", 1, [2, 3]),
        (TSV, "text/tab-separated-values", 1, [3]),
        (XML, "application/xml", 1, [3]),
    ],
)
def test_a_broken_line_is_reported_and_the_good_ones_are_kept(
    client, admin, body: bytes, content_type: str, accepted: int, lines: list[int]
) -> None:
    answer = client.post("/items/import", data=body, headers=admin, content_type=content_type)

    assert answer.status_code == 200
    assert answer.json["accepted"] == accepted
    assert answer.json["rejected"] == len(lines)
    assert [error["line"] for error in answer.json["errors"]] == lines


def test_the_format_may_be_named_and_the_feed_uploaded_as_a_form(client, admin, shop) -> None:
    named = client.post("/items/import?format=csv", data=CSV, headers=admin)
    form = {"file": (io.BytesIO(JSONL), "feed.jsonl")}
    uploaded = client.post("/items/import", data=form, headers=admin)

    assert named.json["accepted"] == 3
    assert uploaded.json["accepted"] == 1
    assert client.get("/items/c4", headers=shop).json["price"] == "3.00"


def test_a_feed_of_unsaid_format_is_a_415(client, admin) -> None:
    answer = client.post(
        "/items/import", data=CSV, headers=admin, content_type="application/octet-stream"
    )

    assert answer.status_code == 415


def test_an_xml_bomb_is_an_error_row(client, admin) -> None:
    answer = client.post("/items/import", data=BOMB, headers=admin, content_type="application/xml")

    assert answer.status_code == 200
    assert answer.json["accepted"] == 0
    assert answer.json["rejected"] == 1


def test_only_the_first_hundred_errors_are_told(client, admin) -> None:
    feed = b"id,title,price\n" + b"a,A,-1\n" * 150

    answer = client.post("/items/import", data=feed, headers=admin, content_type="text/csv")

    assert answer.json["rejected"] == 150
    assert len(answer.json["errors"]) == 100


def test_a_feed_may_be_larger_than_other_bodies(client, admin, api_config: ApiConfig) -> None:
    line = b'{"id": "big", "title": "x", "description": "%s"}\n' % (b"y" * 10_000)
    feed = line * 150
    assert len(feed) > api_config.max_body_bytes

    answer = client.post("/items/import?format=jsonl", data=feed, headers=admin)

    assert answer.json["accepted"] == 150


class Counted(io.BytesIO):
    """Counts how often it is asked for bytes, as a server's socket would be."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.asked += 1
        return super().read(size)


def test_a_feed_is_read_in_blocks_not_byte_by_byte(client, admin) -> None:
    feed = Counted(b'{"id": "big", "title": "x", "description": "%s"}\n' % (b"y" * 1_000) * 500)

    answer = client.post(
        "/items/import?format=jsonl",
        input_stream=feed,
        content_length=len(feed.getvalue()),
        headers=admin,
    )

    assert answer.json["accepted"] == 500
    assert feed.asked < 500


def test_a_feed_names_no_item_whose_address_is_ours(client, admin) -> None:
    feed = b"id,title\na/similar,x\na/b,y\n"

    answer = client.post("/items/import?format=csv", data=feed, headers=admin)

    assert (answer.json["accepted"], answer.json["rejected"]) == (1, 1)
    assert answer.json["errors"][0]["field"] == "item_id"


def test_a_feed_cut_off_by_a_lock_says_how_much_was_kept(here: Runtime) -> None:
    first = b"".join(b'{"id": "n%d", "title": "x"}\n' % number for number in range(imports.BATCH))
    path = here.config.recsys.database_url.removeprefix("sqlite:///")
    locks: list[sqlite3.Connection] = []

    class Locking(io.RawIOBase):
        """The first batch, then a line that arrives when someone else has locked the database."""

        left = (b'{"id": "last", "title": "x"}\n', first)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            if not self.left:
                return 0
            *self.left, piece = self.left
            if not self.left:
                locks.append(sqlite3.connect(path, isolation_level=None))
                locks[0].execute("BEGIN IMMEDIATE")
            buffer[: len(piece)] = piece
            return len(piece)

    with pytest.raises(Problem) as raised:
        imports.run(here.engine, io.BufferedReader(Locking(), 1 << 20), FeedFormat.JSONL)
    locks[0].close()

    assert raised.value.status == 503
    assert f"after {imports.BATCH} items, which are kept" in raised.value.detail
    assert raised.value.headers["Retry-After"]


def test_a_feed_above_its_own_limit_is_refused(api_config: ApiConfig, admin) -> None:
    app = create_app(replace(api_config, max_upload_bytes=1000))
    answer = app.test_client().post("/items/import?format=csv", data=b"x" * 2000, headers=admin)
    app.extensions["vitrine"].close()

    assert answer.status_code == 413


def test_a_feed_of_unsaid_length_is_refused_not_cut(api_config: ApiConfig, admin) -> None:
    app = create_app(replace(api_config, max_upload_bytes=1000))
    answer = app.test_client().post(
        "/items/import?format=csv",
        input_stream=io.BytesIO(CSV * 100),
        environ_overrides={"wsgi.input_terminated": True},
        headers=admin,
    )
    app.extensions["vitrine"].close()

    assert answer.status_code == 413


def test_a_feed_is_imported_alike_on_both_databases(engine: Engine) -> None:
    report = imports.run(engine, io.BytesIO(CSV), FeedFormat.CSV)
    again = imports.run(engine, io.BytesIO(CSV), FeedFormat.CSV)

    assert (report["accepted"], again["accepted"]) == (3, 3)
    with reading(engine) as session:
        assert items.count(session).total == 3


def test_pictures_come_from_the_media_directories_only(client, tmp_path: Path) -> None:
    media = tmp_path / "media" / "grocery"
    media.mkdir(parents=True)
    (media / "a.jpg").write_bytes(b"\xff\xd8picture")
    (media / "notes.txt").write_text("secret")
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    (media / "link.jpg").symlink_to(tmp_path / "outside.jpg")

    picture = client.get("/media/grocery/a.jpg")

    assert picture.status_code == 200
    assert picture.mimetype == "image/jpeg"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in picture.headers["Cache-Control"]
    etag = picture.headers["ETag"]
    picture.close()
    unchanged = client.get("/media/grocery/a.jpg", headers={"If-None-Match": etag})
    unchanged.close()
    assert unchanged.status_code == 304
    for path in (
        "notes.txt",
        "link.jpg",
        "../../outside.jpg",
        "%2e%2e/%2e%2e/outside.jpg",
        "no.jpg",
    ):
        assert client.get(f"/media/grocery/{path}").status_code == 404


def test_a_locked_database_refuses_a_write_and_says_retry(
    client, admin, api_config: ApiConfig
) -> None:
    path = api_config.recsys.database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    answer = client.put("/items/b1", json=GOOD, headers=admin)

    other.execute("ROLLBACK")
    other.close()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert "sqlite" not in json.dumps(answer.json).lower()
