import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from recsys.errors import MissingExtra, NotEnoughData
from recsys.learning import split
from recsys.learning.examining import evaluation
from recsys.learning.fitting import private
from recsys.learning.fitting.private import PrivacyOptions
from recsys.models import histories
from recsys.models.histories import Histories
from recsys.models.vae import VAE, Bags, Batch

pytest.importorskip("opacus", reason="the extra `private` is not installed")

SMALL = PrivacyOptions(hidden=16, latent=4, steps=3, dropout=0.0, depth=2)


@pytest.fixture
def train(checkerboard) -> Histories:
    return split.temporal(checkerboard(), seed=3).train


def fresh(n_items: int, options: PrivacyOptions) -> VAE:
    counts = torch.arange(n_items, dtype=torch.float32)
    model = VAE(counts, hidden=options.hidden, latent=options.latent, depth=options.depth, seed=1)
    with torch.no_grad():
        model.embedding.mul_(20)  # small at birth: here every layer should matter
    return model


def by_autograd(model: VAE, shopper: Histories, noise: torch.Tensor, gamma: float) -> list:
    """The gradient of one shopper's bound per item, as torch itself finds it."""
    items = torch.from_numpy(shopper.items.astype(np.int64))
    offsets = torch.tensor([0, len(items)])
    bags = [
        Bags(items=items, offsets=offsets, weights=torch.full((len(items),), weight))
        for weight in (len(items) ** -0.5, 1 / len(items))
    ]
    batch = Batch(inputs=bags[0], targets=bags[1], noise=noise, scale=torch.ones(1))
    return list(torch.autograd.grad(model(batch, gamma=gamma), list(model.parameters())))


@pytest.mark.parametrize("clip", [1e6, 0.5])
def test_the_gradient_is_the_sum_of_each_shoppers_own_clipped(
    train: Histories, clip: float
) -> None:
    options = replace(SMALL, clip=clip, noise=1e-12)
    batch, model = train.take(range(7)), fresh(train.n_items, options)

    norms = private.private_gradient(
        model, batch, options=options, expected=2.0, chance=torch.Generator().manual_seed(5)
    )

    again = torch.Generator().manual_seed(5)
    torch.rand(len(batch.items), generator=again)  # what dropout draws
    noise = torch.randn((7, options.latent), generator=again)
    expected = [torch.zeros_like(parameter) for parameter in model.parameters()]
    for shopper in range(7):
        own = by_autograd(model, batch.take([shopper]), noise[[shopper]], options.gamma)
        length = torch.sqrt(sum(part.square().sum() for part in own))
        assert norms[shopper] == pytest.approx(float(length), rel=1e-4)
        for total, part in zip(expected, own, strict=True):
            total.add_(part * min(1.0, clip / float(length)) / 2)
    for parameter, total in zip(model.parameters(), expected, strict=True):
        assert torch.allclose(parameter.grad, total, rtol=1e-3, atol=2e-5)


def test_nobody_moves_the_weights_by_more_than_the_clip() -> None:
    everything = histories.from_matrix(sparse.csr_array(np.ones((1, 40), np.float32)))
    options = replace(SMALL, clip=0.01, noise=1e-12)
    model = fresh(40, options)

    private.private_gradient(
        model, everything, options=options, expected=1.0, chance=torch.Generator()
    )

    moved = torch.sqrt(sum(parameter.grad.square().sum() for parameter in model.parameters()))
    assert float(moved) <= 0.01 * (1 + 1e-4)


def test_a_step_without_shoppers_is_noise_of_the_promised_size(train: Histories) -> None:
    options = replace(SMALL, noise=3.0, clip=2.0)
    model = fresh(train.n_items, options)

    private.private_gradient(
        model, train.take([]), options=options, expected=4.0, chance=torch.Generator()
    )

    drawn = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    assert float(drawn.std()) == pytest.approx(3.0 * 2.0 / 4.0, rel=0.1)


def test_epsilon_is_what_opacus_counts(train: Histories) -> None:
    from opacus.accountants import RDPAccountant

    options = replace(SMALL, noise=1.5, counts_noise=5.0, steps=20, rate=0.2, delta=1e-4)

    found = private.fit(train, options=options, seed=1, noise_seed=2)

    accountant = RDPAccountant()
    accountant.history = [(5.0, 1.0, 1), (1.5, 0.2, 20)]
    assert found.epsilon == pytest.approx(accountant.get_epsilon(delta=1e-4))
    assert found.delta == 1e-4


def test_more_noise_tells_less(train: Histories) -> None:
    spent = [
        private.fit(train, options=replace(SMALL, noise=noise), seed=1, noise_seed=2).epsilon
        for noise in (0.7, 1.0, 4.0)
    ]

    assert spent == sorted(spent, reverse=True)


def test_with_little_noise_it_learns_the_board(checkerboard) -> None:
    cut = split.temporal(checkerboard(n_users=300), seed=3)
    options = PrivacyOptions(
        noise=0.01, counts_noise=0.01, hidden=32, latent=8, steps=150, learning_rate=2e-2, rate=0.3
    )

    made = private.fit(cut.train, options=options, seed=1, noise_seed=2)

    found = evaluation.measure(evaluation.by_vae(made.encoder, made.vectors), cut.test)
    counts = np.bincount(cut.train.items, minlength=40).astype(np.float32)
    plain = evaluation.measure(evaluation.by_counts(counts), cut.test)
    assert found["ndcg@20"] > 1.3 * plain["ndcg@20"]


def test_only_a_given_noise_can_be_repeated(train: Histories) -> None:
    first, again = (private.fit(train, options=SMALL, seed=1, noise_seed=2) for _ in range(2))
    secret, other = (private.fit(train, options=SMALL, seed=1) for _ in range(2))

    assert (first.vectors == again.vectors).all()
    assert (secret.vectors != other.vectors).any()
    assert secret.epsilon == first.epsilon


def test_without_the_extra_the_command_to_install_it_is_said(train: Histories, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "opacus.accountants", None)

    with pytest.raises(MissingExtra, match=r"pip install -e '\.\[private\]'"):
        private.fit(train, options=SMALL, seed=1)


@pytest.mark.parametrize(
    "wrong",
    [{"noise": 0.0}, {"clip": 0.0}, {"counts_noise": 0.0}, {"rate": 1.5}, {"delta": 1.0}],
)
def test_what_hides_nothing_is_refused(train: Histories, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        private.fit(train, options=replace(SMALL, **wrong), seed=1)


def test_nobody_cannot_be_learnt_from(train: Histories) -> None:
    with pytest.raises(NotEnoughData):
        private.fit(train.take([]), options=SMALL, seed=1)
