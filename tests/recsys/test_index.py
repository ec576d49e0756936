import numpy as np
import pytest
import torch

from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle
from recsys.models import neighbours
from recsys.models.encoder import user_vectors
from recsys.models.fusion import Fused
from recsys.models.vae import VAE
from recsys.serving import index
from recsys.serving.eligibility import Allowed


@pytest.fixture(autouse=True)
def _ask_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few items would otherwise all be scored without it."""
    monkeypatch.setattr(index, "FEW", 0)


@pytest.fixture(scope="module")
def model() -> VAE:
    made = VAE(torch.arange(1, 701, dtype=torch.float32), hidden=32, latent=16, depth=2, seed=2)
    with torch.no_grad():
        for tensor in made.parameters():
            tensor.add_(torch.randn(tensor.shape, generator=made.generator) * 0.2)
    return made


@pytest.fixture(scope="module")
def wide(model: VAE) -> ModelBundle:
    encoder, vectors = model.export()
    return bundles.assemble(
        version="20260301T000000Z-aaaaaa",
        fused=Fused(bias=np.zeros(700, np.float32), encoder=encoder, vectors=vectors),
        item_ids=tuple(f"i{n}" for n in range(700)),
        popularity=np.ones(700, np.float32),
        neighbours=neighbours.empty(700),
        together=neighbours.empty(700),
        manifest={},
    )


def test_exact_index_equals_decoder(model: VAE, wide: ModelBundle) -> None:
    draw = np.random.default_rng(1)
    weight = model.decoder.weight.detach().double().numpy()
    bias = model.decoder.bias.detach().double().numpy()

    for _ in range(200):
        encoder = wide.fused.encoder
        assert encoder is not None
        rows = draw.choice(700, 12, replace=False)
        mean = encoder.forward(encoder.embedding[rows].sum(axis=0)[None] / np.sqrt(12))[0]
        allowed = draw.random(700) < draw.choice([0.05, 0.5, 1.0])
        rows, scores = index.search(wide, user_vectors(mean[None])[0], 20, Allowed.of_mask(allowed))

        logits = np.where(allowed, weight @ mean.astype(np.float64) + bias, -np.inf)
        expected = np.argsort(-logits, kind="stable")[:20]
        expected = expected[logits[expected] > -np.inf]
        assert np.abs(scores - logits[rows]).max() < 1e-4
        # float32 may swap two items whose logits differ by a rounding; nothing else may differ
        swapped = rows != expected
        assert np.abs(logits[rows[swapped]] - logits[expected[swapped]]).max(initial=0) < 1e-4
        assert swapped.mean() < 0.2


def test_only_allowed_rows_come_back(wide: ModelBundle) -> None:
    allowed = np.zeros(700, np.bool_)
    allowed[[3, 699]] = True

    rows, _ = index.search(wide, np.zeros(17, np.float32), 20, Allowed.of_mask(allowed))

    assert sorted(rows.tolist()) == [3, 699]


def test_nothing_allowed_gives_nothing(wide: ModelBundle) -> None:
    rows, scores = index.search(
        wide, np.zeros(17, np.float32), 5, Allowed.of_mask(np.zeros(700, np.bool_))
    )

    assert (rows.tolist(), scores.tolist()) == ([], [])


def test_equal_scores_go_to_the_lower_row() -> None:
    encoder, vectors = VAE(torch.ones(9), hidden=4, latent=2, depth=1, seed=1).export()
    flat = bundles.assemble(
        version="20260301T000000Z-aaaaaa",
        fused=Fused(bias=np.zeros(9, np.float32), encoder=encoder, vectors=np.ones_like(vectors)),
        item_ids=tuple("abcdefghi"),
        popularity=np.ones(9, np.float32),
        neighbours=neighbours.empty(9),
        together=neighbours.empty(9),
        manifest={},
    )

    rows, _ = index.search(flat, np.ones(3, np.float32), 9, Allowed.of_mask(np.ones(9, np.bool_)))

    assert rows.tolist() == list(range(9))
