"""A logo is a stranger's picture: drawn anew, capped, kept by its hash."""

import io

import pytest
from PIL import Image

from generative.branding import logo
from generative.errors import UnsafeImage


def picture(size=(300, 120), fmt="PNG", **options):
    buffer = io.BytesIO()
    mode = "RGBA" if fmt == "PNG" else "RGB"
    Image.new(mode, size, (200, 10, 10, 128)[: len(mode)]).save(buffer, fmt, **options)
    return buffer.getvalue()


def test_a_logo_is_kept_by_its_hash_and_read_back(tmp_path):
    kept = logo.keep(picture(), (tmp_path / "a", tmp_path / "b"))

    assert (kept.width, kept.height) == (300, 120)
    assert kept.url == f"/media/brand/{kept.sha256}.png"
    data = logo.read(kept.sha256, (tmp_path / "a", tmp_path / "b"))
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode) == ("PNG", "RGBA")


def test_what_hides_in_an_upload_does_not_outlive_it(tmp_path):
    hostile = picture(fmt="JPEG", exif=b"Exif\x00\x00<script>alert(1)</script>") + b"PK\x03\x04"

    kept = logo.keep(hostile, (tmp_path,))

    data = logo.read(kept.sha256, (tmp_path,))
    assert b"script" not in data
    assert b"PK\x03\x04" not in data


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "WEBP"])
def test_a_profile_is_left_behind_whatever_is_written_in_it(tmp_path, fmt):
    hostile = picture(fmt=fmt, icc_profile=b"<script>alert(1)</script>" * 20)

    kept = logo.keep(hostile, (tmp_path,))

    with Image.open(io.BytesIO(logo.read(kept.sha256, (tmp_path,)))) as image:
        assert "icc_profile" not in image.info


def test_a_large_logo_is_scaled_down(tmp_path):
    kept = logo.keep(picture(size=(4000, 1000)), (tmp_path,))

    assert (kept.width, kept.height) == (1024, 256)


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg onload='x()'/>", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"0" * 50, b"0" * 2_000_001],
)
def test_what_is_no_picture_is_refused(tmp_path, data):
    with pytest.raises(UnsafeImage):
        logo.keep(data, (tmp_path,))
    assert not list(tmp_path.rglob("*.png"))


def test_a_logo_that_was_tampered_with_is_not_drawn(tmp_path):
    kept = logo.keep(picture(), (tmp_path,))
    (tmp_path / "brand" / f"{kept.sha256}.png").write_bytes(picture(size=(64, 64)))

    assert logo.read(kept.sha256, (tmp_path,)) is None
    assert logo.read("", (tmp_path,)) is None
