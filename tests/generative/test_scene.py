"""Scenes by a diffusers pipeline: a tiny one with random weights paints here, on the processor."""

import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generative.branding.brand import BrandKit
from generative.brief import clean
from generative.drawing import draw
from generative.errors import ProviderUnavailable
from generative.picture import backdrops, scene
from generative.picture.backdrops import Wish, paint
from generative.picture.palette import Palette
from generative.types import SIZES, Brief, Copy, ItemFacts

PLAIN = Palette(hue=4.0, chroma=0.06, lightness=0.6)


def wish(**changes):
    told = {"palette": PLAIN, "kit": BrandKit(), "size": (64, 48), "seed": 3, "subject": "Shoes"}
    return Wish(**told | changes)


def standing():
    product = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    ImageDraw.Draw(product).rectangle((40, 10, 55, 40), fill=(200, 30, 40, 255))
    return product


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A folder with an unconditional-size Stable Diffusion of a few thousand random weights."""
    pytest.importorskip("diffusers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from diffusers import (
            AutoencoderKL,
            DDIMScheduler,
            StableDiffusionInpaintPipeline,
            StableDiffusionPipeline,
            UNet2DConditionModel,
        )
        from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp("pipelines")
        words = {"<|startoftext|>": 0, "<|endoftext|>": 1} | {
            mark: index + 2 for index, mark in enumerate("abcdefghijklmnopqrstuvwxyz,")
        }
        words |= {
            f"{mark}</w>": len(words) + i for i, mark in enumerate("abcdefghijklmnopqrstuvwxyz,")
        }
        tokenizer = CLIPTokenizer(vocab=words, merges=[], model_max_length=77)
        text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(words),
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                bos_token_id=0,
                eos_token_id=1,
                pad_token_id=1,
            )
        )
        vae = AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
        )
        parts = {
            "vae": vae,
            "text_encoder": text,
            "tokenizer": tokenizer,
            "scheduler": DDIMScheduler(),
            "safety_checker": None,
            "feature_extractor": None,
            "requires_safety_checker": False,
        }
        for name, kind, channels in (
            ("text", StableDiffusionPipeline, 4),
            ("inpaint", StableDiffusionInpaintPipeline, 9),
        ):
            unet = UNet2DConditionModel(
                block_out_channels=(8, 16),
                norm_num_groups=4,
                layers_per_block=1,
                sample_size=16,
                in_channels=channels,
                cross_attention_dim=16,
                attention_head_dim=4,
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            )
            kind(unet=unet, **parts).save_pretrained(folder / name)
    return folder


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(scene, "_AREA", 128 * 96)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["text", "inpaint"])
def test_only_an_inpainting_pipeline_paints_around_the_product(kind, pipeline):
    def painted(**changes):
        return scene.paint_on(wish(**changes), str(pipeline / kind), device="cpu", steps=2)

    alone, source = painted()
    around, _ = painted(product=standing())
    again, _ = painted(product=standing())

    assert around.size == (64, 48)
    assert around.tobytes() == again.tobytes()
    assert (around.tobytes() != alone.tobytes()) == (kind == "inpaint")
    assert len(source) == 16


@pytest.mark.filterwarnings("ignore")
def test_a_folder_without_a_pipeline_is_named(tmp_path):
    pytest.importorskip("diffusers")
    with pytest.raises(ProviderUnavailable, match="holds no pipeline"):
        scene.paint_on(wish(), str(tmp_path), device="cpu", steps=1)


def test_without_a_pipeline_or_a_gpu_rules_paint(config):
    import torch

    if torch.cuda.is_available():
        pytest.skip("a GPU is here")
    nothing = replace(config, backdrops=("scene", "procedural"))
    asked = replace(nothing, text_to_image="somewhere")

    assert paint(wish(), asked)[1] == "procedural"
    with pytest.raises(ProviderUnavailable, match="names no pipeline"):
        scene.paint(wish(), nothing)
    with pytest.raises(ProviderUnavailable, match="GPU"):
        scene.paint(wish(), asked)


def test_the_prompt_holds_the_shelf_the_tone_and_a_colour_alone():
    told = scene.prompt(wish(kit=BrandKit(tone="warm"), dark=True))

    assert told == (
        "empty dark background for product photography, for shoes, warm, homely, "
        "cyan tones, soft light, shallow depth of field"
    )


MARK = (255, 0, 255)


def slanting():
    """A cut-out that is another one in the mirror."""
    image = Image.new("RGBA", (640, 480), (0, 0, 0, 0))
    ImageDraw.Draw(image).polygon([(40, 440), (40, 40), (600, 440)], fill=(200, 30, 40, 255))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("turned", ["", "-mirrored"])
@pytest.mark.parametrize("template", ["field", "editorial"])
@pytest.mark.parametrize("name", ["Backpack", "\u062d\u0642\u064a\u0628\u0629"])
def test_a_painter_is_told_where_the_product_will_stand(
    config, size, turned, template, name, monkeypatch
):
    shares = []

    def marked(wish, _config):
        solid = np.asarray(wish.product.getchannel("A")) == 255
        shares.append(solid.mean())
        pixels = np.where(solid[..., None], MARK, (238, 240, 242)).astype(np.uint8)
        return Image.fromarray(pixels), "marks"

    monkeypatch.setattr(backdrops, "painter", lambda _: marked)
    item = ItemFacts(item_id="a", title=name)
    drawn = draw(
        clean(Brief(item=item, size=size, variant=f"{template}-light{turned}")),
        Copy(headline=name, tagline="", action=name),
        slanting(),
        BrandKit(legal="While stocks last."),
        replace(config, backdrops=("marks",)),
        key="k",
        picture_seed=1,
        written_by_model=False,
        form="png",
    )

    with Image.open(io.BytesIO(drawn.data)) as image:
        off = np.abs(np.asarray(image.convert("RGB"), dtype=int) - MARK).max(axis=-1)
    assert drawn.checks["backdrop"] == "marks:marks"
    assert min(shares) > 0.01
    assert off.min() > 40  # the product covers every mark


@pytest.mark.parametrize("size", [(1200, 628), (160, 600), (728, 90)])
def test_a_canvas_has_sides_that_the_nets_can_halve(size, monkeypatch):
    monkeypatch.setattr(scene, "_AREA", 768 * 768)

    assert all(side % 16 == 0 and side >= 128 for side in scene.canvas(size))


@pytest.mark.filterwarnings("ignore")
def test_a_pipeline_is_measured_before_it_may_paint(pipeline, config, tmp_path, monkeypatch):
    from generative.picture import gate

    settings = replace(
        config, text_to_image=str(pipeline / "text"), models_dir=tmp_path, pictures_dir=tmp_path
    )
    before = scene.refused(settings)
    rng = np.random.default_rng(0)
    monkeypatch.setattr(gate.frechet, "features", lambda *_: rng.normal(size=(9, 4)))
    monkeypatch.setattr(gate.library, "listing", lambda _: [PLAIN] * 2)
    monkeypatch.setattr(gate, "real", lambda _: [])
    monkeypatch.setattr(gate, "verdict", lambda _: "")

    report = scene.examine(settings, device="cpu", steps=1)

    assert "not measured" in before
    assert report["passed"]
    assert report["n"] == 2
    assert scene.refused(settings) == ""
    assert "not the one" in scene.refused(replace(settings, text_to_image=str(tmp_path)))


def test_a_pipeline_that_failed_its_gate_does_not_paint(config, tmp_path):
    (tmp_path / "weights").mkdir()
    settings = replace(config, text_to_image=str(tmp_path / "weights"), models_dir=tmp_path)
    told = tmp_path / "backdrops" / "scene" / "gate.json"
    told.parent.mkdir(parents=True)
    told.write_text(
        f'{{"passed": false, "why": "too much alike", "sha256": "{scene._identity(settings.text_to_image)}"}}'
    )

    assert "too much alike" in scene.refused(settings)
