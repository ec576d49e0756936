"""A short, calm loop: the product lifts a little and settles, then the button answers.

2.4 seconds, no flash, nothing that crosses the words. A photo that melts into its ground stays
where it is. The first frame is the finished banner, and so is the last.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw

from generative.banner.compose import Shown, pixels, place
from generative.banner.geometry import Box
from generative.banner.grounds import ground
from generative.picture.backdrops import PROCEDURAL

if TYPE_CHECKING:
    from generative.banner.materials import Materials
    from generative.banner.render import Drawn

_MOST_WIDE = 600  # pixels: a loop is for a phone's width, and its bytes grow with its area
_LIFT = (0.35, 0.75, 1.0, 1.0, 0.8, 0.45, 0.15)  # of the whole lift, an eighth of a second each
_HEIGHT = 0.02  # the whole lift, of the banner's height
_REST_MS, _STEP_MS, _PRESS_MS = 700, 120, 160
_GLOW = 26  # of 255: how much lighter a pressed button is


def frames(best: "Drawn", stuff: "Materials") -> tuple[list[Image.Image], list[int]]:
    """The stills of the loop and how long each is shown, in milliseconds."""
    whole = best.flat()
    lifted = _lifted(best, stuff)
    shown, times = [whole, *lifted], [_REST_MS, *[_STEP_MS] * len(lifted)]
    if lifted:
        shown.append(whole)
        times.append(_STEP_MS)
    pressed = _pressed(best, whole)
    shown += [pressed, whole, pressed, whole]
    times += [_PRESS_MS, _PRESS_MS, _PRESS_MS, 2400 - sum(times) - 3 * _PRESS_MS]
    scale = min(_MOST_WIDE / whole.width, 1.0)
    size = (round(whole.width * scale), round(whole.height * scale))
    return [still.resize(size, Image.Resampling.LANCZOS) for still in shown], times


def _lifted(best: "Drawn", stuff: "Materials") -> list[Image.Image]:
    """The banner with its product a few pixels higher; its words stay where they are."""
    candidate = best.candidate
    shown, form = candidate.shown, candidate.geometry
    if shown is None or shown.kind not in {"cut", "card"} or best.painter != PROCEDURAL:
        return []  # what lies behind the product cannot be painted again
    image = pixels(shown)
    bare = ground(candidate.choice.template, form, best.painted, seed=stuff.seed)
    return [_at(best, shown, image, bare, round(form.height * _HEIGHT * lift)) for lift in _LIFT]


def _at(best: "Drawn", shown: Shown, image: Image.Image, bare: Image.Image, up: int) -> Image.Image:
    form = best.candidate.geometry
    x, y, wide, tall = shown.box
    raised = replace(
        shown, corner=(shown.corner[0], shown.corner[1] - up), box=(x, y - up, wide, tall)
    )
    sheet = bare.copy()
    place(sheet, raised, image, best.candidate.colours, form)
    moved = best.sheet.copy()
    area = _around(raised.box, shown.box, form.height * 0.06, best.sheet.size)
    moved.paste(sheet.crop(area), area[:2])
    moved.paste(best.setting.image, (0, 0), best.setting.image)
    return moved


def _pressed(best: "Drawn", whole: Image.Image) -> Image.Image:
    """The banner with its button a shade lighter, in the button's own shape."""
    button = next(part for part in best.arrangement.elements if part.name == "action")
    x, y, wide, tall = button.box
    mask = Image.new("L", whole.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle(
        (x, y, x + wide, y + tall), min(button.radius, tall / 2), fill=255
    )
    lighter = ImageChops.add(whole, Image.new("RGB", whole.size, (_GLOW, _GLOW, _GLOW)))
    return Image.composite(lighter, whole, mask)


def _around(
    first: Box, second: Box, pad: float, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    left = min(first[0], second[0]) - pad
    top = min(first[1], second[1]) - pad
    right = max(first[0] + first[2], second[0] + second[2]) + pad
    bottom = max(first[1] + first[3], second[1] + second[3]) + pad
    return (
        max(round(left), 0),
        max(round(top), 0),
        min(round(right), size[0]),
        min(round(bottom), size[1]),
    )
