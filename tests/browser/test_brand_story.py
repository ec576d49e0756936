"""What a marketer lives through with the brand kit and what is made in it, in a real browser."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from sqlalchemy import Engine

from generative import ledger
from generative.branding import brand_store
from recsys.database import connect, reading

PHONE = {"viewport": {"width": 390, "height": 844}}
TABS = {
    "How they do": "",
    "Brand kit": "/brand",
    "Backdrops": "/backdrops",
    "Voice": "/voice",
    "Providers": "/providers",
    "Variants": "/variants",
}


@pytest.fixture
def engine(world) -> Iterator[Engine]:
    opened = connect(world.database_url)
    yield opened
    opened.dispose()


def studio(log_in, tab: str, **options):
    page = log_in(**options)
    page.get_by_role("link", name="Creatives", exact=True).click()
    page.get_by_role("navigation", name="Creatives").get_by_role("link", name=tab).click()
    page.locator(f'.subtabs a[aria-current]:text-is("{tab}")').wait_for()
    page.wait_for_load_state()  # what is changed before the scripts are there is not previewed
    return page


def drawn(page) -> int:
    """How many previews really hold pixels, once they are there."""
    page.locator("#shots .shots img").first.wait_for(timeout=30_000)
    pictures = "[...document.querySelectorAll('#shots .shots img')]"
    return page.evaluate(f"{pictures}.filter((one) => one.naturalWidth).length")


@pytest.mark.parametrize(
    "options", [{}, PHONE | {"color_scheme": "dark"}], ids=["desk", "phone in the dark"]
)
def test_every_page_of_the_studio_is_sound(log_in, sound, options) -> None:
    page = log_in(**options)

    found = {}
    for tab, address in TABS.items():
        page.goto(f"/console/creatives{address}")
        page.locator(f'.subtabs a[aria-current]:text-is("{tab}")').wait_for()
        if tab == "Brand kit":
            drawn(page)  # a page that is left while it asks says so in its console
        found[tab] = sound(page)

    assert found == {tab: [] for tab in TABS}


def test_a_kit_is_seen_while_it_is_typed_and_saved_in_the_end(log_in, engine: Engine) -> None:
    page = studio(log_in, "Brand kit")
    assert drawn(page) == 6
    before = page.locator(".shot-leaderboard img").get_attribute("src")

    page.locator("#color").fill("#7a1f3d")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Tab")
    page.locator('.shot-hero a[href*="7a1f3d"] img').wait_for()
    assert drawn(page) == 6
    assert page.locator(".shot-leaderboard img").get_attribute("src") != before
    assert page.locator("#say").inner_text() == "Previews drawn"
    assert page.locator('[data-twin="color"]').input_value() == "#7a1f3d"  # the picker followed
    with reading(engine) as session:
        assert brand_store.newest(session) == 0  # nothing is saved by looking

    page.locator("#name").fill("Bordeaux")
    page.get_by_role("button", name="Put in force").click()
    page.get_by_text("Version 1 is in force").wait_for()
    with reading(engine) as session:
        assert brand_store.current(session).kit.name == "Bordeaux"


def test_a_logo_is_shown_before_it_is_saved_and_what_is_none_is_told(log_in) -> None:
    page = studio(log_in, "Brand kit")
    buffer = io.BytesIO()
    Image.new("RGBA", (240, 80), (20, 90, 60, 255)).save(buffer, "PNG")

    page.locator("#logo_file").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    page.locator(".logo-shown img").wait_for()
    page.locator("#logo_file").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"}
    )

    page.locator("#logo-wrong", has_text="was not taken").wait_for()
    assert page.locator(".logo-shown img").count() == 1  # the one before is still held
    assert drawn(page) == 6


def test_the_keyboard_alone_tries_a_kit_on_another_product(log_in) -> None:
    page = studio(log_in, "Brand kit")
    page.locator("#item_id").focus()

    page.keyboard.press("End")
    page.keyboard.press("Tab")

    chosen = page.locator("#item_id").input_value()
    page.locator(f'.shot-hero a[href*="item_id={chosen}"] img').wait_for()
    assert drawn(page) == 6


def test_without_scripts_a_kit_is_previewed_by_its_button(log_in) -> None:
    page = studio(log_in, "Brand kit", java_script_enabled=False)
    page.locator("#legal").fill("While stocks last.")

    page.get_by_role("button", name="Preview").click()

    page.locator('.shot-hero a[href*="While+stocks+last"] img').wait_for()
    assert page.locator("#legal").input_value() == "While stocks last."
    assert not page.locator('[data-twin="color"]').is_visible()


def test_a_provider_is_switched_off_and_on(log_in, engine: Engine) -> None:
    page = studio(log_in, "Providers")

    page.locator("#switch-openai").focus()
    page.keyboard.press("Enter")
    page.get_by_text("openai is off: nothing asks it").wait_for()
    with reading(engine) as session:
        assert ledger.switched_off(session) == {"openai"}

    page.get_by_role("button", name="Switch on openai").click()
    page.get_by_text("openai is on").wait_for()
    with reading(engine) as session:
        assert ledger.switched_off(session) == frozenset()


def test_a_look_is_allowed_by_one_press(log_in) -> None:
    page = studio(log_in, "Variants")

    page.locator("#look-square-frame").click()

    page.locator('#look-square-frame[aria-pressed="true"]').wait_for()
    assert "Frame may be shown as square" in page.locator(".note").inner_text()
    page.locator("#look-square-frame").click()
    page.locator('#look-square-frame[aria-pressed="false"]').wait_for()


def test_a_backdrop_is_added_and_removed(log_in) -> None:
    page = studio(log_in, "Backdrops")
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((640, 400)).convert("RGB").save(buffer, "JPEG")

    page.locator("#pictures").set_input_files(
        {"name": "light.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}
    )
    page.get_by_role("button", name="Add").click()
    page.locator(".backdrops .card").wait_for()
    page.get_by_role("button", name="Remove").click()

    page.get_by_text("It is empty").wait_for()
    assert page.locator(".backdrops .card").count() == 0
