"""The shop's own backdrops: what is taken, what is left of it, and which one is chosen."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from generative.branding.brand import BrandKit
from generative.brief import clean
from generative.checks.image import cleaned
from generative.drawing import draw
from generative.errors import UnsafeImage
from generative.picture import backdrops, library
from generative.picture.backdrops import Wish, paint
from generative.picture.palette import Palette, luminance, palette
from generative.types import Brief, Copy, ItemFacts


def scene(rgb, size=(640, 400), seed=0):
    """A picture mostly of one colour, with enough in it to be no flat sheet."""
    noise = np.random.default_rng(seed).integers(-20, 20, (size[1], size[0], 1))
    pixels = np.clip(np.array(rgb) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_place(image):
    """A JPEG that tells its camera and where it stood."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 14.0), 3: "E", 4: (11.0, 34.0, 31.0)}
    return encoded(image, exif=exif, comment=b"shot at home")


def of(rgb):
    return palette(scene(rgb))


RED, BLUE, GREEN = (170, 40, 45), (40, 70, 165), (40, 140, 60)


def test_an_upload_keeps_its_pixels_and_nothing_else(tmp_path):
    sent = with_place(scene(RED))
    assert b"SecretCamera" in sent

    kept = library.path_of(tmp_path, library.add(tmp_path, sent)).read_bytes()

    assert b"SecretCamera" not in kept
    assert b"shot at home" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_is_two_files_becomes_one(tmp_path, kind):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("run.html", "<script>alert(1)</script>")
    sent = encoded(scene(RED), kind) + archive.getvalue()

    kept = library.path_of(tmp_path, library.add(tmp_path, sent)).read_bytes()

    assert b"run.html" not in kept
    assert not zipfile.is_zipfile(io.BytesIO(kept))
    assert kept.endswith(b"\xff\xd9")


def test_words_hidden_in_a_png_are_left_behind():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "<?php system($_GET[0]); ?>")
    sent = encoded(scene(RED).convert("RGBA"), "PNG", pnginfo=info)

    data, _ = cleaned(sent, longest=1000, transparent=True)

    assert b"php" not in data


def test_an_upright_picture_stays_upright_without_its_tag(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    sent = encoded(scene(RED, (400, 640)), exif=exif)

    library.add(tmp_path, sent)

    (entry,) = library.listing(tmp_path)
    assert (entry.width, entry.height) == (640, 400)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<svg onload=alert(1)>", "not a JPEG"),
        (encoded(scene(RED, (300, 200))), "at least"),
        (encoded(scene(RED))[:4000], "damaged"),
    ],
)
def test_what_is_no_backdrop_is_refused_and_leaves_nothing(tmp_path, data, why):
    with pytest.raises(UnsafeImage, match=why):
        library.add(tmp_path, data)

    assert list(tmp_path.iterdir()) == []


def test_an_indecent_upload_is_refused(tmp_path, decency_model):
    pytest.importorskip("onnxruntime")
    with pytest.raises(UnsafeImage, match="indecent"):
        library.add(tmp_path, encoded(scene((0, 250, 0))), nsfw_model=decency_model)


def test_the_same_picture_is_kept_once(tmp_path):
    first = library.add(tmp_path, encoded(scene(RED)))

    assert library.add(tmp_path, encoded(scene(RED))) == first
    assert [entry.sha256 for entry in library.listing(tmp_path)] == [first]


def test_an_entry_says_whether_it_was_looked_at(tmp_path):
    library.add(tmp_path, encoded(scene(RED)))

    assert library.listing(tmp_path)[0].checked.startswith("not checked")


def test_a_removed_picture_is_gone_and_strange_names_remove_nothing(tmp_path):
    sha256 = library.add(tmp_path / "library", encoded(scene(RED)))
    (tmp_path / "other.json").write_text("{}")

    assert not library.remove(tmp_path / "library", "../other")
    assert library.remove(tmp_path / "library", sha256)
    assert library.listing(tmp_path / "library") == ()
    assert (tmp_path / "other.json").exists()


def test_damaged_entries_are_left_out(tmp_path):
    sha256 = library.add(tmp_path, encoded(scene(RED)))
    (tmp_path / "aa.json").write_text("{")
    (tmp_path / "bb.json").write_text(json.dumps({"sha256": "bb"}))
    whole = json.loads((tmp_path / f"{sha256}.json").read_text())
    (tmp_path / "cc.json").write_text(json.dumps(whole | {"sha256": "cc"}))

    assert [entry.sha256 for entry in library.listing(tmp_path)] == [sha256]


def test_the_picture_whose_colours_go_best_is_chosen(tmp_path):
    for rgb in (RED, BLUE, GREEN):
        library.add(tmp_path, encoded(scene(rgb)))

    chosen = library.match(library.listing(tmp_path), of(BLUE), seed=0)

    assert abs(chosen.hue - of(BLUE).hue) < 0.2


def test_a_picture_that_would_clash_is_not_taken(tmp_path):
    library.add(tmp_path, encoded(scene(RED)))

    assert library.match(library.listing(tmp_path), of(BLUE), seed=0) is None


def test_a_grey_picture_goes_with_every_product(tmp_path):
    library.add(tmp_path, encoded(scene((128, 128, 128))))

    assert library.match(library.listing(tmp_path), of(BLUE), seed=0) is not None


@pytest.fixture
def stocked(config, tmp_path):
    settings = replace(config, pictures_dir=tmp_path / "pictures")
    for seed in range(3):
        library.add(settings.pictures_dir / "library", encoded(scene(BLUE, seed=seed)))
    return settings


def wish(wanted, kit, size=(300, 250), seed=7):
    return Wish(palette=wanted, kit=kit, size=size, seed=seed)


def test_the_library_paints_where_it_has_what_fits(stocked):
    kit = BrandKit(color="#2846a5")

    image, method = paint(wish(of(BLUE), kit), stocked)

    assert method.startswith("library:")
    assert image.size == (300, 250)


def test_rules_paint_where_the_library_has_nothing(stocked):
    kit = BrandKit(color="#aa282d")

    _, method = paint(wish(of(RED), kit), stocked)

    assert method == "procedural"


def test_a_damaged_library_picture_is_passed_over(stocked):
    for path in (stocked.pictures_dir / "library").glob("*.jpg"):
        path.write_bytes(b"spoilt")

    assert paint(wish(of(BLUE), BrandKit(color="#2846a5")), stocked)[1] == "procedural"


def test_the_same_wish_gives_the_same_pixels_and_seeds_differ(stocked):
    kit = BrandKit(color="#2846a5")
    first, again = (paint(wish(of(BLUE), kit, size=(728, 90)), stocked)[0] for _ in range(2))
    others = {
        paint(wish(of(BLUE), kit, size=(728, 90), seed=seed), stocked)[1] for seed in range(6)
    }

    assert first.tobytes() == again.tobytes()
    assert len(others) > 1


@pytest.mark.parametrize("dark", [False, True])
def test_a_library_picture_is_quiet_enough_to_be_written_on(dark):
    loud = Image.fromarray(
        np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    ).resize((600, 400))
    ink = (255, 255, 255) if dark else (23, 26, 30)

    ground = luminance(np.asarray(library.quiet(loud, dark=dark)))
    light, deep = np.maximum(ground, luminance(ink)), np.minimum(ground, luminance(ink))

    assert ((light + 0.05) / (deep + 0.05)).min() > 4.5


def test_a_full_library_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "MOST", 1)
    library.add(tmp_path, encoded(scene(RED)))

    with pytest.raises(UnsafeImage, match="remove one"):
        library.add(tmp_path, encoded(scene(BLUE)))


def test_a_grey_product_takes_the_shop_s_colour_and_a_shop_s_paper_holds():
    from generative.picture.backdrop import blend

    grey = Palette(hue=1.0, chroma=0.005, lightness=0.6)
    red = of(RED)

    assert abs(blend(grey, "#2846a5").hue - of(BLUE).hue) < 0.2
    assert abs(blend(red, "#2846a5").hue - red.hue) < 0.4
    assert blend(red, "#2846a5", "#fdf6e3").chroma < 0.05


def test_a_trained_backdrop_is_painted_once_and_the_packet_says_so(config, monkeypatch):
    asked = []

    def painter(name):
        def paint(wish, _config):
            asked.append(name)
            return Image.new("RGB", wish.size, (235, 238, 240)), "feed"

        return paint

    monkeypatch.setattr(backdrops, "painter", painter)
    brief = clean(Brief(item=ItemFacts(item_id="a", title="Apple"), variant="field-light"))
    drawn = draw(
        brief,
        Copy(headline="Apple", tagline="", action="Shop now"),
        None,
        BrandKit(),
        replace(config, backdrops=("flow", "procedural")),
        key="k",
        picture_seed=1,
        written_by_model=False,
    )

    assert drawn.checks["backdrop"] == "flow:feed"
    assert b"backdrop by a trained generator" in drawn.data
    assert asked == ["flow"]
