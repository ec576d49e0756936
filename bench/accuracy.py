"""Accuracy on nine sets, each in its published table's own protocol: cheap and classic peers beside our branches alone and fused.

Validation chooses every setting, weight and epoch, of the peers' as of ours; the test is read once
with what was chosen. Sets can be run one at a time and are merged into one result. Where the
published evaluator is at hand, every figure that it knows must agree with it to 1e-9.

python bench/accuracy.py [--sets ml1m,grocery] [--peers-only | --ours-only] [--models ease,svd]
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import figures, ours, peers, protocols, reading  # noqa: E402 the path is set above
from bench.protocols import Protocol  # noqa: E402 as above
from bench.record import RESULTS, write  # noqa: E402 as above

FIRST_SEED = 11


def main() -> int:
    options = _options()
    torch.set_num_threads(options.threads)
    seeds = tuple(range(FIRST_SEED, FIRST_SEED + options.seeds))
    judge = reading.published_evaluator(options.shared.parent / "tools" / "accuracy_eval.py")
    print("every figure is checked by the published evaluator" if judge else "no second opinion")
    for name in options.sets.split(","):
        protocol = protocols.load(name, options.shared)
        if protocol is None:
            print(f"{name}: its files are not under {options.shared}; not run")
            continue
        began = time.monotonic()
        if not (options.ours_only or options.choose_only):
            _run_peers(protocol, options.models, judge)
        if not options.peers_only:
            for chosen in _ours(protocol, seeds, order_unread=options.order_unread):
                if options.choose_only:
                    print(name, chosen.name, chosen.validation, chosen.settings, flush=True)
                else:
                    figures.examine(protocol, chosen, judge)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    if options.choose_only:
        return 0
    found, rows = figures.merge(RESULTS / "accuracy.json")
    write(
        "accuracy",
        figures=found,
        rows=rows,
        packages=("torch", "numpy", "scipy", "implicit"),
        seeds=seeds,
        command="python bench/accuracy.py",
    )
    return 0


def _ours(
    protocol: Protocol, seeds: tuple[int, ...], *, order_unread: bool
) -> Iterator[peers.Chosen]:
    if not order_unread:
        yield from ours.choose(protocol, seeds=seeds)
        return
    for chosen in ours.choose(ours.order_unread(protocol), seeds=seeds):
        yield replace(chosen, name=f"{chosen.name}{figures.UNREAD}")


def _run_peers(protocol: Protocol, models: str, judge: ModuleType | None) -> None:
    for name in models.split(","):
        for chosen in peers.choose(name, protocol):
            figures.examine(protocol, chosen, judge)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--sets", default=",".join(protocols.LOADERS))
    parser.add_argument("--models", default=",".join(peers.NAMES), help="which of the peers")
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--ours-only", action="store_true")
    parser.add_argument("--choose-only", action="store_true", help="ours, and no look at the test")
    parser.add_argument("--order-unread", action="store_true", help="ours, given sets alone")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
