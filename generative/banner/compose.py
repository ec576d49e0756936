"""Backdrop, shadow and product in one picture. The product is scaled and nothing else."""

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from generative.banner.colours import Colours
from generative.banner.geometry import Geometry
from generative.picture.backdrop import backdrop
from generative.picture.cutout import Product
from generative.picture.palette import Palette

MAX_ENLARGED = 1.6  # beyond this a small photo turns soft
_SHADOW = (18, 24, 32)


def compose(
    product: Product | None,
    palette: Palette,
    geometry: Geometry,
    colours: Colours,
    *,
    size: str,
    seed: int,
) -> Image.Image:
    """Everything but the words, as RGB."""
    canvas = backdrop(palette, (geometry.width, geometry.height), seed=seed)
    if size == "rectangle":
        _paper(canvas, geometry, colours)
    if product is None:
        return canvas
    if product.method == "framed":
        place = _band if size == "rectangle" else _card
        place(canvas, product.image, geometry)
    else:
        _stand(canvas, product.image, geometry, stage=size == "hero")
    return canvas


def _paper(canvas: Image.Image, geometry: Geometry, colours: Colours) -> None:
    """A plain sheet under the words of a small banner."""
    top = int(geometry.picture[3])
    canvas.paste(colours.paper, (0, top, geometry.width, geometry.height))


def _card(canvas: Image.Image, photo: Image.Image, geometry: Geometry) -> None:
    """The whole photo with round corners on a soft shadow."""
    x, y, width, height = (round(part) for part in geometry.picture)
    scale = min(width / photo.width, height / photo.height, MAX_ENLARGED)
    # A wide photo would leave the place half empty, so it may lose up to a quarter of its sides.
    if scale * photo.height < height * 0.85:
        wanted = min(height * 0.85 / photo.height, scale / 0.75, MAX_ENLARGED)
        keep = round(min(photo.width, width / wanted))
        left = (photo.width - keep) // 2
        photo, scale = photo.crop((left, 0, left + keep, photo.height)), wanted
    shown = _scaled(photo, scale).convert("RGB")
    left = x + (width - shown.width) // 2
    top = y + (height - shown.height) // 2
    mask = _rounded(shown.size, 28)
    _shadow(canvas, mask, (left, top + 18), blur=26, strength=0.32)
    canvas.paste(shown, (left, top), mask)


def _band(canvas: Image.Image, photo: Image.Image, geometry: Geometry) -> None:
    """The photo from edge to edge above the words."""
    x, y, width, height = (round(part) for part in geometry.picture)
    scale = max(width / photo.width, height / photo.height)
    shown = _scaled(photo, scale).convert("RGB")
    left = (shown.width - width) // 2
    # Products stand in the lower middle of most photos.
    top = round((shown.height - height) * 0.55)
    canvas.paste(shown.crop((left, top, left + width, top + height)), (x, y))


def _stand(canvas: Image.Image, cut: Image.Image, geometry: Geometry, *, stage: bool) -> None:
    """A cut-out on its own shadow, in front of a pale disc where there is room for one."""
    x, y, width, height = (round(part) for part in geometry.picture)
    room = 0.8 if stage else 0.86
    scale = min(width * room / cut.width, height * room / cut.height, MAX_ENLARGED)
    shown = _scaled(cut, scale)
    left = x + (width - shown.width) // 2
    top = y + (height - shown.height) // 2 + (0 if stage else 2)
    if stage:
        longest = max(shown.size)
        _disc(canvas, (x + width // 2, y + height // 2), radius=min(round(longest * 0.76), 262))
    alpha = shown.getchannel("A")
    drop = max(4, shown.height // 22)
    _shadow(canvas, alpha, (left, top + drop), blur=max(4, shown.height // 18), strength=0.34)
    canvas.paste(shown.convert("RGB"), (left, top), alpha)


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
