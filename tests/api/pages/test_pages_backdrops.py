"""The console's backdrop library: sound pictures are kept, others named, and any can be removed."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from api.config import ApiConfig
from api.runtime import Runtime
from generative.picture import library

PAGE = "/console/creatives/backdrops"


@pytest.fixture
def api_config(api_config: ApiConfig, tmp_path: Path) -> ApiConfig:
    generative = replace(api_config.generative, pictures_dir=tmp_path / "pictures")
    return replace(api_config, generative=generative)


@pytest.fixture
def root(here: Runtime) -> Path:
    return here.config.generative.library_dir


def photo(colour: tuple[int, int, int] = (90, 140, 200), width: int = 640) -> io.BytesIO:
    shade = np.linspace(0.6, 1.0, width)[None, :, None] * np.ones((400, 1, 1))
    buffer = io.BytesIO()
    pixels = (np.array(colour) * shade).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    buffer.seek(0)
    return buffer


def test_an_empty_library_says_what_stands_behind_products(console: FlaskClient, text) -> None:
    assert "It is empty: banners stand on waves" in text(console.get(PAGE).text)


def test_sound_pictures_are_kept_and_others_named(
    console: FlaskClient, root: Path, send, text
) -> None:
    sent = [
        (photo(), "sea.jpg"),
        (photo(width=100), "tiny.jpg"),
        (io.BytesIO(b"<script>alert(1)</script>"), "<script>.png"),
    ]

    html = send(console, PAGE, pictures=sent).text

    assert len(library.listing(root)) == 1
    words = text(html)
    assert "1 kept; not taken: tiny.jpg: a backdrop is at least 480x320" in words
    assert "not a JPEG, PNG or WebP picture" in words
    assert "<script>.png" not in html
    assert "blue backdrop" in html


def test_a_kept_picture_can_be_seen_and_removed(console: FlaskClient, root: Path, send) -> None:
    html = send(console, PAGE, pictures=[(photo(), "sea.jpg")]).text
    address = re.search(r'src="(/console/creatives/backdrops/[0-9a-f]+)"', html)[1]

    with console.get(address) as seen:
        assert seen.mimetype == "image/jpeg"
    sha256 = address.rsplit("/", 1)[1]
    assert "is removed" in send(console, f"{PAGE}/remove", sha256=sha256).text
    assert library.listing(root) == ()
    assert console.get(address).status_code == 404
    assert "gone already" in send(console, f"{PAGE}/remove", sha256=sha256).text


def test_choosing_nothing_is_told(console: FlaskClient, send) -> None:
    assert "Choose at least one picture" in send(console, PAGE).text


def test_a_backdrop_may_not_be_looked_for_outside_its_folder(console: FlaskClient) -> None:
    assert console.get(f"{PAGE}/..%2F..%2Fetc%2Fpasswd").status_code == 404
    assert console.get(f"{PAGE}/{'a' * 300}").status_code == 404
