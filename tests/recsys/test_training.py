import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from recsys.errors import Cancelled
from recsys.learning import split, training
from recsys.learning.training import TrainingOptions
from recsys.models import histories


@pytest.fixture(scope="module")
def cut(checkerboard) -> split.Split:
    return split.temporal(checkerboard(), seed=1)


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
