"""`synthesise`: made-up shoppers as a file that `import events` reads, and how like real ones they are."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recsys.behaviour import events, rhythm
from recsys.catalogue import shelf
from recsys.commands.terminal import DONE, Bar, Commands, at_least_one, say
from recsys.config import RecsysConfig
from recsys.database import connect, reading

if TYPE_CHECKING:
    from recsys.learning.fitting.private import PrivacyOptions
    from recsys.learning.imitating.imitation import World
    from recsys.learning.imitating.synthesis import Sampler

SOURCES = ("vae", "baskets")
_CATEGORY_DEPTH = 2  # of a path such as Grocery/Fruit/Apples


def add_to(commands: Commands) -> None:
    made = commands.add_parser("synthesise", help="make up shoppers like the real ones, as a CSV")
    made.add_argument("--users", type=at_least_one, default=1_000, help="how many shoppers")
    made.add_argument("--from", dest="source", choices=SOURCES, default=SOURCES[0])
    made.add_argument("--output", type=Path, required=True, help="FILE.csv or FILE.csv.gz")
    made.add_argument("--seed", type=int, help="the same seed makes the same shoppers")
    made.add_argument("--report", type=Path, help="write the likeness report there, as JSON")
    made.add_argument("--no-report", action="store_true", help="make the file and judge nothing")
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    private = made.add_argument_group("a differentially private VAE (the extra `private`)")
    private.add_argument("--private", action="store_true", help="fit it so that it tells of no one")
    private.add_argument("--noise", type=float, help="noise multiplier of each step")
    private.add_argument("--clip", type=float, help="longest gradient a shopper may ask for")
    private.add_argument("--delta", type=float, help="chance that the promise fails")
    made.set_defaults(command=_synthesise)


def _synthesise(options: argparse.Namespace, config: RecsysConfig) -> int:
    from recsys.learning.imitating import imitation  # noqa: PLC0415 heavy

    if options.private and options.source != "vae":
        raise ValueError("--private fits a VAE; --from baskets counts real baskets plainly")
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    with reading(engine) as session:
        log = events.log(session)
        catalogue = shelf.refresh(session, shelf.Shelf.empty())
    seed = config.train_seed if options.seed is None else options.seed
    world = imitation.divide(log, seed=seed)
    about: dict[str, object] = {"from": options.source, "seed": seed, "users": options.users}
    if options.source == "baskets":
        made = imitation.from_baskets(world, options.users, seed=seed)
    else:
        sampler, learnt = _learn(world, options, config, seed)
        about |= learnt
        made = imitation.from_vae(world, sampler, options.users, seed=seed)
    rhythm.write_csv(made, options.output, prefix=f"synthetic-{seed}")
    about |= {"events": len(made), "output": str(options.output)}
    if not options.no_report:
        rows = imitation.judge(
            world,
            {options.source: imitation.histories_of(made)},
            seed=seed,
            categories=_categories(catalogue, world.log.item_ids),
        )
        say(imitation.table(rows))
        about["memorised"] = rows[-1]["memorised"]
        if about["memorised"]:
            say("WARN: these shoppers lie nearer to real ones than chance: do not pass them on")
        if options.report:
            options.report.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    print(json.dumps(about))
    return DONE


def _learn(
    world: "World", options: argparse.Namespace, config: RecsysConfig, seed: int
) -> tuple["Sampler", dict[str, object]]:
    """A sampler, and what is to be told of it."""
    from recsys.learning.fitting import training  # noqa: PLC0415 heavy
    from recsys.learning.imitating import imitation  # noqa: PLC0415 heavy

    def plain() -> "Sampler":
        bar = Bar(quiet=options.quiet)
        curves: dict[str, list[float]] = {"loss": [], "ndcg": []}

        def on_epoch(progress: float, loss: float, ndcg: float) -> bool:
            curves["loss"].append(loss)
            curves["ndcg"].append(ndcg)
            bar.show("fit", progress, curves)
            return True

        made = imitation.learn(
            world,
            options=training.TrainingOptions(),
            epochs=config.train_epochs,
            seed=seed,
            max_seconds=config.train_max_seconds,
            on_epoch=on_epoch,
        )
        bar.end()
        return made

    told: dict[str, object] = {}
    if options.private:
        made, promise = imitation.learn_privately(world, options=_privacy(options), seed=seed)
        told = {"epsilon": round(promise.epsilon, 3), "delta": promise.delta}
        if not options.no_report:  # what privacy cost: the same exam for a fit without it
            told["ndcg100"] = imitation.examined(world, made)
            told["ndcg100_without_privacy"] = imitation.examined(world, plain())
    else:
        made = plain()
    return made, {**told, "latent": made.latent, "temperature": made.temperature}


def _privacy(options: argparse.Namespace) -> "PrivacyOptions":
    from recsys.learning.fitting.private import PrivacyOptions  # noqa: PLC0415 heavy

    said = {name: getattr(options, name) for name in ("noise", "clip", "delta")}
    return PrivacyOptions(**{name: value for name, value in said.items() if value is not None})


def _categories(catalogue: shelf.Shelf, item_ids: tuple[str, ...]) -> NDArray[np.int64] | None:
    """Each item's category, as deep as a shop's main aisles; None where there is but one."""
    known = catalogue.items
    names = [
        "/".join(known[item_id].category[:_CATEGORY_DEPTH]) if item_id in known else ""
        for item_id in item_ids
    ]
    found, rows = np.unique(names, return_inverse=True)
    return np.asarray(rows, np.int64) if len(found) > 1 else None
