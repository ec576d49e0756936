"""Items that came after the model: ranked, looked at and withdrawn like any other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from api.recommending.arrivals import Arrivals
from api.runtime import Runtime
from recsys.catalogue import items, text_vectors
from recsys.catalogue.text_vectors import ItemVectors
from recsys.database import looking, writing
from recsys.learning import embedding
from recsys.learning.blending import texts
from recsys.learning.bundle import ModelBundle, assemble
from recsys.models import neighbours
from recsys.models.words import HashedWords
from recsys.serving import registry
from recsys.tables import ItemTextRow
from recsys.types import Item

WORDS = HashedWords()


def thing(item_id: str, title: str, **changes: Any) -> Item:
    return replace(Item(item_id=item_id, title=title, category=("Shop",)), **changes)


OLD = [
    thing("kettle-1", "Electric kettle steel"),
    thing("kettle-2", "Electric kettle glass"),
    thing("boots-1", "Leather hiking boots"),
    thing("boots-2", "Leather hiking boots brown"),
    thing("lamp-1", "Desk lamp"),
]


@pytest.fixture
def shop_by_words(here: Runtime) -> ModelBundle:
    """A shop that knows its items by their words alone."""
    write(here, OLD)
    embed(here)
    with looking(here.engine) as reader:
        vectors = text_vectors.read(reader, WORDS.fingerprint, WORDS.width)
    return publish(here, vectors)


def publish(
    here: Runtime, vectors: ItemVectors, version: str = "20261120T120000Z-abcdef"
) -> ModelBundle:
    made = texts.alone(vectors)
    assert made is not None
    n = len(vectors)
    bundle = assemble(
        version=version,
        fused=made[0],
        item_ids=vectors.item_ids,
        popularity=np.zeros(n, np.float32),
        neighbours=neighbours.empty(n),
        together=neighbours.empty(n),
        text=made[1],
        manifest={},
    )
    root = here.config.recsys.artifacts_dir
    registry.publish(root, bundle)
    registry.promote(root, bundle.version)
    return bundle


def write(here: Runtime, found: list[Item]) -> None:
    with writing(here.engine) as session:
        items.put_many(session, found)


def embed(here: Runtime) -> None:
    embedding.embed(here.engine, WORDS)


def after(client: FlaskClient, shop: dict[str, str], seen: str) -> list[dict[str, Any]]:
    answer = client.get(f"/recommend?session={seen}&k=3&banner=none", headers=shop)
    assert answer.json is not None
    return answer.json["items"]


@pytest.mark.usefixtures("shop_by_words")
def test_a_shop_without_an_event_answers_by_what_reads_alike(
    client: FlaskClient, shop: dict[str, str]
) -> None:
    best = after(client, shop, "boots-1")

    found = {one["item_id"] for one in best[:2]}
    assert found == {"boots-1", "boots-2"}
    assert best[0]["source"] == "personal"


@pytest.mark.usefixtures("shop_by_words")
def test_a_new_item_is_recommended_as_soon_as_its_words_are_read(
    here: Runtime, client: FlaskClient, shop: dict[str, str]
) -> None:
    write(here, [thing("boots-3", "Leather hiking boots black")])
    unread = {one["item_id"]: one for one in after(client, shop, "boots-1")}

    embed(here)

    read = {one["item_id"]: one for one in after(client, shop, "boots-1")}
    assert unread.get("boots-3", {"source": "newest"})["source"] == "newest"
    assert read["boots-3"]["source"] == "personal"
    assert read["boots-3"]["reasons"][0]["item_id"] == "boots-1"


@pytest.mark.usefixtures("shop_by_words")
def test_a_click_on_a_new_item_counts_in_the_next_answer(
    here: Runtime, client: FlaskClient, shop: dict[str, str]
) -> None:
    write(here, [thing("kettle-3", "Electric kettle red")])
    embed(here)

    best = after(client, shop, "kettle-3")

    assert {"kettle-1", "kettle-2"} <= {one["item_id"] for one in best}


@pytest.mark.usefixtures("shop_by_words")
def test_what_is_like_a_new_item_is_found(
    here: Runtime, client: FlaskClient, shop: dict[str, str]
) -> None:
    write(here, [thing("kettle-3", "Electric kettle red")])
    embed(here)

    answer = client.get("/items/kettle-3/similar?k=2&banner=none", headers=shop)

    assert answer.json is not None
    assert {one["item_id"] for one in answer.json["items"]} == {"kettle-1", "kettle-2"}


@pytest.mark.parametrize("change", [{"hidden": True}, {"stock": 0}])
@pytest.mark.usefixtures("shop_by_words")
def test_a_new_item_that_is_withdrawn_is_gone_from_the_next_answer(
    here: Runtime,
    client: FlaskClient,
    shop: dict[str, str],
    change: dict[str, object],
) -> None:
    write(here, [thing("boots-3", "Leather hiking boots black")])
    embed(here)
    before = after(client, shop, "boots-1")

    with writing(here.engine) as session:
        items.patch(session, "boots-3", change)

    assert "boots-3" in {one["item_id"] for one in before}
    assert "boots-3" not in {one["item_id"] for one in after(client, shop, "boots-1")}


@pytest.mark.usefixtures("shop_by_words")
def test_vectors_of_another_encoder_place_nobody(
    here: Runtime, client: FlaskClient, shop: dict[str, str]
) -> None:
    write(here, [thing("boots-3", "Leather hiking boots black")])
    embed(here)
    with writing(here.engine) as session:
        session.query(ItemTextRow).update({"encoder": "another-encoder"})
        items.next_revision(session)

    assert all(
        one["source"] != "personal"
        for one in after(client, shop, "boots-1")
        if one["item_id"] == "boots-3"
    )


@pytest.mark.usefixtures("shop_by_words")
def test_a_corrupt_vector_is_passed_over(
    here: Runtime, client: FlaskClient, shop: dict[str, str]
) -> None:
    write(here, [thing("boots-3", "Leather hiking boots black"), thing("boots-4", "Leather boots")])
    embed(here)
    with writing(here.engine) as session:
        session.query(ItemTextRow).filter_by(item_id="boots-3").update({"vector": b"torn"})
        nothing = np.full(WORDS.width, np.nan, np.float16).tobytes()
        session.query(ItemTextRow).filter_by(item_id="boots-4").update({"vector": nothing})
        items.next_revision(session)

    sources = {one["item_id"]: one["source"] for one in after(client, shop, "boots-1")}

    assert sources.get("boots-3", "newest") == sources.get("boots-4", "newest") == "newest"


def test_a_look_is_repeated_only_when_something_changed(
    here: Runtime, shop_by_words: ModelBundle
) -> None:
    write(here, [thing("boots-3", "Leather hiking boots black")])
    embed(here)
    arrivals = Arrivals()
    with looking(here.engine) as reader:
        first = arrivals.fresh(reader, shop_by_words, here.fresh_shelf(reader))
    with writing(here.engine) as session:
        items.patch(session, "kettle-1", {"stock": 3})

    with looking(here.engine) as reader:
        second = arrivals.fresh(reader, shop_by_words, here.fresh_shelf(reader))

    assert first is not None
    assert first.item_ids == ("boots-3",)
    assert second is first


def test_the_last_look_serves_while_the_database_is_away(
    here: Runtime, shop_by_words: ModelBundle
) -> None:
    write(here, [thing("boots-3", "Leather hiking boots black")])
    embed(here)
    with looking(here.engine) as reader:
        found = here.arrivals.fresh(reader, shop_by_words, here.fresh_shelf(reader))

    assert here.arrivals.last(shop_by_words) is found
    assert here.arrivals.last(ModelBundle.empty()) is None


def test_a_model_without_a_map_has_no_newcomers(here: Runtime, trained: ModelBundle) -> None:
    with looking(here.engine) as reader:
        assert here.arrivals.fresh(reader, trained, here.fresh_shelf(reader)) is None


def test_writing_an_item_rings_for_its_words(
    client: FlaskClient, admin: dict[str, str], broker: Callable[[str], int]
) -> None:
    client.put("/items/new", headers=admin, json={"title": "A kettle"})
    feed = "id,title\nboots,Boots\n"
    client.post("/items/import", headers=admin | {"Content-Type": "text/csv"}, data=feed)
    client.patch("/items/new", headers=admin, json={"stock": 3})

    assert broker("default") == 2


@pytest.mark.usefixtures("no_broker")
def test_an_item_is_written_though_nobody_hears_the_ring(
    client: FlaskClient, admin: dict[str, str]
) -> None:
    assert client.put("/items/new", headers=admin, json={"title": "A kettle"}).status_code == 201
