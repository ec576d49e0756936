"""Small photos may be sharpened by a net, within a bound, and whatever it did is said."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from generative import drawing
from generative.errors import ProviderUnavailable
from generative.picture.upscale import refusal, upscale
from generative.studio import Studio


def layer(kind, name, came, **config):
    nodes = [[[one, 0, 0, {}] for one in came]] if came else []
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}


@pytest.fixture
def net(tmp_path):
    """A net of every kind of layer, which doubles a picture and adds `shift` to it."""

    def write(shift=0.0):
        folder = tmp_path / f"net{shift}"
        folder.mkdir()
        pass_on = np.zeros((3, 3, 3, 3), "<f4")
        pass_on[1, 1] = np.eye(3)
        halves = np.concatenate([np.eye(3), np.eye(3)])[None, None].astype("<f4") / 2
        bias = np.full(3, shift, "<f4")
        layers = [
            layer("InputLayer", "in", []),
            layer("Conv2D", "c1", ["in"]),
            layer("Activation", "a1", ["c1"]),
            layer("Concatenate", "both", ["a1", "c1"]),
            layer("Conv2D", "c2", ["both"]),
            layer("UpSampling2D", "up", ["c2"], size=[2, 2], interpolation="nearest"),
        ]
        weights = [("c1/kernel", pass_on), ("c2/kernel", halves), ("c2/bias", bias)]
        (folder / "weights.bin").write_bytes(b"".join(value.tobytes() for _, value in weights))
        told = {
            "modelTopology": {"model_config": {"config": {"layers": layers}}},
            "weightsManifest": [
                {"weights": [{"name": n, "shape": list(v.shape)} for n, v in weights]}
            ],
        }
        (folder / "model.json").write_text(json.dumps(told))
        return str(folder)

    return write


def photo(size=(60, 40)):
    pixels = np.random.default_rng(2).integers(0, 255, (size[1] // 4, size[0] // 4, 3))
    return Image.fromarray(pixels.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def test_a_picture_is_enlarged_and_made_small_again_is_itself(net):
    made, why = upscale(photo(), net())

    assert why == ""
    assert made.size == (120, 80)
    assert np.array_equal(np.asarray(made)[::2, ::2], np.asarray(photo()))


def test_a_net_that_changes_the_picture_is_not_believed(net):
    kept, why = upscale(photo(), net(shift=0.08))

    assert "changed the picture" in why
    assert kept.tobytes() == photo().tobytes()


def test_one_spot_that_was_invented_is_seen():
    before = photo()
    after = before.resize((120, 80))
    after.paste((255, 0, 255), (20, 20, 40, 40))

    assert "at worst" in refusal(before, after)


def test_a_picture_that_is_large_enough_stays(net):
    assert upscale(photo((800, 600)), net())[1] == "large enough already"


@pytest.mark.parametrize("damage", ["{", '{"modelTopology": {}}'])
def test_weights_that_are_none_are_named(net, damage):
    from pathlib import Path

    folder = net()
    (Path(folder) / "model.json").write_text(damage)

    with pytest.raises(ProviderUnavailable, match="holds no such net"):
        upscale(photo(), folder)


def test_a_folder_without_weights_says_how_to_get_them(tmp_path):
    with pytest.raises(ProviderUnavailable, match="fetch-models upscale"):
        upscale(photo(), str(tmp_path))


def test_a_sharpened_photo_is_marked_as_made_by_a_model(config, brief, tmp_path, net):
    settings = replace(config, pictures_dir=tmp_path / "pictures", upscale_model=net())

    made = Studio(settings).make(brief)

    assert made.checks["banner"]["sharpened"] == drawing.SHARPENED
    assert made.provenance["ai_generated"] is True
    with Image.open(settings.banners_dir / made.banner.path) as banner:
        assert b"sharpened by a model" in banner.info["xmp"]


def test_a_missing_upscaler_costs_the_sharpness_alone(config, brief, tmp_path):
    settings = replace(config, pictures_dir=tmp_path / "p", upscale_model=str(tmp_path / "gone"))

    made = Studio(settings).make(brief)

    assert made.banner is not None
    assert "fetch-models upscale" in made.checks["banner"]["sharpened"]


def test_what_was_sharpened_is_kept(config, studio_photo, tmp_path, net):
    settings = replace(config, pictures_dir=tmp_path / "pictures", upscale_model=net())
    first, _ = drawing._sharpened(studio_photo, settings)

    again, note = drawing._sharpened(
        studio_photo, replace(settings, upscale_model=str(tmp_path / "gone"))
    )

    assert note == drawing.SHARPENED
    assert again == first
    with Image.open(io.BytesIO(first)) as image:
        assert image.size == (396, 396)
