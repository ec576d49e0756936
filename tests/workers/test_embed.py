"""New items' words are read when the bell rings, and by the sweep when it was not heard."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from recsys.catalogue import items
from recsys.config import RecsysConfig
from recsys.database import reading, writing
from recsys.learning import embedding
from recsys.models import sentences
from recsys.tables import ItemTextRow
from recsys.types import Item
from workers import embed, sweep
from workers.config import WorkersConfig
from workers.runtime import Runtime


@pytest.fixture(autouse=True)
def _floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hashed words: quick, and there on every machine."""
    monkeypatch.setattr(sentences, "PACKAGE", "a_package_that_is_not_there")


def put(runtime: Runtime, *item_ids: str) -> None:
    with writing(runtime.engine) as session:
        items.put_many(session, [Item(item_id=item_id, title=item_id) for item_id in item_ids])


def kept(runtime: Runtime) -> int:
    with reading(runtime.engine) as session:
        return session.scalar(select(func.count()).select_from(ItemTextRow)) or 0


def test_a_ring_for_an_item_reads_that_item(both: Runtime) -> None:
    put(both, "kettle", "boots")

    assert embed.run(both, ["kettle"]) is False
    assert kept(both) == 1


def test_a_ring_heard_twice_does_it_once(both: Runtime) -> None:
    put(both, "kettle")

    embed.run(both, ["kettle"])
    embed.run(both, ["kettle"])

    assert kept(both) == 1


def test_a_ring_for_an_item_that_is_not_there_does_nothing(runtime: Runtime) -> None:
    assert embed.run(runtime, ["nobody", "nul\x00"]) is False
    assert kept(runtime) == 0


def test_a_chunk_says_whether_more_wait(runtime: Runtime) -> None:
    put(runtime, *(f"thing {number}" for number in range(embedding.CHUNK + 1)))

    assert embed.run(runtime, None) is True
    assert embed.run(runtime, None) is False
    assert kept(runtime) == embedding.CHUNK + 1


def test_the_sweep_asks_for_what_nobody_rang_for(runtime: Runtime) -> None:
    before = sweep.run(runtime).items_wait
    put(runtime, "kettle")
    waiting = sweep.run(runtime).items_wait
    embed.run(runtime, None)

    assert (before, waiting, sweep.run(runtime).items_wait) == (False, True, False)


def with_encoder(runtime: Runtime, name: str) -> Runtime:
    recsys: RecsysConfig = replace(runtime.config.recsys, text_encoder=name)
    config: WorkersConfig = replace(runtime.config, recsys=recsys)
    return Runtime(config)


@pytest.mark.parametrize("name", ["none", "minilm"])  # minilm: insisted on, and missing here
def test_without_an_encoder_items_wait_and_all_else_goes_on(
    new_runtime: Callable[..., Runtime], sqlite_url: str, name: str
) -> None:
    runtime = with_encoder(new_runtime(sqlite_url), name)
    put(runtime, "kettle")

    rings = sweep.run(runtime)

    assert rings.items_wait is False
    assert embed.run(runtime, ["kettle"]) is False
    assert kept(runtime) == 0
    runtime.engine.dispose()


def test_a_forked_child_keeps_the_encoder_it_was_born_with(runtime: Runtime) -> None:
    encoder = runtime.text_encoder

    runtime.forget_inherited()

    assert runtime.text_encoder is encoder
