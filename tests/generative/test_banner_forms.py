import io
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from generative.banner.collage import Piece, collage
from generative.banner.email import email_block
from generative.banner.formats import FORMS
from generative.banner.render import render
from generative.branding.brand import BrandKit
from generative.brief import clean
from generative.marking import certificate, signing
from generative.marking.provenance import manifest, source_type, xmp
from generative.types import Brief, Copy, ItemFacts

COPY = Copy(headline="Pink Lady <b>", tagline="Crisp pink apple.", action="Shop now")
OFFER = ItemFacts(item_id="a", title='Pink "Lady"', price="2.49", was_price="3.29")


def made(form, photo, size="rectangle", **more):
    brief = clean(Brief(item=OFFER, size=size, variant="field-light"))
    return render(brief, COPY, photo, BrandKit(**more), seed=1, form=form)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_is_what_it_says_and_the_same_twice(form, studio_photo):
    first, again = made(form, studio_photo), made(form, studio_photo)

    assert first.media_type == FORMS[form].media_type
    assert first.data == again.data
    if form != "svg":
        with Image.open(io.BytesIO(first.data)) as image:
            assert Image.MIME[image.format] == first.media_type
            assert image.size == (300, 250)


@pytest.mark.parametrize("form", ["jpeg", "webp", "png", "loop"])
def test_every_form_that_can_hold_xmp_holds_it(form, studio_photo):
    brief = clean(Brief(item=OFFER, size="rectangle", variant="field-light"))
    packet = xmp(key="k1", ai_generated=True)
    drawn = render(brief, COPY, studio_photo, BrandKit(), seed=1, form=form, xmp=lambda _: packet)

    with Image.open(io.BytesIO(drawn.data)) as image:
        held = image.info["xmp"]
    assert b"compositeWithTrainedAlgorithmicMedia" in (
        held if isinstance(held, bytes) else held.encode()
    )


def test_an_svg_holds_its_packet_and_can_still_be_signed(studio_photo, tmp_path):
    pytest.importorskip("c2pa")
    brief = clean(Brief(item=OFFER, size="rectangle", variant="field-light"))
    packet = xmp(key="k<1>", ai_generated=False)
    drawn = render(brief, COPY, studio_photo, BrandKit(), seed=1, form="svg", xmp=lambda _: packet)
    certificate.make(tmp_path, "Vitrine")
    told = manifest("k<1>", {"digital_source_type": source_type(ai_generated=False)})

    marked = signing.mark(drawn.data, drawn.media_type, told, tmp_path)

    assert packet in marked.data
    assert ET.fromstring(marked.data) is not None  # noqa: S314 our own
    assert marked.c2pa == "signed"
    assert signing.read(marked.data, drawn.media_type)["validation_state"] == "Valid"


@pytest.mark.parametrize("form", ["loop", "gif"])
def test_a_loop_begins_and_ends_with_the_whole_banner_and_stops(form, studio_photo):
    still = np.asarray(Image.open(io.BytesIO(made("png", studio_photo).data)), dtype=int)

    with Image.open(io.BytesIO(made(form, studio_photo).data)) as image:
        times, frames = [], []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            times.append(image.info["duration"])
            frames.append(np.asarray(image.convert("RGB"), dtype=int))

    assert 2000 <= sum(times) <= 2400
    assert len(frames) >= 4
    assert np.abs(frames[0] - still).mean() < 6
    assert np.abs(frames[-1] - frames[0]).mean() < 3
    assert max(np.abs(frame - frames[0]).mean() for frame in frames) > 0.2


def test_an_svg_holds_its_words_as_text_within_bound_lengths(studio_photo):
    root = ET.fromstring(made("svg", studio_photo, size="hero").data)  # noqa: S314 our own

    space = "{http://www.w3.org/2000/svg}"
    texts = {node.text: float(node.get("textLength")) for node in root.iter(f"{space}text")}
    assert root.get("aria-label").startswith('Pink "Lady", €2.49 (€3.29)')
    assert {"€2.49", "€3.29", "Shop now", "Vitrine"} <= set(texts)
    assert not list(root.iter(f"{space}script"))
    assert max(texts.values()) < 1200


class _Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data.strip())


def test_an_email_block_is_tables_with_inline_styles_and_needs_no_picture():
    kit = BrandKit(name="Nordlicht", legal="Incl. VAT.")
    block = email_block(
        clean(Brief(item=OFFER)),
        COPY,
        kit,
        image_url="https://shop.example/a.jpg",
        link="https://shop.example/a?x=1&y=2",
    )

    page = _Tags(block)
    (image,) = [attrs for tag, attrs in page.found if tag == "img"]
    assert {tag for tag, _ in page.found} <= {
        "table",
        "tr",
        "td",
        "a",
        "img",
        "bdi",
        "del",
        "span",
        "br",
    }
    assert (image["width"], image["height"]) == ("600", "314")
    assert image["alt"].startswith('Pink "Lady", €2.49')
    assert {"Pink Lady <b>", "€2.49", "€3.29", "Shop now", "Incl. VAT."} <= set(page.words)
    assert all(
        attrs.get("bgcolor")
        for tag, attrs in page.found
        if "background-color" in attrs.get("style", "") and tag in {"table", "td"}
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/relative.jpg", ""])
def test_an_email_block_refuses_what_mail_cannot_open(url):
    with pytest.raises(ValueError, match="https://"):
        email_block(Brief(item=OFFER), COPY, BrandKit(), image_url=url, link="https://a.example")


@pytest.mark.parametrize("size", ["hero", "square", "story"])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_collage_shows_each_item_with_its_price_and_nothing_overlaps(
    size, count, studio_photo, shop_photo
):
    pieces = [
        Piece(item=replace(OFFER, item_id=str(n), title=f"Apple number {n}"), photo=photo)
        for n, photo in enumerate([studio_photo, shop_photo, None, b"broken"][:count])
    ]

    rendered = collage(pieces, COPY, BrandKit(), size=size, seed=1)

    assert rendered.checks["problems"] == []
    assert min(rendered.checks["contrast"].values()) >= 4.5
    assert all(f"Apple number {n}, €2.49" in rendered.alt for n in range(count))


def test_a_collage_needs_two_items_and_room():
    piece = Piece(item=OFFER, photo=None)
    with pytest.raises(ValueError, match="2 to 4"):
        collage([piece], COPY, BrandKit(), size="hero")
    with pytest.raises(ValueError, match="2 to 4"):
        collage([piece, piece], COPY, BrandKit(), size="leaderboard")


def test_a_logo_takes_the_place_of_the_name(studio_photo):
    logo = io.BytesIO()
    Image.new("RGB", (200, 60), (200, 20, 90)).save(logo, "PNG")
    brief = clean(Brief(item=OFFER, size="hero", variant="type-light"))

    rendered = render(
        brief, COPY, studio_photo, BrandKit(), seed=1, logo=logo.getvalue(), form="png"
    )

    pixels = np.asarray(Image.open(io.BytesIO(rendered.data)).convert("RGB"), dtype=int)
    assert (np.abs(pixels - (200, 20, 90)).max(axis=2) < 3).sum() > 1500
    assert "brand" not in rendered.checks["contrast"]
