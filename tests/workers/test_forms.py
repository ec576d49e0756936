"""A picture in another form: drawn from its audit, once, beside the JPEG."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from generative import creatives, forms
from generative.tables import CreativeRow
from generative.types import Creative
from recsys.database import reading
from workers import creative
from workers.runtime import Runtime

Fill = Callable[..., None]


@pytest.fixture
def made(runtime: Runtime, fill: Fill) -> Creative:
    fill(runtime)
    creative.make(runtime, "a0-1", ["Aisle 0"], "mid", "rectangle", "en")
    with reading(runtime.engine) as session:
        key = session.scalars(select(CreativeRow.key)).one()
        found = creatives.get(session, key)
    assert found is not None
    assert found.banner is not None
    return found


def path_of(runtime: Runtime, made: Creative, form: str) -> Path:
    assert made.banner is not None
    return runtime.config.generative.banners_dir / forms.path_of(made.banner, form)


@pytest.mark.parametrize("form", ["webp", "png"])
def test_a_form_shows_what_the_jpeg_shows(runtime: Runtime, made: Creative, form: str) -> None:
    creative.make_form(runtime, made.key, form)

    with Image.open(path_of(runtime, made, form)) as image:
        assert (image.format or "").lower() == form
        assert made.banner is not None
        assert image.size == (made.banner.width, made.banner.height)


def test_a_moving_form_moves_and_an_svg_runs_nothing(runtime: Runtime, made: Creative) -> None:
    creative.make_form(runtime, made.key, "loop")
    creative.make_form(runtime, made.key, "svg")

    with Image.open(path_of(runtime, made, "loop")) as image:
        assert image.format == "WEBP"
        assert getattr(image, "n_frames", 1) > 1
    svg = path_of(runtime, made, "svg").read_text(encoding="utf-8")
    assert "<svg" in svg
    assert "<script" not in svg


def test_a_form_is_drawn_once(runtime: Runtime, made: Creative) -> None:
    creative.make_form(runtime, made.key, "webp")
    stamp = path_of(runtime, made, "webp").stat().st_mtime_ns

    creative.make_form(runtime, made.key, "webp")

    assert path_of(runtime, made, "webp").stat().st_mtime_ns == stamp


def test_what_cannot_be_drawn_again_stops_nobody(runtime: Runtime, made: Creative) -> None:
    creative.make_form(runtime, "0" * 32, "webp")
    folder = path_of(runtime, made, "webp").parent
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("in the way")

    creative.make_form(runtime, made.key, "webp")

    assert folder.read_text() == "in the way"
