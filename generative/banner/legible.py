"""Whether a sheet's words can be read where they stand, and what is done where they cannot."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageFilter

from generative.banner.colours import BLACK, WHITE, Rgb
from generative.banner.elements import Element
from generative.banner.geometry import Box, Geometry
from generative.banner.search import Candidate
from generative.banner.typeset import Setting
from generative.checks.layout import MIN_CONTRAST, least_contrast, problems
from generative.picture.palette import contrast, luminance


def contrasts(
    sheet: Image.Image, elements: Sequence[Element], boxes: Mapping[str, Box]
) -> dict[str, float]:
    """The contrast of each text with the worst pixels it stands on; a filled one stands on its fill."""
    found = {}
    for element in elements:
        if element.fill is not None:
            found[element.name] = round(
                float(contrast(luminance(element.ink), luminance(element.fill))), 2
            )
        elif element.name in boxes:
            found[element.name] = round(least_contrast(sheet, boxes[element.name], element.ink), 2)
    return found


def low(ratios: Mapping[str, float]) -> list[str]:
    return [name for name, found in ratios.items() if found < MIN_CONTRAST]


def troubles(
    elements: Sequence[Element],
    setting: Setting,
    geometry: Geometry,
    *,
    products: Sequence[Box],
    ratios: Mapping[str, float],
) -> list[str]:
    """All that is wrong with a sheet: where its words lie, what cannot be read, what no font draws."""
    found = problems(elements, setting.boxes, geometry, products=products)
    found += [f"contrast of {name} is {ratios[name]}" for name in low(ratios)]
    if setting.undrawn:
        found.append(f"glyph: no font here draws {setting.undrawn}; install one that does (Noto)")
    return found


def mended(
    sheet: Image.Image,
    candidate: Candidate,
    boxes: Mapping[str, Box],
    ratios: Mapping[str, float],
) -> dict[str, Rgb]:
    """For each text that cannot be read, the ink of ours that can best be read there."""
    colours = candidate.colours
    inks: dict[str, Rgb] = {}
    for name in low(ratios):
        tries: tuple[Rgb, ...] = (colours.ink, colours.ground, WHITE, BLACK)
        inks[name] = max(tries, key=lambda ink: round(least_contrast(sheet, boxes[name], ink), 1))
    return inks


def scrim(
    sheet: Image.Image, candidate: Candidate, boxes: Mapping[str, Box], names: Sequence[str]
) -> Image.Image:
    """A soft veil behind words on a ground of many lights: the opposite of their ink, felt, not seen."""
    inks = {element.name: element.ink for element in candidate.arrangement.elements}
    unit = candidate.geometry.measures.gap
    covered = sheet.copy()
    for name in names:
        x, y, wide, tall = boxes[name]
        veil = BLACK if float(luminance(inks[name])) > 0.18 else WHITE  # noqa: PLR2004 the middle of 1.05:0.05
        mask = Image.new("L", sheet.size, 0)
        pad = unit * 0.6
        area = (
            round(x - pad),
            round(y - pad * 0.5),
            round(x + wide + pad),
            round(y + tall + pad * 0.5),
        )
        mask.paste(255, area)
        soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(unit * 0.3)), dtype=np.float64)
        inner = Image.new("L", sheet.size, 0)
        inner.paste(255, (round(x - 2), round(y - 2), round(x + wide + 2), round(y + tall + 2)))
        strength = np.maximum(soft * 0.9, np.asarray(inner, dtype=np.float64) * 0.9)
        covered.paste(veil, (0, 0), Image.fromarray(strength.round().astype(np.uint8)))
    return covered
