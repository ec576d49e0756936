"""The shop's pages when something is wrong: with the item, the form, the address, the database."""

import re
import sqlite3
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.breaker import Breaker
from api.config import ApiConfig
from api.runtime import Runtime
from recsys.catalogue import items
from recsys.database import writing
from recsys.types import EventKind, Item

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Strictness(HTMLParser):
    """What a content security policy without unsafe-inline would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.refused += [name for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.refused.append(tag)
        self.refused += [
            value for value in names.values() if (value or "").lower().startswith("javascript:")
        ]


@pytest.mark.parametrize("address", ["/shop/do", "/shop/shopper", "/shop/consent"])
@pytest.mark.usefixtures("stocked")
def test_a_form_that_was_not_ours_is_refused(client: FlaskClient, address: str, page: Any) -> None:
    page(client)

    answer = client.post(address, data={"csrf_token": "guess", "item_id": "i3", "deed": "cart"})

    assert answer.status_code == 403
    assert answer.mimetype == "text/html"


@pytest.mark.usefixtures("trained")
def test_a_forged_cookie_is_nobody(client: FlaskClient, page: Any, noted: Any) -> None:
    client.set_cookie("vitrine_shopper", '["household-1",true,true,"x"].forged')

    assert noted(page(client)).startswith("Nothing noted yet")


@pytest.mark.usefixtures("trained")
def test_a_hidden_item_is_gone_from_the_next_page(
    client: FlaskClient, here: Runtime, page: Any
) -> None:
    page(client)
    with writing(here.engine) as session:
        items.patch(session, "i3", {"hidden": True})

    answer = client.get("/shop/item/i3")

    assert answer.status_code == 404
    assert "not on our shelves" in answer.text
    assert "/shop/item/i3?" not in page(client)


@pytest.mark.usefixtures("trained")
def test_a_sold_out_item_can_be_seen_but_not_bought(
    client: FlaskClient, here: Runtime, page: Any
) -> None:
    with writing(here.engine) as session:
        items.patch(session, "i3", {"stock": 0})

    html = page(client, "/shop/item/i3")

    assert "Sold out" in html
    assert "Add to cart" not in html


@pytest.mark.parametrize(
    "address", ["/", "/shop/item/h", "/shop/search?q=script", "/shop/category/A"]
)
def test_a_hostile_item_is_only_text(
    client: FlaskClient, here: Runtime, address: str, page: Any
) -> None:
    with writing(here.engine) as session:
        hostile = Item(
            item_id="h",
            title=HOSTILE,
            description=HOSTILE,
            brand=HOSTILE,
            category=("A", HOSTILE),
            image_url="javascript:alert(1)",
            url="javascript:alert(1)",
            attributes={HOSTILE: HOSTILE},
        )
        items.put(session, hostile)

    html = page(client, address)
    strictness = Strictness()
    strictness.feed(html)

    assert HOSTILE in unescape(html)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert strictness.refused == []


@pytest.mark.parametrize("item_id", ["a/b", "a//b", "/a", "../a", "a/./b", "ein 🍋?&#%", "x" * 200])
def test_any_id_has_a_page(
    client: FlaskClient, here: Runtime, item_id: str, page: Any, deeds: Any
) -> None:
    with writing(here.engine) as session:
        items.put(session, Item(item_id=item_id, title="Odd one"))
    link = unescape(re.search(r'class="hero-picture" href="([^"]+)"', page(client))[1])

    html = page(client, link)

    assert "<h1>Odd one</h1>" in html
    assert deeds(here) == [(item_id, EventKind.VIEW)]


@pytest.mark.usefixtures("stocked")
def test_search_finds_by_words_of_the_title(client: FlaskClient, page: Any) -> None:
    html = page(client, "/shop/search?q=number+11")

    assert html.count('class="tile"') == 1
    assert "Dairy number 11" in html


@pytest.mark.parametrize("text", ["nothing like it", "100%25", "%00", "'; drop table item; --"])
@pytest.mark.usefixtures("stocked")
def test_a_search_without_result_is_friendly(
    client: FlaskClient, text: str, page: Any, titles: Any
) -> None:
    html = page(client, f"/shop/search?q={text}")

    assert "Nothing found" in titles(html)


@pytest.mark.usefixtures("stocked")
def test_a_search_for_nothing_asks_back(client: FlaskClient, page: Any, titles: Any) -> None:
    assert "What are you looking for?" in titles(page(client, "/shop/search"))


@pytest.mark.usefixtures("stocked")
def test_an_unknown_category_is_not_found(client: FlaskClient) -> None:
    answer = client.get("/shop/category/Nothing")

    assert answer.status_code == 404
    assert "This shelf is empty" in answer.text


@pytest.mark.usefixtures("trained")
def test_with_the_database_away_the_last_shelf_is_shown(
    client: FlaskClient, here: Runtime, monkeypatch: pytest.MonkeyPatch, page: Any
) -> None:
    page(client)
    monkeypatch.setattr(here, "database", Closed())

    home, found = page(client), page(client, "/shop/search?q=fruit")

    assert 'class="tile"' in home
    assert "Fruit number 3" in found


@pytest.mark.usefixtures("trained")
def test_a_view_is_kept_while_the_database_is_locked(
    client: FlaskClient, here: Runtime, page: Any
) -> None:
    page(client)
    path = here.engine.url.database
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        html = page(client, "/shop/item/i3")
        other.execute("ROLLBACK")
    other.close()

    assert "<h1>Fruit number 3</h1>" in html
    assert list(here.config.recsys.spool_dir.glob("*.jsonl"))


def test_without_a_secret_the_shop_says_so(api_config: ApiConfig) -> None:
    app = create_app(replace(api_config, secret_key=""))

    answer = app.test_client().get("/")
    app.extensions["vitrine"].close()

    assert answer.status_code == 503
    assert "VITRINE_SECRET_KEY" in answer.text


@pytest.mark.usefixtures("stocked")
def test_a_shoppers_page_is_never_shared_by_a_cache(client: FlaskClient) -> None:
    assert client.get("/").headers["Cache-Control"] == "private, no-store"


@pytest.mark.usefixtures("stocked")
def test_a_hero_that_nobody_makes_is_not_waited_for(client: FlaskClient, page: Any) -> None:
    html = page(client)

    assert "data-poll" not in html
    assert client.get("/shop/hero/" + "0" * 32).json == {"banner_url": None}


class Closed(Breaker):
    """A breaker that has just seen its database fail."""

    def __init__(self) -> None:
        super().__init__()
        self._rests_until = float("inf")
