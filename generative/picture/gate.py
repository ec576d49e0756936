"""Whether a backdrop generator may be used: measured against the library it learned from.

Pictures are compared as shoppers would see them, softened for words, at one size. A generator must
come nearer to the library than backdrops by rules do, must not paint one picture for all, and must
not be rougher than the library: speckle brings features nearer to a photograph's, and no eye.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from generative.checks.image import open_image
from generative.config import GenerativeConfig
from generative.picture import frechet, library
from generative.picture.backdrop import backdrop
from generative.picture.palette import Palette

SHOWN = (256, 128)
MOST = 200  # pictures of each kind
LEAST_DIVERSITY = 0.5  # of the library's own
MOST_ROUGHNESS = 1.5  # times the library's own
_MOST_SECONDS = 5.0  # a picture
_COARSE = (64, 32)  # where roughness is read: finer grain is no speckle
Painted = Callable[[Sequence[Palette]], list[Image.Image]]


def measure(kind: str, config: GenerativeConfig, *, seed: int = 1) -> dict[str, Any]:
    """FD-EffNet, diversity and seconds of a trained generator, and the verdict.

    Raises:
        ProviderUnavailable: Nothing was trained, or nothing can measure pictures.
    """
    from generative.picture.trained import make, spread  # noqa: PLC0415 heavy: torch

    def painted(palettes: Sequence[Palette]) -> list[Image.Image]:
        return [
            spread(image, SHOWN, dark=False) for image in make(kind, config, list(palettes), seed)
        ]

    return compare(kind, painted, config, seed=seed)


def compare(kind: str, painted: Painted, config: GenerativeConfig, *, seed: int) -> dict[str, Any]:
    """The report on whatever paints one picture for each palette, as it would be shown."""
    entries = library.listing(config.library_dir)[:MOST]
    palettes = [Palette(hue=e.hue, chroma=e.chroma, lightness=e.lightness) for e in entries]
    painted(palettes[:1])  # loads what is to be loaded
    began = time.perf_counter()
    painted(palettes[:1])
    seconds = time.perf_counter() - began  # of one alone, as a banner asks for it
    made = painted(palettes)
    weights = config.models_dir / frechet.WEIGHTS
    shelf = real(config)
    found = {
        "library": frechet.features(shelf, weights),
        kind: frechet.features(made, weights),
        "procedural": frechet.features(procedural(palettes, seed), weights),
    }
    report = {
        "n": len(made),
        "fd_effnet": round(frechet.distance(found["library"], found[kind]), 2),
        "fd_effnet_procedural": round(frechet.distance(found["library"], found["procedural"]), 2),
        "diversity": round(frechet.diversity(found[kind]), 4),
        "diversity_library": round(frechet.diversity(found["library"]), 4),
        "diversity_procedural": round(frechet.diversity(found["procedural"]), 4),
        "roughness": round(roughness(made), 2),
        "roughness_library": round(roughness(shelf), 2),
        "seconds_each": round(seconds, 4),
    }
    why = verdict(report)
    return report | {"passed": not why, "why": why}


def verdict(report: Mapping[str, Any]) -> str:
    """Why a generator must not be used; "" where it may."""
    if report["fd_effnet"] > report["fd_effnet_procedural"]:
        return (
            f"FD-EffNet {report['fd_effnet']} is no better than {report['fd_effnet_procedural']}"
            " of backdrops by rules"
        )
    least = LEAST_DIVERSITY * report["diversity_library"]
    if report["diversity"] < least:
        return f"diversity {report['diversity']} is below {least:.4f}: it paints too much alike"
    most = MOST_ROUGHNESS * report["roughness_library"]
    if report["roughness"] > most:
        return f"roughness {report['roughness']} is above {most:.2f}: it speckles"
    if report["seconds_each"] > _MOST_SECONDS:
        return f"{report['seconds_each']} s a picture is too slow"
    return ""


def roughness(images: Sequence[Image.Image]) -> float:
    """How much each pixel differs from its four neighbours, in the middle of each picture's pixels.

    The median does not see edges, which are few; speckle is everywhere.
    """
    found = []
    for image in images:
        luma = np.asarray(
            image.convert("L").resize(_COARSE, Image.Resampling.BOX), dtype=np.float64
        )
        around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
        found.append(float(np.median(np.abs(4 * luma[1:-1, 1:-1] - around))))
    return float(np.mean(found)) if found else 0.0


def real(config: GenerativeConfig) -> list[Image.Image]:
    """The library's pictures as they would be shown."""
    root = config.library_dir
    return [
        library.quiet(
            ImageOps.fit(
                open_image((root / f"{entry.sha256}.jpg").read_bytes()).convert("RGB"), SHOWN
            ),
            dark=False,
        )
        for entry in library.listing(root)[:MOST]
    ]


def procedural(palettes: Sequence[Palette], seed: int) -> list[Image.Image]:
    seeds = np.random.default_rng(seed).integers(2**32, size=len(palettes))
    return [
        backdrop(palette, SHOWN, seed=int(chance))
        for palette, chance in zip(palettes, seeds, strict=True)
    ]
