import numpy as np
import pytest
import torch
from scipy import sparse

from recsys.models import encoder as encoders
from recsys.models.vae import VAE, Bags


@pytest.fixture
def model() -> VAE:
    counts = torch.arange(1, 31, dtype=torch.float32)
    made = VAE(counts, hidden=24, latent=6, depth=2, seed=5)
    with torch.no_grad():  # trained weights are not as small as the first ones
        for tensor in made.parameters():
            tensor.add_(torch.randn(tensor.shape, generator=made.generator) * 0.3)
    return made


def _torch_means(model: VAE, histories: list[list[int]]) -> np.ndarray:
    offsets = np.cumsum([0, *(len(history) for history in histories)])
    bags = Bags(
        items=torch.tensor([item for history in histories for item in history]),
        offsets=torch.from_numpy(offsets),
    )
    return model.encode(bags, torch.ones(len(bags.items)))[0].detach().numpy()


def test_numpy_encoder_equals_torch(model: VAE) -> None:
    histories = [[3, 7, 11], [0], [5, 6, 8, 9, 20, 29], list(range(30))]
    encoder, _ = model.export()

    ours = np.stack([encoder.encode(np.array(history)) for history in histories])

    assert np.abs(ours - _torch_means(model, histories)).max() < 1e-5


def test_many_equal_one_at_a_time(model: VAE) -> None:
    histories = [[3, 7, 11], [], [5, 6]]
    dense = np.zeros((3, 30), np.float32)
    for user, history in enumerate(histories):
        dense[user, history] = 1
    encoder, _ = model.export()

    single = np.stack([encoder.encode(np.array(history, np.int64)) for history in histories])

    assert np.abs(encoder.encode_many(sparse.csr_array(dense)) - single).max() < 1e-5


def test_leaving_out_equals_encoding_the_shorter_history(model: VAE) -> None:
    history = np.array([3, 7, 11, 19])
    encoder, _ = model.export()

    found = encoder.encode_leaving_out(history, 2)

    expected = [history, np.array([3, 7, 19]), np.array([3, 7, 11])]
    assert np.abs(found - np.stack([encoder.encode(rows) for rows in expected])).max() < 1e-5


def test_leaving_out_the_only_item_is_a_stranger(model: VAE) -> None:
    encoder, _ = model.export()

    found = encoder.encode_leaving_out(np.array([4]), 1)

    assert np.abs(found[1] - encoder.encode(np.array([], np.int64))).max() < 1e-6


def test_vectors_give_the_decoders_logits(model: VAE) -> None:
    encoder, vectors = model.export()
    mean = encoder.encode(np.array([1, 2]))

    logits = model.decoder(torch.from_numpy(mean)).detach().numpy()

    assert np.abs(encoders.user_vectors(mean[None])[0] @ vectors.T - logits).max() < 1e-5


def test_arrays_survive_the_round_trip(model: VAE) -> None:
    encoder, _ = model.export()

    again = encoders.from_arrays(encoder.arrays())

    rows = np.array([1, 2, 3])
    assert (again.encode(rows) == encoder.encode(rows)).all()


def test_very_negative_input_does_not_overflow(model: VAE) -> None:
    encoder, _ = model.export()

    assert np.isfinite(encoder.forward(np.full((1, 24), -1e6, np.float32))).all()


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("embedding", np.full((30, 24), np.nan, np.float32)),
        ("block0_weight", np.zeros((24, 23), np.float32)),
        ("mean_bias", np.zeros(6, np.float64)),
        ("stranger", np.zeros(1, np.float32)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model: VAE, name: str, array: np.ndarray) -> None:
    encoder, _ = model.export()

    with pytest.raises(ValueError, match=name):
        encoders.from_arrays({**encoder.arrays(), name: array})


def test_missing_arrays_are_named() -> None:
    with pytest.raises(ValueError, match="embedding"):
        encoders.from_arrays({"mean_bias": np.zeros(2, np.float32)})
