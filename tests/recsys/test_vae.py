from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from recsys.models import pooling
from recsys.models.vae import VAE, Bags, Batch, Room, Touched, low_precision

SIZES = torch.tensor([3.0, 1.0], dtype=torch.float64)


def _model(seed: int = 1) -> VAE:
    return VAE(torch.ones(7), hidden=8, latent=3, depth=2, seed=seed)


def _bags(weights: list[float]) -> Bags:
    return Bags(
        items=torch.tensor([0, 3, 6, 2]),
        offsets=torch.tensor([0, 3, 4]),
        weights=torch.tensor(weights, dtype=torch.float64),
    )


def _batch() -> Batch:
    noise = torch.randn(2, 3, generator=torch.Generator().manual_seed(2))
    inputs = _bags([0.6, 0.3, 0.7, 1.0])
    return Batch(inputs=inputs, targets=_bags([1.0] * 4), noise=noise, scale=SIZES**-0.5 / 2)


def test_loss_is_the_weighted_multinomial_elbo() -> None:
    model, batch = _model().double(), _batch()

    loss = model(batch, gamma=0.01)

    mean, log_variance = model.encode(batch.inputs)
    deviation = (log_variance / 2).exp()
    logp = functional.log_softmax(model.decoder(mean + batch.noise * deviation), dim=1)
    likelihood = torch.stack([logp[0, [0, 3, 6]].sum(), logp[1, 2]])
    prior = torch.distributions.Normal(0, 1)
    posterior = torch.distributions.Normal(mean, deviation)
    kl = torch.distributions.kl_divergence(posterior, prior).sum(dim=1)
    expected = (SIZES**-0.5 * (0.01 * SIZES * kl - likelihood)).mean()
    assert torch.allclose(loss, expected, atol=1e-6)


def test_targets_may_be_other_items_than_the_input() -> None:
    model, batch = _model().double(), _batch()
    later = Bags(
        items=torch.tensor([5]), offsets=torch.tensor([0, 0, 1]), weights=torch.tensor([2.0])
    )

    loss = model(replace(batch, targets=later), gamma=0.0)

    mean, log_variance = model.encode(batch.inputs)
    z = mean + batch.noise * (log_variance / 2).exp()
    logp = functional.log_softmax(model.decoder(z), dim=1)
    assert torch.allclose(loss, -batch.scale[1] * 2 * logp[1, 5], atol=1e-9)


@pytest.mark.parametrize("name", ["embedding", "decoder.weight", "decoder.bias", "mean.weight"])
def test_gradients_agree_with_finite_differences(name: str) -> None:
    model, batch = _model().double(), _batch()
    weight = model.get_parameter(name)
    model(batch, gamma=0.1).backward()
    gradient = weight.grad.flatten()[2].item()

    def loss(nudge: float) -> float:
        with torch.no_grad():
            weight.view(-1)[2] += nudge
            found = model(batch, gamma=0.1).item()
            weight.view(-1)[2] -= nudge
        return found

    slope = (loss(1e-4) - loss(-1e-4)) / 2e-4
    assert abs(slope - gradient) < 1e-6


def test_touched_rows_give_the_loss_and_gradients_of_the_whole_tables() -> None:
    model, batch = _model().double(), _batch()
    whole = model(batch, gamma=0.1)
    whole.backward()
    rows = torch.arange(7)
    touched = Touched(
        embedding=model.embedding.detach()[rows].requires_grad_(),
        decoder=model.decoder.weight.detach()[rows].requires_grad_(),
        bias=model.decoder.bias.detach()[rows].requires_grad_(),
        correction=torch.zeros(7),
    )

    part = model(replace(batch, touched=touched), gamma=0.1)
    part.backward()

    assert torch.allclose(part, whole)
    assert torch.allclose(touched.embedding.grad, model.embedding.grad)
    assert torch.allclose(touched.decoder.grad, model.decoder.weight.grad)
    assert torch.allclose(touched.bias.grad, model.decoder.bias.grad)


@pytest.mark.skipif(not pooling.can_write_over("cpu"), reason="torch was built without MKL")
def test_gradients_written_over_the_last_ones_are_the_same() -> None:
    plain, model, batch = _model().double(), _model().double(), _batch()
    model.room = Room.of(model, 2)

    for _ in range(2):  # the second writes over the first
        plain.zero_grad()
        plain(batch, gamma=0.1).backward()
        model(batch, gamma=0.1).backward()

    for name in ("embedding", "decoder.weight"):
        ours, theirs = model.get_parameter(name), plain.get_parameter(name)
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-12)


def test_bf16_products_change_the_loss_little() -> None:
    model, batch = _model(), _batch()
    batch = replace(batch, inputs=replace(batch.inputs, weights=batch.inputs.weights.float()))
    exact = model(batch, gamma=0.1)
    model.low = torch.bfloat16

    rounded = model(batch, gamma=0.1)

    assert rounded.dtype == torch.float32
    assert torch.allclose(rounded, exact, rtol=5e-3)


def test_bf16_is_taken_where_the_processor_multiplies_it() -> None:
    with_it, without = "flags : avx512f avx512_bf16 amx_tile", "flags : avx2 avx512f"

    assert low_precision("auto", "cpu", with_it) is torch.bfloat16
    assert low_precision("auto", "cpu", without) is None
    assert low_precision("auto", "cuda", without) is torch.bfloat16
    assert low_precision("fp32", "cuda", with_it) is None
    assert low_precision("bf16", "cpu", without) is torch.bfloat16


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="fp8"):
        low_precision("fp8", "cpu", "")


def test_it_starts_as_a_popularity_model() -> None:
    counts = torch.tensor([1.0, 50.0, 5.0])
    encoder, vectors = VAE(counts, hidden=8, latent=3, depth=2, seed=1).export()

    mean = encoder.forward(encoder.embedding[[0]])[0]

    assert np.argsort(-(vectors[:, :3] @ mean + vectors[:, 3])).tolist() == [1, 2, 0]


def test_the_seed_decides_the_weights() -> None:
    same = [_model(seed=4).export()[1] for _ in range(2)]

    assert (same[0] == same[1]).all()
    assert (same[0] != _model(seed=5).export()[1]).any()


@pytest.mark.parametrize("n_shoppers", [0, 1])
def test_an_empty_batch_or_history_has_a_finite_loss(n_shoppers: int) -> None:
    nothing = Bags(
        items=torch.zeros(0, dtype=torch.int64),
        offsets=torch.zeros(n_shoppers + 1, dtype=torch.int64),
        weights=torch.zeros(0),
    )
    batch = Batch(
        inputs=nothing,
        targets=nothing,
        noise=torch.zeros(n_shoppers, 3),
        scale=torch.ones(n_shoppers),
    )
    model = _model()

    loss = model(batch, gamma=0.01)
    loss.backward()

    assert torch.isfinite(loss)
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters())


def test_export_copies_so_that_training_on_does_not_change_it() -> None:
    model = _model()
    encoder, vectors = model.export()
    before = vectors.copy(), encoder.embedding.copy()

    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(1)

    assert (vectors == before[0]).all()
    assert (encoder.embedding == before[1]).all()
