import io
import struct
import zlib

import pytest
from PIL import Image

from generative.checks.image import MAX_BYTES, open_image
from generative.errors import UnsafeImage
from generative.picture.source import fetch, public_address, resolve


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width, height):
    """A PNG that claims a size and holds next to nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def test_a_hundred_megapixels_are_refused_by_the_header():
    with pytest.raises(UnsafeImage, match="10000x10000"):
        open_image(png_header(10_000, 10_000))


def test_a_decompression_bomb_is_refused():
    with pytest.raises(UnsafeImage, match="bomb"):
        open_image(png_header(60_000, 60_000))


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"]
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(UnsafeImage):
        open_image(data)


def test_a_truncated_picture_is_refused(shop_photo):
    with pytest.raises(UnsafeImage, match="damaged"):
        open_image(shop_photo[: len(shop_photo) // 2])


def test_a_gif_is_refused():
    with pytest.raises(UnsafeImage, match="not a JPEG"):
        open_image(encoded(Image.new("P", (50, 50)), "GIF"))


def test_too_many_bytes_are_refused_unread():
    with pytest.raises(UnsafeImage, match="bytes"):
        open_image(b"\0" * (MAX_BYTES + 1))


def test_a_rotated_photo_comes_out_upright():
    exif = Image.Exif()
    exif[0x0112] = 6

    opened = open_image(encoded(Image.new("RGB", (60, 30)), "JPEG", exif=exif))

    assert opened.size == (30, 60)


def test_a_media_path_is_found(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.jpg").write_bytes(b"x")

    assert fetch("/media/a/b.jpg", [tmp_path]) == b"x"


@pytest.mark.parametrize(
    "url",
    [
        "/media/../secret.jpg",
        "/media/a/../../secret.jpg",
        "/media/%2e%2e/secret.jpg",
        "/media/..%2fsecret.jpg",
        "/media//etc/passwd",
        "/media/a\\..\\secret.jpg",
        "/media/a\x00.jpg",
        "/media/",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "ftp://example.org/a.jpg",
        "",
    ],
)
def test_a_path_or_scheme_that_leads_elsewhere_is_refused(tmp_path, url):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "media").mkdir()

    with pytest.raises(UnsafeImage):
        fetch(url, [tmp_path / "media"])


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "link.jpg").symlink_to(tmp_path / "secret.jpg")

    with pytest.raises(UnsafeImage):
        resolve("link.jpg", [tmp_path / "media"])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.9.9",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 refused, not bound
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "2130706433",
        "0x7f.1",
    ],
)
def test_an_inside_address_is_refused(host):
    with pytest.raises(UnsafeImage):
        public_address(host, 80)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://user@127.0.0.1/a.jpg",
        "http://127.0.0.1:6379/a.jpg",
        "http://127.0.0.1:99999/a.jpg",
        "https://localhost/a.jpg",
        "http:///a.jpg",
    ],
)
def test_a_download_from_inside_is_refused(url):
    with pytest.raises(UnsafeImage):
        fetch(url, [])
