"""Generators of backdrops: trained in a few steps here, kept, taken up, measured, refused."""

import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from generative.branding.brand import BrandKit
from generative.errors import ProviderUnavailable
from generative.picture import library, trained
from generative.picture.backdrops import Wish, paint, painter
from generative.picture.diffusion import FlowNet, config_for
from generative.picture.frechet import distance, diversity
from generative.picture.gan import Gan, GanConfig
from generative.picture.gate import roughness, verdict
from generative.picture.palette import Palette

PLAIN = Palette(hue=4.0, chroma=0.06, lightness=0.6)
GOOD = {
    "fd_effnet": 40.0,
    "fd_effnet_procedural": 90.0,
    "diversity": 0.5,
    "diversity_library": 0.6,
    "roughness": 2.0,
    "roughness_library": 2.2,
    "seconds_each": 0.2,
}


def wish(size=(300, 250), seed=1, *, dark=False):
    return Wish(palette=PLAIN, kit=BrandKit(), size=size, seed=seed, dark=dark)


def passing(kind, config):  # noqa: ARG001 as `gate.measure`
    return GOOD | {"passed": True, "why": ""}


@pytest.fixture(scope="module")
def shelves(tmp_path_factory):
    """A library of twenty pictures of stripes."""
    root = tmp_path_factory.mktemp("pictures") / "library"
    rng = np.random.default_rng(3)
    for _ in range(20):
        stripes = rng.integers(0, 255, (4, 8, 3), dtype=np.uint8)
        image = Image.fromarray(stripes).resize((480, 320), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=60)
        library.add(root, buffer.getvalue())
    return root.parent


@pytest.fixture
def stocked(config, shelves, tmp_path):
    return replace(config, pictures_dir=shelves, models_dir=tmp_path / "models")


@pytest.mark.parametrize("kind", ["flow", "gan"])
def test_a_generator_that_passed_its_gate_paints_and_says_who_it_was(kind, stocked):
    gate = trained.train(kind, stocked, steps=2, measured=passing, device="cpu")
    config = replace(stocked, backdrops=(kind, "procedural"))

    image, method = paint(wish(seed=5), config)
    again, _ = paint(wish(seed=5), config)
    other, _ = paint(wish(seed=6), config)

    assert method == f"{kind}:{gate['sha256'][:16]}"
    assert image.size == (300, 250)
    assert image.tobytes() == again.tobytes()
    assert image.tobytes() != other.tobytes()


@pytest.mark.parametrize("size", [(728, 90), (160, 600), (1080, 1920)])
def test_a_generator_fills_every_shape(size, stocked):
    trained.train("gan", stocked, steps=1, measured=passing, device="cpu")

    image, method = paint(
        wish(size=size, dark=True), replace(stocked, backdrops=("gan", "procedural"))
    )

    assert method.startswith("gan:")
    assert image.size == size


def test_a_generator_that_failed_its_gate_is_not_used_and_says_why(stocked):
    def failing(kind, config):  # noqa: ARG001 as `gate.measure`
        return GOOD | {"passed": False, "why": "it paints too much alike"}

    trained.train("gan", stocked, steps=1, measured=failing, device="cpu")
    config = replace(stocked, backdrops=("gan", "procedural"))

    assert paint(wish(seed=5), config)[1] == "procedural"
    with pytest.raises(ProviderUnavailable, match="too much alike"):
        painter("gan")(wish(), config)


def test_weights_that_were_not_measured_are_not_used(stocked):
    trained.train("gan", stocked, steps=1, measured=passing, device="cpu")
    weights = stocked.models_dir / "backdrops" / "gan" / "weights.pt"
    weights.write_bytes(weights.read_bytes() + b"\0")
    config = replace(stocked, backdrops=("gan", "procedural"))

    assert paint(wish(seed=5), config)[1] == "procedural"
    with pytest.raises(ProviderUnavailable, match="not the ones"):
        painter("gan")(wish(), config)


@pytest.mark.parametrize("kind", ["flow", "gan"])
def test_a_stopped_training_ends_as_an_unbroken_one(kind, stocked, tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "_EVERY", 2)
    whole = trained.train(kind, stocked, steps=4, measured=passing, device="cpu")
    other = replace(stocked, models_dir=tmp_path / "other")
    worn = iter(range(99))

    def stopped(_: str) -> None:
        if next(worn) == 1:  # after the first checkpoint
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained.train(kind, other, steps=4, measured=passing, device="cpu", say=stopped)
    said: list[str] = []
    taken_up = trained.train(kind, other, steps=4, measured=passing, device="cpu", say=said.append)

    assert "from step 2" in said[0]
    first, second = (
        torch.load(c.models_dir / "backdrops" / kind / "weights.pt", weights_only=True)["ema"]
        for c in (stocked, other)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert taken_up["steps"] == whole["steps"] == 4


def test_another_run_s_checkpoint_is_not_taken_up(stocked, monkeypatch):
    monkeypatch.setattr(trained, "_EVERY", 1)

    def stopped(line: str) -> None:
        if "step 1" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained.train("gan", stocked, steps=3, measured=passing, device="cpu", say=stopped)
    said: list[str] = []
    trained.train("gan", stocked, steps=2, seed=1, measured=passing, device="cpu", say=said.append)

    assert "from step 0" in said[0]


def test_a_late_training_stops_and_says_how_far_it_came(stocked):
    gate = trained.train("gan", stocked, steps=50, max_seconds=0.0, measured=passing, device="cpu")

    assert gate["steps"] == 1


def test_a_library_too_small_to_learn_from_is_refused(stocked, tmp_path):
    small = replace(stocked, pictures_dir=tmp_path / "few")
    shutil.copytree(stocked.pictures_dir / "library", small.pictures_dir / "library")
    for entry in sorted((small.pictures_dir / "library").glob("*.json"))[3:]:
        entry.unlink()

    with pytest.raises(ProviderUnavailable, match="3 pictures"):
        trained.train("flow", small, steps=1, measured=passing)


def test_without_the_measuring_net_nothing_is_put_to_use(stocked):
    with pytest.raises(ProviderUnavailable, match="fetch-models features"):
        trained.train("gan", stocked, steps=1, device="cpu")

    assert not (stocked.models_dir / "backdrops" / "gan" / "gate.json").exists()


def test_both_nets_are_small_enough_for_a_cpu():
    for net in (FlowNet(config_for(64)), Gan(GanConfig())):
        assert sum(value.numel() for value in net.parameters()) <= 1_000_000


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"fd_effnet": 95.0}, "no better"),
        ({"diversity": 0.2}, "alike"),
        ({"seconds_each": 60.0}, "slow"),
        ({"roughness": 4.8}, "speckles"),
    ],
)
def test_a_gate_weighs_distance_diversity_and_time(change, why):
    told = verdict(GOOD | change)

    assert bool(told) == bool(why)
    assert why in told


def test_the_distance_of_known_normals_is_exact():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(4000, 3))
    second = rng.normal(size=(4000, 3)) * 2.0 + np.array([3.0, 0.0, 0.0])

    assert distance(first, first) == pytest.approx(0.0, abs=1e-9)
    assert distance(first, second) == pytest.approx(9.0 + 3.0, rel=0.06)


def test_the_distance_is_the_one_with_the_matrix_root():
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(40, 5)), rng.normal(size=(50, 5)) @ rng.normal(size=(5, 5)) + 1
    ca, cb = np.cov(a.T), np.cov(b.T)
    plain = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * sqrtm(ca @ cb).real)

    assert distance(a, b) == pytest.approx(plain, rel=1e-6)


def test_speckle_is_rough_and_edges_are_not():
    speckled = np.random.default_rng(0).integers(0, 255, (32, 64, 3), dtype=np.uint8)
    halves = np.zeros((32, 64, 3), np.uint8)
    halves[:, 32:] = 255

    assert roughness([Image.fromarray(speckled)]) > 50
    assert roughness([Image.fromarray(halves)]) == 0.0


def test_pictures_all_alike_have_no_diversity():
    assert diversity(np.ones((5, 8))) == pytest.approx(0.0)
    assert diversity(np.eye(8)) == pytest.approx(1.0)


def test_a_painter_that_does_not_exist_is_named(config):
    with pytest.raises(ValueError, match="nobody"):
        paint(wish(), replace(config, backdrops=("nobody",)))
