import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from recsys.config import RecsysConfig
from recsys.errors import Cancelled
from recsys.learning import materials, split
from recsys.learning.fitting import stepping, training
from recsys.learning.fitting.distributed import Team
from recsys.learning.fitting.training import TrainingOptions
from recsys.models import histories
from recsys.models.histories import Histories


@pytest.fixture(scope="module")
def cut(checkerboard) -> split.Split:
    return split.temporal(checkerboard(), seed=1)


def _best(train: Histories, validation: split.HoldOut, options: TrainingOptions) -> float:
    fitted = training.fit(train, validation=validation, options=options, epochs=15, seed=1)
    return max(fitted.ndcgs)


def _fit(cut: split.Split, options: TrainingOptions, **more) -> training.Fitted:
    settings = {"epochs": 4, "seed": 3, **more}
    return training.fit(cut.train, validation=cut.validation, options=options, **settings)


def test_the_same_seed_gives_the_same_model(cut, small) -> None:
    first, second = (_fit(cut, small) for _ in range(2))

    assert first.losses == second.losses
    assert (first.vectors == second.vectors).all()


def test_the_loss_falls_and_the_best_epoch_is_kept(cut, small) -> None:
    fitted = _fit(cut, small, epochs=12)

    assert fitted.losses[-1] < fitted.losses[0]
    assert max(fitted.ndcgs) == fitted.ndcgs[fitted.best_epoch - 1]


def test_patience_ends_a_fit_that_no_longer_improves(cut, small) -> None:
    fitted = _fit(cut, replace(small, patience=1, learning_rate=1e-9), epochs=50)

    assert len(fitted.losses) <= 3


def test_every_epoch_is_reported_and_the_last_one_is_the_end(cut, small) -> None:
    seen = []

    _fit(
        cut,
        small,
        on_epoch=lambda progress, loss, ndcg: seen.append((progress, loss, ndcg)) or True,
    )

    assert [progress for progress, _, _ in seen] == [0.25, 0.5, 0.75, 1.0]
    assert all(math.isfinite(number) for epoch in seen for number in epoch)


def test_a_callback_that_says_stop_cancels(cut, small) -> None:
    with pytest.raises(Cancelled, match="nothing was published"):
        _fit(cut, small, on_epoch=lambda _progress, _loss, _ndcg: False)


def test_the_time_allowed_bounds_the_epochs(cut, small) -> None:
    fitted = _fit(cut, small, epochs=10_000, max_seconds=0.0)

    assert len(fitted.losses) == 1


def test_a_diverging_fit_keeps_finite_weights_and_says_so(cut, small) -> None:
    fitted = _fit(cut, replace(small, learning_rate=1e30, warmup_steps=1))

    assert not fitted.finite
    assert np.isfinite(fitted.vectors).all()
    assert fitted.losses == ()


def test_without_validation_the_last_epoch_is_kept(cut, small) -> None:
    nobody = cut.test.batch(0, 0)

    fitted = training.fit(cut.train, validation=nobody, options=small, epochs=3, seed=1)

    assert fitted.best_epoch == 3


def test_looking_less_often_repeats_the_last_look(cut, small) -> None:
    often = _fit(cut, small, epochs=5)

    seldom = _fit(cut, replace(small, validate_every=2), epochs=5)

    n = often.ndcgs
    assert seldom.losses == often.losses
    assert seldom.ndcgs == (0.0, n[1], n[1], n[3], n[4])


def test_bf16_ranks_as_well_as_float32(cut, small) -> None:
    exact = _fit(cut, replace(small, precision="fp32"), epochs=12)
    rounded = _fit(cut, replace(small, precision="bf16"), epochs=12)

    assert abs(max(rounded.ndcgs) - max(exact.ndcgs)) < 0.01


def test_a_sample_of_all_items_fits_like_the_full_softmax(cut, small) -> None:
    full = _fit(cut, replace(small, sampled=0, precision="fp32"))
    sampled = _fit(cut, replace(small, sampled=1_000, precision="fp32"))

    assert np.allclose(full.losses, sampled.losses, rtol=1e-3)


def test_a_small_sample_learns_the_checkerboard_too(cut, small) -> None:
    fitted = _fit(cut, replace(small, sampled=6), epochs=12)

    assert max(fitted.ndcgs) > 0.9 * max(_fit(cut, small, epochs=12).ndcgs)


def test_a_large_catalogue_is_sampled_unless_told_otherwise(small) -> None:
    assert stepping.recipe(small, 59_999).n_sampled == 0
    assert stepping.recipe(small, 60_000).n_sampled > 0
    assert stepping.recipe(replace(small, sampled=0), 60_000).n_sampled == 0


def test_an_item_that_nobody_touched_keeps_its_first_row(small) -> None:
    train = histories.from_matrix(
        split.matrix(np.repeat(np.arange(40), 2), np.tile([0, 1], 40), shape=(40, 500))
    )
    nobody = split.HoldOut(fold_in=train.take([]), targets=sparse.csr_array((0, 500)))
    options = replace(small, sampled=4)
    before = stepping.Stepper(train, options, seed=1, device="cpu", team=Team())
    embedding = before.model.embedding.numpy().copy()

    fitted = training.fit(train, validation=nobody, options=options, epochs=2, seed=1)

    assert (fitted.encoder.embedding[2:] == embedding[2:]).all()
    assert (fitted.encoder.embedding[:2] != embedding[:2]).any(axis=1).all()


def test_a_fit_on_what_follows_learns_the_order(small) -> None:
    """Items lie on a ring and every shopper takes one step: what follows i is i + 1, never i - 1."""
    first = np.tile(np.arange(24), 12)
    steps = np.stack([first, (first + 1) % 24], axis=1).ravel()
    owners, kinds = np.repeat(np.arange(288), 2), np.full(576, 2, np.int8)
    train = histories.from_deeds(owners, steps, kinds, n_users=288, n_items=24)
    here = np.arange(24)
    validation = split.HoldOut(
        fold_in=histories.from_matrix(split.matrix(here, here, shape=(24, 24))),
        targets=split.matrix(here, (here + 1) % 24, shape=(24, 24)),
    )
    options = replace(small, dropout=0.0, stop_at=1, patience=15)

    ahead = _best(train, validation, replace(options, future=True))
    around = _best(train, validation, options)

    assert ahead > 0.95
    assert around < 0.8


def test_logs_are_written_where_asked_for(cut, small, tmp_path) -> None:
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")

    _fit(cut, small, epochs=1, log_dir=tmp_path)

    assert [path.name.startswith("events.out") for path in tmp_path.iterdir()] == [True]


def test_one_enormous_history_among_small_ones_trains(small) -> None:
    n_items = 5_000
    rows = np.concatenate([np.zeros(n_items, np.int64), np.repeat(np.arange(1, 40), 3)])
    columns = np.concatenate([np.arange(n_items), np.tile([1, 2, 3], 39)])
    train = histories.from_matrix(split.matrix(rows, columns, shape=(40, n_items)))
    nobody = split.HoldOut(
        fold_in=histories.from_matrix(sparse.csr_array((0, n_items))),
        targets=sparse.csr_array((0, n_items)),
    )

    fitted = training.fit(train, validation=nobody, options=small, epochs=2, seed=1)

    assert fitted.finite


def test_a_card_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)

    assert [training.device_of(wanted) for wanted in ("auto", "cpu", "cuda")] == [
        "cuda",
        "cpu",
        "cuda",
    ]


def test_a_card_that_is_asked_for_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    assert training.device_of("auto") == "cpu"
    with pytest.raises(ValueError, match="VITRINE_TRAIN_DEVICE=cuda"):
        training.device_of("cuda")


@pytest.mark.gpu
def test_a_card_learns_what_the_cpu_learns(cut, small) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch sees no card here")

    on_cpu, on_card = _fit(cut, small), _fit(cut, small, device="cuda")

    assert np.allclose(on_cpu.losses, on_card.losses, rtol=1e-3)
    assert on_card.vectors.dtype == np.float32


def test_several_seeds_are_fitted_side_by_side(cut, small, tmp_path) -> None:
    seen = []
    config = RecsysConfig(artifacts_dir=tmp_path)
    kept = materials.checkpoint_of(config)

    both = _fit(
        cut,
        replace(small, seeds=2),
        checkpoint=kept,
        on_epoch=lambda progress, *_: seen.append(progress) or True,
    )

    first, second = (_fit(cut, small, seed=seed) for seed in (3, 4))
    assert both.losses == first.losses + second.losses
    assert both.vectors.shape == (40, 17)
    assert (both.vectors[:, :8] == first.vectors[:, :8] / 2).all()
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(list(kept.parent.iterdir())) == 2
    materials.tidy(config)
    assert list(kept.parent.iterdir()) == []
