"""Whether drawing looks by what was clicked is worth it, and whether the report of it can be believed.

Shops of four personas and five looks, whose click rates are made up and therefore known. `generative.
variants` draws as in the shop: chances are worked out anew after every 250 slates, a tenth of draws is
even. Beside it an even choice; and the first-then-best that a marketer does by hand: a fifth of all
slates evenly, then the winner for everyone. `lift` is expected clicks over those of an even choice,
with the 95 % interval over runs; `regret` the clicks lost per 1,000 slates against whoever knows
every rate. Shops `differ` in their looks, or the looks are `alike`, or each persona has a `taste` of
its own, or all preferences `turn` round half way.

In the second table the logs of the bandit are read by the report (`recsys.outcomes.looks`): what the
chances and an even choice earn in the mean is known, so is how often the 95 % intervals hold it (IPS,
SNIPS and doubly robust at one look; the gain's own at twenty looks all together).

python bench/bandit.py [--runs 40]
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from generative import variants  # noqa: E402 as above
from generative.variants import Cell, Choices, Known, Rules, Tally  # noqa: E402 as above
from recsys.outcomes import looks  # noqa: E402 as above
from recsys.outcomes.looks import Trials  # noqa: E402 as above
from recsys.outcomes.reading import Look  # noqa: E402 as above

LOOKS = ("bold", "editorial", "field", "frame", "type")
PERSONAS = ("bread", "dairy", "fruit", "wine")
SHARES = np.array([0.5, 0.3, 0.15, 0.05])  # of the slates
SLATES, BATCH, SHOPPERS = 20_000, 250, 4_000
LOOKED_AT = 20  # times that somebody opens the report
FIRST = 0.2  # of the slates, before a marketer decides by hand
SEED = 98765

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class World:
    """Click rates (personas, looks) at the start and at the end; between them they jump half way."""

    name: str
    before: Floats
    after: Floats

    def rates(self, slate: int) -> Floats:
        return self.before if slate < SLATES // 2 else self.after


@dataclass(frozen=True, kw_only=True)
class Run:
    clicks: float  # expected
    lost: float  # of those of whoever knows every rate
    explored: float  # share of draws of a look that was drawn in less than half of all cases
    wrongly: int  # slots whose best look rests at the end
    log: Trials | None = None
    truth: Floats | None = None  # (T,) what an even choice earns of each slate, in the mean
    drawing: Floats | None = None  # (T,) what the chances earn that it was drawn by


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    figures: dict[str, float | None] = {}
    for kind in ("differ", "alike", "taste", "turn"):
        found = {name: [] for name in POLICIES}
        read: list[dict[str, Any]] = []
        for run in range(options.runs):
            world = made(kind, np.random.default_rng([SEED, run]))
            for name, policy in POLICIES.items():
                # The same shoppers, slates and lucks whatever the policy: runs are compared in pairs.
                one = played(world, policy(), np.random.default_rng([SEED, run, 1]))
                found[name].append(one)
                if name == "thompson":
                    read.append(estimated(one))
        compared = [summary(kind, name, found[name], found["even"]) for name in found]
        rows += [*compared, *believed(kind, read)]
        figures |= told(kind, compared, rows)
        print(*rows[-7:], sep="\n", flush=True)
    figures |= cost()
    write("bandit", figures=figures, rows=rows, packages=["numpy", "scipy"], seeds=[SEED])
    return 0


def made(kind: str, random: np.random.Generator) -> World:
    """Rates around 6 %: looks differ by a fifth; not at all; each persona has its own; or they turn."""
    of_persona = random.normal(0, 0.25, (len(PERSONAS), 1))
    of_look = random.normal(0, 0.2, (1, len(LOOKS)))
    own = random.normal(0, 0.2, (len(PERSONAS), len(LOOKS)))
    effects = {"alike": 0 * of_look, "taste": own}.get(kind, of_look + 0.25 * own)
    before = 0.06 * np.exp(of_persona + effects)
    after = 0.06 * np.exp(of_persona - effects) if kind == "turn" else before
    return World(name=kind, before=before, after=after)


class Thompson:
    """As the shop does it: a table, a draw a slate, counts after every batch, and they fade."""

    fading = 0.5 ** (BATCH / SLATES)  # a half-life is as long as the whole run

    def __init__(self) -> None:
        self.known = Known(approved={"hero": LOOKS})
        self.table = variants.table(self.known)
        self.choices = Choices(self.table)

    def draw(self, persona: int, luck: float) -> variants.Draw:
        found = self.choices.draw("hero", PERSONAS[persona], luck)
        assert found is not None  # noqa: S101 five looks are approved
        return found

    def learn(self, counts: Floats) -> None:
        """`counts` (2, personas, looks): shown and clicked."""
        tallies = {}
        for i, persona in enumerate(PERSONAS):
            for j, look in enumerate(LOOKS):
                cell = Cell("hero", persona, look)
                was = self.known.tallies.get(cell, Tally())
                tallies[cell] = Tally(
                    was.shown * self.fading + counts[0, i, j],
                    was.clicked * self.fading + counts[1, i, j],
                )
        retired = variants.retired(self.table)
        self.known = Known(tallies=tallies, approved=self.known.approved, retired=retired)
        self.table = variants.table(self.known, Rules())
        self.choices = Choices(self.table)

    def chances(self, persona: int) -> Floats:
        slots = self.table["hero"]
        shares = slots.get(PERSONAS[persona]) or slots[variants.EVERYONE]
        known = {share.variant: share.chance for share in shares}
        return np.array([known[look] for look in LOOKS])

    def rests(self) -> frozenset[Cell]:
        return variants.retired(self.table)


class Even:
    def draw(self, persona: int, luck: float) -> variants.Draw:  # noqa: ARG002 as the others
        return variants.Draw(LOOKS[int(luck * len(LOOKS))], 1 / len(LOOKS), LOOKS)

    def learn(self, counts: Floats) -> None:
        """It learns nothing."""

    def chances(self, persona: int) -> Floats:  # noqa: ARG002 as the others
        return np.full(len(LOOKS), 1 / len(LOOKS))

    def rests(self) -> frozenset[Cell]:
        return frozenset()


class FirstThenBest(Even):
    """An even test of fixed length, then the winner for everybody."""

    def __init__(self) -> None:
        self.counts = np.zeros((2, len(PERSONAS), len(LOOKS)))
        self.winner = ""

    def draw(self, persona: int, luck: float) -> variants.Draw:
        if not self.winner:
            return super().draw(persona, luck)
        return variants.Draw(self.winner, 1.0, (self.winner,))

    def chances(self, persona: int) -> Floats:
        if not self.winner:
            return super().chances(persona)
        return np.array([float(look == self.winner) for look in LOOKS])

    def learn(self, counts: Floats) -> None:
        self.counts += counts
        shown, clicked = self.counts.sum(axis=1)
        if not self.winner and shown.sum() >= FIRST * SLATES:
            self.winner = LOOKS[int((clicked / shown).argmax())]


POLICIES: dict[str, Callable[[], Any]] = {
    "even": Even,
    "first_then_best": FirstThenBest,
    "thompson": Thompson,
}


def played(world: World, policy: Any, random: np.random.Generator) -> Run:
    names: dict[Look, int] = {}
    columns = np.zeros((4, SLATES))
    truth, drawing = np.zeros(SLATES), np.zeros(SLATES)
    lost = earned = explored = 0.0
    of_shopper = random.choice(len(PERSONAS), SHOPPERS, p=SHARES)
    liveliness = random.gamma(4.0, 0.25, SHOPPERS)  # some click more on everything
    shoppers = random.integers(0, SHOPPERS, SLATES)
    lucks, clicking = random.random(SLATES), random.random(SLATES)
    for start in range(0, SLATES, BATCH):
        counts = np.zeros((2, len(PERSONAS), len(LOOKS)))
        rates = world.rates(start)
        chances = [policy.chances(persona) for persona in range(len(PERSONAS))]
        for slate in range(start, start + BATCH):
            shopper = int(shoppers[slate])
            persona = int(of_shopper[shopper])
            draw = policy.draw(persona, float(lucks[slate]))
            look = LOOKS.index(draw.variant)
            here = rates[persona] * liveliness[shopper]
            won = float(clicking[slate] < here[look])
            counts[:, persona, look] += (1.0, won)
            name = Look("hero", PERSONAS[persona], draw.variant, draw.among)
            columns[:, slate] = (names.setdefault(name, len(names)), won, draw.chance, shopper)
            truth[slate] = here[[LOOKS.index(one) for one in draw.among]].mean()
            drawing[slate] = chances[persona] @ here
            earned, lost = earned + here[look], lost + here.max() - here[look]
            explored += draw.chance < 1 / 2
        policy.learn(counts)
    wrongly = sum(
        cell.variant == LOOKS[int(world.rates(SLATES)[PERSONAS.index(cell.persona)].argmax())]
        for cell in policy.rests()
        if cell.persona in PERSONAS
    )
    log = Trials(
        looks=columns[0].astype(np.int64),
        won=columns[1],
        chances=columns[2],
        users=columns[3].astype(np.int64),
        names=tuple(names),
    )
    return Run(
        clicks=float(earned),
        lost=float(lost),
        explored=explored / SLATES,
        wrongly=wrongly,
        log=log,
        truth=truth,
        drawing=drawing,
    )


def estimated(run: Run) -> dict[str, Any]:
    """Whether each interval of the report holds what is true of this log."""
    log, truth, drawing = run.log, run.truth, run.drawing
    assert log is not None  # noqa: S101 every run keeps its log
    assert truth is not None  # noqa: S101 as above
    assert drawing is not None  # noqa: S101 as above
    found: dict[str, Any] = {}
    for value in looks.even(log):
        found[value.estimator] = (value.value - truth.mean(), value.low, value.high, truth.mean())
    holds = True
    for upto in np.linspace(SLATES / LOOKED_AT, SLATES, LOOKED_AT).astype(int):
        worth = looks.worth(log.where(slice(0, upto)))[0]
        gain = float((drawing[:upto] - truth[:upto]).mean())
        if worth.gain is not None:
            holds = holds and worth.gain.low <= gain <= worth.gain.high
            found["seen"] = worth.gain.low > 0
    found["gain"] = holds
    return found


def summary(kind: str, name: str, runs: Sequence[Run], base: Sequence[Run]) -> dict[str, Any]:
    lifts = np.array([one.clicks / other.clicks - 1 for one, other in zip(runs, base, strict=True)])
    regret = np.array([one.lost / SLATES * 1000 for one in runs])
    mean, reach = _mean(100 * lifts)
    return {
        "shops": kind,
        "choice": name,
        "runs": len(runs),
        "lift %": round(mean, 2),
        "low": round(mean - reach, 2),
        "high": round(mean + reach, 2),
        "worse than even in": int((lifts < 0).sum()),
        "regret": round(float(regret.mean()), 2),
        "regret ±": round(_mean(regret)[1], 2),
        "drawn below a half %": round(100 * float(np.mean([one.explored for one in runs])), 1),
        "best look rests in": sum(one.wrongly for one in runs),
    }


def believed(kind: str, read: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for name in ("ips", "snips", "dr"):
        found = np.array([one[name] for one in read])
        rows.append(
            {
                "shops": kind,
                "estimate": name,
                "logs": len(read),
                "bias %": round(100 * float(found[:, 0].mean() / found[:, 3].mean()), 2),
                "interval width %": round(
                    100 * float((found[:, 2] - found[:, 1]).mean() / found[:, 3].mean()), 1
                ),
                "holds %": round(
                    100
                    * float(((found[:, 1] <= found[:, 3]) & (found[:, 3] <= found[:, 2])).mean()),
                    1,
                ),
            }
        )
    rows.append(
        {
            "shops": kind,
            "gain, logs": len(read),
            f"holds at all {LOOKED_AT} looks %": round(
                100 * float(np.mean([one["gain"] for one in read])), 1
            ),
            "seen above 0 %": round(100 * float(np.mean([one["seen"] for one in read])), 1),
        }
    )
    return rows


def told(
    kind: str, compared: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]
) -> dict[str, float | None]:
    ours = next(row for row in compared if row["choice"] == "thompson")
    even = next(row for row in compared if row["choice"] == "even")
    held = [row["holds %"] for row in rows if row["shops"] == kind and "holds %" in row]
    return {
        f"{kind}_lift_percent": ours["lift %"],
        f"{kind}_lift_low": ours["low"],
        f"{kind}_lift_high": ours["high"],
        f"{kind}_regret_of_even_percent": round(100 * ours["regret"] / even["regret"], 1)
        if even["regret"]
        else None,
        f"{kind}_coverage_least_percent": min(held),
    }


def cost() -> dict[str, float | None]:
    """CPU microseconds of a draw, and milliseconds of a table of six sizes and thirty personas."""
    tallies = {
        Cell(size, f"p{persona}", look): Tally(1_000, 50 + 5 * n)
        for size in ("hero", "square", "story", "leaderboard", "rectangle", "skyscraper")
        for persona in range(30)
        for n, look in enumerate(LOOKS)
    }
    known = Known(tallies=tallies, approved={cell.size: LOOKS for cell in tallies})
    begun = time.process_time()
    choices = Choices(variants.table(known))
    table = time.process_time() - begun
    lucks = np.random.default_rng(SEED).random(100_000).tolist()
    begun = time.process_time()
    for luck in lucks:
        choices.draw("hero", "p7", luck)
    return {
        "draw_cpu_us": round((time.process_time() - begun) / len(lucks) * 1e6, 2),
        "table_cpu_ms": round(table * 1e3, 1),
    }


def _mean(values: Floats) -> tuple[float, float]:
    return float(values.mean()), 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5


if __name__ == "__main__":
    sys.exit(main())
