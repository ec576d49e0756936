from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import sparse

from recsys.errors import Cancelled
from recsys.learning import split
from recsys.learning.blending import branches, panel
from recsys.learning.blending.branches import BranchOptions
from recsys.learning.blending.panel import Panel
from recsys.learning.blending.tuning import LinearSettings, NeighbourSettings
from recsys.learning.examining import evaluation
from recsys.learning.split import HoldOut, Split
from recsys.models import histories
from recsys.models.encoder import Encoder
from recsys.models.histories import Histories
from recsys.types import EventLog

PLAIN = BranchOptions(
    linear=LinearSettings(rank=8),
    neighbours=NeighbourSettings(k=20),
    linear_grid=(),
    neighbour_grid=(),
)
SMALL = BranchOptions(
    linear=LinearSettings(rank=8),
    neighbours=NeighbourSettings(k=20),
    linear_grid=(("method", ("ease",)), ("decay", (0.8,))),
    neighbour_grid=(("transition", (1.0,)), ("decay", (0.8,))),
)


@dataclass(frozen=True)
class Known:
    """A dense model whose answer is known: every shopper gets the same vector."""

    encoder: Encoder
    vectors: np.ndarray
    finite: bool = True


def _dense(n_items: int, liked: np.ndarray, *, finite: bool = True) -> Known:
    nought = np.zeros(1, np.float32)
    one = Encoder(
        embedding=np.zeros((n_items, 1), np.float32),
        input_bias=nought,
        blocks=(),
        norms=((nought, nought),),
        mean_weight=np.zeros((1, 1), np.float32),
        mean_bias=nought,
    )
    vectors = np.stack([np.zeros(n_items), liked], axis=1).astype(np.float32)
    return Known(encoder=one, vectors=vectors, finite=finite)


@pytest.fixture(scope="module")
def cut(checkerboard: Callable[..., EventLog]) -> Split:
    return split.temporal(checkerboard(deeds=12), seed=5)


def _walks(n_users: int, n_items: int, steps: int, seed: int) -> tuple[Histories, HoldOut]:
    """After item i comes i + 1: only the order tells, as everybody takes everything alike."""
    starts = np.random.default_rng(seed).integers(0, n_items, n_users)
    walks = (starts[:, None] + np.arange(steps + 1)) % n_items
    users = np.repeat(np.arange(n_users), steps)
    kinds = np.full(n_users * steps, 2)
    train = histories.from_deeds(
        users, walks[:, :-1].ravel(), kinds, n_users=n_users, n_items=n_items
    )
    targets = split.matrix(np.arange(n_users), walks[:, -1], shape=(n_users, n_items))
    return train, HoldOut(fold_in=train, targets=targets)


def test_a_checkerboard_is_answered_in_the_shoppers_colour(cut: Split) -> None:
    fused, report = branches.grow(cut.train, None, cut.validation, options=SMALL)

    ranked = evaluation.examine(fused.scores, cut.test).ranked[:, :3]
    colours = cut.test.fold_in.items[cut.test.fold_in.indptr[:-1]] % 2
    assert (cut.item_rows[ranked] % 2 == cut.item_rows[colours][:, None] % 2).mean() > 0.95
    assert report["ndcg"]["fused"] >= max(
        value for name, value in report["ndcg"].items() if name != "fused"
    ) * (1 - SMALL.worth)


def test_the_reported_ndcg_is_that_of_the_fused_model(cut: Split) -> None:
    fused, report = branches.grow(cut.train, None, cut.validation, options=SMALL)

    measured = evaluation.measure(fused.scores, cut.validation, recall_at=(20,), ndcg_at=(100,))
    assert report["ndcg"]["fused"] == pytest.approx(measured["ndcg@100"], abs=2e-3)
    assert report["shoppers"] == len(cut.validation)


def test_order_is_found_where_only_the_order_tells() -> None:
    train, validation = _walks(150, 30, 6, seed=2)

    fused, report = branches.grow(train, None, validation, options=replace(SMALL, linear=None))

    assert report["neighbours"]["transition"] > 0
    ranked = evaluation.examine(fused.scores, validation).ranked[:, 0]
    assert (ranked == validation.targets.indices).mean() > 0.9


def test_a_dense_model_that_knows_nothing_is_dropped_and_costs_no_column() -> None:
    train, validation = _walks(150, 30, 6, seed=2)
    noise = np.random.default_rng(0).standard_normal(30)

    fused, report = branches.grow(
        train, _dense(30, noise), validation, options=replace(SMALL, linear=None)
    )

    assert report["weights"]["dense"] == 0
    assert fused.encoder is None
    assert fused.width == fused.items().shape[1] == 1


def test_branches_that_add_nothing_to_the_dense_model_weigh_zero() -> None:
    """Everybody's next item is item 0, and the dense model says so."""
    draw = np.random.default_rng(1)
    dense = sparse.csr_array((draw.random((60, 20)) < 0.3) & (np.arange(20) > 0))
    shoppers = histories.from_matrix(dense.astype(np.float32))
    targets = split.matrix(np.arange(60), np.zeros(60, np.int64), shape=(60, 20))
    known = _dense(20, (np.arange(20) == 0) * 9.0)

    fused, report = branches.grow(
        shoppers, known, HoldOut(fold_in=shoppers, targets=targets), options=PLAIN
    )

    assert report["ndcg"]["fused"] == 1
    assert (fused.linear, fused.neighbours) == (None, None)
    assert (report["linear"], report["neighbours"]) == (None, None)
    assert fused.width == 2


def test_a_branch_that_does_as_well_alone_is_taken_alone() -> None:
    alone = {"dense": 0.2, "neighbours": 0.5, "popularity": 0.6}
    weights = {"dense": 1.0, "neighbours": 3.0, "popularity": 0.1}

    kept = branches._at_least_the_best(alone, weights, 0.55)
    replaced = branches._at_least_the_best(alone, weights, 0.5)

    assert kept == (weights, 0.55)
    assert replaced == ({"dense": 0.0, "neighbours": 1.0, "popularity": 0.0}, 0.5)


def test_a_dense_model_that_diverged_is_left_out(cut: Split) -> None:
    broken = _dense(cut.train.n_items, np.full(cut.train.n_items, np.nan), finite=False)

    fused, _ = branches.grow(cut.train, broken, cut.validation, options=PLAIN)

    assert fused.encoder is None
    assert np.isfinite(fused.scores(cut.test.fold_in)).all()


def test_the_trend_joins_the_bias_where_it_foretells() -> None:
    """Histories say nothing; the items that sell now are the targets."""
    draw = np.random.default_rng(3)
    shoppers = histories.from_matrix(
        sparse.csr_array((draw.random((80, 30)) < 0.2).astype(np.float32))
    )
    now = np.array([3, 7, 11])
    targets = split.matrix(np.arange(80), draw.choice(now, 80), shape=(80, 30))
    masked = sparse.csr_array((80, 30), dtype=np.float32)
    trend = np.zeros(30, np.float32)
    trend[now] = 2

    fused, report = branches.grow(
        shoppers,
        None,
        HoldOut(fold_in=shoppers, targets=targets, masked=masked),
        options=PLAIN,
        trend=trend,
    )

    assert report["weights"]["trend"] > 0
    assert set(np.argsort(-fused.bias)[:3]) == set(now)


def test_nobody_to_validate_gives_the_settings_as_they_are(cut: Split) -> None:
    nobody = cut.validation.batch(0, 0)

    fused, report = branches.grow(cut.train, None, nobody, options=SMALL)

    assert report["shoppers"] == 0
    assert report["tried"] == 0
    assert report["ndcg"] == {}
    assert fused.linear is not None
    assert fused.neighbours is not None
    ranked = evaluation.examine(fused.scores, cut.test).ranked[:, :20]
    assert (ranked >= 0).all()


def test_the_same_data_grow_the_same_model(cut: Split) -> None:
    first, second = (
        branches.grow(cut.train, None, cut.validation, options=SMALL)[0].arrays() for _ in range(2)
    )

    assert {n: a.tobytes() for n, a in first.items()} == {n: a.tobytes() for n, a in second.items()}


def test_a_listener_stops_the_search(cut: Split) -> None:
    told: list[float] = []

    def listen(progress: float) -> bool:
        told.append(progress)
        return len(told) < 3

    with pytest.raises(Cancelled, match="nothing was published"):
        branches.grow(cut.train, None, cut.validation, options=SMALL, on_progress=listen)
    assert len(told) == 3


def test_progress_rises_to_one(cut: Split) -> None:
    told: list[float] = []

    branches.grow(
        cut.train,
        None,
        cut.validation,
        options=SMALL,
        on_progress=lambda progress: told.append(progress) is None,
    )

    assert told == sorted(told)
    assert told[-1] == 1


def test_no_time_takes_the_settings_as_they_are(cut: Split) -> None:
    options = BranchOptions(linear=SMALL.linear, neighbours=SMALL.neighbours, max_seconds=0)

    fused, report = branches.grow(cut.train, None, cut.validation, options=options)

    assert report["tried"] == 0
    assert fused.n_items == cut.train.n_items


def test_a_branch_may_be_left_out(cut: Split) -> None:
    options = BranchOptions(linear=None, neighbours=SMALL.neighbours, neighbour_grid=())

    fused, _ = branches.grow(cut.train, None, cut.validation, options=options)

    assert fused.linear is None
    assert fused.neighbours is not None


def test_ease_is_not_tried_beyond_its_limit(cut: Split) -> None:
    options = BranchOptions(
        linear=SMALL.linear, neighbours=None, linear_grid=(("method", ("ease",)),), item_limit=5
    )

    _, report = branches.grow(cut.train, None, cut.validation, options=options)

    assert report["tried"] == 0


def test_a_kind_that_misleads_is_weighed_less() -> None:
    """Shoppers buy their own colour and look at anything: looks must not decide."""
    draw = np.random.default_rng(8)
    n, half = 120, 15
    bought = np.stack([draw.choice(half, 6, replace=False) for _ in range(n)])
    looked = draw.integers(0, 2 * half, (n, 6))
    colour = (np.arange(n) % 2)[:, None]
    items = np.concatenate([bought[:, :4] * 2 + colour, looked], axis=1)
    kinds = np.tile([2] * 4 + [0] * 6, n)  # purchases, then views
    train = histories.from_deeds(
        np.repeat(np.arange(n), 10), items.ravel(), kinds, n_users=n, n_items=2 * half
    )
    targets = split.matrix(
        np.repeat(np.arange(n), 2), (bought[:, 4:] * 2 + colour).ravel(), shape=(n, 2 * half)
    )
    options = BranchOptions(
        linear=None,
        neighbours=NeighbourSettings(regressed=0.0),
        neighbour_grid=(("norm", (0.0,)),),
    )

    _, report = branches.grow(train, None, HoldOut(fold_in=train, targets=targets), options=options)

    view, purchase = report["neighbours"]["kinds"][0], report["neighbours"]["kinds"][2]
    assert purchase > view


def test_the_panel_counts_like_the_metrics() -> None:
    draw = np.random.default_rng(9)
    shoppers = histories.from_matrix(
        sparse.csr_array((draw.random((40, 60)) < 0.2).astype(np.float32))
    )
    targets = sparse.csr_array((draw.random((40, 60)) < 0.1).astype(np.float32))
    targets = sparse.csr_array(targets - targets.multiply(shoppers.matrix()))
    targets.eliminate_zeros()
    first, second = (draw.standard_normal((40, 60)).astype(np.float32) for _ in range(2))
    holdout = HoldOut(fold_in=shoppers, targets=targets)
    drawn = panel.draw(holdout, at=10, cells=10_000, seed=0)
    kept = np.flatnonzero(np.diff(targets.indptr) > 0)

    found = drawn.ndcg([first[kept], second[kept]], [1.0, 0.5])

    scores = first + np.float32(0.5) * second
    measured = evaluation.measure(lambda _: scores, holdout, recall_at=(10,), ndcg_at=(10,))
    assert found == pytest.approx(measured["ndcg@10"])


def test_a_constant_scorer_gains_nothing_on_the_panel() -> None:
    shoppers = histories.from_matrix(sparse.csr_array((3, 50), dtype=np.float32))
    targets = split.matrix(np.arange(3), np.arange(3), shape=(3, 50))
    drawn = Panel(holdout=HoldOut(fold_in=shoppers, targets=targets), at=10)

    assert drawn.ndcg([np.ones((3, 50), np.float32)], [1.0]) == 0


def test_a_large_validation_is_sampled_with_a_seed() -> None:
    shoppers = histories.from_matrix(sparse.csr_array((500, 1_000), dtype=np.float32))
    targets = split.matrix(np.arange(500), np.arange(500), shape=(500, 1_000))
    holdout = HoldOut(fold_in=shoppers, targets=targets)

    first, again = (panel.draw(holdout, at=10, cells=100_000, seed=4) for _ in range(2))

    assert len(first) == 100
    assert first.holdout.targets.indices.tolist() == again.holdout.targets.indices.tolist()
