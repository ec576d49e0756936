"""Whatever breaks while a creative is made, what is kept is sound, and what is not kept is made later."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from generative import creatives
from generative.banner import render
from generative.copy.candidate import Candidate
from generative.errors import ProviderUnavailable
from generative.tables import CreativeRow
from generative.types import Brief, Creative, State
from recsys.catalogue import items
from recsys.database import reading, writing
from recsys.types import Item
from workers import creative
from workers.runtime import Runtime

Fill = Callable[..., None]


def make(runtime: Runtime, item_id: str = "a0-1") -> list[Creative]:
    """Ring once; all that is kept."""
    creative.make(runtime, item_id, ["Aisle 0"], "mid", "rectangle", "en")
    with reading(runtime.engine) as session:
        keys = list(session.scalars(select(CreativeRow.key)))
        return list(creatives.get_many(session, keys).values())


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_keeps_no_half_creative_and_the_next_ring_makes_it(
    runtime: Runtime, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(runtime)
    monkeypatch.setattr(Path, "replace", full_disk)

    assert make(runtime) == []
    left = list(Path(runtime.config.generative.banners_dir).rglob("*.*"))
    monkeypatch.undo()
    kept = make(runtime)

    assert left == []
    assert [one.state for one in kept] == [State.READY]


class Broken:
    """A writer whose model gives up in a way of its own."""

    name = "llama"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, brief: Brief, **_: object) -> list[Candidate]:  # noqa: ARG002 the protocol's
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailable("no weights"),
        TimeoutError("hangs"),
        RuntimeError("CUDA error"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_writer_that_breaks_leaves_the_catalogues_words(
    runtime: Runtime, fill: Fill, error: Exception
) -> None:
    fill(runtime)
    runtime.studio._writer._writers.insert(0, Broken(error))

    kept = make(runtime)

    assert [one.state for one in kept] == [State.READY]
    assert kept[0].provenance["provider"] in {"extractive", "template"}
    assert str(error) in str(kept[0].checks["refused"][0]["problems"])


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut off", b"\x89PNG\r\n\x1a\n" + b"\0" * 99]
)
def test_a_corrupt_photo_leaves_the_words_on_their_ground(runtime: Runtime, data: bytes) -> None:
    folder = runtime.config.generative.media_dirs[0]
    folder.mkdir(parents=True)
    (folder / "tea.png").write_bytes(data)
    with writing(runtime.engine) as session:
        items.put(session, Item(item_id="tea", title="Tea", image_url="/media/tea.png"))

    kept = make(runtime, "tea")

    assert [one.state for one in kept] == [State.READY]
    assert kept[0].checks["banner"]["picture_problem"]


def test_an_engine_that_gives_up_leaves_the_words_alone(
    runtime: Runtime, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(runtime)

    def gives_up(*_: object, **__: object) -> None:
        raise RuntimeError("the engine gave up")

    monkeypatch.setattr(render, "drawn_best", gives_up)

    kept = make(runtime)

    assert [(one.state, one.banner) for one in kept] == [(State.FALLBACK, None)]
    assert kept[0].copy.headline


def test_a_memory_for_words_that_is_away_costs_only_its_words(runtime: Runtime, fill: Fill) -> None:
    fill(runtime)
    with writing(runtime.engine) as session:
        session.execute(text("DROP TABLE creative_words"))

    assert [one.state for one in make(runtime)] == [State.READY]


def test_a_ring_for_the_same_creative_after_every_fault_keeps_one_row(
    runtime: Runtime, fill: Fill
) -> None:
    fill(runtime)
    for _ in range(3):
        make(runtime)

    with reading(runtime.engine) as session:
        assert session.scalar(select(func.count()).select_from(CreativeRow)) == 1
