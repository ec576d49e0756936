"""A log's shoppers divided, imitated, and the imitations judged by the shoppers that were held back.

Three fifths of the shoppers are learnt from. The others are unseen: half of them is what made-up
shoppers are compared with, half says what is normal (`likeness`), and some of them examine what
is learnt from made-up shoppers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.behaviour import rhythm, synthetic
from recsys.learning import split
from recsys.learning.examining import evaluation
from recsys.learning.fitting import private, training
from recsys.learning.fitting.private import PrivacyOptions, Private
from recsys.learning.fitting.training import TrainingOptions
from recsys.learning.imitating import likeness, synthesis
from recsys.learning.imitating.synthesis import Latent, Sampler
from recsys.learning.split import HoldOut
from recsys.models import histories
from recsys.models.histories import Histories
from recsys.types import EventLog

UNSEEN_SHARE = 0.2  # of the shoppers, twice
MOST_REPORTED = 20_000  # made-up shoppers that a report looks at: more move no figure

OnEpoch = Callable[[float, float, float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`log` holds the deeds of those who are learnt from; all parts number items alike."""

    log: EventLog
    train: Histories
    unseen: Histories
    reference: Histories
    validation: HoldOut
    exam: HoldOut


def divide(log: EventLog, *, seed: int) -> World:
    """Divide by shopper; what nobody in the training part touched is left out.

    Raises:
        NotEnoughData: Too few shoppers or items.
    """
    cut = split.by_users(log, seed=seed, share=UNSEEN_SHARE)
    n_items = len(cut.item_rows)
    row_of = np.full(len(log.item_ids), -1, np.int64)
    row_of[cut.item_rows] = np.arange(n_items)
    taught_users = np.unique(log.user_rows[cut.taught])
    hidden = split.positive(log) & ~cut.taught & (row_of[log.item_rows] >= 0)
    others = histories.from_deeds(
        log.user_rows[hidden],
        row_of[log.item_rows[hidden]],
        log.kinds[hidden],
        n_users=len(log.user_ids),
        n_items=n_items,
    )
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(others.sizes))
    mine = np.isin(log.user_rows, taught_users) & (row_of[log.item_rows] >= 0)
    return World(
        log=EventLog(
            user_rows=log.user_rows[mine],
            item_rows=row_of[log.item_rows[mine]].astype(np.int32),
            kinds=log.kinds[mine],
            at=log.at[mine],
            order_rows=log.order_rows[mine],
            user_ids=log.user_ids,
            item_ids=tuple(log.item_ids[row] for row in cut.item_rows),
        ),
        train=cut.train,
        unseen=others.take(rows[::2]),
        reference=others.take(rows[1::2]),
        validation=cut.validation,
        exam=cut.test,
    )


def learn(
    world: World,
    *,
    options: TrainingOptions,
    epochs: int,
    seed: int,
    latent: Latent = Latent.POSTERIOR,
    max_seconds: float = float("inf"),
    on_epoch: OnEpoch = lambda _progress, _loss, _ndcg: True,
) -> Sampler:
    """Fit a VAE to the training shoppers and find the temperature to draw at."""
    fitted = training.fit(
        world.train,
        validation=world.validation,
        options=options,
        epochs=epochs,
        seed=seed,
        max_seconds=max_seconds,
        on_epoch=on_epoch,
    )
    made = synthesis.sampler(fitted.encoder, fitted.vectors, world.train, latent=latent)
    return synthesis.tuned(made, seed=seed)


def learn_privately(
    world: World, *, options: PrivacyOptions, seed: int, noise_seed: int | None = None
) -> tuple[Sampler, Private]:
    """As `learn`, with differential privacy for the model.

    Points come from the prior, since encoding a real history would tell of it. The promise ends at
    the model: the lengths of histories, their times and the temperature are read off the shoppers.
    """
    promise = private.fit(world.train, options=options, seed=seed, noise_seed=noise_seed)
    made = synthesis.sampler(promise.encoder, promise.vectors, world.train, latent=Latent.PRIOR)
    return synthesis.tuned(made, seed=seed), promise


def from_vae(world: World, made: Sampler, n_shoppers: int, *, seed: int) -> EventLog:
    """Draw histories, and give them the baskets, times and kinds of the training shoppers."""
    drawn = synthesis.sample(made, n_shoppers, seed=seed)
    found, _ = rhythm.fit(world.log)
    deeds = rhythm.spread(
        drawn.owners, drawn.items.astype(np.int64), n_users=n_shoppers, rhythm=found, seed=seed
    )
    return rhythm.stamp(deeds, rhythm=found, item_ids=world.log.item_ids, seed=seed + 1)


def from_baskets(world: World, n_shoppers: int, *, seed: int) -> EventLog:
    """The baseline's shoppers."""
    return synthetic.sample_log(synthetic.fit_baskets(world.log, seed=seed), n_shoppers, seed=seed)


def judge(
    world: World,
    made: Mapping[str, Histories],
    *,
    seed: int,
    categories: NDArray[np.int64] | None = None,
    teach: bool = True,
) -> list[dict[str, Any]]:
    """One row for each source, after that of the training shoppers themselves: what can be hoped for.

    `teach` adds what models learn from each source, which takes longest.
    """
    rows = []
    for name, drawn in {"real": world.train, **made}.items():
        looked = drawn.take(slice(0, MOST_REPORTED))
        alike = likeness.report(
            world.unseen, looked, reference=world.reference, seed=seed, categories=categories
        )
        parts: list[Any] = [alike]
        if name != "real":
            parts.append(likeness.leak(world.train, world.unseen, looked))
        if teach:
            ndcgs = likeness.taught_by(drawn, world.exam)
            parts.append({f"taught_{teacher}_ndcg100": ndcg for teacher, ndcg in ndcgs.items()})
        rows.append(likeness.as_row(name, *parts))
    return rows


def examined(world: World, made: Sampler) -> float:
    """NDCG@100 of a sampler's model as a recommender, on shoppers that it never met."""
    score = evaluation.by_vae(made.encoder, made.vectors)
    return evaluation.measure(score, world.exam)["ndcg@100"]


def histories_of(log: EventLog) -> Histories:
    """A made-up log as histories."""
    wanted = split.positive(log)
    return histories.from_deeds(
        log.user_rows[wanted],
        log.item_rows[wanted],
        log.kinds[wanted],
        n_users=len(log.user_ids),
        n_items=len(log.item_ids),
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows for a terminal: a measure a line, a source a column."""
    names = list(dict.fromkeys(name for row in rows for name in row if name != "from"))
    width = max(map(len, names))
    lines = [" " * width + "".join(f"{row['from']:>12}" for row in rows)]
    lines += [f"{name:{width}}" + "".join(_cell(row.get(name)) for row in rows) for name in names]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return f"{'-':>12}"
    if isinstance(value, bool):
        return f"{'yes' if value else 'no':>12}"
    return f"{value:12.4f}" if isinstance(value, float) else f"{value!s:>12}"
