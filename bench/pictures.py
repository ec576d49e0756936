"""What the pictures are worth: cut-outs that pass, backdrops measured, the price of marking.

    python bench/pictures.py --models var/models [--state DIR] [--steps 700] [--seconds 300]

Needs the weights of `python -m generative fetch-models`. Without a state that holds trained
generators it trains a flow and a GAN on the demo's photographs, which stand in for a shop's library.
FD-EffNet is told with its n and compares within this table alone. Thresholds of masks were set by
looking at these same photographs.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from generative.banner.render import render  # noqa: E402 as above
from generative.branding.brand import BrandKit  # noqa: E402 as above
from generative.checks import nsfw  # noqa: E402 as above
from generative.config import GenerativeConfig  # noqa: E402 as above
from generative.marking import certificate, signing  # noqa: E402 as above
from generative.marking.provenance import TEMPLATE_VERSION, manifest, source_type, xmp  # noqa: E402 as above
from generative.picture import library, trained  # noqa: E402 as above
from generative.picture.cutout import cut_out  # noqa: E402 as above
from generative.picture.gate import measure  # noqa: E402 as above
from generative.picture.matting import matte, refusal  # noqa: E402 as above
from generative.types import SIZES, Brief, Copy, ItemFacts  # noqa: E402 as above

MEDIA = Path(__file__).resolve().parents[1] / "demo" / "media"
SEED = 98765
KEY = "ab" * 32
MADE = {
    "digital_source_type": source_type(ai_generated=False),
    "provider": "template",
    "template_version": TEMPLATE_VERSION,
    "seed": 0,
    "facts_sha256": "0" * 64,
    "fingerprint": "0" * 16,
    "backdrop": "procedural",
}


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(options.state or scratch)
        config = GenerativeConfig(
            models_dir=options.models,
            pictures_dir=state / "pictures",
            signing_dir=Path(scratch) / "signing",
        )
        rows: list[dict[str, Any]] = []
        figures: dict[str, float | None] = {}
        figures |= cutouts(config, rows)
        figures |= generators(config, rows, options)
        figures |= marking(config, rows)
        figures |= decency(config, rows)
    write(
        "pictures",
        figures=figures,
        rows=rows,
        packages=("numpy", "pillow", "torch"),
        seeds=[SEED],
        command="python bench/pictures.py",
    )


def cutouts(config: GenerativeConfig, rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """How many photographs the model cuts out well enough, and the seconds of one."""
    model = config.weights("cutout")
    figures: dict[str, float | None] = {"cutout_seconds": None}
    for shop in ("boutique", "grocery"):
        figures[f"cutout_passed_{shop}_percent"] = None
        if not model:
            continue
        told = dict.fromkeys(
            ("isnet", "studio", "card", "framed", "too_small", "hazy", "cut_off"), 0
        )
        for _, photo in photos(shop):
            product = cut_out(photo, model_path=model, cache_dir=config.pictures_dir / "cutouts")
            told[product.method] += 1
            for word, why in (("covers", "too_small"), ("neither", "hazy"), ("runs", "cut_off")):
                told[why] += word in product.refused
        total = sum(told[method] for method in ("isnet", "studio", "card", "framed"))
        figures[f"cutout_passed_{shop}_percent"] = round(100 * told["isnet"] / total, 1)
        rows.append({"part": "cut-out", "shop": shop, "photos": total} | told)
    if model:
        _, photo = next(photos("boutique"))
        matte(photo, model)
        began = time.process_time()
        assert refusal(matte(photo, model)) is not None  # noqa: S101 a bench
        figures["cutout_seconds"] = round(time.process_time() - began, 2)
    return figures


def generators(
    config: GenerativeConfig, rows: list[dict[str, Any]], options: argparse.Namespace
) -> dict[str, float | None]:
    """FD-EffNet, diversity and seconds of the flow, the GAN and the backdrops by rules."""
    if not library.listing(config.library_dir):
        for path, _ in photos("boutique"):
            library.add(config.library_dir, path.read_bytes())
    figures: dict[str, float | None] = {}
    for kind in ("flow", "gan"):
        told = trained.folder(config, kind) / "gate.json"
        gate = None
        if told.is_file() and not options.train:
            gate = json.loads(told.read_text())
            if "roughness" not in gate or "fd_effnet" not in gate:
                gate |= measure(kind, config)
        if gate is None:
            gate = trained.train(
                kind,
                config,
                steps=options.steps,
                max_seconds=options.seconds,
                seed=SEED,
                device="cpu",
                say=print,
            )
        rows.append({"part": "backdrop", "who": kind} | dict(gate))
        figures |= {
            f"fd_effnet_{kind}": gate["fd_effnet"],
            f"diversity_{kind}": gate["diversity"],
            f"roughness_{kind}": gate["roughness"],
            f"seconds_{kind}": gate["seconds_each"],
            f"passed_{kind}": float(gate["passed"]),
        }
        figures |= {
            "fd_effnet_procedural": gate["fd_effnet_procedural"],
            "diversity_procedural": gate["diversity_procedural"],
            "diversity_library": gate["diversity_library"],
            "roughness_library": gate["roughness_library"],
            "fd_n": gate["n"],
        }
    return figures


def marking(config: GenerativeConfig, rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """The bytes and seconds that a signature adds, over the placements and three formats."""
    certificate.make(config.signing_dir, "Bench")
    item = ItemFacts(item_id="bench", title="Leather backpack", price="89.00")
    copy = Copy(headline="Leather backpack", tagline="Holds what a day needs.", action="See it")
    photo = next(path for path, _ in photos("boutique")).read_bytes()
    added, seconds = [], []
    for size in SIZES:
        plain = render(
            Brief(item=item, size=size),
            copy,
            photo,
            BrandKit(),
            seed=SEED,
            xmp=lambda _: xmp(key=KEY, ai_generated=False),
        ).data
        for kind in ("jpeg", "png", "webp"):
            data = plain if kind == "jpeg" else _as(plain, kind)
            signing.mark(data, f"image/{kind}", manifest(KEY, MADE), config.signing_dir)
            began = time.process_time()
            marked = signing.mark(data, f"image/{kind}", manifest(KEY, MADE), config.signing_dir)
            took = time.process_time() - began
            told = signing.read(marked.data, f"image/{kind}") or {}
            added.append(marked.overhead_bytes)
            seconds.append(took)
            rows.append(
                {
                    "part": "c2pa",
                    "size": size,
                    "format": kind,
                    "bytes": len(data),
                    "added": marked.overhead_bytes,
                    "percent": round(100 * marked.overhead_bytes / len(data), 1),
                    "state": told.get("validation_state"),
                    "seconds": round(took, 4),
                }
            )
    return {
        "c2pa_added_bytes": float(np.median(added)),
        "c2pa_added_bytes_most": float(max(added)),
        "c2pa_seconds": round(float(np.median(seconds)), 4),
    }


def decency(config: GenerativeConfig, rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """The scores of the demo's photographs: none should be kept back."""
    model = config.weights("nsfw")
    if not model:
        return {"nsfw_refused": None, "nsfw_highest": None, "nsfw_seconds": None}
    scores = []
    began = time.process_time()
    for shop in ("boutique", "grocery"):
        scores += [
            (nsfw.look(photo, model).score or 0.0, path.name) for path, photo in photos(shop)
        ]
    seconds = (time.process_time() - began) / len(scores)
    highest = max(scores)
    rows.append({"part": "nsfw", "photos": len(scores), "highest": highest[0], "of": highest[1]})
    return {
        "nsfw_refused": float(sum(score >= nsfw.SAFE_BELOW for score, _ in scores)),
        "nsfw_highest": round(highest[0], 4),
        "nsfw_seconds": round(seconds, 3),
    }


def photos(shop: str) -> Iterator[tuple[Path, Image.Image]]:
    for path in sorted((MEDIA / shop).rglob("*.jpg")):
        with Image.open(path) as image:
            yield path, image.convert("RGB")


def _as(jpeg: bytes, kind: str) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as image:
        image.save(buffer, kind.upper())
    return buffer.getvalue()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--state", type=Path, help="keeps the library and the masks between runs")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--seconds", type=float, default=300.0, help="of training, each generator")
    parser.add_argument("--train", action="store_true", help="train again what is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
