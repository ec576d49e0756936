"""Several products on one picture: asked for once, served while all of them hold."""

from dataclasses import replace
from decimal import Decimal

import pytest

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime
from generative import collages
from generative.brief import facts_of
from recsys.catalogue import items
from recsys.database import reading, writing

IDS = ["i0", "i1", "i2"]


def ask(client, admin, **body):
    return client.post("/collages", json={"item_ids": IDS, **body}, headers=admin)


def draw(here: Runtime) -> str:
    """As the worker does."""
    with reading(here.engine) as session:
        found = items.get_many(session, IDS)
    facts = [facts_of(item) for item in found.values()]
    config, style = here.config.generative, here.styled.style
    made = collages.make(facts, style, config, size="square", locale="en")
    assert made is not None
    return made.key


def test_a_collage_is_rung_for_once_and_then_there(client, admin, here: Runtime, broker) -> None:
    first, second = ask(client, admin), ask(client, admin)
    key = draw(here)
    third = ask(client, admin)
    picture = client.get(third.json["picture_url"])

    assert (first.status_code, second.status_code, broker()) == (202, 202, 1)
    assert first.json["key"] == key
    assert (third.status_code, third.json["width"], third.json["height"]) == (200, 1080, 1080)
    assert "Fruit number 0" in third.json["alt"]
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    assert picture.headers["Cache-Control"] == "public, no-cache"
    same = client.get(third.json["picture_url"], headers={"If-None-Match": picture.headers["ETag"]})
    picture.close()
    assert same.status_code == 304


@pytest.mark.parametrize(
    "changes", [{"price": Decimal("0.5")}, {"stock": 0}, {"hidden": True}], ids=str
)
def test_one_item_that_no_longer_holds_takes_the_picture_away(
    client, here: Runtime, changes
) -> None:
    key = draw(here)
    with writing(here.engine) as session:
        items.put(session, replace(items.get(session, "i1"), **changes))

    answer = client.get(f"/collages/{key}/picture")

    assert answer.status_code == 410
    assert "i1" in answer.json["detail"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_nobody_says_that_items_are_gone_while_the_catalogue_was_never_read(
    cached_config: ApiConfig, here: Runtime
) -> None:
    key = draw(here)
    nowhere = replace(cached_config.recsys, database_url="sqlite:////nowhere/at/all.db")
    try:
        blind = create_app(replace(cached_config, recsys=nowhere))
    except OSError:
        pytest.skip("no such folder can be made here")
    answer = blind.test_client().get(f"/collages/{key}/picture")
    blind.extensions["vitrine"].close()

    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"item_ids": ["i0"]}, "item_ids"),
        ({"item_ids": ["i0", "i0"]}, "item_ids"),
        ({"item_ids": ["i0", "ghost"]}, "item_ids.1"),
        ({"item_ids": ["i0", "i1", "i2", "i3", "i4"]}, "item_ids"),
        ({"size": "skyscraper"}, "size"),
        ({"locale": "english"}, "locale"),
    ],
)
def test_what_cannot_be_drawn_is_named(client, admin, body, field) -> None:
    answer = ask(client, admin, **body)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field


@pytest.mark.parametrize("key", ["0" * 32, "x", "..%2f..%2fetc", "A" * 32])
def test_an_unknown_collage_is_a_404(client, key) -> None:
    assert client.get(f"/collages/{key}/picture").status_code == 404


def test_a_worker_draws_what_the_web_asked_for(client, admin, here: Runtime) -> None:
    from workers import collage
    from workers.config import WorkersConfig
    from workers.runtime import Runtime as Worker

    config = WorkersConfig(recsys=here.config.recsys, generative=here.config.generative)
    worker = Worker(config)
    key = ask(client, admin).json["key"]
    collage.make(worker, [*IDS, "ghost"], "square", "en")
    nothing = client.get(f"/collages/{key}/picture").status_code

    collage.make(worker, IDS, "square", "en")

    answer = client.get(f"/collages/{key}/picture")
    worker.engine.dispose()
    assert (nothing, answer.status_code) == (404, 200)
    answer.close()


def test_who_holds_the_public_key_draws_nothing(client, shop, broker) -> None:
    assert client.post("/collages", json={"item_ids": IDS}, headers=shop).status_code == 403
    assert broker() == 0
