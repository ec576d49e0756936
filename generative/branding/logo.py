"""A shop's logo: a stranger's picture, drawn anew from its pixels and kept under their hash.

What was uploaded is never stored or served: neither its metadata nor anything that hides in it
outlives the re-encoding. A logo is never overwritten, so an older brand kit finds the one it had.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from generative.checks.image import open_image
from generative.errors import UnsafeImage
from generative.files import store

FOLDER = "brand"
MAX_UPLOAD = 2_000_000  # bytes; a logo that is larger is a photograph
MAX_SIDE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """`url` is where our pages find it."""

    sha256: str
    width: int
    height: int
    url: str


def keep(data: bytes, media_dirs: Sequence[Path]) -> Logo:
    """Store an uploaded picture as a PNG of at most MAX_SIDE pixels a side.

    Raises:
        UnsafeImage: It is none, too large, or cannot be opened safely.
        OSError: The folder cannot be written.
    """
    if len(data) > MAX_UPLOAD:
        raise UnsafeImage(f"a logo of {len(data)} bytes; at most {MAX_UPLOAD} are taken")
    image = open_image(data)
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    image.info.clear()  # its profile would be written again
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    pixels = buffer.getvalue()
    sha256 = hashlib.sha256(pixels).hexdigest()
    store(pixels, _path(sha256, media_dirs))
    return Logo(sha256=sha256, width=image.width, height=image.height, url=url(sha256))


def read(sha256: str, media_dirs: Sequence[Path]) -> bytes | None:
    """The bytes of a kept logo; None where it is not there, or is not what its name says."""
    if not sha256:
        return None
    try:
        data = _path(sha256, media_dirs).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def url(sha256: str) -> str:
    return f"/media/{FOLDER}/{sha256}.png" if sha256 else ""


def _path(sha256: str, media_dirs: Sequence[Path]) -> Path:
    return media_dirs[-1] / FOLDER / f"{sha256}.png"
