"""The shop's own backdrops: uploaded pictures, kept under their hashes, matched by palette.

An upload is decoded and written anew before it is kept, so what is stored holds pixels alone.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from generative.checks.image import cleaned, open_image
from generative.checks.nsfw import look
from generative.config import GenerativeConfig
from generative.errors import ProviderUnavailable, UnsafeImage
from generative.files import store
from generative.picture.backdrops import Wish
from generative.picture.palette import Palette, palette

MOST = 500
LONGEST = 2400  # pixels; twice the widest placement
MIN_WIDTH, MIN_HEIGHT = 480, 320  # smaller ones blur when they are spread behind a banner
_NEAR = 0.12  # in OKLab's plane of colours: farther ones clash
_NEUTRAL = 0.04  # how far a grey picture is from any colour
_GREY = 0.025
_CLOSEST = 3  # of those that fit best, the seed chooses
# The words' ground, in luma of 255: dark ink reads on the first band, white on the second.
_PALE, _DEEP = (206, 248), (22, 84)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`checked` is what the picture check said when it was added."""

    sha256: str
    width: int
    height: int
    hue: float
    chroma: float
    lightness: float
    checked: str


def add(root: Path, data: bytes, *, nsfw_model: str = "") -> str:
    """Keep an uploaded picture; its hash. The same picture again changes nothing.

    Raises:
        UnsafeImage: No picture that can be opened, too small, indecent, or one too many.
    """
    clean, image = cleaned(data, longest=LONGEST)
    if image.width < MIN_WIDTH or image.height < MIN_HEIGHT:
        raise UnsafeImage(
            f"a backdrop is at least {MIN_WIDTH}x{MIN_HEIGHT}, this is {image.width}x{image.height}"
        )
    seen = look(image, nsfw_model)
    if seen.unsafe:
        raise UnsafeImage(seen.unsafe)
    sha256 = hashlib.sha256(clean).hexdigest()
    if (root / f"{sha256}.json").exists():
        return sha256
    if len(listing(root)) >= MOST:
        raise UnsafeImage(f"the library holds {MOST} pictures; remove one first")
    found = palette(image)
    entry = Entry(
        sha256=sha256,
        width=image.width,
        height=image.height,
        hue=found.hue,
        chroma=found.chroma,
        lightness=found.lightness,
        checked=seen.note,
    )
    store(clean, root / f"{sha256}.jpg")
    store(json.dumps(asdict(entry)).encode(), root / f"{sha256}.json")  # last: now it counts
    return sha256


def listing(root: Path) -> tuple[Entry, ...]:
    """Every picture of the library, in the order of their hashes; damaged entries are left out."""
    found: list[Entry] = []
    for path in sorted(root.glob("*.json")):
        try:
            entry = Entry(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        if (root / f"{entry.sha256}.jpg").is_file():
            found.append(entry)
    return tuple(found)


def remove(root: Path, sha256: str) -> bool:
    """Forget a picture; False where it was not there."""
    if not sha256.isalnum():
        return False
    told = (root / f"{sha256}.json").exists()
    (root / f"{sha256}.json").unlink(missing_ok=True)
    (root / f"{sha256}.jpg").unlink(missing_ok=True)
    return told


def path_of(root: Path, sha256: str) -> Path | None:
    """The JPEG of an entry; None where there is none."""
    path = root / f"{sha256}.jpg"
    return path if sha256.isalnum() and path.is_file() else None


def match(entries: Sequence[Entry], wanted: Palette, *, seed: int) -> Entry | None:
    """One of the pictures whose colours go best with a palette; None where all would clash."""
    near = sorted((_distance(entry, wanted), entry.sha256, entry) for entry in entries)
    fitting = [entry for distance, _, entry in near if distance <= _NEAR][:_CLOSEST]
    return fitting[seed % len(fitting)] if fitting else None


def paint(wish: Wish, config: GenerativeConfig) -> tuple[Image.Image, str]:
    """The best matching picture, spread over the canvas and quiet enough to be written on.

    Raises:
        ProviderUnavailable: The library is empty, or nothing in it goes with the palette.
    """
    root = config.library_dir
    entries = listing(root)
    if not entries:
        raise ProviderUnavailable("the backdrop library is empty")
    entry = match(entries, wish.own, seed=wish.seed)
    if entry is None:
        raise ProviderUnavailable("nothing in the backdrop library goes with these colours")
    try:
        image = open_image((root / f"{entry.sha256}.jpg").read_bytes()).convert("RGB")
    except (OSError, UnsafeImage) as error:
        raise ProviderUnavailable(f"backdrop {entry.sha256[:12]}: {error}") from error
    rng = np.random.default_rng(wish.seed)
    spread = ImageOps.fit(
        image, wish.size, Image.Resampling.LANCZOS, centering=(float(rng.random()), 0.5)
    )
    return quiet(spread, dark=wish.dark), entry.sha256[:16]


def quiet(image: Image.Image, *, dark: bool) -> Image.Image:
    """A picture as a ground for words: soft, and pale or deep from end to end."""
    soft = image.filter(ImageFilter.GaussianBlur(max(1.0, min(image.size) / 150)))
    luma, blue, red = soft.convert("YCbCr").split()
    low, high = np.percentile(np.asarray(luma.resize((64, 64))), (2, 98))
    bottom, top = _DEEP if dark else _PALE
    span = max(float(high - low), 48.0)  # a flat picture stays flat

    def banded(value: int) -> int:
        share = min(max((value - float(low)) / span, 0.0), 1.0)
        return round(bottom + (top - bottom) * share)

    return Image.merge(
        "YCbCr",
        (
            luma.point([banded(value) for value in range(256)]),
            blue.point([round(128 + (value - 128) * 0.8) for value in range(256)]),
            red.point([round(128 + (value - 128) * 0.8) for value in range(256)]),
        ),
    ).convert("RGB")


def _distance(entry: Entry, wanted: Palette) -> float:
    if entry.chroma < _GREY or wanted.chroma < _GREY:
        return _NEUTRAL + abs(entry.chroma - wanted.chroma) / 4
    return float(
        abs(entry.chroma * np.exp(1j * entry.hue) - wanted.chroma * np.exp(1j * wanted.hue))
    )
