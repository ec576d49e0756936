import io
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generative.banner import materials
from generative.banner.choices import CHOICES, Choice
from generative.banner.colours import ratio, readable_on, scheme
from generative.banner.compose import pixels, place, stand
from generative.banner.geometry import MEASURES, geometry
from generative.banner.grounds import ground
from generative.banner.melt import melted
from generative.banner.render import render, write
from generative.banner.templates import NAMES, PLACES
from generative.banner.words import words
from generative.branding.brand import BrandKit
from generative.brief import clean
from generative.checks.layout import least_contrast, overlap
from generative.copy.slots import printed
from generative.errors import ProviderUnavailable
from generative.picture.backdrop import backdrop
from generative.picture.cutout import Product, cut_out
from generative.picture.palette import Palette, from_oklab, palette, to_oklab
from generative.types import SIZES, Brief, Copy, ItemFacts

DEMO = Path(__file__).parents[2] / "demo"
PLAIN = Palette(hue=1.0, chroma=0.1, lightness=0.5)
PIECES = [
    "Donaudampfschifffahrtsgesellschaftskapitänsmütze",
    "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
    "a",
    "Wide WWWWWWWWWWWWWWWWWWWW",
    "قهوة عربية طازجة",
    "שוקולד מריר",
    "Растворимый кофе",
    "<b>bold</b>",
    "{{ 7*7 }}",
    "🍞🔥",
    "iiiiiiiii",
    "Crème brûlée",
    "&amp; more",
    "100% of it",
    "\u202egnp",
    "x" * 300,
]


def drawn(item, copy, photo=None, *, size="hero", brand="Vitrine", color="#0f766e", seed=1):
    brief = clean(Brief(item=item, size=size))
    return render(brief, copy, photo, BrandKit(name=brand, color=color), seed=seed)


def adversarial(rng):
    def some(most):
        return " ".join(rng.choices(PIECES, k=rng.randrange(1, most)))

    item = ItemFacts(
        item_id=str(rng.random()),
        title=some(4),
        price=rng.choice([None, "0", "3.49", "9999999.99", "abc", "1e9", "-1"]),
        was_price=rng.choice([None, "9999999.99"]),
        currency=rng.choice(["EUR", "USD", "CHF", "<b>"]),
    )
    cleaned = clean(Brief(item=replace(item, description=some(9)))).item
    copy = Copy(
        headline=cleaned.title or "x", tagline=cleaned.description, action="Put it on the list"
    )
    return item, copy


@pytest.mark.parametrize(("size", "count"), [(size, 8) for size in SIZES])
def test_hostile_words_never_leave_their_place_and_can_be_read(
    size, count, studio_photo, shop_photo
):
    rng = random.Random(11)  # noqa: S311 a seed, not a secret
    for _ in range(count):
        item, copy = adversarial(rng)
        photo = rng.choice([None, studio_photo, shop_photo])
        color = f"#{rng.randrange(2**24):06x}"
        brand = rng.choice(["Vitrine", "W" * 24, "i"])

        checks = drawn(item, copy, photo, size=size, color=color, brand=brand).checks

        assert checks["problems"] == []
        assert min(checks["contrast"].values()) >= 4.5


@pytest.mark.parametrize("size", sorted(SIZES))
def test_a_banner_has_exactly_its_size(brief, size, studio_photo):
    copy = Copy(headline="Pink Lady", tagline="Crisp pink apple.", action="Shop now")

    rendered = drawn(brief.item, copy, studio_photo, size=size)

    assert (rendered.width, rendered.height) == SIZES[size]
    assert rendered.checks["picture"] == "studio"
    assert rendered.checks["engine"] == "blitz"


def test_the_same_seed_paints_the_same_bytes(brief, studio_photo):
    copy = Copy(headline="Pink Lady", tagline="Crisp pink apple.", action="Shop now")

    first, again, other = (drawn(brief.item, copy, studio_photo, seed=s).data for s in (1, 1, 2))

    assert first == again
    assert first != other


def test_markup_in_a_name_is_printed_not_obeyed(brief):
    plain = Copy(headline="Bread", tagline="Good bread for you.", action="Shop now")
    hostile = replace(plain, headline="<style>*{display:none}</style>Bread")

    checks = drawn(brief.item, hostile).checks

    assert checks["problems"] == []
    assert checks["contrast"]["headline"] >= 4.5


def test_without_blitz_pillow_draws_within_the_same_limits(shop_photo, monkeypatch):
    def gone():
        raise ProviderUnavailable("gone")

    monkeypatch.setattr(materials, "engine_ruler", gone)
    rng = random.Random(5)  # noqa: S311 a seed, not a secret
    for size in SIZES:
        for _ in range(3):
            item, copy = adversarial(rng)
            checks = drawn(item, copy, shop_photo, size=size).checks

            assert checks["engine"] == "pillow"
            assert checks["problems"] == []


def test_an_unsafe_photo_costs_the_picture_not_the_banner(brief):
    copy = Copy(headline="Pink Lady", tagline="Crisp pink apple.", action="Shop now")

    checks = drawn(brief.item, copy, b"no picture").checks

    assert checks["picture"] == "none"
    assert "not a JPEG" in checks["picture_problem"]
    assert checks["problems"] == []


def test_a_missing_cutout_model_costs_the_cutout_only(brief, shop_photo):
    copy = Copy(headline="Pink Lady", tagline="Crisp pink apple.", action="Shop now")

    checks = render(
        brief,
        copy,
        shop_photo,
        BrandKit(name="V", color="#000000"),
        seed=1,
        cutout_model="/none.onnx",
    ).checks

    assert checks["picture"] == "framed"
    assert "no model at" in checks["picture_problem"]


def test_a_written_banner_is_whole_and_leaves_nothing_beside_it(brief, tmp_path):
    copy = Copy(headline="Pink Lady", tagline="Crisp pink apple.", action="Shop now")

    banner = write(drawn(brief.item, copy, size="rectangle"), "abcdef", tmp_path)

    assert banner.path == f"ab/abcdef-{banner.sha256[:12]}.jpg"
    assert [path.name for path in (tmp_path / "ab").iterdir()] == [Path(banner.path).name]
    with Image.open(tmp_path / banner.path) as image:
        assert image.size == (banner.width, banner.height) == (300, 250)


def test_cutting_out_changes_transparency_only(studio_photo):
    whole = np.asarray(Image.open(io.BytesIO(studio_photo)).convert("RGB"))

    product = cut_out(Image.fromarray(whole))

    cut = np.asarray(product.image)
    height, width = cut.shape[:2]
    places = [
        (y, x)
        for y in range(whole.shape[0] - height + 1)
        for x in range(whole.shape[1] - width + 1)
        if np.array_equal(whole[y : y + height, x : x + width], cut[..., :3])
    ]
    assert product.method == "studio"
    assert len(places) == 1
    assert 0.3 < (cut[..., 3] == 255).mean() < 0.95


def test_a_small_photo_is_enlarged_no_further_than_screens_forgive():
    assert {size: measures.enlarged for size, measures in MEASURES.items()} == {
        "hero": 2.2,
        "square": 2.7,
        "story": 3.4,
        "leaderboard": 1.6,
        "rectangle": 1.6,
        "skyscraper": 1.6,
    }


def test_a_white_or_black_photo_is_framed():
    assert cut_out(Image.new("RGB", (198, 198), "white")).method == "framed"
    assert cut_out(Image.new("RGB", (198, 198), "black")).method == "framed"


def test_a_backdrop_is_seeded():
    colour = Palette(hue=1.0, chroma=0.1, lightness=0.5)

    first, again, other = (backdrop(colour, (300, 250), seed=seed).tobytes() for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_a_palette_finds_the_products_colour_on_white(studio_photo):
    found = palette(Image.open(io.BytesIO(studio_photo)))
    red = to_oklab(np.array([190, 30, 40]) / 255)

    assert abs(found.hue - float(np.arctan2(red[2], red[1]))) < 0.15


def test_oklab_returns_to_where_it_came_from():
    rgb = np.random.default_rng(1).random((50, 3))

    assert np.allclose(from_oklab(to_oklab(rgb)), rgb, atol=1e-6)


def test_contrast_is_that_of_the_worst_pixels():
    half = Image.new("RGB", (100, 100), "white")
    half.paste((0, 0, 0), (0, 0, 50, 100))

    assert least_contrast(half, (0, 0, 100, 100), (0, 0, 0)) == pytest.approx(1.0)
    assert least_contrast(half, (52, 0, 40, 100), (0, 0, 0)) == pytest.approx(21.0)


@pytest.mark.parametrize("color", ["#ffffff", "#000000", "#777777", "#ffff00", "#0f766e"])
def test_inks_can_be_read_on_any_brand_colour_in_every_template(color):
    for choice in CHOICES:
        made = scheme(choice, Palette(hue=0.0, chroma=0.2, lightness=0.5), BrandKit(color=color))

        assert ratio(made.ink, made.ground) >= 4.5
        assert ratio(made.ink_soft, made.ground) >= 4.5
        assert ratio(made.on_accent, made.accent) >= 4.5
        assert ratio(made.on_mark, made.mark) >= 4.5
        assert ratio(readable_on(made.accent), made.accent) >= 4.5


@pytest.mark.parametrize(
    ("price", "currency", "shown"),
    [
        ("3.49", "EUR", "€3.49"),
        ("35.0", "USD", "$35.00"),
        ("7", "CHF", "7\u00a0CHF"),
        ("1e9", "EUR", ""),
        ("-1", "EUR", ""),
        (None, "EUR", ""),
    ],
)
def test_a_price_is_printed_as_the_shop_gives_it(price, currency, shown):
    assert printed(price, currency) == shown


def test_an_amount_is_not_parted_from_its_unit(brief):
    copy = Copy(headline="Whole Garlic, 10 lb", tagline="x", action="x")

    assert words(brief, copy, BrandKit(name="V")).headline == "Whole Garlic, 10\u00a0lb"


def test_overlap_is_an_area():
    assert overlap((0, 0, 10, 10), (5, 5, 10, 10)) == 25
    assert overlap((0, 0, 10, 10), (10, 0, 10, 10)) == 0


def test_a_pale_product_stays_whole_on_the_white_of_its_photo():
    photo = Image.new("RGB", (198, 198), "white")
    photo.paste((232, 232, 232), (50, 30, 150, 170))
    photo.paste((180, 20, 20), (70, 60, 130, 120))

    product = cut_out(photo)

    assert product.method == "card"
    assert product.image.convert("RGB").tobytes() == photo.crop((50, 30, 150, 170)).tobytes()


def test_a_shadow_on_white_is_not_cut_into():
    photo = Image.new("RGB", (198, 198), "white")
    ImageDraw.Draw(photo).ellipse((20, 110, 180, 180), fill=(244, 244, 244))
    photo.paste((20, 20, 20), (60, 30, 140, 160))

    assert cut_out(photo).method == "card"


def test_a_milk_carton_of_the_sample_shop_loses_nothing():
    path = DEMO / "media" / "grocery" / "41_Arla-Standard-Milk.jpg"
    whole = np.asarray(Image.open(path).convert("RGB"))

    product = cut_out(Image.fromarray(whole))

    shown = np.asarray(product.image.convert("RGB"))
    assert product.method == "card"
    assert (shown.min(axis=2) < 250).sum() == (whole.min(axis=2) < 250).sum()


@pytest.mark.parametrize("template", ["editorial", "frame"])
def test_a_small_thing_on_a_large_wall_is_not_scaled_to_pixels_without_end(template):
    photo = Image.new("RGB", (5000, 5000), (200, 190, 180))
    ImageDraw.Draw(photo).ellipse((2180, 2180, 2820, 2820), fill=(120, 30, 40))
    product = Product(image=photo.convert("RGBA"), method="framed")
    form = geometry("story", PLACES[template, "story"])
    melt = melted(photo)

    shown = stand(product, melt, template, form, corners="soft")

    assert melt is not None
    assert shown.size[0] * shown.size[1] <= 12_000_000


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("template", NAMES)
def test_a_product_is_shown_whole_within_its_place_and_unaltered(size, template):
    rng = np.random.default_rng(3)
    for method, shape in (("alpha", (300, 90)), ("card", (60, 190)), ("framed", (200, 200))):
        photo = Image.fromarray(rng.integers(0, 255, (*shape, 4), dtype=np.uint8))
        photo.putalpha(255)
        form = geometry(size, PLACES[template, size])
        colours = scheme(Choice(template=template), PLAIN, BrandKit())
        shown = stand(Product(image=photo, method=method), None, template, form, corners="square")
        canvas = ground(template, form, colours, seed=1)
        scaled = pixels(shown)

        place(canvas, shown, scaled, colours, form)

        x, y = shown.corner
        found = canvas.crop((x, y, x + shown.size[0], y + shown.size[1]))
        left, top, wide, tall = form.place.picture
        assert found.tobytes() == scaled.convert("RGB").tobytes()
        assert abs(shown.size[0] / shown.size[1] / (shape[1] / shape[0]) - 1) < 0.06
        assert left - 1 <= shown.box[0]
        assert shown.box[0] + shown.box[2] <= left + wide + 1
        assert top - 1 <= shown.box[1]
        assert shown.box[1] + shown.box[3] <= top + tall + 1


@pytest.mark.parametrize(("shape", "kept"), [((628, 600), "stage"), ((400, 600), "picture")])
def test_a_framed_photo_fills_its_panel_or_is_mounted_with_room_on_every_side(shape, kept):
    photo = np.random.default_rng(3).integers(0, 255, (*shape, 3), dtype=np.uint8)
    form = geometry("hero", PLACES["editorial", "hero"])
    product = Product(image=Image.fromarray(photo), method="framed")

    shown = stand(product, None, "editorial", form, corners="square")

    left, top, wide, tall = getattr(form.place, kept)
    assert shown.size[0] == wide
    assert shown.corner == (left, round(top + (tall - shown.size[1]) / 2))
