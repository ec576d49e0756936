"""A photo that is replaced behind its address is noticed, and what showed it is drawn again."""

import errno
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select

from generative import creatives
from generative.tables import CreativeRow
from recsys.catalogue import items
from recsys.database import reading, writing
from recsys.types import Item
from workers import creative, pictures
from workers.runtime import Runtime


def photo(runtime: Runtime, ink: tuple[int, int, int]) -> None:
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).ellipse((40, 40, 160, 160), fill=ink)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    folder = runtime.config.generative.media_dirs[0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tea.png").write_bytes(buffer.getvalue())


@pytest.fixture
def key(both: Runtime) -> str:
    """A creative of a tea with a photo."""
    photo(both, (190, 30, 40))
    tea = Item(item_id="tea", title="Green tea", image_url="/media/tea.png")
    with writing(both.engine) as session:
        items.put(session, tea)
    creative.make(both, "tea", [], "any", "rectangle", "en")
    with reading(both.engine) as session:
        return session.scalars(select(CreativeRow.key)).one()


def shown(runtime: Runtime, key: str) -> bytes:
    with reading(runtime.engine) as session:
        kept = creatives.get(session, key)
    assert kept is not None
    assert kept.banner is not None
    cached = runtime.cache.get_many([key])[key]
    assert cached.banner == kept.banner
    return Path(runtime.config.generative.banners_dir / kept.banner.path).read_bytes()


def test_the_same_photo_costs_nothing(both: Runtime, key: str) -> None:
    before = shown(both, key)

    assert pictures.look(both) == 0
    os.utime(both.config.generative.media_dirs[0] / "tea.png")
    assert pictures.look(both) == 0
    assert shown(both, key) == before


def test_another_photo_at_the_same_address_is_drawn_and_then_left_alone(
    both: Runtime, key: str
) -> None:
    before = shown(both, key)
    photo(both, (20, 60, 200))

    assert pictures.look(both) == 1
    assert shown(both, key) != before
    assert pictures.look(both) == 0


@pytest.mark.usefixtures("key")
def test_a_photo_that_is_away_changes_nothing(both: Runtime) -> None:
    path = both.config.generative.media_dirs[0] / "tea.png"
    path.unlink()

    assert pictures.look(both) == 0


def test_a_full_disk_stops_no_sweep_and_the_photo_is_drawn_at_the_next(
    both: Runtime, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = shown(both, key)
    photo(both, (20, 60, 200))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full_disk)
        assert pictures.look(both) == 0

    assert pictures.look(both) == 1
    assert shown(both, key) != before


def test_what_nothing_shows_any_more_is_not_drawn(both: Runtime, key: str) -> None:
    photo(both, (20, 60, 200))
    with writing(both.engine) as session:
        tea = items.get(session, "tea")
        assert tea is not None
        items.put(session, replace(tea, title="Black tea"))

    assert pictures.look(both) == 0
    assert key
