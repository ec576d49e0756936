import pytest
from PIL import Image

from generative.checks.nsfw import OFF, Seen, look, unsafe

GREEN = Image.new("RGB", (300, 200), (0, 255, 0))
GREY = Image.new("RGB", (300, 200), (104, 90, 123))


def test_without_a_model_nothing_is_checked_and_it_says_so():
    seen = look(GREEN, "")

    assert seen.unsafe == ""
    assert seen.note == OFF


def test_an_indecent_picture_is_refused_with_its_score(decency_model):
    pytest.importorskip("onnxruntime")

    assert "indecent" in unsafe(GREEN, decency_model)


def test_a_decent_picture_passes_and_keeps_its_score(decency_model):
    pytest.importorskip("onnxruntime")
    seen = look(GREY, decency_model)

    assert seen.unsafe == ""
    assert seen.note.startswith("open-nsfw 0.")


def test_a_transparent_picture_is_looked_at_on_white(decency_model):
    pytest.importorskip("onnxruntime")
    hidden = Image.new("RGBA", (300, 200), (0, 255, 0, 0))

    assert unsafe(hidden, decency_model) == unsafe(Image.new("RGB", (9, 9), "white"), decency_model)


def test_a_configured_model_that_is_missing_lets_nothing_pass(tmp_path):
    assert "indecent" in unsafe(GREY, str(tmp_path / "gone.onnx"))
    assert "gone.onnx" in look(GREY, str(tmp_path / "gone.onnx")).note


@pytest.mark.parametrize(
    ("score", "kept_back", "left_out"),
    [(None, False, False), (0.19, False, False), (0.23, True, False), (0.8, True, True)],
)
def test_a_doubtful_photo_may_stand_in_a_banner_that_is_safe(score, kept_back, left_out):
    seen = Seen(score=score, note="")

    assert bool(seen.unsafe) == kept_back
    assert bool(seen.surely_unsafe) == left_out
