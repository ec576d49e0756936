"""A brief and its copy as a JPEG: composed, set in type, measured, repaired, written whole or not at all."""

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from generative.banner.colours import Colours, colours
from generative.banner.compose import compose
from generative.banner.drawn import draw
from generative.banner.geometry import Box, Geometry, geometry
from generative.banner.layout import Setting, typeset
from generative.banner.words import words
from generative.brand import BrandKit
from generative.checks.image import open_image
from generative.checks.layout import MIN_CONTRAST, least_contrast
from generative.errors import ProviderUnavailable, UnsafeImage
from generative.picture.backdrops import Paint
from generative.picture.cutout import Product, cut_out
from generative.picture.palette import Palette, palette
from generative.types import Banner, Brief, Copy

QUALITY = 88
_PLAIN = Palette(hue=4.2, chroma=0.02, lightness=0.9)
_SCRIMS = (0.5, 0.8, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """`checks` holds what was measured: problems, contrast of each text, repairs, font sizes."""

    data: bytes
    media_type: str
    width: int
    height: int
    alt: str
    checks: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        return not self.checks["problems"]


def render(  # noqa: PLR0913 each is a part of the picture
    brief: Brief,
    copy: Copy,
    photo: bytes | None,
    kit: BrandKit,
    *,
    seed: int,
    cutout_model: str = "",
    cutout_cache: Path | None = None,
    backdrop: Paint | None = None,
    xmp: bytes = b"",
) -> Rendered:
    """Draw one banner; a photo that must not be opened leaves the words on the backdrop.

    `backdrop` paints behind the product, else waves of its colours; a model's cut-outs are kept in
    `cutout_cache`.

    Raises:
        KeyError: A size that does not exist.
    """
    place = geometry(brief.size, price_band=brief.audience.price_band)
    product, trouble = _product(photo, cutout_model, cutout_cache)
    found = palette(product.image) if product else _PLAIN
    scheme = colours(found, kit.color)
    painted, painter = backdrop(found, (place.width, place.height)) if backdrop else (None, "")
    canvas, stands = compose(
        product, found, place, scheme, size=brief.size, seed=seed, painted=painted
    )
    place = replace(place, picture=stands)
    text = words(brief, copy, kit.name)
    try:
        setting = typeset(text, place, scheme, size=brief.size)
    except ProviderUnavailable:
        setting = draw(text, place, scheme)
    canvas, contrasts, scrim = _readable(canvas, setting, scheme, place)
    canvas.paste(setting.image, (0, 0), setting.image)
    low = [
        f"contrast of {name} is {ratio}"
        for name, ratio in contrasts.items()
        if ratio < MIN_CONTRAST
    ]
    checks = {
        "problems": [*setting.problems, *low],
        "contrast": contrasts,
        "repairs": [*setting.repairs, *([f"scrim {scrim}"] if scrim else [])],
        "headline_px": setting.headline_px,
        "tagline_px": setting.tagline_px,
        "eyebrow": setting.words.eyebrow,
        "price_px": setting.price_px,
        "engine": setting.engine,
        "picture": product.method if product else "none",
        "picture_problem": trouble,
        "cutout_refused": product.refused if product else "",
        "backdrop": painter or "procedural",
    }
    return Rendered(
        data=_encode(canvas, xmp),
        media_type="image/jpeg",
        width=place.width,
        height=place.height,
        alt=brief.item.title,
        checks=checks,
    )


def write(rendered: Rendered, key: str, banners_dir: Path) -> Banner:
    """Put the picture in a file of its own, by renaming, so that no reader meets half of it.

    The name holds the content's hash: two workers with one key must not change each other's file.
    """
    sha256 = hashlib.sha256(rendered.data).hexdigest()
    path = f"{key[:2]}/{key}-{sha256[:12]}.jpg"
    target = banners_dir / path
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(rendered.data)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Banner(
        path=path,
        sha256=sha256,
        width=rendered.width,
        height=rendered.height,
    )


def _product(
    photo: bytes | None, cutout_model: str, cutout_cache: Path | None
) -> tuple[Product | None, str]:
    if photo is None:
        return None, ""
    try:
        image = open_image(photo)
    except UnsafeImage as error:
        return None, str(error)
    try:
        return cut_out(image, model_path=cutout_model, cache_dir=cutout_cache), ""
    except ProviderUnavailable as error:
        return cut_out(image), str(error)


def _readable(
    canvas: Image.Image, setting: Setting, scheme: Colours, place: Geometry
) -> tuple[Image.Image, dict[str, float], float]:
    """Measure every text on the pixels behind it; lay paper under the words until all are readable."""
    measured = _contrasts(canvas, setting, scheme)
    for strength in _SCRIMS:
        if all(ratio >= MIN_CONTRAST for ratio in measured.values()):
            return canvas, measured, 0.0 if strength == _SCRIMS[0] else strength
        canvas = _scrim(canvas, scheme, place, strength)
        measured = _contrasts(canvas, setting, scheme)
    return canvas, measured, _SCRIMS[-1]


def _contrasts(canvas: Image.Image, setting: Setting, scheme: Colours) -> dict[str, float]:
    inks = {
        "eyebrow": scheme.ink_soft,
        "headline": scheme.ink,
        "tagline": scheme.ink_soft,
        "price": scheme.ink,
        "was": scheme.ink_soft,
    }
    boxes = setting.boxes
    ratios = {
        name: round(least_contrast(canvas, boxes[name], ink), 2)
        for name, ink in inks.items()
        if name in boxes
    }
    # The button and a chip bring their own ground.
    button = Image.new("RGB", (1, 1), scheme.accent)
    ratios["action"] = round(least_contrast(button, (0, 0, 1, 1), scheme.on_accent), 2)
    return ratios


def _scrim(canvas: Image.Image, scheme: Colours, place: Geometry, strength: float) -> Image.Image:
    pad = place.margin / 2
    box: Box = (
        min(place.column[0], place.row[0]) - pad,
        place.column[1] - pad,
        max(place.column[2], place.row[2]) + 2 * pad,
        place.row[1] + place.row[3] - place.column[1] + 2 * pad,
    )
    area = tuple(round(part) for part in (box[0], box[1], box[0] + box[2], box[1] + box[3]))
    sheet = Image.new("RGB", (area[2] - area[0], area[3] - area[1]), scheme.paper)
    mask = Image.new("L", sheet.size, round(strength * 255))
    covered = canvas.copy()
    covered.paste(sheet, (area[0], area[1]), mask)
    return covered


def _encode(canvas: Image.Image, xmp: bytes) -> bytes:
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0, xmp=xmp or None)
    return buffer.getvalue()
