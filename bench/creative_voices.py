"""What each voice writes of each of the 200 products, kept line by line so that no voice is asked twice.

Four samples a product at the size of a hero, before any check: the checks may change, what a voice
wrote does not. `var/creatives/<voice>.jsonl` holds one product a line, with the CPU and wall seconds
of its samples. A run that was stopped goes on where it stood.

python bench/creative_voices.py base|finetuned|lstm|floor [--adapter voice.gguf] [--lstm lstm.pt] [--fresh]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.creative_products import products  # noqa: E402 the path is set above
from generative.brief import clean  # noqa: E402 as above
from generative.copy.candidate import Candidate  # noqa: E402 as above
from generative.copy.language_model import LlamaCopy  # noqa: E402 as above
from generative.floor import floor_copy  # noqa: E402 as above
from generative.types import Brief, Copy, ItemFacts  # noqa: E402 as above

KEPT = ROOT / "var" / "creatives"
SAMPLES = 4
SIZE = "hero"
VOICES = ("floor", "base", "finetuned", "lstm")
Write = Callable[[Brief], list[Candidate]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("voice", choices=VOICES)
    parser.add_argument("--adapter", type=Path, help="LoRA in GGUF, of the voice `finetuned`")
    parser.add_argument("--lstm", type=Path, help="what generative.voice.lstm saved")
    parser.add_argument("--part", default="0/1", help="1/3: of every three products the second")
    parser.add_argument("--fresh", action="store_true", help="forget what it wrote before")
    options = parser.parse_args()
    if options.fresh:
        _path(options.voice).unlink(missing_ok=True)
    write = speaker(options.voice, options.adapter, options.lstm)
    part, parts = map(int, options.part.split("/"))
    rows = written(options.voice, write, part=part, parts=parts)
    print(f"{options.voice}: {len(rows)} products in {_path(options.voice).relative_to(ROOT)}")
    return 0


def speaker(voice: str, adapter: Path | None = None, trained: Path | None = None) -> Write:
    """How a voice writes its samples for a cleaned brief."""
    if voice == "floor":
        return lambda brief: [floor_copy(brief)[0]]
    if voice == "lstm":
        if trained is None:
            raise SystemExit("the LSTM needs --lstm")
        from generative.voice import lstm  # noqa: PLC0415 leaf: torch

        return lstm.load(trained).speaking(samples=SAMPLES)
    if voice == "finetuned" and adapter is None:
        raise SystemExit("the fine-tuned voice needs --adapter")
    llama = LlamaCopy(
        gguf_path="", samples=SAMPLES, threads=1, timeout_seconds=600, adapter=adapter
    )
    return lambda brief: llama.write(brief, seed=0)


def written(voice: str, write: Write, *, part: int = 0, parts: int = 1) -> list[dict[str, Any]]:
    """Every product's row, written now where it was not kept; of `parts` processes each writes its own."""
    rows = {row["item_id"]: row for row in kept(voice)}
    path = _path(voice)
    path.parent.mkdir(parents=True, exist_ok=True)
    warm = False
    for number, (source, item) in enumerate(products()):
        if item.item_id in rows or number % parts != part:
            continue
        brief = brief_of(item)
        if not warm:
            write(brief)  # loads the weights and reads the prompt's fixed part
            warm = True
        cpu, wall = time.process_time(), time.perf_counter()
        candidates = write(brief)
        row = {
            "item_id": item.item_id,
            "source": source,
            "lines": [_line(candidate) for candidate in candidates],
            "cpu_s": round(time.process_time() - cpu, 4),
            "wall_s": round(time.perf_counter() - wall, 4),
        }
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        rows[item.item_id] = row
    return list(rows.values())


def again(item: ItemFacts, avoid: frozenset[str], adapter: Path | None) -> list[dict[str, Any]]:
    """What the tuned voice writes where no tagline may open with a worn word; kept, as all lines."""
    path = KEPT / "finetuned-again.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    for row in rows:
        if row["item_id"] == item.item_id:
            return list(row["lines"])
    if adapter is None:
        return []
    lines = [_line(one) for one in _tuned(adapter).write(brief_of(item), seed=100, avoid=avoid)]
    with path.open("a", encoding="utf-8") as file:
        row = {"item_id": item.item_id, "avoid": sorted(avoid), "lines": lines}
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return lines


@lru_cache(maxsize=1)
def _tuned(adapter: Path) -> LlamaCopy:
    return LlamaCopy(gguf_path="", samples=2, threads=1, timeout_seconds=600, adapter=adapter)


def kept(voice: str) -> list[dict[str, Any]]:
    """What a voice has written; the last line of a killed run may be half a line."""
    path = _path(voice)
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def brief_of(item: ItemFacts) -> Brief:
    return clean(Brief(item=item, size=SIZE))


def candidate_of(line: dict[str, Any]) -> Candidate:
    copy = Copy(headline=line["headline"], tagline=line["tagline"], action=line["action"])
    return Candidate(
        copy=copy,
        provider=line["provider"],
        seed=line["seed"],
        at_limit=line["at_limit"],
        adapter=line.get("adapter", ""),
        problems=tuple(line.get("problems", ())),
    )


def _line(candidate: Candidate) -> dict[str, Any]:
    return {
        "headline": candidate.copy.headline,
        "tagline": candidate.copy.tagline,
        "action": candidate.copy.action,
        "provider": candidate.provider,
        "seed": candidate.seed,
        "at_limit": candidate.at_limit,
        "adapter": candidate.adapter,
        "problems": list(candidate.problems),
    }


def _path(voice: str) -> Path:
    return KEPT / f"{voice}.jsonl"


if __name__ == "__main__":
    sys.exit(main())
