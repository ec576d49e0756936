import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generative.errors import ProviderUnavailable
from generative.picture.cutout import cut_out
from generative.picture.matting import matte, refusal


def disc(box, value=255, size=1024):
    mask = Image.new("L", (size, size), 0)
    ImageDraw.Draw(mask).ellipse(box, fill=value)
    return mask


def photo(box=(50, 50, 150, 150)):
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).ellipse(box, fill=(30, 30, 40))
    return image


def test_a_whole_product_inside_its_picture_is_cut_out():
    assert refusal(disc((200, 200, 800, 800))) == ""


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (disc((500, 500, 560, 560)), "covers"),
        (Image.new("L", (1024, 1024), 255), "covers"),
        (disc((200, 200, 800, 800), value=120), "neither"),
        (disc((200, 500, 800, 1400)), "runs out"),
        (disc((-300, 200, 500, 800)), "runs out"),
    ],
)
def test_a_poor_mask_is_refused_with_its_reason(mask, why):
    assert why in refusal(mask)


def test_haze_around_a_small_product_is_refused():
    hazy = disc((300, 300, 700, 700), value=110)
    ImageDraw.Draw(hazy).ellipse((420, 420, 600, 600), fill=255)

    assert "neither" in refusal(hazy)


def test_a_model_cuts_the_product_out(matting_model):
    pytest.importorskip("onnxruntime")
    product = cut_out(photo(), model_path=matting_model)

    assert product.method == "isnet"
    assert 98 <= product.image.width <= 104
    assert product.image.getpixel((50, 50)) == (30, 30, 40, 255)


def test_a_product_cut_off_by_its_photo_is_shown_whole_and_says_why(matting_model):
    pytest.importorskip("onnxruntime")
    product = cut_out(photo((50, 120, 150, 260)), model_path=matting_model)

    assert product.method != "isnet"
    assert "runs out" in product.refused


def test_a_kept_mask_needs_no_model_to_run(matting_model, tmp_path):
    pytest.importorskip("onnxruntime")
    first = matte(photo(), matting_model, tmp_path / "cuts")
    (kept,) = (tmp_path / "cuts").rglob("*.png")
    Image.new("L", (1024, 1024), 77).save(kept)

    again = matte(photo(), matting_model, tmp_path / "cuts")

    assert np.asarray(first).max() > 200
    assert set(np.unique(np.asarray(again))) == {77}


def test_a_mask_is_kept_for_one_picture_and_one_model(matting_model, onnx_model, tmp_path):
    pytest.importorskip("onnxruntime")
    other = onnx_model(tmp_path / "other.onnx", (1, 3, 1024, 1024), [("ReduceMean", {"axes": [1]})])
    for picture, model in (
        (photo(), matting_model),
        (photo((60, 60, 150, 150)), matting_model),
        (photo(), str(other)),
    ):
        matte(picture, model, tmp_path / "cuts")

    assert len(list((tmp_path / "cuts").rglob("*.png"))) == 3


@pytest.mark.parametrize("damage", [b"", b"\x89PNG\r\n\x1a\n", b"no picture"])
def test_a_damaged_kept_mask_is_made_again(matting_model, tmp_path, damage):
    pytest.importorskip("onnxruntime")
    first = matte(photo(), matting_model, tmp_path / "cuts")
    (kept,) = (tmp_path / "cuts").rglob("*.png")
    kept.write_bytes(damage)

    assert matte(photo(), matting_model, tmp_path / "cuts").tobytes() == first.tobytes()


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(matting_model, tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "file").write_text("in the way")

    assert matte(photo(), matting_model, tmp_path / "file").size == (1024, 1024)


def test_a_file_that_is_no_model_is_named(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "broken.onnx").write_bytes(b"not a model")

    with pytest.raises(ProviderUnavailable, match="broken"):
        cut_out(photo(), model_path=str(tmp_path / "broken.onnx"))


def test_a_studio_photo_of_many_pixels_is_cut_out_without_walking_through_them_one_by_one():
    large = Image.new("RGB", (2600, 2600), "white")
    ImageDraw.Draw(large).ellipse((600, 600, 2000, 2000), fill=(30, 30, 40))

    began = time.process_time()
    product = cut_out(large)

    assert (product.method, product.image.size) == ("studio", (1403, 1403))
    assert time.process_time() - began < 6  # pixel by pixel it is some 11


def test_white_inside_a_product_stays_with_it():
    ring = photo()
    ImageDraw.Draw(ring).ellipse((80, 80, 120, 120), fill="white")

    product = cut_out(ring)

    assert product.method == "studio"
    middle = (product.image.width // 2, product.image.height // 2)
    assert product.image.getpixel(middle) == (255, 255, 255, 255)
