"""What a shopper lives through, in a real browser."""

import pytest

PHONE = {"viewport": {"width": 390, "height": 844}}


def noted(page) -> str:
    return page.locator("#noted").inner_text()


def row(page, title: str):
    return page.locator("section.shelf").filter(has=page.get_by_role("heading", name=title))


def shop_as(page, person: str) -> tuple[str, list[str]]:
    page.get_by_label("Shop as").select_option(person)
    page.get_by_role("button", name="Switch").click()
    page.locator(f'option[value="{person}"][selected]').wait_for(state="attached")
    return noted(page), row(page, "Picked for you").locator(".title").all_inner_texts()


def test_a_click_is_answered_by_the_next_page(visit) -> None:
    page = visit()
    assert noted(page).startswith("Nothing noted yet")
    assert row(page, "Picked for you").count() == 0

    row(page, "Popular right now").locator("a.tile").nth(2).click()
    page.get_by_role("button", name="Buy now").wait_for()
    title = page.locator("h1").inner_text()
    page.get_by_role("link", name="Vitrine").click()
    row(page, "Picked for you").wait_for()

    assert noted(page) == f"Noted: you viewed {title}."
    assert row(page, f"Because you viewed {title}").locator("a.tile").count() > 0
    assert page.locator(".reason", has_text=f"Because you viewed {title}").count() > 0


def test_buying_is_noted_and_its_reason_shown(visit) -> None:
    page = visit("/shop/item/g4")

    page.get_by_role("button", name="Buy now").click()
    page.locator("#noted", has_text="you bought").wait_for()
    page.goto("/")

    assert noted(page) == "Noted: you bought Bread number 4."
    assert page.locator(".reason", has_text="Because you bought Bread number 4").count() > 0


def test_pictures_are_shown_with_price_and_reason(visit) -> None:
    page = visit()

    tile = page.locator("a.tile").first
    tile.scroll_into_view_if_needed()

    assert tile.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert tile.locator(".price").inner_text().startswith("€")
    assert page.get_by_role("heading", name="Popular right now").is_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_an_item_is_never_shown_blurred(visit, width: int) -> None:
    page = visit("/shop/item/g3", viewport={"width": width, "height": 844})
    shot = page.locator(".product .shot img")

    shown = shot.evaluate("image => image.getBoundingClientRect().width / image.naturalWidth")

    assert 1 <= shown < 1.35


def test_prices_of_a_row_stand_on_one_line(visit) -> None:
    page = visit()

    tops = (
        page.locator(".shelf")
        .first.locator(".price")
        .evaluate_all(
            "found => found.slice(0, 6).map((one) => Math.round(one.getBoundingClientRect().top))"
        )
    )

    assert len(tops) == 6
    assert len(set(tops)) == 1


def test_search_finds_and_consoles(visit) -> None:
    page = visit()

    page.get_by_label("Search the shop").fill("bread 10")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="bread 10").wait_for()
    found = page.locator("a.tile .title").all_inner_texts()
    page.get_by_label("Search the shop").fill("no such thing")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="no such thing").wait_for()

    assert found == ["Bread number 10"]
    assert page.get_by_role("heading", name="Nothing found").is_visible()


def test_another_shopper_sees_another_shop(visit) -> None:
    page = visit()

    known, first = shop_as(page, "household-0")
    _, second = shop_as(page, "household-1")
    page.get_by_label("Shop as").select_option("new")
    page.get_by_role("button", name="Switch").click()
    page.locator("#noted", has_text="Nothing noted yet").wait_for()

    assert known.startswith("Noted: you bought")
    assert first != second


def test_without_consent_nothing_is_noted(visit) -> None:
    page = visit()

    page.get_by_role("button", name="Turn personalisation off").click()
    page.get_by_role("button", name="Turn personalisation on").wait_for()
    page.goto("/shop/item/g4")
    page.goto("/")

    assert noted(page) == "Personalisation is off: nothing you do here is noted."
    assert row(page, "Picked for you").count() == 0


def test_everything_works_without_scripts(visit) -> None:
    page = visit("/shop/item/g4", java_script_enabled=False)

    page.get_by_role("button", name="Add to cart").click()
    page.locator("#noted", has_text="cart").wait_for()
    page.get_by_role("link", name="Vitrine").click()

    assert noted(page) == "Noted: you put Bread number 4 into the cart."


@pytest.mark.parametrize(
    "address", ["/shop/category/Boutique", "/shop/item/hostile", "/shop/search?q=script"]
)
def test_a_hostile_title_is_only_text(visit, address: str) -> None:
    page = visit(address)

    assert page.get_by_text("<script>alert(1)</script>").first.is_visible()
    assert page.locator('[href^="javascript:"], [src^="javascript:"], img[src="x"]').count() == 0


def test_a_picture_that_cannot_be_loaded_leaves_a_letter(visit) -> None:
    page = visit("/shop/item/g4")
    page.evaluate(
        """() => { const image = document.querySelector("article img");
                   image.src = "data:image/png;base64,none"; }"""
    )

    page.locator("article .plate").wait_for()

    assert page.locator("article .plate").inner_text() == "B"


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    "address",
    ["/", "/shop/item/g4", "/shop/category/Grocery", "/shop/search?q=zzz", "/console/login"],
)
def test_pages_fit_and_are_well_formed(visit, address: str, options: dict, sound) -> None:
    page = visit(address, **options)

    assert sound(page) == []


def test_the_first_tab_stop_skips_to_the_content(visit) -> None:
    page = visit()

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"
