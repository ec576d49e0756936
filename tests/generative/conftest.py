"""Items and pictures for the studio's tests."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generative.config import GenerativeConfig
from generative.copy.language_model import INSTALL, LlamaCopy, identity
from generative.types import Brief, ItemFacts


@pytest.fixture
def item():
    return ItemFacts(
        item_id="grocery-7",
        title="Pink Lady",
        description="Crisp pink apple with a sweet, clear taste. Keeps for two weeks in a cool place.",
        category=("Grocery", "Fruit", "Apple"),
        price="2.49",
        image_url="/media/grocery/apple.jpg",
    )


@pytest.fixture
def brief(item):
    return Brief(item=item)


@pytest.fixture
def studio_photo():
    """A red disc on white, as a grocer's studio delivers it."""
    image = Image.new("RGB", (198, 198), "white")
    ImageDraw.Draw(image).ellipse((40, 40, 160, 160), fill=(190, 30, 40))
    return jpeg(image)


@pytest.fixture
def shop_photo():
    """A photo with a background that cannot be cut away."""
    rng = np.random.default_rng(7)
    return jpeg(Image.fromarray(rng.integers(0, 255, (400, 600, 3), dtype=np.uint8)))


@pytest.fixture
def config(tmp_path: Path, studio_photo):
    media = tmp_path / "media"
    (media / "grocery").mkdir(parents=True)
    (media / "grocery" / "apple.jpg").write_bytes(studio_photo)
    return GenerativeConfig(
        media_dirs=(media,),
        banners_dir=tmp_path / "banners",
        copy_providers=("extractive", "template"),
    )


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def language_model(request, skip_or_fail):
    """The real SmolLM2, loaded once for all tests that ask."""
    if identity("") == "none":
        skip_or_fail(f"no language model installed: {INSTALL}")
    if not hasattr(request.session, "loaded_llama"):
        request.session.loaded_llama = LlamaCopy(
            gguf_path="", samples=2, threads=1, timeout_seconds=60
        )
    model = request.session.loaded_llama
    before = model._timeout_seconds
    yield model
    model._timeout_seconds = before
