"""Creatives on a GPU, against what the card itself can do: tokens, flow and diffusion steps, banners.

    python bench/gpu_creatives.py [--pipeline DIR] [--seconds 20]

Without CUDA every figure is null and the script says "not run". The limits are measured on the same
card: bf16 multiplications of 8192 x 8192 matrices, and copies of a gigabyte. `pipeline` is a folder
of a diffusers text-to-image pipeline; without one its figures are null.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from generative.banner.render import render  # noqa: E402 as above
from generative.branding.brand import BrandKit  # noqa: E402 as above
from generative.picture import diffusion, gan  # noqa: E402 as above
from generative.picture.backdrops import Wish  # noqa: E402 as above
from generative.picture.palette import Palette  # noqa: E402 as above
from generative.picture.scene import STEPS, paint_on  # noqa: E402 as above
from generative.types import SIZES, Brief, Copy, ItemFacts  # noqa: E402 as above

SEED = 98765
FIGURES = (
    "matmul_tflops",
    "memory_gb_per_s",
    "tokens_per_s",
    "tokens_memory_percent",
    "flow64_train_steps_per_s",
    "flow256_train_steps_per_s",
    "flow256_train_tflops",
    "flow256_matmul_percent",
    "flow256_pictures_per_s",
    "gan64_train_steps_per_s",
    "diffusion_steps_per_s",
    "diffusion_seconds_a_picture",
    "banners_per_s",
)
_BATCH = 64
_MATRIX = 8192


def main() -> None:
    options = _options()
    figures: dict[str, float | None] = dict.fromkeys(FIGURES)
    rows: list[dict[str, Any]] = []
    if torch.cuda.is_available():
        torch.manual_seed(SEED)
        figures |= limits(options.seconds)
        figures |= tokens(options.seconds, figures["memory_gb_per_s"] or 1.0)
        figures |= fitting(options.seconds, figures["matmul_tflops"] or 1.0)
        figures |= scenes(options.pipeline, options.seconds)
        figures |= banners(options.seconds)
        rows.append({"card": torch.cuda.get_device_name(), "cuda": torch.version.cuda})
    else:
        print("no CUDA device here: not run")
        rows.append({"card": "not run", "cuda": None})
    write("gpu_creatives", figures=figures, rows=rows, packages=("torch",), seeds=[SEED])


def limits(seconds: float) -> dict[str, float | None]:
    """What the card does at its best: the denominators of everything below."""
    a = torch.randn(_MATRIX, _MATRIX, device="cuda", dtype=torch.bfloat16)
    b = torch.randn_like(a)
    each = _each(lambda: a @ b, seconds / 4)
    source = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    copied = _each(lambda: target.copy_(source), seconds / 4)
    return {
        "matmul_tflops": round(2 * _MATRIX**3 / each / 1e12, 1),
        "memory_gb_per_s": round(2 * 2**30 / copied / 1e9, 1),
    }


def tokens(seconds: float, memory_gb_per_s: float) -> dict[str, float | None]:
    """Words of one text after another, each of which reads every weight once: bound by memory."""
    try:
        from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415 optional
    except ImportError:
        return {}
    shape = LlamaConfig(
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        vocab_size=49152,
        tie_word_embeddings=True,
    )  # SmolLM2-135M's: random weights take the same time
    net = LlamaForCausalLM(shape).to("cuda", torch.bfloat16).eval()
    prompt = torch.randint(0, 49152, (32, 200), device="cuda")
    new = 64

    def wrote() -> None:
        with torch.no_grad():
            net.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                pad_token_id=0,
                max_new_tokens=new,
                min_new_tokens=new,
                do_sample=False,
            )

    each = _each(wrote, seconds)
    read = sum(value.numel() for value in net.parameters()) * 2 * new / each / 1e9
    return {
        "tokens_per_s": round(len(prompt) * new / each, 1),
        "tokens_memory_percent": round(100 * read / memory_gb_per_s, 2),
    }


def fitting(seconds: float, matmul_tflops: float) -> dict[str, float | None]:
    """Steps of training of the flow, small and large, and of the GAN; pictures of the large flow."""
    figures: dict[str, float | None] = {}
    generator = torch.Generator().manual_seed(SEED)
    for width in (64, 256):
        config = diffusion.config_for(width)
        net = diffusion.FlowNet(config).to("cuda")
        optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
        pictures = torch.randn(_BATCH, 3, width // 2, width, device="cuda").clamp(-1, 1)
        palettes = torch.randn(_BATCH, diffusion.PALETTE, device="cuda")

        def step(
            net: diffusion.FlowNet = net,
            optimiser: torch.optim.Optimizer = optimiser,
            pictures: torch.Tensor = pictures,
            palettes: torch.Tensor = palettes,
        ) -> None:
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cuda", torch.bfloat16):
                worth = diffusion.loss(net, pictures, palettes, generator)
            worth.backward()
            optimiser.step()

        each = _each(step, seconds)
        figures[f"flow{width}_train_steps_per_s"] = round(1 / each, 2)
        if width == 256:
            work = _flops(step) / each / 1e12
            figures["flow256_train_tflops"] = round(work, 2)
            figures["flow256_matmul_percent"] = round(100 * work / matmul_tflops, 2)
            few = palettes[:16]
            made = _each(
                lambda n=net, c=config, p=few: diffusion.sample(n, c, p, generator), seconds
            )
            figures["flow256_pictures_per_s"] = round(len(few) / made, 2)
    figures["gan64_train_steps_per_s"] = round(1 / _each(_gan_step(generator), seconds), 2)
    return figures


def _gan_step(generator: torch.Generator) -> Callable[[], None]:
    nets = gan.Gan(gan.GanConfig()).to("cuda")
    critic = torch.optim.Adam(nets.critic.parameters(), lr=4e-4, betas=(0.0, 0.9))
    maker = torch.optim.Adam(nets.generator.parameters(), lr=2e-4, betas=(0.0, 0.9))
    pictures = torch.randn(_BATCH, 3, 32, 64, device="cuda").clamp(-1, 1)
    palettes = torch.randn(_BATCH, diffusion.PALETTE, device="cuda")

    def step() -> None:
        for optimiser, worth in (
            (critic, lambda: gan.critic_loss(nets, pictures, palettes, generator)),
            (maker, lambda: gan.generator_loss(nets, palettes, generator)),
        ):
            optimiser.zero_grad(set_to_none=True)
            worth().backward()
            optimiser.step()

    return step


def scenes(folder: Path | None, seconds: float) -> dict[str, float | None]:
    """A hero's scene by the operator's own pipeline."""
    if folder is None:
        return {}
    wish = Wish(
        palette=Palette(hue=1.0, chroma=0.08, lightness=0.6),
        kit=BrandKit(),
        size=SIZES["hero"],
        seed=SEED,
        subject="Shoes",
    )
    each = _each(lambda: paint_on(wish, str(folder), device="cuda", steps=STEPS), seconds)
    return {
        "diffusion_steps_per_s": round(STEPS / each, 2),
        "diffusion_seconds_a_picture": round(each, 3),
    }


def banners(seconds: float) -> dict[str, float | None]:
    """Heroes set in type by one core of this machine: what feeds the card, and is fed by it."""
    brief = Brief(item=ItemFacts(item_id="bench", title="Backpack", price="89.00"), size="hero")
    copy = Copy(headline="Backpack", tagline="Holds what a day needs.", action="See it")
    each = _each(lambda: render(brief, copy, None, BrandKit(), seed=SEED), seconds)
    return {"banners_per_s": round(1 / each, 2)}


def _each(work: Callable[[], object], seconds: float) -> float:
    """Seconds of one, over as many as fit, after three to warm up."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        work()
        torch.cuda.synchronize()
        count += 1
    return (time.perf_counter() - began) / count


def _flops(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipeline", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main()
