"""What each template paints behind everything else: fields, panels, mounts and diagonals.

Painted as the template stands and turned where it is mirrored. Light and a breath of grain keep
large fields from looking printed by an office machine; neither moves a contrast by a tenth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from generative.banner.colours import Colours, Rgb, lightness
from generative.banner.geometry import Box, Geometry, line_inset
from generative.banner.templates import PLACES

_GRAIN = 0.9
_TILE = 256
_LIGHT = 0.055  # how much brighter a field is where its light falls


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What a template's painter is given beside the sheet."""

    stage: Box
    geometry: Geometry
    colours: Colours
    backdrop: Image.Image | None
    own: Image.Image | None


def ground(
    template: str,
    geometry: Geometry,
    colours: Colours,
    *,
    seed: int,
    backdrop: Image.Image | None = None,
    own: Image.Image | None = None,
) -> Image.Image:
    """The painted sheet, as RGB.

    `own` is the ground that a photo brought along, laid on the stage as it is; a `backdrop`, where
    there is no such ground, takes the place of the plain colour of a field, a panel or a mount.
    """
    place = PLACES[template, geometry.size]
    sheet = Image.new("RGB", (geometry.width, geometry.height), colours.ground)
    if own is not None and geometry.mirrored:
        own = ImageOps.mirror(own)  # the whole sheet is turned below
    stage = place.stage
    if stage[0] == 0 and stage[2] == geometry.width:
        stage = geometry.place.stage  # it has no other side to be mirrored to
    on = _Ground(stage=stage, geometry=geometry, colours=colours, backdrop=backdrop, own=own)
    _PAINTERS[template](sheet, on)
    if geometry.mirrored:
        sheet = ImageOps.mirror(sheet)
    return _grained(sheet, seed)


def canvas(template: str, geometry: Geometry) -> Box | None:
    """Where a backdrop goes as the banner lies, a mount around the stage; None where none is painted."""
    if template == "frame":
        return (0.0, 0.0, float(geometry.width), float(geometry.height))
    return geometry.place.stage if template in {"editorial", "field"} else None


def _editorial(sheet: Image.Image, on: _Ground) -> None:
    sheet.paste(_lit(on.stage, on.colours.stage, on.own or on.backdrop), _corner(on.stage))


def _field(sheet: Image.Image, on: _Ground) -> None:
    sheet.paste(_lit(on.stage, on.colours.stage, on.own or on.backdrop), _corner(on.stage))
    if on.own or on.backdrop or on.colours.shape == on.colours.stage:  # a picture is disc enough
        return
    x, y, wide, tall = PLACES["field", on.geometry.size].picture
    radius = max(wide, tall) * (0.6 if on.geometry.size != "leaderboard" else 0.9)
    centre = (x + wide / 2, y + tall / 2)
    _disc(sheet, centre, radius, on.colours.shape)


def _frame(sheet: Image.Image, on: _Ground) -> None:
    mount = (0.0, 0.0, float(on.geometry.width), float(on.geometry.height))
    sheet.paste(_lit(mount, on.colours.shape, on.backdrop), (0, 0))
    x, y, wide, tall = on.stage
    ImageDraw.Draw(sheet).rectangle((x, y, x + wide - 1, y + tall - 1), fill=on.colours.ground)
    if on.own:
        sheet.paste(on.own, _corner(on.stage))
    _mount_line(sheet, on.geometry, on.colours)


def _bold(sheet: Image.Image, on: _Ground) -> None:
    """Two flat colours are the point of a poster: no picture is painted."""
    x, y, _, _ = on.stage
    width, height = on.geometry.width, on.geometry.height
    if y > 0:  # the diagonal crosses the foot
        rise = width * 0.2
        main: list[tuple[float, float]] = [
            (0, y + rise),
            (width, y - rise * 0.2),
            (width, height),
            (0, height),
        ]
        second: list[tuple[float, float]] = [
            (0, height),
            (0, y + rise * 2.4),
            (width, height * 1.02),
            (width, height),
        ]
    else:
        lean = height * (0.16 if on.geometry.size != "leaderboard" else 0.5)
        main = [(x - lean * 0.1, 0), (width, 0), (width, height), (x + lean, height)]
        second = [(width, height * 0.44), (width, height), (x + lean + width * 0.16, height)]
    _polygon(sheet, main, on.colours.shape)
    _polygon(sheet, second, on.colours.shape_soft)
    if on.geometry.legal and on.geometry.size == "rectangle":  # the law gets a foot of one colour
        sheet.paste(on.colours.ground, (0, round(on.geometry.legal[1] - 3), width, height))


def _type(sheet: Image.Image, on: _Ground) -> None:
    if on.own:
        sheet.paste(on.own, _corner(on.stage))
    _brand_line(sheet, on.geometry, on.colours)


def lines(sheet: Image.Image, template: str, geometry: Geometry, colours: Colours) -> None:
    """A template's hairlines once more, over a photo that has been laid on them."""
    if template == "frame":
        _mount_line(sheet, geometry, colours)
    elif template == "type":
        _brand_line(sheet, geometry, colours)


def _mount_line(sheet: Image.Image, geometry: Geometry, colours: Colours) -> None:
    x, y, wide, tall = PLACES["frame", geometry.size].stage
    inset = round(line_inset(geometry.width, geometry.height))
    if geometry.size == "leaderboard":
        inset = 0
    ImageDraw.Draw(sheet).rectangle(
        (x + inset, y + inset, x + wide - 1 - inset, y + tall - 1 - inset),
        outline=colours.line,
        width=max(1, round(min(geometry.width, geometry.height) / 360)),
    )


def _brand_line(sheet: Image.Image, geometry: Geometry, colours: Colours) -> None:
    if geometry.size == "leaderboard":
        return
    brand = PLACES["type", geometry.size].brand
    below = brand[1] + brand[3] + geometry.measures.gap * 0.55
    thick = max(1, round(geometry.height / 500))
    ImageDraw.Draw(sheet).rectangle(
        (brand[0], below, geometry.width - brand[0], below + thick - 1), fill=colours.line
    )


_PAINTERS: dict[str, Callable[[Image.Image, _Ground], None]] = {
    "editorial": _editorial,
    "field": _field,
    "frame": _frame,
    "bold": _bold,
    "type": _type,
}


def _corner(box: Box) -> tuple[int, int]:
    return round(box[0]), round(box[1])


def _lit(box: Box, rgb: Rgb, backdrop: Image.Image | None) -> Image.Image:
    """A sheet of one colour with a soft light on it, or the backdrop cut to its size."""
    size = (round(box[2]), round(box[3]))
    if backdrop is not None:
        return ImageOps.fit(backdrop.convert("RGB"), size, Image.Resampling.BICUBIC)
    columns, rows = max(size[0] // 8, 4), max(size[1] // 8, 4)
    x = np.linspace(-1.0, 1.0, columns)[None, :]
    y = np.linspace(-1.0, 1.0, rows)[:, None]
    light = np.exp(-(((x - 0.1) / 0.9) ** 2 + ((y + 0.15) / 0.9) ** 2))[..., None]  # (H, W, 1)
    base = np.array(rgb, dtype=np.float64)
    strength = _LIGHT if lightness(rgb) < 0.97 else 0.0  # noqa: PLR2004 white cannot be lit
    lit = base + (255.0 - base) * light * strength - base * (1 - light) * strength * 0.5
    small = Image.fromarray(lit.clip(0, 255).round().astype(np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC)


def _disc(sheet: Image.Image, centre: tuple[float, float], radius: float, rgb: Rgb) -> None:
    box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
    mask = Image.new("L", (sheet.width * 2, sheet.height * 2), 0)
    ImageDraw.Draw(mask).ellipse(tuple(part * 2 for part in box), fill=255)
    sheet.paste(rgb, (0, 0), mask.resize(sheet.size, Image.Resampling.BOX))


def _polygon(sheet: Image.Image, points: Sequence[tuple[float, float]], rgb: Rgb) -> None:
    mask = Image.new("L", (sheet.width * 2, sheet.height * 2), 0)
    ImageDraw.Draw(mask).polygon([(x * 2, y * 2) for x, y in points], fill=255)
    sheet.paste(rgb, (0, 0), mask.resize(sheet.size, Image.Resampling.BOX))


def _grained(sheet: Image.Image, seed: int) -> Image.Image:
    """Noise against bands in what is smooth, from one tile: large sheets cost no more."""
    tile = _noise(seed % 8)
    pixels = np.asarray(sheet, dtype=np.int16)
    rows, columns = -(-sheet.height // _TILE), -(-sheet.width // _TILE)
    noise = np.tile(tile, (rows, columns))[: sheet.height, : sheet.width, None]
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


@lru_cache(maxsize=8)
def _noise(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, _GRAIN, size=(_TILE, _TILE)).round().astype(np.int16)
