"""The product on its ground. It is scaled and nothing else: never cropped, tinted or turned."""

from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from generative.banner.colours import WHITE, Colours, Rgb, deep
from generative.banner.geometry import Box, Geometry
from generative.banner.melt import (
    Melted,
    Stretch,
    extended,
    faded,
    run_out,
    stretched,
    stretches,
)
from generative.picture.cutout import Product

_STEPPED = 1.15  # enlarged by more, a mask's pixels show as steps
_CARD_PAD = 0.07  # of the picture's shorter side, white on every side
_CARD_LEAST = 0.8  # width of a card by its height: a narrow bottle does not make a strip
_SHADOW: Rgb = (14, 18, 26)
_MELTING = frozenset({"editorial", "field", "frame", "type"})
_GROUNDED = frozenset({"editorial", "field"})  # whose stage ends with the banner
_ROUND = {"square": 0.0, "soft": 0.03, "round": 0.08}  # of a photo's shorter side
_SMOOTH = 0.02  # how uneven a ground may be, in OKLab, to go on unseen
_MOST_PIXELS = 12_000_000  # of a photo as it melts: for a smaller subject it would be huge
_COVERS = 0.55  # of the stage: of a ground with a pattern most must be the photo itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a product will stand: its picture, its size and corner, and the box no word may touch.

    `kind` is melt, card, white, photo or cut; `radius` rounds the corners of a framed photo.
    """

    image: Image.Image
    size: tuple[int, int]
    corner: tuple[int, int]
    box: Box
    kind: str
    radius: int = 0
    grounded: bool = False
    stretch: Stretch | None = None


def stand(
    product: Product, melt: Melted | None, template: str, geometry: Geometry, *, corners: str
) -> Shown:
    """How large a product is shown in a template's picture box, and how."""
    if melt is not None and template in (_GROUNDED if melt.grounded else _MELTING):
        found = _melting(product.image, melt, geometry)
        _, _, wide, tall = geometry.place.stage
        covers = min(found.size[0], wide) * min(found.size[1], tall) / (wide * tall)
        goes_on = melt.uneven <= _SMOOTH or covers >= _COVERS
        if goes_on and found.size[0] * found.size[1] <= _MOST_PIXELS:
            return found
    box = geometry.place.picture
    if product.method == "card":
        return _on_white(product.image, template, geometry)
    framed = product.method == "framed"
    if framed and template == "editorial" and (bled := _bleeding(product.image, geometry)):
        return bled
    size = _sized(product.image.size, box, geometry)
    corner = _centred(size, box)
    return Shown(
        image=product.image,
        size=size,
        corner=corner,
        box=(*corner, *size),
        kind="photo" if framed else "cut",
        radius=round(min(size) * _ROUND[corners]),
    )


def pixels(shown: Shown) -> Image.Image:
    """The product's pixels as they will stand: RGBA for a cut-out, RGB for a photo."""
    if shown.kind != "cut":
        return scaled(shown.image.convert("RGB"), shown.size)
    cut = scaled(shown.image, shown.size)
    enlarged = shown.size[0] / shown.image.width
    if enlarged > _STEPPED:
        cut.putalpha(_smoothed(cut.getchannel("A"), enlarged))
    return cut


def _smoothed(alpha: Image.Image, enlarged: float) -> Image.Image:
    """An enlarged outline without its steps, drawn in by half a pixel of the photo's white rim."""
    soft = alpha.filter(ImageFilter.GaussianBlur(enlarged * 1.1))
    return soft.point(lambda value: max(0, min(255, round((value - 158) * 3.0 + 110))))


def place(
    sheet: Image.Image, shown: Shown, image: Image.Image, colours: Colours, geometry: Geometry
) -> None:
    """Lay a product's pixels on a painted sheet, with the shadow that its kind throws."""
    corner = shown.corner
    unit = min(geometry.width, geometry.height) / 100
    if shown.kind == "melt":
        _melt(sheet, shown, image, geometry)
    elif shown.kind == "photo" and shown.stretch:
        sheet.paste(image, corner, run_out(image.size, shown.stretch))
    elif shown.kind == "photo":
        mask = rounded(image.size, shown.radius)
        _shadow(sheet, mask, (corner[0], corner[1] + round(unit)), unit * 2.4, 0.2)
        sheet.paste(image, corner, mask)
    elif shown.kind == "card":
        x, y, wide, tall = (round(part) for part in shown.box)
        mask = rounded((wide, tall), round(min(wide, tall) * 0.05))
        _shadow(sheet, mask, (x, y + round(unit)), unit * 2.6, 0.18)
        sheet.paste(WHITE, (x, y), mask)
        sheet.paste(image, corner)
    elif shown.kind == "white":
        sheet.paste(image, corner)
    else:
        _cut_shadow(sheet, image, corner, colours)
        sheet.paste(image.convert("RGB"), corner, image.getchannel("A"))


def stage_of(shown: Shown | None, melt: Melted | None) -> Rgb | None:
    """The ground that a photo brings along, which the template then takes for its own."""
    if shown is None:
        return None
    if shown.kind == "melt" and melt is not None:
        return melt.ground
    return WHITE if shown.kind == "white" else None


def own_ground(shown: Shown, image: Image.Image, geometry: Geometry) -> Image.Image | None:
    """The photo's own ground carried over the stage on which it melts, as the stage lies."""
    x, y, wide, tall = (round(part) for part in geometry.place.stage)
    if shown.stretch and (shown.stretch.above or shown.stretch.below):
        return stretched(image, shown.corner[1] - y, (wide, tall))
    if shown.kind != "melt":
        return None
    return extended(image, (shown.corner[0] - x, shown.corner[1] - y), (wide, tall))


def _bleeding(photo: Image.Image, geometry: Geometry) -> Shown | None:
    """A photo from edge to edge of its panel, as in a magazine; its wall and floor may go on.

    Where only one of its upper and lower borders is ground, the other ends with the panel. None
    where it would leave bands: it is rather mounted with room on every side.
    """
    stage = geometry.place.stage
    size = _sized(photo.size, stage, geometry)
    left, top = _centred(size, stage)
    wide, tall = size[0] >= stage[2] - 2, size[1] >= stage[3] - 2
    stretch = stretches(photo) if wide else Stretch(above=False, below=False)
    if not (wide and (tall or stretch.above or stretch.below)):
        return None
    if stretch.above and not stretch.below:
        top = round(stage[1] + stage[3]) - size[1]
    elif stretch.below and not stretch.above:
        top = round(stage[1])
    return Shown(
        image=photo,
        size=size,
        corner=(left, top),
        box=(left, top, *size),
        kind="photo",
        stretch=stretch,
    )


def _melting(photo: Image.Image, melt: Melted, geometry: Geometry) -> Shown:
    """The photo so scaled and moved that its subject fills the picture box."""
    left, top, wide, tall = melt.subject
    box = geometry.place.picture
    if melt.grounded:
        box = (box[0], box[1], box[2], geometry.place.stage[1] + geometry.place.stage[3] - box[1])
    scale = min(box[2] / wide, box[3] / tall, geometry.measures.enlarged)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    corner = (
        round(box[0] + box[2] / 2 - (left + wide / 2) * scale),
        round(box[1] + box[3] / 2 - (top + tall / 2) * scale),
    )
    if melt.grounded:
        foot = geometry.place.stage[1] + geometry.place.stage[3]
        corner = (corner[0], round(foot - size[1]))
        tall = photo.height - top
    subject = (corner[0] + left * scale, corner[1] + top * scale, wide * scale, tall * scale)
    return Shown(
        image=photo, size=size, corner=corner, box=subject, kind="melt", grounded=melt.grounded
    )


def _melt(sheet: Image.Image, shown: Shown, image: Image.Image, geometry: Geometry) -> None:
    """Lay what a photo shows on its stage, its rim fading."""
    (left, top), (wide, tall) = shown.corner, shown.size
    x, y, across, down = geometry.place.stage
    area = (
        max(round(x) - left, 0),
        max(round(y) - top, 0),
        min(round(x + across) - left, wide),
        min(round(y + down) - top, tall),
    )
    if area[0] < area[2] and area[1] < area[3]:
        at = (left + area[0], top + area[1])
        sheet.paste(image.crop(area), at, faded(shown.size, area, grounded=shown.grounded))


def _on_white(photo: Image.Image, template: str, geometry: Geometry) -> Shown:
    """A studio photo: its white goes over into a white stage, or lies on a white card."""
    box = geometry.place.picture
    if template in _MELTING and template != "field":
        size = _sized(photo.size, box, geometry)
        corner = _centred(size, box)
        return Shown(image=photo, size=size, corner=corner, box=(*corner, *size), kind="white")
    pad = round(min(box[2], box[3]) * _CARD_PAD)
    room = (box[0] + pad, box[1] + pad, box[2] - 2 * pad, box[3] - 2 * pad)
    size = _sized(photo.size, room, geometry)
    corner = _centred(size, room)
    tall = size[1] + 2 * pad
    wide = min(round(box[2]), max(size[0] + 2 * pad, round(tall * _CARD_LEAST)))
    left = corner[0] + size[0] // 2 - wide // 2
    card = (float(left), float(corner[1] - pad), float(wide), float(tall))
    return Shown(image=photo, size=size, corner=corner, box=card, kind="card")


def _sized(size: tuple[int, int], box: Box, geometry: Geometry) -> tuple[int, int]:
    scale = min(box[2] / size[0], box[3] / size[1], geometry.measures.enlarged)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _centred(size: tuple[int, int], box: Box) -> tuple[int, int]:
    return round(box[0] + (box[2] - size[0]) / 2), round(box[1] + (box[3] - size[1]) / 2)


def _cut_shadow(
    sheet: Image.Image, image: Image.Image, corner: tuple[int, int], colours: Colours
) -> None:
    """A pool of shade under the product, darkest where it touches; deeper on dark grounds."""
    wide, tall = image.size
    shade = 0.55 if deep(colours.stage) else 0.36
    pad = max(8, round(max(wide, tall) * 0.12))
    pool = Image.new("L", (wide + 2 * pad, round(tall * 0.2) + 2 * pad), 0)
    height = max(4, round(min(wide, tall) * 0.07))
    middle = pool.height // 2
    ImageDraw.Draw(pool).ellipse(
        (pad + wide * 0.1, middle - height, pad + wide * 0.9, middle + height),
        fill=round(255 * shade),
    )
    pool = pool.filter(ImageFilter.GaussianBlur(max(3, height * 0.8)))
    at = (corner[0] - pad, corner[1] + tall - middle - round(height * 0.3))
    sheet.paste(_SHADOW, at, pool)
    _shadow(
        sheet,
        image.getchannel("A"),
        (corner[0], corner[1] + max(2, tall // 40)),
        max(3.0, max(wide, tall) / 26),
        0.16,
    )


def _shadow(
    sheet: Image.Image, mask: Image.Image, at: tuple[int, int], blur: float, strength: float
) -> None:
    pad = round(blur * 3)
    soft = Image.new("L", (mask.width + 2 * pad, mask.height + 2 * pad), 0)
    soft.paste(mask.point(lambda value: round(value * strength)), (pad, pad))
    sheet.paste(_SHADOW, (at[0] - pad, at[1] - pad), soft.filter(ImageFilter.BoxBlur(blur * 0.8)))


def scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scaled with premultiplied alpha, so that no white creeps in from behind a mask."""
    if image.mode != "RGBA":
        return image.resize(size, Image.Resampling.LANCZOS)
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def rounded(size: tuple[int, int], radius: int) -> Image.Image:
    if radius <= 0:
        return Image.new("L", size, 255)
    big = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    box = (0, 0, size[0] * 2 - 1, size[1] * 2 - 1)
    ImageDraw.Draw(big).rounded_rectangle(box, radius * 2, fill=255)
    return big.resize(size, Image.Resampling.BOX)
