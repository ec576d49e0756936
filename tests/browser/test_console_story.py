"""What a shopkeeper lives through, in a real browser."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from recsys.database import connect, writing
from recsys.learning import runs

PHONE = {"viewport": {"width": 390, "height": 844}}
TABS = ["Overview", "Catalogue", "Models", "Campaigns", "Privacy"]


@pytest.fixture
def engine(world) -> Iterator[Engine]:
    """The worker's side of the shop's database."""
    opened = connect(world.database_url)
    yield opened
    opened.dispose()


def beat(engine: Engine, run_id: str, epochs: int) -> None:
    losses = [1 / (epoch + 1) for epoch in range(epochs)]
    with writing(engine) as session:
        runs.beat(
            session,
            run_id,
            stage="fit",
            progress=epochs / 10,
            curves={"loss": losses, "ndcg": losses[::-1]},
            now=datetime.now(UTC),
        )


def focused(page) -> str:
    return page.evaluate("document.activeElement.textContent.trim()")


def tab_to(page, name: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page) == name:
            return
    pytest.fail(f"the keyboard does not reach {name}")


def test_the_keyboard_alone_opens_every_tab(visit, world) -> None:
    page = visit("/console/")

    page.locator("#key:focus").wait_for()  # the one field has the focus
    page.keyboard.type(world.admin_key)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview", level=1).wait_for()
    for tab in TABS[1:]:
        tab_to(page, tab)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=tab, level=1).wait_for()

    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Log in").wait_for()
    assert page.locator("nav a", has_text="Models").count() == 0


def test_health_is_said_in_words(log_in) -> None:
    page = log_in()

    health = page.locator(".health").inner_text()

    assert "Database works" in health
    assert "Redis needs attention" in health


def test_an_upload_names_the_broken_line(log_in) -> None:
    page = log_in()
    page.get_by_role("link", name="Catalogue").click()
    feed = b"item_id,title,price\nu1,Nectarines,2.50\nu2,Broken,minus\nu3,Apricots,1.00\n"

    page.get_by_label("Catalogue file").set_input_files(
        {"name": "fruit.csv", "mimeType": "text/csv", "buffer": feed}
    )
    page.get_by_role("button", name="Upload").click()

    assert "2 kept, 1 refused" in page.locator("#report").inner_text()
    assert page.locator("#report tbody td").all_inner_texts()[:2] == ["3", "price"]


def test_a_hidden_item_leaves_the_shop(log_in) -> None:
    page = log_in()
    page.goto("/console/catalogue?q=g35")

    page.get_by_role("button", name="Hide").click()
    page.get_by_role("button", name="Show").wait_for()
    hidden = page.goto("/shop/search?q=number 35").text()
    page.goto("/console/catalogue?q=g35")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Hide").wait_for()

    assert "Nothing found" in hidden
    assert "number 35" in page.goto("/shop/search?q=number 35").text()


def test_a_retrain_is_queued_watched_and_cancelled(log_in) -> None:
    page = log_in()
    page.get_by_role("link", name="Models").click()

    page.get_by_role("button", name="Retrain now").click()
    waiting = page.locator("#run").inner_text()
    page.locator("#run").get_by_role("button", name="Cancel").click()

    assert "Waiting for a worker" in waiting
    page.locator("#run", has_text="Cancelled").wait_for()


def test_a_training_is_watched_live_to_its_end(log_in, engine: Engine) -> None:
    now = datetime.now(UTC)
    with writing(engine) as session:
        run_id = runs.start(session, trigger="test", now=now)
        runs.claim(session, run_id, now=now, lease_seconds=60)
    beat(engine, run_id, 4)
    page = log_in()
    page.get_by_role("link", name="Models").click()
    page.locator('#run progress[value="40"]').wait_for()

    beat(engine, run_id, 8)
    page.locator('#run progress[value="80"]').wait_for()
    said = page.locator("#say").inner_text()
    with writing(engine) as session:
        figures = {"ndcg@100": 0.3, "recall@20": 0.2}
        runs.finish(
            session,
            run_id,
            status="done",
            metrics={"candidate": figures, "popularity": figures},
            model_version=None,
            error=None,
            now=now,
        )
    page.locator("#run .badge.done").wait_for()

    assert said == "Training"
    # htmx draws the curves once the fragment has settled, a moment after its words are there.
    expect(page.locator(".plot canvas")).to_have_count(2)
    assert page.locator("#run tbody tr").count() == 2


def test_a_campaign_is_created_and_cancelled(log_in) -> None:
    page = log_in()
    page.get_by_role("link", name="Campaigns").click()

    page.get_by_label("Name").fill("Autumn <b>sale</b>")
    page.get_by_role("button", name="Create").click()
    page.locator("#progress").get_by_role("button", name="Cancel").click()

    page.locator("#progress", has_text="cancelled").wait_for()
    assert page.locator("h1").inner_text() == "Autumn <b>sale</b>"


def test_a_shopper_is_forgotten(log_in) -> None:
    page = log_in()
    page.get_by_role("link", name="Privacy").click()

    page.get_by_label("Shopper id").fill("household-9")
    page.get_by_label("I know that this cannot be undone").check()
    page.get_by_role("button", name="Forget").click()

    assert "Events deleted" in page.locator(".report").inner_text()


def test_a_page_is_looked_over_with_its_styles_on(log_in, sound) -> None:
    page = log_in(**PHONE)
    page.route("**/console.css", lambda route: (page.wait_for_timeout(500), route.fallback()))

    page.get_by_role("link", name="Models", exact=True).click(no_wait_after=True)
    page.get_by_role("heading", name="Models", level=1).wait_for()

    assert sound(page) == []


def test_an_error_without_a_space_does_not_widen_a_phone(log_in, engine: Engine, sound) -> None:
    now = datetime.now(UTC)
    with writing(engine) as session:
        run_id = runs.start(session, trigger="test", now=now)
        runs.claim(session, run_id, now=now, lease_seconds=60)
        error = "OSError: " + 20 * "/a/long/path"
        runs.finish(
            session, run_id, status="failed", metrics={}, model_version=None, error=error, now=now
        )
    page = log_in(**PHONE)

    page.get_by_role("link", name="Models", exact=True).click()
    page.locator("#run", has_text="OSError").wait_for()

    assert sound(page) == []


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_tabs_fit_and_are_well_formed(log_in, options: dict, sound) -> None:
    page = log_in(**options)

    found = {}
    for tab in TABS:
        page.get_by_role("link", name=tab, exact=True).click()
        page.get_by_role("heading", name=tab, level=1).wait_for()
        found[tab] = sound(page)

    assert found == {tab: [] for tab in TABS}


def test_the_models_page_says_what_is_wrong_with_the_data(log_in) -> None:
    page = log_in()

    page.get_by_role("link", name="Models", exact=True).click()

    page.locator("#checks .badge").first.wait_for()
    page.get_by_text("checks passed").click()
    page.get_by_text("every line can be read").wait_for()
    page.get_by_role("link", name="Check again").click()
    page.locator("#checks .badge").first.wait_for()
    assert page.locator("#checks .badge").first.inner_text().strip() in {"PASS", "WARN", "FAIL"}
