"""The shop's pages, without a browser: what they show, what they note, what they refuse."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.pages.window import EXTENSION, Regulars
from api.runtime import Runtime
from recsys.answers import ledger, store
from recsys.database import reading
from recsys.types import EventKind

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def act(client: FlaskClient, page: Any, token: Any) -> Callable[..., Any]:
    """Sends the form of a product's page; the answer, and what was sent."""

    def sent(item_id: str, deed: str, changes: dict[str, str] | None = None) -> Any:
        html = page(client, f"/shop/item/{item_id}")
        event_id = re.search(r'name="event_id" value="([^"]+)"', html)[1]
        form = {"csrf_token": token(html), "item_id": item_id, "event_id": event_id, "deed": deed}
        return client.post("/shop/do", data=form | (changes or {})), form

    return sent


def test_an_empty_shop_says_what_to_do(client: FlaskClient, page: Any, titles: Any) -> None:
    html = page(client)

    assert "The shelves are empty" in titles(html)


@pytest.mark.usefixtures("stocked")
def test_without_a_model_the_first_row_is_honest(
    client: FlaskClient, page: Any, titles: Any
) -> None:
    assert titles(page(client))[1:] == ["New in the shop"]


@pytest.mark.usefixtures("trained")
def test_a_newcomer_is_shown_what_is_popular(
    client: FlaskClient, page: Any, noted: Any, titles: Any
) -> None:
    html = page(client)

    assert "Popular right now" in titles(html)
    assert "Picked for you" not in titles(html)
    assert noted(html).startswith("Nothing noted yet")


@pytest.mark.usefixtures("trained")
def test_every_recommended_item_shows_its_reason(client: FlaskClient, page: Any) -> None:
    page(client, "/shop/item/i3")

    html = page(client)

    rows = html.split('<section class="shelf"')[1:]
    assert sum(row.count('class="tile"') for row in rows) > 5
    for row in rows:
        once = "Popular right now" in row or "New in the shop" in row
        assert once or row.count('class="reason"') in {1, row.count('class="tile"')}


@pytest.mark.usefixtures("trained")
def test_opening_an_item_is_known_to_the_very_next_page(
    client: FlaskClient, here: Runtime, page: Any, noted: Any, titles: Any, deeds: Any
) -> None:
    page(client)

    on_item = page(client, "/shop/item/i3")
    home = page(client)

    assert deeds(here) == [("i3", EventKind.VIEW)]
    assert noted(on_item) == noted(home) == "Noted: you viewed Fruit number 3."
    assert "Picked for you" in titles(home)
    assert "Because you viewed Fruit number 3" in unescape(home).split("Picked for you")[1]


@pytest.mark.usefixtures("trained")
def test_what_was_just_seen_is_a_reason_and_not_a_pick(client: FlaskClient, page: Any) -> None:
    page(client, "/shop/item/i3")

    html = page(client)

    assert "/shop/item/i3?" not in html
    assert "Because you viewed Fruit number 3" in html


@pytest.mark.usefixtures("trained")
def test_an_item_page_shows_what_is_similar_and_what_goes_with_it(
    client: FlaskClient, page: Any, titles: Any
) -> None:
    html = page(client, "/shop/item/i3")

    assert "Often bought with Fruit number 3" in titles(html)
    assert "A plain fruit product." in html
    assert "€4.00" in html


@pytest.mark.usefixtures("trained")
def test_no_item_stands_twice_on_the_home_page(client: FlaskClient, page: Any) -> None:
    page(client, "/shop/item/i3")

    shown = re.findall(r'class="tile" href="/shop/item/([^"?]+)', page(client))

    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
@pytest.mark.usefixtures("stocked")
def test_fetching_ahead_is_no_view(
    client: FlaskClient, here: Runtime, header, page: Any, deeds: Any
) -> None:
    page(client, "/shop/item/i3", headers={header: "prefetch;prerender"})
    client.head("/shop/item/i3")

    assert deeds(here) == []


@pytest.mark.usefixtures("trained")
def test_the_answer_an_item_was_picked_from_is_kept_with_the_view(
    client: FlaskClient, here: Runtime, page: Any
) -> None:
    link = unescape(re.search(r'class="tile" href="([^"]+)"', page(client))[1])

    page(client, link)

    with reading(here.engine) as session:
        kept = session.connection().exec_driver_sql("select recommendation_id from event").scalar()
    assert kept == re.search("rid=(.+)", link)[1]


@pytest.mark.usefixtures("trained")
def test_without_consent_nothing_is_noted_and_no_id_is_kept(
    client: FlaskClient, here: Runtime, page: Any, token: Any, noted: Any, deeds: Any
) -> None:
    form = {"csrf_token": token(page(client)), "consent": "0"}
    client.post("/shop/consent", data=form)

    html = page(client, "/shop/item/i3")

    assert deeds(here) == []
    assert noted(html) == "Personalisation is off: nothing you do here is noted."
    assert "visitor-" not in str(client.get_cookie("vitrine_shopper").decoded_value)


@pytest.mark.usefixtures("trained")
def test_consent_given_again_starts_afresh(
    client: FlaskClient, here: Runtime, page: Any, token: Any, deeds: Any
) -> None:
    for consent in ("0", "1"):
        client.post("/shop/consent", data={"csrf_token": token(page(client)), "consent": consent})

    page(client, "/shop/item/i3")

    assert deeds(here) == [("i3", EventKind.VIEW)]


@pytest.mark.parametrize(
    ("deed", "said"), [("cart", "put {} into the cart"), ("purchase", "bought {}")]
)
@pytest.mark.usefixtures("trained")
def test_a_deed_is_noted(
    client: FlaskClient,
    here: Runtime,
    deed: str,
    said: str,
    page: Any,
    noted: Any,
    deeds: Any,
    act: Any,
) -> None:
    answer, _ = act("i3", deed)

    assert answer.status_code == 303
    assert noted(page(client, answer.location)) == noted(page(client))
    assert deeds(here) == [("i3", EventKind.VIEW), ("i3", EventKind(deed))]
    assert noted(page(client)) == f"Noted: you {said.format('Fruit number 3')}."


@pytest.mark.usefixtures("trained")
def test_a_form_sent_twice_counts_once(
    client: FlaskClient, here: Runtime, deeds: Any, act: Any
) -> None:
    _, form = act("i3", "cart")

    client.post("/shop/do", data=form)

    assert [kind for _, kind in deeds(here)].count(EventKind.CART) == 1


@pytest.mark.usefixtures("trained")
def test_a_deed_with_an_unknown_item_is_refused(act: Any) -> None:
    answer, _ = act("i3", "cart", changes={"item_id": "nothing"})

    assert answer.status_code == 422


@pytest.mark.usefixtures("trained")
def test_one_can_shop_as_a_regular_and_as_nobody_else(
    client: FlaskClient, page: Any, token: Any, noted: Any
) -> None:
    page(client, "/shop/item/i3")  # makes this visitor the one regular there is
    client.application.extensions[EXTENSION] = Regulars()  # counted once a minute otherwise
    other = client.application.test_client()
    html = page(other)
    regular = re.search(r'<option value="(visitor-[^"]+)"', html)[1]

    other.post("/shop/shopper", data={"csrf_token": token(html), "shopper": "someone-else"})
    before = noted(page(other))
    other.post("/shop/shopper", data={"csrf_token": token(html), "shopper": regular})
    after = noted(page(other))

    assert before.startswith("Nothing noted yet")
    assert after == "Noted: you viewed Fruit number 3."


@pytest.mark.usefixtures("trained")
def test_a_new_visitor_starts_with_nothing(
    client: FlaskClient, page: Any, token: Any, noted: Any
) -> None:
    html = page(client, "/shop/item/i3")

    client.post("/shop/shopper", data={"csrf_token": token(html), "shopper": "new"})

    assert noted(page(client)).startswith("Nothing noted yet")


@pytest.mark.usefixtures("stocked")
def test_tabs_and_categories_come_from_the_catalogue(client: FlaskClient, page: Any) -> None:
    html = page(client, "/shop/category/Grocery/Fruit")

    assert 'href="/shop/category/Grocery" aria-current="page"' in html
    assert html.count('class="tile"') == 4


@pytest.mark.usefixtures("trained")
def test_a_page_follows_its_placement(
    client: FlaskClient, admin: dict[str, str], page: Any, titles: Any
) -> None:
    def put(name: str, **body: object) -> None:
        answer = client.put(f"/admin/placements/{name}", json=body, headers=admin)
        assert answer.status_code == 200, answer.json

    put("home", title="Fresh from the truck", strategy="newest")
    put("category", title="All of {category}", strategy="personal", filter='item_id != "i3"')
    put("product", title="Instead of {item}", strategy="similar", strict=True)

    assert "Fresh from the truck" in titles(page(client))
    listed = page(client, "/shop/category/Grocery")
    assert "/shop/item/i4" in listed
    assert "/shop/item/i3" not in listed
    assert "Instead of Fruit number 3" in titles(page(client, "/shop/item/i3"))


@pytest.mark.usefixtures("trained")
def test_a_page_follows_an_experiment(
    client: FlaskClient, admin: dict[str, str], page: Any, titles: Any
) -> None:
    changed = {"*": {"strategy": "newest"}}
    body = {"variants": [{"name": "all", "placements": changed}]}
    client.put("/admin/experiments/e", json=body, headers=admin)
    before = titles(page(client))

    client.post("/admin/experiments/e/start", headers=admin)

    assert before[1:] == ["Popular right now"]
    assert titles(page(client))[1:] == ["New in the shop"]


@pytest.mark.usefixtures("trained")
def test_what_is_found_is_an_answer_that_can_be_credited(client: FlaskClient, page: Any) -> None:
    html = page(client, "/shop/search?q=fruit+number")

    links = re.findall(r'class="tile" href="/shop/item/[^"?]+\?rid=([0-9a-f-]+)', html)
    assert len(links) > 3
    assert len(set(links)) == 1


@pytest.mark.usefixtures("trained")
def test_the_hero_is_a_creative_that_can_earn_something(
    client: FlaskClient, here: Runtime, page: Any
) -> None:
    html = page(client)

    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with reading(here.engine) as session:
        (kept,) = [one for one in store.latest(session, n=9) if one.placement == "home"]
    first, *others = kept.creative_keys
    asked = here.briefs.by_key(first)
    assert (asked.item.item_id, asked.brief.size) == (kept.item_ids[0], "hero")
    assert set(others) == {None}
    assert f"/shop/item/{kept.item_ids[0]}?rid={kept.recommendation_id}" in html
