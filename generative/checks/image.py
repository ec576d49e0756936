"""Opening pictures from strangers: size, format and pixels are known before anything is decoded."""

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from generative.errors import UnsafeImage

MAX_BYTES = 8_000_000
MAX_PIXELS = 25_000_000
MIN_SIDE = 16
_QUALITY = 92
FORMATS = ("JPEG", "PNG", "WEBP")


def open_image(data: bytes) -> Image.Image:
    """Decode a picture, upright, as RGB or RGBA.

    Raises:
        UnsafeImage: Too large in bytes or pixels, no JPEG, PNG or WebP, damaged, or tiny.
    """
    if len(data) > MAX_BYTES:
        raise UnsafeImage(f"picture of {len(data)} bytes; at most {MAX_BYTES} are opened")
    try:
        with warnings.catch_warnings():
            # Pillow's own alarm comes later than ours and would be a warning; ours decides.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            _inspect(data)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                image.load()
                upright = ImageOps.exif_transpose(image)
                return upright.convert("RGBA" if _has_alpha(upright) else "RGB")
    except Image.DecompressionBombError as error:
        raise UnsafeImage(f"picture is a decompression bomb: {error}") from error
    except UnidentifiedImageError as error:
        raise UnsafeImage("not a JPEG, PNG or WebP picture") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnsafeImage(f"damaged picture: {error}") from error


def cleaned(data: bytes, *, longest: int, transparent: bool = False) -> tuple[bytes, Image.Image]:
    """A stranger's picture written anew: its pixels and nothing else, at most `longest` a side.

    What came along is left behind: EXIF with its place and camera, comments, thumbnails, profiles,
    and whatever was appended to make the file two files in one. Returns the bytes, a JPEG, or a PNG
    where transparency is kept, and the picture in them.

    Raises:
        UnsafeImage: As `open_image`.
    """
    image = open_image(data)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    pixels = Image.new(image.mode, image.size)
    pixels.paste(image)  # a new picture has no `info` to be written again
    buffer = io.BytesIO()
    if transparent and pixels.mode == "RGBA":
        pixels.save(buffer, "PNG", optimize=True)
        return buffer.getvalue(), pixels
    if pixels.mode == "RGBA":
        ground = Image.new("RGB", pixels.size, "white")
        ground.paste(pixels, mask=pixels.getchannel("A"))
        pixels = ground
    pixels.save(buffer, "JPEG", quality=_QUALITY, optimize=True, subsampling=0)
    return buffer.getvalue(), pixels


def _inspect(data: bytes) -> None:
    """Read the header only, then let the format's own checks run."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnsafeImage(
                f"picture of {width}x{height}; at most {MAX_PIXELS} pixels are opened"
            )
        if min(width, height) < MIN_SIDE:
            raise UnsafeImage(f"picture of {width}x{height} is too small to show")
        if getattr(image, "n_frames", 1) > 1:
            raise UnsafeImage("animated pictures are not opened")
        image.verify()


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
