"""Items' words read once, whatever happens in between."""

import numpy as np
import pytest
from sqlalchemy import Engine

from recsys.catalogue import items
from recsys.database import connect, writing
from recsys.learning import embedding
from recsys.models.words import HashedWords
from recsys.tables import ItemTextRow
from recsys.types import Item

WORDS = HashedWords()


@pytest.fixture
def shop(sqlite_url: str) -> Engine:
    engine = connect(sqlite_url)
    titles = ["Kettle", "Boots", "Lamp"]
    with writing(engine) as session:
        items.put_many(session, [Item(item_id=title, title=title) for title in titles])
    return engine


def test_collect_reads_what_is_missing_and_gives_all(shop: Engine) -> None:
    embedding.embed(shop, WORDS, item_ids=["Lamp"])

    found = embedding.collect(shop, WORDS)

    assert found.encoder == WORDS.fingerprint
    assert found.item_ids == ("Boots", "Kettle", "Lamp")
    np.testing.assert_allclose(found.vectors, WORDS.encode(["Boots", "Kettle", "Lamp"]), atol=1e-3)
    assert not embedding.waits(shop, WORDS)


def test_reading_twice_changes_nothing(shop: Engine) -> None:
    assert embedding.embed(shop, WORDS) == 3
    assert embedding.embed(shop, WORDS) == 0


def test_a_limit_leaves_the_rest_waiting(shop: Engine) -> None:
    assert embedding.embed(shop, WORDS, limit=2) == 2
    assert embedding.waits(shop, WORDS)


def test_only_the_named_items_are_read(shop: Engine) -> None:
    assert embedding.embed(shop, WORDS, item_ids=["Boots", "nobody"]) == 1
    assert embedding.embed(shop, WORDS) == 2


def test_collect_makes_broken_vectors_again(shop: Engine) -> None:
    embedding.collect(shop, WORDS)
    with writing(shop) as session:
        session.query(ItemTextRow).filter_by(item_id="Lamp").update({"vector": b"torn"})
        nothing = np.full(WORDS.width, np.nan, np.float16).tobytes()
        session.query(ItemTextRow).filter_by(item_id="Boots").update({"vector": nothing})

    assert embedding.collect(shop, WORDS).item_ids == ("Boots", "Kettle", "Lamp")


def test_collect_told_to_stop_gives_what_there_is(
    shop: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "CHUNK", 1)
    monkeypatch.setattr(embedding.embed, "__kwdefaults__", {"limit": 1, "item_ids": None})

    assert len(embedding.collect(shop, WORDS, on_progress=lambda _done: False)) == 1


def test_hostile_words_are_kept_like_any(shop: Engine) -> None:
    with writing(shop) as session:
        items.put_many(
            session,
            [
                Item(item_id="long", title="x", description="boots " * 20_000),
                Item(item_id="emoji", title="🥾🥾", description="\u200f\u062d\u0630\u0621"),
                Item(item_id="empty", title=""),
            ],
        )

    found = embedding.collect(shop, WORDS)

    assert len(found) == 6
    assert np.isfinite(found.vectors).all()
