"""Items and pictures for the studio's tests."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generative.config import GenerativeConfig
from generative.copy.language_model import LlamaCopy, identity
from generative.copy.llama_server import INSTALL
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


def _field(number: int, value: bytes | str | int) -> bytes:
    """One protobuf field: a number as varint, anything else length-delimited."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


@pytest.fixture
def onnx_model():
    """Write an ONNX file: a chain of (operator, integer-list attributes) from `x` to `y`."""

    def write(path: Path, shape: tuple[int, ...], operators: list[tuple[str, dict]]) -> Path:
        nodes, names = b"", ["x", *(f"h{i}" for i in range(len(operators) - 1)), "y"]
        for (operator, attributes), came, goes in zip(operators, names, names[1:], strict=False):
            node = _field(1, came) + (_field(1, came) if operator == "Add" else b"")
            node += _field(2, goes) + _field(4, operator)
            for name, numbers in attributes.items():
                ints = b"".join(_field(8, number) for number in numbers)
                node += _field(5, _field(1, name) + ints + _field(20, 7))
            nodes += _field(1, node)

        def value(name: str, dims: tuple[int, ...]) -> bytes:
            sizes = b"".join(_field(1, _field(1, size)) for size in dims)
            return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, sizes)))

        ends = _field(11, value("x", shape)) + _field(12, _field(1, "y"))
        graph = nodes + _field(2, "g") + ends
        model = _field(1, 8) + _field(8, _field(2, 13)) + _field(7, graph)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model)
        return path

    return write


@pytest.fixture
def matting_model(onnx_model, tmp_path):
    """What is dark is product: as ISNet in what goes in and out, and in nothing else."""
    double = ("Add", {})
    chain = [("ReduceMean", {"axes": [1]}), ("Neg", {}), *[double] * 5, ("Sigmoid", {})]
    return str(onnx_model(tmp_path / "matting.onnx", (1, 3, 1024, 1024), chain))


@pytest.fixture
def decency_model(onnx_model, tmp_path):
    """Green is indecent: as Open-NSFW in what goes in and out, and in nothing else."""
    chain = [("ReduceMean", {"axes": [1, 2]}), ("Softmax", {})]
    model = onnx_model(tmp_path / "decency.onnx", (1, 224, 224, 3), chain)
    return str(model)
