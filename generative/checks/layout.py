"""Whether a banner's words stay where they belong, and whether they can be read. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from generative.banner.elements import Element
from generative.banner.geometry import LEAST_PX, Box, Geometry
from generative.picture.palette import contrast, luminance

MIN_CONTRAST = 4.5
MIN_CONTRAST_LARGE = 3.0
LARGE_PX, LARGE_BOLD_PX = 24.0, 18.66  # WCAG's large type: 18 points, or 14 bold
_SLACK = 1.6  # pixels by which engines round
_BOLD = 700


def problems(
    elements: Sequence[Element],
    boxes: Mapping[str, Box],
    geometry: Geometry,
    *,
    products: Sequence[Box],
) -> list[str]:
    """Texts that leave their place or the safe margin, are too small, or lie over something.

    `boxes` says where the words of each element really lie.
    """
    found = []
    for element in elements:
        name = element.name
        if name not in boxes:
            found.append(f"missing: {name} was not drawn")
            continue
        if _beyond(boxes[name], element.box):
            found.append(f"overflow: {name} leaves its place")
        if _outside(element.box if element.fill else boxes[name], geometry):
            found.append(f"margin: {name} comes too near the edge")
        if element.px < LEAST_PX[geometry.size] - 0.01:
            found.append(f"type: {name} is set in {element.px:.1f} px")
    solid = {e.name: _solid(e, boxes) for e in elements if e.name in boxes}
    names = list(solid)
    found.extend(
        f"overlap: {first} lies over {second}"
        for place, first in enumerate(names)
        for second in names[place + 1 :]
        if overlap(solid[first], solid[second]) > _touch(geometry)
    )
    found.extend(
        f"overlap: {name} lies over the product"
        for name in names
        if any(overlap(solid[name], product) > _touch(geometry) for product in products)
    )
    return found


def overlap(first: Box, second: Box) -> float:
    """The area that two boxes share."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    return max(width, 0.0) * max(height, 0.0)


def least_contrast(background: Image.Image, box: Box, ink: tuple[int, int, int]) -> float:
    """The contrast of a text with the worst hundredth of the pixels it stands on."""
    x, y, width, height = box
    area = background.convert("RGB").crop(
        (
            max(int(x), 0),
            max(int(y), 0),
            min(int(x + width) + 1, background.width),
            min(int(y + height) + 1, background.height),
        )
    )
    if not area.width or not area.height:
        return 1.0
    ratios = contrast(luminance(np.asarray(area)), luminance(ink))
    return float(np.percentile(ratios, 1))


def _solid(element: Element, boxes: Mapping[str, Box]) -> Box:
    """What an element covers: its block where it has one, else its words."""
    return element.box if element.fill or element.border else boxes[element.name]


def _touch(geometry: Geometry) -> float:
    """An area that rounding alone may bring about."""
    return 1.0 + geometry.width * 0.01


def _beyond(inner: Box, outer: Box) -> bool:
    return (
        inner[0] < outer[0] - _SLACK
        or inner[1] < outer[1] - _SLACK
        or inner[0] + inner[2] > outer[0] + outer[2] + _SLACK
        or inner[1] + inner[3] > outer[1] + outer[3] + _SLACK
    )


def _outside(box: Box, geometry: Geometry) -> bool:
    x, y, width, height = box
    margin = geometry.margin - _SLACK
    return (
        x < margin
        or y < margin
        or x + width > geometry.width - margin
        or y + height > geometry.height - margin
    )
