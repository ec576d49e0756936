"""Which template suits an item and its words: all are arranged, measured and ranked.

What is measured: how well the words fill their column and how large the headline came out, how
much of the banner the product takes, how far it stands off its ground, how readable the ink is,
and how the two halves balance. A little chance by the item's own seed keeps a shelf of equals from
looking the same, and is the same chance every time.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from generative.banner.choices import Choice
from generative.banner.colours import Colours, Rgb, apart, ratio
from generative.banner.compose import Shown
from generative.banner.geometry import Geometry
from generative.banner.layout import Arrangement

MOST_TRIED = 3
_CHANCE = 0.16
_GOOD_FILL = 0.8
_GOOD_AREA = 0.24  # of the banner: a product of a quarter is a hero
_STAND_OFF = 0.16  # in OKLab: less, and a pale product drowns in a pale ground
_AT_HOME = {  # what a photo that cannot be cut out looks like in a template
    "photo": {"editorial": 0.06, "field": -0.1, "frame": 0.04, "bold": -0.12, "type": 0.0},
    "card": {"editorial": 0.0, "field": -0.06, "frame": 0.0, "bold": -0.06, "type": 0.0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A choice arranged, with all that drawing it needs."""

    choice: Choice
    geometry: Geometry
    colours: Colours
    arrangement: Arrangement
    shown: Shown | None
    score: float
    measured: dict[str, float]


def ranked(
    choices: Sequence[Choice], arranged: Callable[[Choice], Candidate], *, seed: int
) -> list[Candidate]:
    """The best first; of equals the order of the choices decides."""
    found = [arranged(choice) for choice in choices]
    order = [candidate.score + _chance(candidate.choice, seed) for candidate in found]
    places = sorted(range(len(found)), key=lambda place: -order[place])
    return [found[place] for place in places][:MOST_TRIED]


def measured(
    choice: Choice,
    geometry: Geometry,
    colours: Colours,
    arrangement: Arrangement,
    shown: Shown | None,
    rim: Rgb | None,
) -> dict[str, float]:
    """Each of the measures, and their sum as `score`."""
    column = geometry.place.column
    area = _area(shown) / (geometry.width * geometry.height)
    behind = colours.shape if choice.template == "bold" else colours.stage
    off = apart(rim, behind) if rim is not None and shown and shown.kind == "cut" else 1.0
    text = (column[0] + column[2] / 2) / geometry.width - 0.5
    stands = 0.0
    if shown is not None:
        stands = (shown.box[0] + shown.box[2] / 2) / geometry.width - 0.5
    found = {
        "fill": arrangement.fill,
        "boldness": arrangement.boldness,
        "area": area,
        "stand_off": min(off, 1.0),
        "contrast": ratio(colours.ink_soft, colours.ground),
        "balance": 1.0 - min(abs(text + stands), 1.0),
    }
    score = 0.5 * arrangement.boldness - 0.35 * abs(arrangement.fill - _GOOD_FILL)
    score += 0.5 * min(area / _GOOD_AREA, 1.0) + 0.1 * found["balance"]
    score += 0.05 * min(found["contrast"] / 7.0, 1.0)
    score -= 1.2 * max(_STAND_OFF - off, 0.0) / _STAND_OFF
    score -= 0.12 * len(arrangement.repairs)
    if shown is None:
        score += 0.35 if choice.template == "type" else 0.0  # no picture: let the words carry it
    else:
        score += _AT_HOME.get(shown.kind, {}).get(choice.template, 0.0)
    return {name: round(value, 3) for name, value in {**found, "score": score}.items()}


def rim(image: Image.Image) -> Rgb | None:
    """The mean colour of a cut-out near its outline: what has to stand off the ground."""
    small = image.convert("RGBA").resize((48, 48), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float64)
    solid = pixels[..., 3] > 200  # noqa: PLR2004 surely the product
    padded = np.pad(solid, 2)
    inner = np.ones_like(solid)
    for dy in range(5):
        for dx in range(5):
            inner &= padded[dy : dy + 48, dx : dx + 48]
    edge = solid & ~inner
    if not edge.any():
        return None
    red, green, blue = (round(float(part)) for part in pixels[edge][:, :3].mean(axis=0))
    return red, green, blue


def _area(shown: Shown | None) -> float:
    if shown is None:
        return 0.0
    _, _, wide, tall = shown.box
    return max(wide, 0.0) * max(tall, 0.0)


def _chance(choice: Choice, seed: int) -> float:
    told = hashlib.blake2b(f"{seed}:{choice.name}".encode(), digest_size=4).digest()
    return _CHANCE * int.from_bytes(told) / 2**32
