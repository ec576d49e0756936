"""Backdrops by a diffusers pipeline of the shop's own: text-to-image, or inpainting around a product.

The product itself is never painted: an inpainting pipeline gets it as what must stay, and whatever
it did to it, the banner lays the cut-out over it. Only words of the catalogue's shelf, the brand's
tone and a colour go into the prompt: no title, no text of strangers, nobody's data.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from generative.branding.brand import BrandKit
from generative.config import GenerativeConfig
from generative.errors import ProviderUnavailable
from generative.files import store
from generative.picture import library
from generative.picture.backdrops import Wish
from generative.picture.gate import SHOWN, compare
from generative.picture.palette import Palette

STEPS = 25
_AREA = 768 * 768  # pixels that such pipelines were made for
_GRID = 16  # sides must divide by it
_NEVER = "text, letters, logo, watermark, people, hands, product, frame"
_HUES = ("pink", "red", "orange", "yellow", "green", "teal", "cyan", "blue", "violet", "magenta")
_TONES = {
    "plain": "plain, uncluttered",
    "warm": "warm, homely",
    "bold": "bold, graphic",
    "elegant": "elegant, refined",
    "playful": "playful, bright",
}


def paint(wish: Wish, config: GenerativeConfig) -> tuple[Image.Image, str]:
    """A scene on a GPU, quiet enough to be written on.

    Raises:
        ProviderUnavailable: No pipeline is configured, no GPU is there, or the pipeline gave up.
    """
    import torch

    if not config.text_to_image:
        raise ProviderUnavailable("VITRINE_TEXT_TO_IMAGE names no pipeline")
    if not torch.cuda.is_available():
        raise ProviderUnavailable("scenes need a GPU")
    if why := refused(config):
        raise ProviderUnavailable(why)
    return paint_on(wish, config.text_to_image, device="cuda", steps=STEPS)


def refused(config: GenerativeConfig) -> str:
    """Why these weights must not paint: not measured, or not well; "" where they may."""
    try:
        told = json.loads(_gate(config).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "the pipeline was not measured: python -m generative train-backdrops scene"
    if told.get("sha256") != _identity(config.text_to_image):
        return "the pipeline is not the one that was measured"
    return "" if told.get("passed") else f"the pipeline did not pass its gate: {told.get('why')}"


def examine(
    config: GenerativeConfig, *, device: str = "cuda", steps: int = STEPS, seed: int = 1
) -> dict[str, Any]:
    """Measure the configured pipeline against the library, and write its gate; the gate.

    Raises:
        ProviderUnavailable: No pipeline, no device, or nothing can measure pictures.
        OSError: The gate cannot be written.
    """
    if not config.text_to_image:
        raise ProviderUnavailable("VITRINE_TEXT_TO_IMAGE names no pipeline")

    def painted(palettes: Sequence[Palette]) -> list[Image.Image]:
        wishes = [
            Wish(palette=palette, kit=BrandKit(), size=SHOWN, seed=seed + index)
            for index, palette in enumerate(palettes)
        ]
        return [
            paint_on(wish, config.text_to_image, device=device, steps=steps)[0] for wish in wishes
        ]

    report = compare("scene", painted, config, seed=seed)
    report |= {"kind": "scene", "sha256": _identity(config.text_to_image)}
    store((json.dumps(report, indent=1) + "\n").encode(), _gate(config))
    return report


def _gate(config: GenerativeConfig) -> Path:
    return config.models_dir / "backdrops" / "scene" / "gate.json"


def paint_on(wish: Wish, folder: str, *, device: str, steps: int) -> tuple[Image.Image, str]:
    """As `paint`, on any device.

    Raises:
        ProviderUnavailable: The pipeline cannot be loaded or gave up.
    """
    import torch

    pipeline = _pipeline(folder, device)
    width, height = canvas(wish.size)
    asked: dict[str, Any] = {
        "prompt": prompt(wish),
        "negative_prompt": _NEVER,
        "width": width,
        "height": height,
        "num_inference_steps": steps,
        "generator": torch.Generator(device="cpu").manual_seed(wish.seed),
    }
    if "Inpaint" in type(pipeline).__name__:
        asked |= _around(wish, (width, height))
    try:
        made = pipeline(**asked).images[0].convert("RGB")
    except (RuntimeError, ValueError, TypeError) as error:
        raise ProviderUnavailable(f"the pipeline gave up: {error}") from error
    shown = library.quiet(ImageOps.fit(made, wish.size, Image.Resampling.LANCZOS), dark=wish.dark)
    return shown, _identity(folder)


def prompt(wish: Wish) -> str:
    """What is asked of the pipeline."""
    shelf = f", for {wish.subject.lower()}" if wish.subject else ""
    ground = "dark" if wish.dark else "light"
    return (
        f"empty {ground} background for product photography{shelf}, {_TONES[wish.kit.tone]}, "
        f"{_colour(wish)} tones, soft light, shallow depth of field"
    )


def canvas(size: tuple[int, int]) -> tuple[int, int]:
    """The sides in which a placement is painted: its shape, about the area the nets know."""
    scale = (_AREA / (size[0] * size[1])) ** 0.5
    width, height = (max(_GRID * 8, round(side * scale / _GRID) * _GRID) for side in size)
    return width, height


def _around(wish: Wish, size: tuple[int, int]) -> dict[str, Any]:
    """The product on its ground, and a mask that is white where the pipeline may paint."""
    ground = Image.new("RGB", size, (24, 26, 30) if wish.dark else (240, 240, 238))
    free = Image.new("L", size, 255)
    if wish.product is not None:
        stands = wish.product.resize(size, Image.Resampling.LANCZOS)
        ground.paste(stands.convert("RGB"), (0, 0), stands.getchannel("A"))
        free.paste(0, (0, 0), stands.getchannel("A"))
    return {"image": ground, "mask_image": free}


def _colour(wish: Wish) -> str:
    if wish.own.chroma < 0.03:  # noqa: PLR2004 grey to the eye
        return "neutral"
    turn = (wish.own.hue % (2 * np.pi)) / (2 * np.pi)
    return _HUES[round(turn * len(_HUES)) % len(_HUES)]


@lru_cache(maxsize=1)
def _pipeline(folder: str, device: str) -> Any:
    import torch

    try:
        import diffusers
    except ImportError as error:
        raise ProviderUnavailable("pip install diffusers==0.42.1 for scenes") from error
    kind = torch.float16 if device == "cuda" else torch.float32
    try:
        load: Any = diffusers.DiffusionPipeline.from_pretrained
        pipeline = load(folder, local_files_only=True, torch_dtype=kind)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise ProviderUnavailable(f"{folder!r} holds no pipeline: {error}") from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def _identity(folder: str) -> str:
    """Names and sizes of the weights: hashing gigabytes for each banner would cost more than it tells."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    told = [(str(path.relative_to(folder)), path.stat().st_size) for path in files]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
