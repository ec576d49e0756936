"""The console's backdrop library: the shop's own pictures to stand behind products, by their colours."""

import math
from typing import Any

from flask import Response, request, url_for

from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.runtime import runtime
from generative.checks.image import MAX_BYTES
from generative.errors import UnsafeImage
from generative.picture import library
from generative.picture.library import Entry

UPLOADS = 12  # pictures in one form
MAX_UPLOAD = 3 * MAX_BYTES
_DARK, _PALE = 0.4, 0.8  # of OKLab's lightness
_GREY = 0.025  # a chroma below which a picture has no hue to speak of
_HUES = (  # of OKLab, every 30 degrees; it begins in pink
    *("pink", "red", "orange", "yellow", "lime", "green"),
    *("teal", "cyan", "sky blue", "blue", "violet", "magenta"),
)


def show() -> Response:
    config = runtime().config.generative
    entries = library.listing(config.library_dir)
    return page(
        "console/backdrops.html",
        heading="Backdrops",
        tab="creatives",
        pictures=[_picture(entry) for entry in entries],
        most=library.MOST,
        asked="library" in config.backdrops,
        least=f"{library.MIN_WIDTH} \u00d7 {library.MIN_HEIGHT}",
        checked=bool(config.weights("nsfw")),
    )


def upload() -> Response:
    """Keep every sound picture; say of each other why it was not taken."""
    sent = [one for one in request.files.getlist("pictures") if one.filename]
    if not sent:
        tell("Choose at least one picture.", "warn")
        return see_other("console.backdrops")
    config = runtime().config.generative
    kept, refused = 0, []
    for one in sent[:UPLOADS]:
        try:
            library.add(
                config.library_dir,
                one.stream.read(MAX_BYTES + 1),
                nsfw_model=config.weights("nsfw"),
            )
            kept += 1
        except UnsafeImage as error:
            refused.append(f"{(one.filename or '')[:40]}: {error}")
        except OSError as error:
            refused.append(f"the folder cannot be written ({error.strerror})")
            break
    refused += [f"{len(sent) - UPLOADS} more: {UPLOADS} at a time"] if len(sent) > UPLOADS else []
    words = f"{kept} kept. New banners may stand on them."
    if refused:
        words = f"{kept} kept; not taken: {'; '.join(refused)}"
    tell(words, "warn" if refused else "good")
    return see_other("console.backdrops")


def remove() -> Response:
    root = runtime().config.generative.library_dir
    if library.remove(root, request.form.get("sha256", "")[:64]):
        tell("The picture is removed. Banners that stand on it stay until they are made anew.")
    else:
        tell("That picture was gone already.", "warn")
    return see_other("console.backdrops")


def _picture(entry: Entry) -> dict[str, Any]:
    return {
        "sha256": entry.sha256,
        "url": url_for("console.backdrop", sha256=entry.sha256),
        "width": entry.width,
        "height": entry.height,
        "words": _words(entry),
        "checked": entry.checked,
    }


def _words(entry: Entry) -> str:
    """Its colour as one says it: what products it will be put behind."""
    light = "dark " if entry.lightness < _DARK else "pale " if entry.lightness > _PALE else ""
    if entry.chroma < _GREY:
        return f"{light}grey"
    turn = (math.degrees(entry.hue) % 360) / 30
    return f"{light}{_HUES[round(turn) % len(_HUES)]}"
