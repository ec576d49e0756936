"""How many bare Flask answers a request costs: CPU seconds of both, by turns of a second each.

A shared machine's speed may halve within a minute, and another machine's is another one anyway. What
was measured a second apart has met the same machine, so the ratio says what `bench/serving.py`'s
milliseconds cannot: how much is asked of any machine. Shops, requests, server, cores and load are
that script's; `bare` is one view of Flask's on the same server. Of the turns the median is told, and
the quarters beside it.

python bench/over_bare.py [--sizes grocery,100k,1m] [--turns 15] [--state DIR]
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import servers, serving  # noqa: E402 the path is set above
from bench.beside_bare import bare  # noqa: E402 as above
from bench.loads import HEADLINE, Row, ask, measure  # noqa: E402 as above
from bench.record import write  # noqa: E402 as above

BARE = "bare_flask"
_CPU = "server_cpu_ms_per_request"
_FEW = 100  # requests in process: the stages are not what is wanted here
_INTO_EVERY_MEMORY = 8.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="grocery,100k,1m")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--state", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        state = (options.state or Path(made)).resolve()
        figures: dict[str, float] = {}
        rows: list[Row] = []
        for name in options.sizes.split(","):
            shop = serving.fill(state, name, epochs=options.epochs)
            of_shop = of(shop, turns=options.turns)
            rows += of_shop
            figures |= {f"{name}_{row['variant']}_over_bare_flask": row["ratio"] for row in of_shop}
            write("over_bare", figures=figures, rows=rows, packages=serving.PACKAGES)


def of(shop: serving.Shop, *, turns: int) -> list[Row]:
    """One row for each variant of a shop's requests."""
    store_port, port = servers.free_port(), servers.free_port()
    env = servers.environment(shop.state, store_port)
    asked = {name: serving.variants(shop)[name] for name in serving.VARIANTS}
    spent: list[dict[str, float]] = []
    with servers.valkey(shop.state, store_port):
        serving.take_apart(shop, env, asked, _FEW)  # leaves a creative for whatever will be shown
        with (
            servers.child(servers.granian(port), env, shop.state, core=servers.SERVER_CORE) as one,
            bare(shop.state) as of_bare,
        ):
            servers.wait_for(port)
            measured = {BARE: of_bare}
            for name, paths in asked.items():
                measured[name] = one.pid, port, serving.requests_file(shop, name, paths)
            for _, its_port, file in measured.values():
                ask(its_port, file, seconds=_INTO_EVERY_MEMORY, connections=2)
            for _ in range(turns):
                rows = {
                    name: measure(*each, 1.0, connections=HEADLINE, quiet=True)
                    for name, each in measured.items()
                }
                spent.append({name: row[_CPU] for name, row in rows.items()})
    return [_row(shop.name, name, spent) for name in asked]


def _row(shop: str, name: str, spent: Sequence[dict[str, float]]) -> Row:
    low, middle, high = quantiles((turn[name] / turn[BARE] for turn in spent), n=4)
    row = {"shop": shop, "variant": name, "turns": len(spent), "ratio": round(middle, 2)}
    row |= {"lower_quarter": round(low, 2), "upper_quarter": round(high, 2)}
    row |= {"cpu_ms": median(turn[name] for turn in spent)}
    row |= {"bare_flask_cpu_ms": median(turn[BARE] for turn in spent)}
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
