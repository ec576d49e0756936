"""Backdrop, shadow and product in one picture. The product is scaled and nothing else."""

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from generative.banner.colours import Colours
from generative.banner.geometry import Box, Geometry
from generative.picture.backdrop import backdrop
from generative.picture.cutout import Product
from generative.picture.palette import Palette

MAX_ENLARGED = 1.6  # beyond this a small photo turns soft
_CARD_PAD = 0.08  # of the picture's height, white on every side
_CARD_LEAST = 0.8  # width of a card by its height: a narrow bottle does not make a strip
_SHADOW = (18, 24, 32)


def compose(
    product: Product | None,
    palette: Palette,
    geometry: Geometry,
    colours: Colours,
    *,
    size: str,
    seed: int,
    painted: Image.Image | None = None,
) -> tuple[Image.Image, Box]:
    """Everything but the words, as RGB, and the box in which the product stands.

    `painted` is a backdrop of the canvas's size; without one, waves of the palette.
    """
    if painted is None:
        canvas = backdrop(palette, (geometry.width, geometry.height), seed=seed)
    else:
        canvas = painted.copy()
    if size == "rectangle":
        _paper(canvas, geometry, colours)
    if product is None:
        return canvas, (0.0, 0.0, 0.0, 0.0)
    if product.method == "framed":
        return canvas, _photo(canvas, product.image, geometry)
    if product.method == "card":
        return canvas, _card(canvas, product.image, geometry)
    return canvas, _stand(canvas, product.image, geometry, stage=size == "hero")


def _paper(canvas: Image.Image, geometry: Geometry, colours: Colours) -> None:
    """A plain sheet under the words of a small banner."""
    top = int(geometry.picture[1] * 2 + geometry.picture[3])
    canvas.paste(colours.paper, (0, top, geometry.width, geometry.height))


def _card(canvas: Image.Image, photo: Image.Image, geometry: Geometry) -> Box:
    """A studio photo on a white card a little larger than itself."""
    x, y, width, height = (round(part) for part in geometry.picture)
    pad = round(height * _CARD_PAD)
    room = (width - 2 * pad, height - 2 * pad)
    scale = min(room[0] / photo.width, room[1] / photo.height, MAX_ENLARGED)
    shown = _scaled(photo.convert("RGB"), scale)
    tall = shown.height + 2 * pad
    wide = min(width, max(shown.width + 2 * pad, round(tall * _CARD_LEAST)))
    card = Image.new("RGB", (wide, tall), "white")
    card.paste(shown, ((wide - shown.width) // 2, pad))
    return _laid(canvas, card, geometry, (x + (width - wide) // 2, y + (height - tall) // 2))


def _photo(canvas: Image.Image, photo: Image.Image, geometry: Geometry) -> Box:
    """The photo with round corners on a soft shadow; a wide one may lose a quarter of its sides."""
    x, y, width, height = (round(part) for part in geometry.picture)
    scale = min(width / photo.width, height / photo.height, MAX_ENLARGED)
    if scale * photo.height < height * 0.85:
        wanted = min(height * 0.85 / photo.height, scale / 0.75, MAX_ENLARGED)
        keep = round(min(photo.width, width / wanted))
        left = (photo.width - keep) // 2
        photo, scale = photo.crop((left, 0, left + keep, photo.height)), wanted
    shown = _scaled(photo, scale).convert("RGB")
    left = x + (width - shown.width) // 2
    top = y + (height - shown.height) // 2
    return _laid(canvas, shown, geometry, (left, top))


def _laid(
    canvas: Image.Image, sheet: Image.Image, geometry: Geometry, corner: tuple[int, int]
) -> Box:
    """A sheet with round corners on its own soft shadow."""
    left, top = corner
    unit = geometry.height / 100
    mask = _rounded(sheet.size, round(unit * 4.4))
    _shadow(canvas, mask, (left, top + round(unit * 2)), blur=round(unit * 3) + 2, strength=0.3)
    canvas.paste(sheet, corner, mask)
    return (left, top, sheet.width, sheet.height)


def _stand(canvas: Image.Image, cut: Image.Image, geometry: Geometry, *, stage: bool) -> Box:
    """A cut-out on its own shadow, in front of a pale disc where there is room for one."""
    x, y, width, height = (round(part) for part in geometry.picture)
    room = 0.8 if stage else 0.96
    scale = min(width * room / cut.width, height * room / cut.height, MAX_ENLARGED)
    shown = _scaled(cut, scale)
    left = x + (width - shown.width) // 2
    top = y + (height - shown.height) // 2
    box: Box = (left, top, shown.width, shown.height)
    if stage:
        radius = min(round(max(shown.size) * 0.72), 250)
        _disc(canvas, (x + width // 2, y + height // 2), radius=radius)
        box = (x + width / 2 - radius, y + height / 2 - radius, radius * 2, radius * 2)
    alpha = shown.getchannel("A")
    drop = max(3, shown.height // 22)
    _shadow(canvas, alpha, (left, top + drop), blur=max(4, shown.height // 18), strength=0.34)
    canvas.paste(shown.convert("RGB"), (left, top), alpha)
    return box


def _disc(canvas: Image.Image, centre: tuple[int, int], *, radius: int) -> None:
    size = radius * 2
    big = Image.new("L", (size * 2, size * 2), 0)
    ImageDraw.Draw(big).ellipse((0, 0, size * 2 - 1, size * 2 - 1), fill=235)
    mask = big.resize((size, size), Image.Resampling.LANCZOS)
    corner = (centre[0] - radius, centre[1] - radius)
    _shadow(canvas, mask, (corner[0], corner[1] + 14), blur=30, strength=0.12)
    canvas.paste((255, 255, 255), corner, mask)


def _shadow(
    canvas: Image.Image, mask: Image.Image, at: tuple[int, int], *, blur: int, strength: float
) -> None:
    sheet = Image.new("L", canvas.size, 0)
    sheet.paste(mask.point(lambda value: round(value * strength)), at)
    canvas.paste(_SHADOW, (0, 0), sheet.filter(ImageFilter.GaussianBlur(blur)))


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    """Scaled with premultiplied alpha, so that no white creeps in from behind a mask."""
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if image.mode != "RGBA":
        return image.resize(size, Image.Resampling.LANCZOS)
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    big = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    box = (0, 0, size[0] * 2 - 1, size[1] * 2 - 1)
    ImageDraw.Draw(big).rounded_rectangle(box, radius * 2, fill=255)
    return ImageChops.duplicate(big.resize(size, Image.Resampling.LANCZOS))
