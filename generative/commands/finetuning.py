"""`finetune`: a voice of the shop's own from a file of products, with no web, queue or database."""

import argparse
import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from generative.config import GenerativeConfig
from generative.providers import MemoryLedger
from generative.types import ItemFacts
from generative.voice.distil import Pair, from_json


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    learn = commands.add_parser(
        "finetune",
        help="train a voice on products; exits 1 where its gate refuses it",
        description="JSON lines or CSV with the columns id, title, description, category, brand",
    )
    learn.add_argument("products", type=Path, help="what the shop sells: .jsonl or .csv")
    learn.add_argument("--pairs", type=Path, help="approved lines besides, as JSON lines")
    learn.add_argument("--teacher", help="a larger GGUF file, openai or transformers")
    learn.add_argument("--steps", type=int, help="updates of the weights")
    learn.add_argument("--device", help="cpu or cuda")
    learn.add_argument("--seed", type=int, default=0)
    learn.set_defaults(command=_finetune)


def _finetune(options: argparse.Namespace, config: GenerativeConfig) -> int:
    from generative.voice.voicing import learn  # noqa: PLC0415 heavy: torch

    told = {
        "voice_teacher": options.teacher,
        "voice_steps": options.steps,
        "voice_device": options.device,
    }
    config = replace(config, **{name: value for name, value in told.items() if value is not None})
    shown = _Shown()
    outcome = learn(
        config,
        products(options.products),
        _pairs(options.pairs) if options.pairs else [],
        ledger=MemoryLedger(daily_budget=config.daily_budget),
        now=datetime.now(UTC),
        report=shown.report,
        seed=options.seed,
    )
    print(json.dumps(dict(outcome.report), indent=1))
    print(f"{outcome.voice.voice_id}: {outcome.verdict or 'live'}")
    return 0 if outcome.passed else 1


def products(path: Path) -> Iterator[ItemFacts]:
    """The products of a file with a title and a description.

    Raises:
        OSError: It cannot be read, or it is no such file.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, file)
        try:
            for row in rows:
                if row.get("title") and row.get("description"):
                    yield _item(row)
        except (ValueError, TypeError, AttributeError, csv.Error) as error:
            raise OSError(f"{path}: no products in it: {error!r}") from None


def _item(row: Mapping[str, Any]) -> ItemFacts:
    category = row.get("category") or ()
    attributes = row.get("attributes") or {}
    return ItemFacts(
        item_id=str(row.get("id") or row.get("item_id") or row["title"]),
        title=str(row["title"]),
        description=str(row["description"]),
        category=tuple(category.split("/") if isinstance(category, str) else category),
        brand=str(row.get("brand") or ""),
        attributes={str(name): str(value) for name, value in dict(attributes).items()},
    )


def _pairs(path: Path) -> list[Pair]:
    try:
        return [
            replace(from_json(line), source="approved")
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
    except ValueError as error:
        raise OSError(f"{path}: {error}") from None


class _Shown:
    """Prints a line whenever a stage has come a tenth further."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def report(self, stage: str, progress: float, curves: Mapping[str, Any]) -> bool:
        tenth = int(progress * 10)
        if (stage, tenth) != self._last:
            self._last = (stage, tenth)
            held = curves.get("held_out") or []
            print(f"{stage} {progress:.0%}" + (f", held-out loss {held[-1]}" if held else ""))
        return True
