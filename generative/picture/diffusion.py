"""Backdrops by flow matching: a small U-Net that turns noise into pictures of a palette.

Rectified flow (Liu et al. 2022; Lipman et al. 2022): on the straight line x_t = (1-t) noise + t
picture the net learns the line's direction, and sampling walks it from noise by midpoint steps.
The palette goes in as a vector; one in ten is left out in training, so that sampling can push
towards it (classifier-free guidance, Ho & Salimans 2022).

Key: B pictures, C channels, H x W pixels with W = 2H, E width of the embedding, P palette numbers.
"""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

PALETTE = 4  # lightness, two colour axes, chroma
_LEFT_OUT = 0.1
_EMBEDDING = 128
_FREQUENCIES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfig:
    """`channels` at full size, twice that below; 64 pixels and 32 channels are 0.5M weights."""

    width: int = 64
    channels: int = 32
    levels: int = 3  # halvings
    steps: int = 12  # of sampling
    guidance: float = 1.5


def config_for(width: int) -> FlowConfig:
    """What a width asks for: a CPU's worth at 64, a GPU's at 256."""
    return FlowConfig(
        width=width,
        channels=32 if width <= 64 else 96,  # noqa: PLR2004 what a CPU trains in minutes
        levels=max(2, round(math.log2(width / 8))),
    )


class _Block(nn.Module):
    """Two convolutions whose second is steered by the embedding, around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.norm = nn.GroupNorm(8, channels, affine=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.steer = nn.Linear(_EMBEDDING, 2 * channels)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.steer.weight)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.steer(embedding)[:, :, None, None].chunk(2, dim=1)  # (B, C, 1, 1)
        y = self.norm(self.first(x)) * (1 + scale) + shift
        return x + self.second(functional.silu(y))  # type: ignore[no-any-return]


class FlowNet(nn.Module):
    """(B, 3, H, W), time in 0..1 and palette -> the direction from noise to picture."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        sizes = [config.channels, *([2 * config.channels] * config.levels)]
        self.embed = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES + PALETTE + 1, _EMBEDDING),
            nn.SiLU(),
            nn.Linear(_EMBEDDING, _EMBEDDING),
            nn.SiLU(),
        )
        self.stem = nn.Conv2d(3, sizes[0], 3, padding=1)
        self.down = nn.ModuleList(_Block(size) for size in sizes[:-1])
        self.shrink = nn.ModuleList(
            nn.Conv2d(a, b, 2, stride=2) for a, b in itertools.pairwise(sizes)
        )
        self.middle = _Block(sizes[-1])
        self.grow = nn.ModuleList(
            nn.Conv2d(b + a, a, 1) for a, b in zip(sizes[::-1][1:], sizes[::-1], strict=False)
        )
        self.up = nn.ModuleList(_Block(size) for size in sizes[::-1][1:])
        self.out = nn.Conv2d(sizes[0], 3, 3, padding=1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, time: Tensor, palette: Tensor, known: Tensor) -> Tensor:
        """`known` is 1 where the palette counts, 0 where it is left out; (B,)."""
        rates = torch.exp(torch.linspace(0, 6, _FREQUENCIES, device=x.device))
        waves = time[:, None] * rates  # (B, F)
        told = torch.cat([palette * known[:, None], known[:, None]], dim=1)  # (B, P + 1)
        embedding = self.embed(torch.cat([waves.sin(), waves.cos(), told], dim=1))  # (B, E)
        x = self.stem(x)
        skips = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            x = block(x, embedding)
            skips.append(x)
            x = shrink(x)
        x = self.middle(x, embedding)
        for grow, block in zip(self.grow, self.up, strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(grow(torch.cat([x, skips.pop()], dim=1)), embedding)
        direction: Tensor = self.out(x)  # (B, 3, H, W)
        return direction


def loss(net: FlowNet, pictures: Tensor, palettes: Tensor, generator: torch.Generator) -> Tensor:
    """The mean squared error of the direction, at times drawn where it is hardest: the middle."""
    size, device = len(pictures), pictures.device
    noise = torch.randn(pictures.shape, generator=generator).to(device)
    time = torch.sigmoid(torch.randn(size, generator=generator)).to(device)  # (B,)
    known = (torch.rand(size, generator=generator) >= _LEFT_OUT).float().to(device)
    at = time[:, None, None, None]
    guess = net((1 - at) * noise + at * pictures, time, palettes, known)
    return functional.mse_loss(guess, pictures - noise)


@torch.no_grad()
def sample(
    net: FlowNet, config: FlowConfig, palettes: Tensor, generator: torch.Generator
) -> Tensor:
    """(B, P) -> pictures (B, 3, H, W) in -1..1, by midpoint steps from noise."""
    device = palettes.device
    shape = (len(palettes), 3, config.width // 2, config.width)
    x = torch.randn(shape, generator=generator).to(device)
    known = torch.cat([torch.ones(len(x), device=device), torch.zeros(len(x), device=device)])
    told = torch.cat([palettes, palettes])

    def direction(x: Tensor, now: float) -> Tensor:
        time = torch.full((2 * len(x),), now, device=device)
        heeding, free = net(torch.cat([x, x]), time, told, known).chunk(2)
        guided: Tensor = free + config.guidance * (heeding - free)
        return guided

    step = 1.0 / config.steps
    for index in range(config.steps):
        now = index * step
        half = x + direction(x, now) * (step / 2)
        x = x + direction(half, now + step / 2) * step
    return x.clamp(-1.0, 1.0)
