"""How well the claim checker tells true sentences from false ones, on a labelled set of its own.

`bench/claims/sentences.jsonl` holds sentences about the made-up items of `items.jsonl`, each marked
true (all that it says follows from the facts) or false. They were written before the checker was.
Both figures are of refusing: `recall` is the share of false sentences that are refused, `precision`
the share of refused sentences that are false. A hash of the item's id sends an item with all its
sentences to one half; rules and word lists were tuned on the development half alone, by the author
of both halves, so even the held-out half is no stranger's. Only claims are judged here, no lengths
and no form.

`attacks.jsonl` was written afterwards, to break the checker that was there: word for word from the
facts, put together wrongly, about items of both halves. 18 of its 133 false sentences passed at
first; rules were then tuned on them, so its figures say what is still open, and nothing else.

python bench/claims.py [--show]
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from generative.brief import clean  # noqa: E402 as above
from generative.checks.claims import examine  # noqa: E402 as above
from generative.types import Brief, ItemFacts  # noqa: E402 as above

DATA = ROOT / "bench" / "claims"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", action="store_true", help="the development half's mistakes")
    options = parser.parse_args()
    sentences = judged()
    if options.show:
        for row in sentences:
            if not row["held_out"] and row["refused"] == row["true"]:
                print(f"{'TRUE ' if row['true'] else 'FALSE'} {row['item']:10} {row['text']}")
                print(f"      {row['problems']}")
    figures = {**told(sentences, "")}
    figures |= told((row for row in sentences if not row["held_out"]), "development_")
    figures |= told((row for row in sentences if row["held_out"]), "held_out_")
    figures |= told(judged("attacks.jsonl"), "attacks_")
    figures["cpu_ms"] = round(cost(), 3)
    write("claims", figures=figures, rows=by_kind(sentences))
    return 0


def items() -> dict[str, ItemFacts]:
    return {row["item_id"]: _facts(row) for row in _lines("items.jsonl")}


def judged(name: str = "sentences.jsonl") -> list[dict[str, Any]]:
    """Every labelled sentence with whether, and why, it was refused."""
    known, rows = items(), []
    for row in _lines(name):
        problems, _, _ = examine(row["text"], known[row["item"]])
        found = {"refused": bool(problems), "problems": problems, "held_out": held_out(row["item"])}
        rows.append({**row, **found})
    return rows


def held_out(item_id: str) -> bool:
    return hashlib.sha256(item_id.encode()).digest()[0] % 2 == 0


def told(rows: Iterable[dict[str, Any]], prefix: str) -> dict[str, float | None]:
    rows = list(rows)
    refused = [row for row in rows if row["refused"]]
    false = [row for row in rows if not row["true"]]
    right = sum(not row["true"] for row in refused)
    return {
        f"{prefix}precision": round(right / len(refused), 4) if refused else None,
        f"{prefix}recall": round(right / len(false), 4) if false else None,
        f"{prefix}sentences": len(rows),
    }


def by_kind(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What happened to the sentences of each kind, in both halves."""
    found = []
    for kind in sorted({row["kind"] for row in rows}):
        of_kind = [row for row in rows if row["kind"] == kind]
        true = [row for row in of_kind if row["true"]]
        false = [row for row in of_kind if not row["true"]]
        found.append(
            {
                "kind": kind,
                "true": len(true),
                "true_refused": sum(row["refused"] for row in true),
                "false": len(false),
                "false_passed": sum(not row["refused"] for row in false),
            }
        )
    return found


def cost() -> float:
    """CPU milliseconds a sentence, its item's facts already read."""
    known, rows = items(), _lines("sentences.jsonl")
    spent = 0.0
    for row in rows:
        examine(row["text"], known[row["item"]])
        start = time.process_time()
        examine(row["text"], known[row["item"]])
        spent += time.process_time() - start
    return 1000 * spent / len(rows)


def _facts(row: dict[str, Any]) -> ItemFacts:
    row = {**row, "category": tuple(row["category"])}
    return clean(Brief(item=ItemFacts(**row))).item


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())
