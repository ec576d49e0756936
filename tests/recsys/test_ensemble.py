from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from recsys.models import encoder as encoders
from recsys.models import histories
from recsys.models.encoder import Encoder, Floats, user_vectors
from recsys.models.ensemble import concatenated
from recsys.models.histories import Histories, InputWeights
from recsys.models.vae import VAE


def _made(seed: int, by: InputWeights = InputWeights()) -> tuple[Encoder, Floats]:
    model = VAE(torch.arange(1.0, 31.0), hidden=12, latent=5, depth=2, seed=seed)
    with torch.no_grad():  # trained weights are not as small as the first ones
        for tensor in model.parameters():
            tensor.add_(torch.randn(tensor.shape, generator=model.generator) * 0.3)
    return model.export(by)


def _shoppers() -> Histories:
    return histories.from_matrix(sparse.random_array((6, 30), density=0.2, rng=3) > 0)


def _scores(encoder: Encoder, vectors: Floats) -> np.ndarray:
    return user_vectors(encoder.encode_weighted(_shoppers())) @ vectors.T


def test_the_score_is_the_mean_of_the_parts() -> None:
    parts = [_made(seed) for seed in (1, 2, 3)]

    encoder, vectors = concatenated(parts)

    expected = np.mean([_scores(*part) for part in parts], axis=0)
    assert np.abs(_scores(encoder, vectors) - expected).max() < 1e-5
    assert vectors.shape == (30, 16)


def test_it_survives_the_round_trip() -> None:
    encoder, vectors = concatenated([_made(seed) for seed in (1, 2)])

    again = encoders.from_arrays(encoder.arrays())

    assert (_scores(again, vectors) == _scores(encoder, vectors)).all()


def test_one_part_is_itself() -> None:
    part = _made(1)

    assert concatenated([part]) is part


def test_parts_that_read_differently_are_refused() -> None:
    with pytest.raises(ValueError, match="differently"):
        concatenated([_made(1), _made(2, InputWeights(decay=0.5))])


def test_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no encoder"):
        concatenated([])


def test_a_number_of_parts_that_does_not_divide_the_width_is_refused() -> None:
    encoder, _ = _made(1)

    with pytest.raises(ValueError, match="parts"):
        encoders.from_arrays(replace(encoder, parts=5).arrays())
