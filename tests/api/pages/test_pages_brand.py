"""The console's brand kit: drawn before it is saved, put in force, gone back from, and nothing believed."""

import base64
import io
import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from api.runtime import Runtime
from generative.branding import brand_store, logo
from generative.branding.brand import BrandKit
from generative.types import SIZES
from recsys.database import looking, reading

PAGE = "/console/creatives/brand"
KIT = {
    "name": "Lago",
    "color": "#a8321f",
    "tone": "elegant",
    "corners": "square",
    "forbidden": "cheap\nbest ever\ncheap",
    "legal": "While stocks last.",
    "version": "0",
}
HOSTILE = "<script>alert(1)</script>"


def in_force(here: Runtime) -> BrandKit | None:
    with reading(here.engine) as session:
        kept = brand_store.current(session)
    return None if kept is None else kept.kit


def picture(colour: Any = (200, 30, 40, 255), size: tuple[int, int] = (300, 120)) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.new("RGBA", size, colour).save(buffer, "PNG")
    buffer.seek(0)
    return buffer


def banners(html: str) -> dict[str, Image.Image]:
    """The previews of a page by size, opened."""
    found = re.findall(r'class="shot-(\w+)".*?src="data:image/webp;base64,([^"]*)"', html)
    return {size: Image.open(io.BytesIO(base64.b64decode(data))) for size, data in found}


def test_a_saved_kit_is_in_force_at_once(console: FlaskClient, here: Runtime, send) -> None:
    answer = send(console, PAGE, do="save", **KIT)

    assert "Version 1 is in force" in answer.text
    kit = in_force(here)
    assert kit == BrandKit(
        name="Lago",
        color="#a8321f",
        tone="elegant",
        corners="square",
        forbidden=("cheap", "best ever"),
        legal="While stocks last.",
    )
    with looking(here.engine) as reader:
        assert here.styled.follow(reader).kit == kit


def test_a_preview_saves_nothing(console: FlaskClient, here: Runtime, send) -> None:
    answer = send(console, PAGE, do="preview", **KIT)

    assert answer.status_code == 200
    assert in_force(here) is None


@pytest.mark.usefixtures("stocked")
def test_the_preview_is_drawn_by_the_renderer_in_every_size(console: FlaskClient, send) -> None:
    shown = banners(send(console, PAGE, do="preview", **KIT).text)

    assert {size: picture.size for size, picture in shown.items()} == SIZES


@pytest.mark.usefixtures("stocked")
def test_a_page_that_is_opened_asks_for_its_previews(console: FlaskClient) -> None:
    html = console.get(PAGE).text

    assert 'hx-trigger="load, change delay:250ms"' in html
    assert "data:image" not in html
    assert html.count('class="unseen"') == len(SIZES)


@pytest.mark.usefixtures("stocked")
def test_a_preview_leads_to_the_whole_banner_of_that_kit(console: FlaskClient, send) -> None:
    html = send(console, PAGE, do="preview", **KIT).text
    poster = unescape(re.search(r'<a href="([^"]*/banner/leaderboard[^"]*)"', html)[1])

    answer = console.get(poster)

    assert answer.mimetype == "image/jpeg"
    assert Image.open(io.BytesIO(answer.data)).size == SIZES["leaderboard"]
    assert console.get(poster.replace("%23a8321f", "%231b5e45")).data != answer.data


@pytest.mark.usefixtures("stocked")
def test_what_was_measured_is_said(console: FlaskClient, send, text) -> None:
    said = text(send(console, PAGE, do="preview", **KIT).text)

    assert "Every word can be read: the faintest stands at" in said
    assert "Story, faintest word" in said


def test_without_a_catalogue_there_is_nothing_to_show(console: FlaskClient, text) -> None:
    assert "There is no item to show the kit on" in text(console.get(PAGE).text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "must be 1 to 24 printable characters"),
        ({"color": "red"}, "must be # and six hexadecimal digits"),
        ({"own_paper": "yes", "paper": "url(x)"}, "must be # and six hexadecimal digits"),
        ({"font": "Comic Sans"}, "is none of those listed"),
        ({"tone": HOSTILE}, "is none of those listed"),
        ({"forbidden": "x" * 61}, "words or phrases of at most 60 characters"),
        ({"legal": "cheap while stocks last"}, "which the kit itself forbids"),
        ({"logo": "f" * 64}, "is not there any more"),
        ({"logo": "../../etc/passwd"}, "is not one that was uploaded here"),
    ],
)
def test_a_kit_that_cannot_be_used_says_why_and_keeps_what_was_typed(
    console: FlaskClient, here: Runtime, send, text, change: dict[str, str], said: str
) -> None:
    answer = send(console, PAGE, **KIT | {"do": "save"} | change)

    assert answer.status_code == 422
    assert said in text(answer.text)
    assert "best ever" in answer.text or "forbidden" in change
    assert HOSTILE not in answer.text
    assert in_force(here) is None


def test_a_colour_may_be_pasted_without_its_sign_or_short(
    console: FlaskClient, here: Runtime, send
) -> None:
    send(
        console,
        PAGE,
        **KIT | {"do": "save", "color": "A8321F", "own_paper": "yes", "paper": "#fFe"},
    )

    kit = in_force(here)
    assert kit is not None
    assert (kit.color, kit.paper) == ("#a8321f", "#ffffee")


def test_a_logo_is_kept_with_the_kit(console: FlaskClient, here: Runtime, send) -> None:
    send(console, PAGE, do="save", logo_file=(picture(), "logo.png"), **KIT)

    kit = in_force(here)
    assert kit is not None
    kept = logo.read(kit.logo, here.config.generative.media_dirs)
    assert kept is not None
    assert Image.open(io.BytesIO(kept)).size == (300, 120)
    assert f'src="/media/brand/{kit.logo}.png"' in console.get(PAGE).text


def test_a_logo_uploaded_for_a_preview_is_held_by_the_form(console: FlaskClient, send) -> None:
    html = send(console, PAGE, do="preview", logo_file=(picture(), "l.png"), **KIT).text

    assert re.search(r'name="logo" value="[0-9a-f]{64}"', html)


def test_only_a_touched_logo_is_drawn_anew(console: FlaskClient, send) -> None:
    touched = 'id="logo-field" class="field" hx-swap-oob="true"'

    assert touched not in send(console, PAGE, do="preview", **KIT).text
    sent = (picture(), "l.png")
    assert touched in send(console, PAGE, do="preview", logo_file=sent, **KIT).text


def test_a_logo_can_be_taken_off_again(console: FlaskClient, here: Runtime, send) -> None:
    html = send(console, PAGE, do="preview", logo_file=(picture(), "l.png"), **KIT).text
    held = re.search(r'name="logo" value="([0-9a-f]{64})"', html)[1]

    send(console, PAGE, do="save", logo=held, no_logo="yes", **KIT)

    kit = in_force(here)
    assert kit is not None
    assert kit.logo == ""


def test_what_is_no_picture_is_no_logo(console: FlaskClient, here: Runtime, send, text) -> None:
    script = (io.BytesIO(b"<svg onload='alert(1)'/>"), "logo.png")

    answer = send(console, PAGE, do="save", logo_file=script, **KIT)

    assert answer.status_code == 422
    assert "was not taken: not a JPEG, PNG or WebP picture" in text(answer.text)
    assert in_force(here) is None


def test_a_form_that_is_too_heavy_is_refused(console: FlaskClient, send) -> None:
    heavy = "x" * (logo.MAX_UPLOAD + 1_100_000)

    assert send(console, PAGE, **KIT | {"legal": heavy}).status_code == 413


def test_a_kit_that_somebody_saved_meanwhile_is_not_written_over(
    console: FlaskClient, here: Runtime, send
) -> None:
    send(console, PAGE, do="save", **KIT)

    answer = send(console, PAGE, **KIT | {"do": "save", "name": "Mine"})

    assert answer.status_code == 422
    assert "somebody else" in answer.text
    assert 'value="Mine"' in answer.text
    kit = in_force(here)
    assert kit is not None
    assert kit.name == "Lago"


def test_going_back_is_a_new_version(console: FlaskClient, here: Runtime, send, text) -> None:
    send(console, PAGE, do="save", **KIT)
    send(console, PAGE, **KIT | {"do": "save", "name": "Sol", "version": "1"})

    answer = send(console, f"{PAGE}/restore", version="1")

    assert "The kit of version 1 is in force again, as version 3" in answer.text
    kit = in_force(here)
    assert kit is not None
    assert kit.name == "Lago"
    assert "name: Lago → Sol" in text(answer.text)


def test_an_older_version_opens_in_the_form(console: FlaskClient, send, text) -> None:
    send(console, PAGE, do="save", **KIT)
    send(console, PAGE, **KIT | {"do": "save", "name": "Sol", "version": "1"})

    html = console.get(f"{PAGE}?version=1").text

    assert 'id="name" name="name" value="Lago"' in html
    assert 'name="version" value="2"' in html  # saving it is based on what is in force
    assert "Version 1 is open in the form" in text(html)


@pytest.mark.parametrize("address", ["?version=9", "/banner/poster", "/banner/hero?color=red"])
def test_what_is_not_there_is_said_so(console: FlaskClient, address: str) -> None:
    assert console.get(f"{PAGE}{address}").status_code in {404, 422}


def test_a_hostile_name_is_only_text(console: FlaskClient, send) -> None:
    html = send(console, PAGE, **KIT | {"do": "save", "name": "<b>Lago</b>"}).text

    assert "<b>Lago" not in html
    assert "&lt;b&gt;Lago&lt;/b&gt;" in html


@pytest.mark.parametrize("path", ["", "/restore"])
def test_a_kit_wants_the_forms_token(console: FlaskClient, path: str) -> None:
    assert console.post(f"{PAGE}{path}", data={"do": "save"} | KIT).status_code == 403


def test_only_who_is_logged_in_sees_a_preview(client: FlaskClient) -> None:
    assert client.get(f"{PAGE}/banner/hero").status_code == 303
