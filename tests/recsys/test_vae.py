import numpy as np
import torch
from torch.nn import functional

from recsys.models.vae import VAE, Bags


def _model(seed: int = 1) -> VAE:
    return VAE(torch.ones(7), hidden=8, latent=3, depth=2, seed=seed)


def _bags() -> Bags:
    return Bags(items=torch.tensor([0, 3, 6, 2]), offsets=torch.tensor([0, 3, 4]))


def test_loss_is_the_weighted_multinomial_elbo() -> None:
    model = _model().double()
    options = {"dropout": 0.0, "gamma": 0.01, "user_power": 0.5}
    state = model.generator.get_state()
    loss = model.loss(_bags(), **options)

    model.generator.set_state(state)
    torch.rand(4, generator=model.generator)
    noise = torch.randn(2, 3, generator=model.generator)  # as drawn inside
    mean, log_variance = model.encode(_bags(), torch.ones(4))
    logp = functional.log_softmax(model.decoder(mean + noise * (log_variance / 2).exp()), dim=1)
    likelihood = torch.stack([logp[0, [0, 3, 6]].sum(), logp[1, 2]])
    prior = torch.distributions.Normal(0, 1)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    kl = torch.distributions.kl_divergence(posterior, prior).sum(dim=1)
    n = torch.tensor([3.0, 1.0])
    expected = (n**-0.5 * (0.01 * n * kl - likelihood)).mean()

    assert torch.allclose(loss, expected, atol=1e-6)


def test_gradients_agree_with_finite_differences() -> None:
    model = _model().double()
    state = model.generator.get_state()

    def loss(weight: torch.Tensor) -> torch.Tensor:
        model.generator.set_state(state)
        with torch.no_grad():
            model.decoder.weight.copy_(weight)
        return model.loss(_bags(), dropout=0.5, gamma=0.1, user_power=0.5)

    start = model.decoder.weight.detach().clone()
    loss(start).backward()
    gradient = model.decoder.weight.grad[4, 1].item()
    nudge = torch.zeros_like(start)
    nudge[4, 1] = 1e-4

    slope = (loss(start + nudge) - loss(start - nudge)).item() / 2e-4
    assert abs(slope - gradient) < 1e-6


def test_it_starts_as_a_popularity_model() -> None:
    counts = torch.tensor([1.0, 50.0, 5.0])
    encoder, vectors = VAE(counts, hidden=8, latent=3, depth=2, seed=1).export()

    mean = encoder.encode(np.array([0]))

    assert np.argsort(-(vectors[:, :3] @ mean + vectors[:, 3])).tolist() == [1, 2, 0]


def test_the_seed_decides_the_weights() -> None:
    same = [_model(seed=4).export()[1] for _ in range(2)]

    assert (same[0] == same[1]).all()
    assert (same[0] != _model(seed=5).export()[1]).any()


def test_an_empty_history_has_a_finite_loss() -> None:
    bags = Bags(items=torch.zeros(0, dtype=torch.int64), offsets=torch.tensor([0, 0]))

    loss = _model().loss(bags, dropout=0.5, gamma=0.01, user_power=0.5)

    assert torch.isfinite(loss)


def test_export_copies_so_that_training_on_does_not_change_it() -> None:
    model = _model()
    encoder, vectors = model.export()
    before = vectors.copy(), encoder.embedding.copy()

    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(1)

    assert (vectors == before[0]).all()
    assert (encoder.embedding == before[1]).all()
