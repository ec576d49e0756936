"""Whether a banner's boxes stay where they belong, and whether its words can be read. Pure."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from generative.banner.geometry import Box, Geometry
from generative.picture.palette import contrast, luminance

MIN_CONTRAST = 4.5
_SLACK = 0.6  # pixels by which engines round
_IN_COLUMN = ("eyebrow", "headline", "tagline")
_IN_ROW = ("price", "was", "action")


def problems(
    boxes: Mapping[str, Box], geometry: Geometry, *, widest: Mapping[str, float]
) -> list[str]:
    """Texts that leave their place, the safe margin, or lie over each other or the product."""
    found = []
    _, column_y, column_width, column_height = geometry.column
    row_x, _, row_width, _ = geometry.row
    for name in _IN_COLUMN:
        if name not in boxes:
            continue
        _, y, _, height = boxes[name]
        if y + height > column_y + column_height + _SLACK:
            found.append(f"column: {name} ends at {y + height:.0f}")
        if widest.get(name, 0.0) > column_width + _SLACK:
            found.append(f"column: a word of the {name} is {widest[name]:.0f} wide")
    for name in _IN_ROW:
        if name in boxes:
            x, _, width, _ = boxes[name]
            if x < row_x - _SLACK or x + width > row_x + row_width + _SLACK:
                found.append(f"row: {name} ends at {x + width:.0f}")
    if (
        "brand" in boxes
        and boxes["brand"][0] + boxes["brand"][2] > geometry.width - geometry.margin
    ):
        found.append("row: brand is too wide")
    texts = [name for name in (*_IN_COLUMN, *_IN_ROW, "brand") if name in boxes]
    found.extend(
        f"column: {name} leaves the margin" for name in texts if _outside(boxes[name], geometry)
    )
    found.extend(
        f"column: {first} lies over {second}"
        for place, first in enumerate(texts)
        for second in texts[place + 1 :]
        if overlap(boxes[first], boxes[second]) > 1.0
    )
    found.extend(
        f"column: {name} lies over the product"
        for name in (*_IN_COLUMN, *_IN_ROW)
        if name in boxes and overlap(boxes[name], geometry.picture) > 1.0
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


def _outside(box: Box, geometry: Geometry) -> bool:
    x, y, width, height = box
    margin = geometry.margin - _SLACK
    return (
        x < margin
        or y < margin
        or x + width > geometry.width - margin
        or y + height > geometry.height - margin
    )
