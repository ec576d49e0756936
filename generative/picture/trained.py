"""Generators trained on the shop's backdrop library: fitting, keeping, the gate, painting.

A run is checkpointed and taken up where it stopped. What it leaves is measured before it may paint:
`gate.json` beside the weights holds the figures and the verdict, and names the weights by hash.

Key: B pictures, H x W pixels with W = 2H, P palette numbers.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from generative.checks.image import open_image
from generative.config import GenerativeConfig
from generative.errors import ProviderUnavailable, UnsafeImage
from generative.files import remembered_sha256, store
from generative.picture import diffusion, gan, library
from generative.picture.backdrops import Wish
from generative.picture.palette import Palette

LEAST = 16  # pictures below which a net can only learn them by heart
_BATCH = 16
_EMA = 0.995
_EVERY = 100  # steps between checkpoints
_MARGIN = 1.25  # pictures are kept larger than they are shown to the net, and cut at random
Say = Callable[[str], None]


def folder(config: GenerativeConfig, kind: str) -> Path:
    return config.models_dir / "backdrops" / kind


def train(  # noqa: PLR0913 a command's options
    kind: str,
    config: GenerativeConfig,
    *,
    steps: int = 600,
    max_seconds: float = 1800.0,
    seed: int = 98765,
    width: int = 64,
    device: str = "auto",
    say: Say = lambda _: None,
    measured: Callable[..., Mapping[str, Any]] | None = None,
) -> Mapping[str, Any]:
    """Fit a `flow` or a `gan` on the library, measure it, and write its gate; the gate.

    Raises:
        ProviderUnavailable: The library is too small, or nothing can measure pictures.
    """
    from generative.picture.gate import measure  # noqa: PLC0415 it paints by this module

    pictures, palettes = load(config.library_dir, width)
    place = torch.device(_device(device))
    run = _Run(kind, width=width, seed=seed, device=place)
    home = folder(config, kind)
    home.mkdir(parents=True, exist_ok=True)
    told = {"kind": kind, "width": width, "seed": seed, "steps": steps, "pictures": len(pictures)}
    start = run.resume(home / "checkpoint.pt", told)
    say(f"{kind}: {len(pictures)} pictures, {run.weights:,} weights, on {place}, from step {start}")
    began = time.monotonic()
    reached = start
    for step in range(start, steps):
        shown, said = _batch(pictures, palettes, run.generator, width)
        worth = run.step(shown.to(place), said.to(place), step / steps)
        reached = step + 1
        late = time.monotonic() - began > max_seconds
        if reached % _EVERY == 0 or reached == steps or late:
            run.keep(home / "checkpoint.pt", told, reached)
            say(f"{kind}: step {reached} of {steps}, loss {worth:.4f}")
        if late:
            break
    seconds = time.monotonic() - began
    _keep({"told": told | {"reached": reached}, "ema": run.ema}, home / "weights.pt")
    gate = dict((measured or measure)(kind, config)) | {"train_seconds": round(seconds, 1)}
    gate |= {**told, "steps": reached, "weights": run.weights}
    gate["sha256"] = remembered_sha256(home / "weights.pt")
    store((json.dumps(gate, indent=1) + "\n").encode(), home / "gate.json")
    (home / "checkpoint.pt").unlink(missing_ok=True)
    return gate


def paint_flow(wish: Wish, config: GenerativeConfig) -> tuple[Image.Image, str]:
    """A backdrop by the flow, where it passed its gate."""
    return _paint("flow", wish, config)


def paint_gan(wish: Wish, config: GenerativeConfig) -> tuple[Image.Image, str]:
    """A backdrop by the GAN, where it passed its gate."""
    return _paint("gan", wish, config)


def make(
    kind: str, config: GenerativeConfig, palettes: list[Palette], seed: int
) -> list[Image.Image]:
    """One picture for each palette, as small as the net makes them; asks no gate."""
    weights = folder(config, kind) / "weights.pt"
    if not weights.is_file():
        raise ProviderUnavailable(f"no {kind} was trained: python -m generative train-backdrops")
    told, net = _load(kind, str(weights), remembered_sha256(weights))
    generator = torch.Generator().manual_seed(seed % 2**63)
    said = torch.stack([vector(palette) for palette in palettes])
    if kind == "flow":
        made = diffusion.sample(net, diffusion.config_for(told["width"]), said, generator)
    else:
        made = gan.sample(net, said, generator)
    pixels = ((made + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(picture) for picture in pixels]


def vector(palette: Palette) -> Tensor:
    """A palette as the nets are told it, each number about as large as the others; (P,)."""
    a, b = palette.chroma * math.cos(palette.hue), palette.chroma * math.sin(palette.hue)
    return torch.tensor([palette.lightness * 2 - 1, a * 8, b * 8, palette.chroma * 8])


def load(root: Path, width: int) -> tuple[Tensor, Tensor]:
    """The library as (N, 3, H, W) in -1..1, a margin larger than shown, and (N, P)."""
    size = (round(width * _MARGIN), round(width / 2 * _MARGIN))
    pictures, palettes = [], []
    for entry in library.listing(root):
        try:
            image = open_image((root / f"{entry.sha256}.jpg").read_bytes()).convert("RGB")
        except (OSError, UnsafeImage):
            continue
        small = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        pixels = np.asarray(small, dtype=np.float32) / 127.5 - 1.0
        pictures.append(torch.from_numpy(pixels).permute(2, 0, 1))
        palettes.append(
            vector(Palette(hue=entry.hue, chroma=entry.chroma, lightness=entry.lightness))
        )
    if len(pictures) < LEAST:
        raise ProviderUnavailable(
            f"the backdrop library holds {len(pictures)} pictures; {LEAST} are the least to learn from"
        )
    return torch.stack(pictures), torch.stack(palettes)


class _Run:
    """Nets, optimisers and chance of one training, which a checkpoint holds whole."""

    def __init__(self, kind: str, *, width: int, seed: int, device: torch.device) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = _net(kind, width).to(device)
        self.kind = kind
        self.generator = torch.Generator().manual_seed(seed)
        self.shown = self.net.generator if isinstance(self.net, gan.Gan) else self.net
        self.ema = {name: value.detach().clone() for name, value in self.shown.state_dict().items()}
        if isinstance(self.net, gan.Gan):
            parts = [(self.net.critic, 4e-4), (self.net.generator, 2e-4)]
            self.optimisers = [
                torch.optim.Adam(part.parameters(), lr=rate, betas=(0.0, 0.9))
                for part, rate in parts
            ]
        else:
            self.optimisers = [torch.optim.AdamW(self.net.parameters(), lr=1e-3)]
        self.weights = sum(value.numel() for value in self.net.parameters())

    def step(self, pictures: Tensor, palettes: Tensor, done: float) -> float:
        """One update of each net and of the running mean that is kept; the loss."""
        if isinstance(self.net, gan.Gan):
            critic, generator = self.optimisers
            worth = gan.critic_loss(self.net, pictures, palettes, self.generator)
            _update(critic, worth)
            _update(generator, gan.generator_loss(self.net, palettes, self.generator))
        else:
            (optimiser,) = self.optimisers
            for group in optimiser.param_groups:
                group["lr"] = 1e-3 * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
            worth = diffusion.loss(self.net, pictures, palettes, self.generator)
            _update(optimiser, worth)
        with torch.no_grad():
            for name, value in self.shown.state_dict().items():
                self.ema[name].lerp_(value, 1 - _EMA)
        return float(worth.detach())

    def keep(self, path: Path, told: Mapping[str, Any], reached: int) -> None:
        state = {
            "told": dict(told),
            "reached": reached,
            "net": self.net.state_dict(),
            "ema": self.ema,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "chance": self.generator.get_state(),
        }
        _keep(state, path)

    def resume(self, path: Path, told: Mapping[str, Any]) -> int:
        """Take up a run of the same settings; the steps done. Another run's, or half a file: 0."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if state["told"] != dict(told):
                return 0
            self.net.load_state_dict(state["net"])
            for name, value in state["ema"].items():
                self.ema[name].copy_(value)
            for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
            self.generator.set_state(state["chance"])
            return int(state["reached"])
        except (OSError, RuntimeError, KeyError, ValueError, EOFError):
            return 0


def _update(optimiser: torch.optim.Optimizer, worth: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    worth.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def _batch(
    pictures: Tensor, palettes: Tensor, generator: torch.Generator, width: int
) -> tuple[Tensor, Tensor]:
    """A batch of cuts, half of them mirrored."""
    chosen = torch.randint(len(pictures), (_BATCH,), generator=generator)
    down = int(torch.randint(pictures.shape[2] - width // 2 + 1, (1,), generator=generator))
    right = int(torch.randint(pictures.shape[3] - width + 1, (1,), generator=generator))
    cut = pictures[chosen][:, :, down : down + width // 2, right : right + width]
    mirrored = torch.rand(_BATCH, generator=generator) < 0.5  # noqa: PLR2004 half
    return torch.where(mirrored[:, None, None, None], cut.flip(3), cut), palettes[chosen]


def _paint(kind: str, wish: Wish, config: GenerativeConfig) -> tuple[Image.Image, str]:
    home = folder(config, kind)
    try:
        gate = json.loads((home / "gate.json").read_text(encoding="utf-8"))
        sha256 = remembered_sha256(home / "weights.pt")
    except (OSError, ValueError) as error:
        raise ProviderUnavailable(f"no {kind} was trained and measured") from error
    if not gate.get("passed"):
        raise ProviderUnavailable(f"the {kind} did not pass its gate: {gate.get('why', '')}")
    if gate.get("sha256") != sha256:
        raise ProviderUnavailable(f"the {kind}'s weights are not the ones that were measured")
    image = make(kind, config, [wish.own], wish.seed)[0]
    return spread(image, wish.size, dark=wish.dark), sha256[:16]


def spread(image: Image.Image, size: tuple[int, int], *, dark: bool) -> Image.Image:
    """A small wide picture behind a banner of any shape, quiet enough for words."""
    if size[1] > size[0]:
        image = image.transpose(Image.Transpose.ROTATE_90)
    return library.quiet(ImageOps.fit(image, size, Image.Resampling.BICUBIC), dark=dark)


@lru_cache(maxsize=2)
def _load(kind: str, path: str, sha256: str) -> tuple[dict[str, Any], Any]:  # noqa: ARG001 it names the version
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = _net(kind, state["told"]["width"])
    shown = net.generator if isinstance(net, gan.Gan) else net
    shown.load_state_dict(state["ema"])
    return state["told"], net.eval()


def _net(kind: str, width: int) -> diffusion.FlowNet | gan.Gan:
    if kind == "flow":
        return diffusion.FlowNet(diffusion.config_for(width))
    return gan.Gan(gan.GanConfig(width=width))


def _keep(state: Mapping[str, Any], path: Path) -> None:
    part = path.with_name(path.name + ".part")
    torch.save(dict(state), part)
    part.replace(path)


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"
