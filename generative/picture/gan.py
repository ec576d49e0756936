"""The GAN beside the flow: one pass instead of forty, and every trouble that GANs are known for.

Hinge losses with spectral norms (Miyato et al. 2018), a palette by projection (Miyato & Koyama
2018), and shifted copies for both nets, without which a hundred pictures are learned by heart (Zhao
et al. 2020). It is measured beside the flow and used only where it passes the same gate.

Key: B pictures, H x W pixels with W = 2H, P palette numbers, Z numbers of chance.
"""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from generative.picture.diffusion import PALETTE

CHANCE = 64
_SHIFT = 4  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class GanConfig:
    """64 pixels and 64 channels are 0.8M weights, both nets together."""

    width: int = 64
    channels: int = 64


class Generator(nn.Module):
    """(B, Z) and (B, P) -> (B, 3, H, W) in -1..1."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.top = config.channels * 2
        self.rows = config.width // 16  # of the smallest map: H / 8
        self.start = nn.Linear(CHANCE + PALETTE, self.top * self.rows * self.rows * 2)
        sizes = [self.top, config.channels, config.channels, config.channels // 2]
        self.steps = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2.0, mode="bilinear"),
                nn.Conv2d(a, b, 3, padding=1),
                nn.GroupNorm(8, b),
                nn.LeakyReLU(0.2),
            )
            for a, b in itertools.pairwise(sizes)
        )
        self.out = nn.Conv2d(sizes[-1], 3, 3, padding=1)

    def forward(self, chance: Tensor, palettes: Tensor) -> Tensor:
        x = self.start(torch.cat([chance, palettes], dim=1))
        x = functional.leaky_relu(x.view(len(x), self.top, self.rows, self.rows * 2), 0.2)
        for step in self.steps:
            x = step(x)
        return torch.tanh(self.out(x))


class Critic(nn.Module):
    """(B, 3, H, W) and (B, P) -> (B,), high for pictures of the library with their own palette."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        sizes = [3, config.channels // 2, config.channels, config.channels * 2]
        self.steps = nn.Sequential(
            *(
                layer
                for a, b in itertools.pairwise(sizes)
                for layer in (
                    spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)),
                    nn.LeakyReLU(0.2),
                )
            )
        )
        self.verdict = spectral_norm(nn.Linear(sizes[-1], 1))
        self.palette = spectral_norm(nn.Linear(PALETTE, sizes[-1]))

    def forward(self, pictures: Tensor, palettes: Tensor) -> Tensor:
        seen = self.steps(pictures).mean(dim=(2, 3))  # (B, C)
        return self.verdict(seen)[:, 0] + (self.palette(palettes) * seen).sum(dim=1)  # type: ignore[no-any-return]


class Gan(nn.Module):
    """Both nets, so that they are kept and moved together."""

    def __init__(self, config: GanConfig) -> None:
        super().__init__()
        self.generator, self.critic = Generator(config), Critic(config)


def critic_loss(gan: Gan, pictures: Tensor, palettes: Tensor, generator: torch.Generator) -> Tensor:
    with torch.no_grad():
        made = gan.generator(_chance(len(pictures), generator, pictures.device), palettes)
    real = gan.critic(_shifted(pictures, generator), palettes)
    fake = gan.critic(_shifted(made, generator), palettes)
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()


def generator_loss(gan: Gan, palettes: Tensor, generator: torch.Generator) -> Tensor:
    made = gan.generator(_chance(len(palettes), generator, palettes.device), palettes)
    return -gan.critic(_shifted(made, generator), palettes).mean()  # type: ignore[no-any-return]


@torch.no_grad()
def sample(gan: Gan, palettes: Tensor, generator: torch.Generator) -> Tensor:
    """(B, P) -> (B, 3, H, W) in -1..1."""
    made: Tensor = gan.generator(_chance(len(palettes), generator, palettes.device), palettes)
    return made


def _chance(size: int, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.randn((size, CHANCE), generator=generator).to(device)


def _shifted(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Moved a few pixels and lightened or darkened a little, each batch as one."""
    down, right = torch.randint(-_SHIFT, _SHIFT + 1, (2,), generator=generator).tolist()
    light = float(torch.rand(1, generator=generator)) * 0.4 - 0.2
    padded = functional.pad(pictures, (_SHIFT,) * 4, mode="replicate")
    height, width = pictures.shape[2:]
    top, left = _SHIFT + down, _SHIFT + right
    return padded[:, :, top : top + height, left : left + width] + light
