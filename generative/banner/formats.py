"""A drawn banner as bytes: JPEG, WebP, PNG, a page of its own, or a short loop."""

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from generative.picture.marks import xmp_options

if TYPE_CHECKING:
    from generative.banner.render import Drawn, Materials

QUALITY = 88
_WEBP_QUALITY = 84


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    media_type: str
    suffix: str


FORMS = {
    "jpeg": Form(media_type="image/jpeg", suffix=".jpg"),
    "webp": Form(media_type="image/webp", suffix=".webp"),
    "png": Form(media_type="image/png", suffix=".png"),
}


def suffix(media_type: str) -> str:
    return next(form.suffix for form in FORMS.values() if form.media_type == media_type)


def encode(best: "Drawn", stuff: "Materials", *, form: str, xmp: bytes) -> bytes:
    del stuff
    return picture(best.flat(), form=form, xmp=xmp)


def picture(image: Image.Image, *, form: str, xmp: bytes) -> bytes:
    """One still picture with its XMP packet."""
    buffer = io.BytesIO()
    if form == "webp":
        image.save(buffer, "WEBP", quality=_WEBP_QUALITY, method=4, xmp=xmp)
    elif form == "png":
        image.save(buffer, "PNG", optimize=False, compress_level=6, **xmp_options("PNG", xmp))
    else:
        image.save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0, xmp=xmp or None)
    return buffer.getvalue()


def inlined(image: Image.Image) -> str:
    data = picture(image, form="jpeg", xmp=b"")
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
