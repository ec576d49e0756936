"""Training data that nobody would send on purpose: an answer, or one sentence why there is none."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from recsys.behaviour import events
from recsys.database import connect, reading, writing
from recsys.errors import NotEnoughData
from recsys.learning import split
from recsys.learning.bundle import ModelBundle
from recsys.learning.examining import evaluation
from recsys.learning.fitting import training
from recsys.learning.retraining import train_candidate
from recsys.models import histories, popularity
from recsys.models.histories import Histories
from recsys.tables import Base
from recsys.types import Event, EventKind, EventLog

PURCHASE = tuple(EventKind).index(EventKind.PURCHASE)


def with_robot(log: EventLog, deeds: int) -> EventLog:
    """One shopper more, who bought everything again and again, all the time."""
    at = np.linspace(log.at[0], log.at[-1], deeds).astype(np.int64)
    order = np.argsort(np.concatenate([log.at, at]), kind="stable")
    robot = len(log.user_ids)

    def joined(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        return np.concatenate([mine, theirs.astype(mine.dtype)])[order]

    return EventLog(
        user_rows=joined(log.user_rows, np.full(deeds, robot)),
        item_rows=joined(log.item_rows, np.arange(deeds) % len(log.item_ids)),
        kinds=joined(log.kinds, np.full(deeds, PURCHASE)),
        at=joined(log.at, at),
        order_rows=joined(log.order_rows, np.full(deeds, -1)),
        user_ids=(*log.user_ids, "robot"),
        item_ids=log.item_ids,
    )


def test_a_shopper_with_a_million_events_is_one_shopper(checkerboard, quick, plan) -> None:
    board = checkerboard()
    log = with_robot(board, 1_000_000)

    counts = popularity.decayed_counts(log.user_rows, log.item_rows, log.at, n_items=40)
    cut = split.temporal(log, seed=3)

    assert cut.train.sizes.max() == 40
    assert counts.max() <= 121
    short = replace(quick, train_epochs=12)
    made = train_candidate(log, ModelBundle.empty(), short, plan=plan)
    score = evaluation.by_bundle(made.bundle, tuple(log.item_ids[row] for row in cut.item_rows))
    shoppers = cut.train.take(range(120))
    asked = split.HoldOut(fold_in=shoppers, targets=shoppers.matrix())
    ranked = evaluation.examine(score, asked).ranked[:, :5]
    colours = np.array([int(log.item_ids[row][-3:]) % 2 for row in cut.item_rows])
    own = colours[shoppers.items[shoppers.indptr[:-1]]]
    assert (colours[ranked] == own[:, None]).mean() > 0.95


def test_an_item_nobody_has_is_ranked_last_and_is_finite(checkerboard, small) -> None:
    cut = split.temporal(checkerboard(), seed=3)
    more = cut.train.renamed(np.arange(40), 41)

    fitted = training.fit(
        more,
        validation=split.HoldOut(
            fold_in=cut.validation.fold_in.renamed(np.arange(40), 41),
            targets=sparse.csr_array(
                (
                    cut.validation.targets.data,
                    cut.validation.targets.indices,
                    cut.validation.targets.indptr,
                ),
                shape=(len(cut.validation), 41),
            ),
        ),
        options=small,
        epochs=10,
        seed=3,
    )

    scores = evaluation.by_vae(fitted.encoder, fitted.vectors)(more)
    assert np.isfinite(scores).all()
    assert (scores.argmin(axis=1) == 40).mean() > 0.9


def test_rows_that_are_all_equal_are_too_little_to_learn_from(quick, plan) -> None:
    n = 1_000
    log = EventLog(
        user_rows=np.zeros(n, np.int32),
        item_rows=np.zeros(n, np.int32),
        kinds=np.full(n, PURCHASE, np.int8),
        at=np.full(n, 1_700_000_000, np.int64),
        order_rows=np.full(n, -1, np.int32),
        user_ids=("u",),
        item_ids=("i",),
    )

    with pytest.raises(NotEnoughData, match="at least 2 and 2 are needed"):
        train_candidate(log, ModelBundle.empty(), quick, plan=plan)


def test_shoppers_who_are_all_alike_are_learnt_from(checkerboard, quick, plan) -> None:
    """Everybody took the same items in the same order: nothing is left to hold out, nothing fails."""
    board = checkerboard(n_users=30, deeds=4)
    same = np.tile(np.arange(4, dtype=np.int32), 30)
    log = replace(board, item_rows=same, user_rows=np.repeat(np.arange(30, dtype=np.int32), 4))

    made = train_candidate(log, ModelBundle.empty(), replace(quick, train_epochs=2), plan=plan)

    assert made.passed == bool(made.metrics["passed"])
    assert np.isfinite(made.bundle.fused.items()).all()


def test_a_log_of_one_instant_has_no_past(checkerboard, quick, plan) -> None:
    board = checkerboard()
    log = replace(board, at=np.full(len(board), 1_700_000_000, np.int64))

    with pytest.raises(NotEnoughData, match="before the hold-out"):
        train_candidate(log, ModelBundle.empty(), quick, plan=plan)


def test_an_empty_window_of_time_says_that_nothing_was_recorded(
    tmp_path: Path, quick, plan
) -> None:
    engine = connect(f"sqlite:///{tmp_path}/shop.db")
    Base.metadata.create_all(engine)
    late = datetime(2026, 5, 1, tzinfo=UTC)
    with writing(engine) as session:
        event = Event(event_id="e", user_id="u", item_id="i", kind=EventKind.VIEW, at=late)
        events.record(session, [event])

    with reading(engine) as session:
        log = events.log(session, until=datetime(2026, 4, 1, tzinfo=UTC))

    assert len(log) == 0
    assert log.user_ids == log.item_ids == ()
    with pytest.raises(NotEnoughData, match="import some events"):
        train_candidate(log, ModelBundle.empty(), quick, plan=plan)


def test_only_dismissals_are_nothing_to_learn_from(checkerboard, quick, plan) -> None:
    board = checkerboard()
    dismissed = tuple(EventKind).index(EventKind.DISMISS)

    with pytest.raises(NotEnoughData, match="no view, cart, purchase or like"):
        train_candidate(
            replace(board, kinds=np.full(len(board), dismissed, np.int8)),
            ModelBundle.empty(),
            quick,
            plan=plan,
        )


def test_a_history_that_is_empty_stays_empty() -> None:
    none = np.zeros(0, np.int64)

    found: Histories = histories.from_deeds(none, none, none, n_users=3, n_items=5)

    assert found.shape == (3, 5)
    assert found.sizes.tolist() == [0, 0, 0]
