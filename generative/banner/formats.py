"""A drawn banner as bytes: JPEG, WebP, PNG, an SVG with live text, or a short loop."""

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generative.banner import fonts
from generative.banner.elements import Element
from generative.banner.fitting import Ruler
from generative.banner.motion import frames
from generative.banner.typeset import pages
from generative.picture.palette import hex_of

if TYPE_CHECKING:
    from generative.banner.materials import Materials
    from generative.banner.render import Drawn

QUALITY = 88
_WEBP_QUALITY = 84
_LOOP_QUALITY = 74
_PLAYS = 2  # twice 2.4 s stays under the five after which WCAG 2.2.2 asks for a way to stop it
_COLOURS = 128
_BASELINE = 0.36  # of the size, below the middle of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    media_type: str
    suffix: str
    moves: bool = False


FORMS = {
    "jpeg": Form(media_type="image/jpeg", suffix=".jpg"),
    "webp": Form(media_type="image/webp", suffix=".webp"),
    "png": Form(media_type="image/png", suffix=".png"),
    "svg": Form(media_type="image/svg+xml", suffix=".svg"),
    "loop": Form(media_type="image/webp", suffix=".webp", moves=True),
    "gif": Form(media_type="image/gif", suffix=".gif", moves=True),
}


def suffix(media_type: str) -> str:
    return next(form.suffix for form in FORMS.values() if form.media_type == media_type)


def encode(best: "Drawn", stuff: "Materials", *, form: str, alt: str, xmp: bytes) -> bytes:
    """The banner in one of FORMS; the same banner gives the same bytes."""
    if FORMS[form].moves:
        return _loop(best, stuff, form=form, xmp=xmp)
    if form == "svg":
        return _svg(best, stuff.ruler, alt=alt, xmp=xmp).encode()
    return picture(best.flat(), form=form, xmp=xmp)


def picture(image: Image.Image, *, form: str, xmp: bytes) -> bytes:
    """One still picture with its XMP packet."""
    buffer = io.BytesIO()
    held = xmp_options(form.upper(), xmp)
    if form == "webp":
        image.save(buffer, "WEBP", quality=_WEBP_QUALITY, method=4, **held)
    elif form == "png":
        image.save(buffer, "PNG", compress_level=6, **held)
    else:
        image.save(buffer, "JPEG", quality=QUALITY, optimize=True, subsampling=0, **held)
    return buffer.getvalue()


def xmp_options(kind: str, packet: bytes) -> dict[str, Any]:
    """What `Image.save(…, kind)` takes to write XMP; nothing where the kind holds none (GIF)."""
    if not packet or kind == "GIF":
        return {}
    if kind != "PNG":
        return {"xmp": packet}
    chunk = PngInfo()
    chunk.add_itxt("XML:com.adobe.xmp", packet.decode())
    return {"pnginfo": chunk}


def _loop(best: "Drawn", stuff: "Materials", *, form: str, xmp: bytes) -> bytes:
    """Its first frame is the whole banner: a reader that shows no motion loses nothing."""
    stills, times = frames(best, stuff)
    buffer = io.BytesIO()
    if form == "gif":
        palette = stills[0].quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
        flat = [still.quantize(palette=palette, dither=Image.Dither.NONE) for still in stills]
        flat[0].save(
            buffer,
            "GIF",
            save_all=True,
            append_images=flat[1:],
            duration=times,
            loop=_PLAYS - 1,  # of GIF: how often it is played again
            optimize=False,
        )
        return buffer.getvalue()
    stills[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=stills[1:],
        duration=times,
        loop=_PLAYS,
        quality=_LOOP_QUALITY,
        method=3,
        **xmp_options("WEBP", xmp),
    )
    return buffer.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an SVG's text: `length` binds its width, whatever face its reader has."""

    element: Element
    text: str
    x: float
    y: float
    length: float
    anchor: str


def _svg(best: "Drawn", ruler: Ruler, *, alt: str, xmp: bytes) -> str:
    arrangement, form = best.arrangement, best.candidate.geometry
    lines = [line for element in arrangement.elements for line in _lines(element, ruler)]
    faces = {
        name: base64.b64encode(path.read_bytes()).decode()
        for name, path in fonts.files()
        if any(_needs(element, name) for element in arrangement.elements)
    }
    return (
        pages()
        .get_template("banner.svg")
        .render(
            width=form.width,
            height=form.height,
            alt=alt,
            xmp=Markup(xmp.decode()),  # noqa: S704 our own packet, escaped where it is written
            sheet=base64.b64encode(picture(best.sheet, form="jpeg", xmp=b"")).decode(),
            faces=faces,
            elements=arrangement.elements,
            lines=lines,
            rule=arrangement.rule,
            rule_ink=hex_of(best.candidate.colours.accent),
        )
    )


def _needs(element: Element, name: str) -> bool:
    """Whether an element's first face, or for rarer letters its second, is the one of this name."""
    if f"'{name}'" not in element.face.family:
        return False
    return not name.endswith(" Ext") or any(
        "\u0100" <= letter <= "\u024f" for line in element.lines for letter in line
    )


def _lines(element: Element, ruler: Ruler) -> list[Line]:
    x, y, wide, tall = element.box
    leading = element.px * element.face.leading
    top = y + (tall - len(element.lines) * leading) / 2
    at, anchor = {
        "left": (x, "end" if element.rtl else "start"),
        "center": (x + wide / 2, "middle"),
        "right": (x + wide, "start" if element.rtl else "end"),
    }[element.align]
    return [
        Line(
            element=element,
            text=line,
            x=at,
            y=top + (place + 0.5) * leading + element.px * _BASELINE,
            length=ruler.width(line, element.face, element.px),
            anchor=anchor,
        )
        for place, line in enumerate(element.lines)
    ]
