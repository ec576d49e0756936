"""`backdrops` and `train-backdrops`: the shop's own pictures, and generators trained on them."""

import argparse
import json
from pathlib import Path

from generative.config import GenerativeConfig
from generative.errors import UnsafeImage
from generative.picture import library

_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    fill = commands.add_parser("backdrops", help="put pictures into the backdrop library")
    fill.add_argument("paths", nargs="+", type=Path, help="pictures, or folders of pictures")
    fill.set_defaults(command=_fill)
    train = commands.add_parser(
        "train-backdrops",
        help="train a generator on the library; exits 1 where its gate refuses it",
    )
    train.add_argument("kind", choices=("flow", "gan", "scene"))
    train.add_argument("--steps", type=int, default=600, help="updates of the weights (600)")
    train.add_argument("--seconds", type=float, default=1800.0, help="stop after this long (1800)")
    train.add_argument("--seed", type=int, default=98765)
    train.add_argument(
        "--width", type=int, default=64, help="of the pictures made; twice the height"
    )
    train.add_argument("--device", default="auto", help="auto, cpu or cuda")
    train.set_defaults(command=_train)


def _fill(options: argparse.Namespace, config: GenerativeConfig) -> int:
    refused = 0
    for path in options.paths:
        inside = path.rglob("*") if path.is_dir() else [path]
        for picture in sorted(p for p in inside if p.suffix.lower() in _PICTURES):
            try:
                sha256 = library.add(
                    config.library_dir,
                    picture.read_bytes(),
                    nsfw_model=config.weights("nsfw"),
                )
            except UnsafeImage as error:
                print(f"{picture}: {error}")
                refused = 1
            else:
                print(f"{picture}: {sha256}")
    return refused


def _train(options: argparse.Namespace, config: GenerativeConfig) -> int:
    if options.kind == "scene":  # nothing to train: the pipeline is yours, and is measured
        from generative.picture.scene import examine  # noqa: PLC0415 heavy: torch

        gate = examine(config, device=options.device.replace("auto", "cuda"))
        print(json.dumps(gate, indent=1))
        return 0 if gate["passed"] else 1
    from generative.picture.trained import train  # noqa: PLC0415 heavy: torch

    gate = dict(
        train(
            options.kind,
            config,
            steps=options.steps,
            max_seconds=options.seconds,
            seed=options.seed,
            width=options.width,
            device=options.device,
            say=print,
        )
    )
    print(json.dumps(gate, indent=1))
    return 0 if gate["passed"] else 1
