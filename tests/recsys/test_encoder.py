import numpy as np
import pytest
import torch

from recsys.models import encoder as encoders
from recsys.models.encoder import Encoder
from recsys.models.histories import Histories, InputWeights
from recsys.models.vae import VAE, Bags

WEIGHTS = InputWeights(decay=0.7, kinds=(0.5, 0.8, 1.0, 0.9, 0.0))


@pytest.fixture
def model() -> VAE:
    counts = torch.arange(1, 31, dtype=torch.float32)
    made = VAE(counts, hidden=24, latent=6, depth=2, seed=5)
    with torch.no_grad():  # trained weights are not as small as the first ones
        for tensor in made.parameters():
            tensor.add_(torch.randn(tensor.shape, generator=made.generator) * 0.3)
    return made


def _histories(items: list[list[int]]) -> Histories:
    """Oldest first; kinds go round, so that several are met."""
    sizes = np.array([len(one) for one in items])
    place = np.concatenate([np.arange(n) for n in sizes])
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(sizes)]),
        items=np.concatenate([np.array(one, np.int32) for one in items]),
        ages=(np.repeat(sizes, sizes) - 1 - place).astype(np.int32),
        kinds=(place % 4).astype(np.int8),
        n_items=30,
    )


def _torch_means(model: VAE, histories: Histories, by: InputWeights) -> np.ndarray:
    bags = Bags(
        items=torch.from_numpy(histories.items.astype(np.int64)),
        offsets=torch.from_numpy(histories.indptr),
        weights=torch.from_numpy(encoders.unit_weights(histories, by)),
    )
    return model.encode(bags)[0].detach().numpy()


@pytest.mark.parametrize("by", [InputWeights(), WEIGHTS])
def test_numpy_encoder_equals_torch(model: VAE, by: InputWeights) -> None:
    histories = _histories([[3, 7, 11], [0], [], [5, 6, 8, 9, 20, 29], list(range(30))])
    encoder, _ = model.export(by)

    found = encoder.encode_weighted(histories)

    assert np.abs(found - _torch_means(model, histories, by)).max() < 1e-5


def test_one_shopper_is_encoded_as_among_many(model: VAE) -> None:
    histories = _histories([[3, 7, 11], [], [5, 6]])
    encoder, _ = model.export(WEIGHTS)

    single = [encoder.encode_weighted(histories.take([row])) for row in range(3)]

    assert np.abs(np.concatenate(single) - encoder.encode_weighted(histories)).max() < 1e-5


def test_items_that_all_weigh_one_are_divided_by_the_root_of_their_number(model: VAE) -> None:
    histories = _histories([[3, 7, 11, 19]])
    encoder, _ = model.export()

    assert np.allclose(encoders.unit_weights(histories, InputWeights()), 0.5)
    plain = encoder.forward(encoder.embedding[[3, 7, 11, 19]].sum(axis=0)[None] / 2)
    assert np.abs(encoder.encode_weighted(histories) - plain).max() < 1e-6


def test_a_history_of_which_nothing_counts_is_a_stranger(model: VAE) -> None:
    encoder, _ = model.export(InputWeights(kinds=(0.0,) * 5))

    found = encoder.encode_weighted(_histories([[3, 7]]))

    assert np.abs(found - encoder.encode_weighted(_histories([[]]))).max() < 1e-6


def test_vectors_give_the_decoders_logits(model: VAE) -> None:
    encoder, vectors = model.export()
    mean = encoder.encode_weighted(_histories([[1, 2]]))[0]

    logits = model.decoder(torch.from_numpy(mean)).detach().numpy()

    assert np.abs(encoders.user_vectors(mean[None])[0] @ vectors.T - logits).max() < 1e-5


def test_arrays_survive_the_round_trip(model: VAE) -> None:
    encoder, _ = model.export(WEIGHTS)
    histories = _histories([[1, 2, 3]])

    again = encoders.from_arrays(encoder.arrays())

    assert (again.encode_weighted(histories) == encoder.encode_weighted(histories)).all()


def test_arrays_written_before_items_had_weights_count_every_item_once(model: VAE) -> None:
    arrays = model.export(WEIGHTS)[0].arrays()
    del arrays["input_weights"]

    again: Encoder = encoders.from_arrays(arrays)

    assert again.input == InputWeights()


def test_very_negative_input_does_not_overflow(model: VAE) -> None:
    encoder, _ = model.export()

    assert np.isfinite(encoder.forward(np.full((1, 24), -1e6, np.float32))).all()


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("embedding", np.full((30, 24), np.nan, np.float32)),
        ("block0_weight", np.zeros((24, 23), np.float32)),
        ("mean_bias", np.zeros(6, np.float64)),
        ("input_weights", np.ones(3, np.float32)),
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
