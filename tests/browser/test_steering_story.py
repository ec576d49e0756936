"""What a shopkeeper lives through who steers the shop, in a real browser."""

import pytest

PHONE = {"viewport": {"width": 390, "height": 844}}
PAGES = {
    "merchandising": "Merchandising",
    "merchandising/rule": "New rule",
    "merchandising/placement?name=home": "Placement home",
    "merchandising/strategy": "New strategy",
    "experiments": "Experiments",
    "experiments/form": "New experiment",
    "why?user_id=household-1&item_id=g3": "Why",
    "answers": "Answers",
}
HOSTILE = "<script>alert(1)</script>"


def rules(page) -> list[str]:
    return (
        page.locator("section", has=page.locator("h2#rules")).locator("tbody tr").all_inner_texts()
    )


def test_a_rule_is_mended_previewed_kept_and_undone(log_in) -> None:
    page = log_in()
    page.get_by_role("link", name="Merchandising").click()
    page.get_by_role("link", name="New rule").click()

    page.get_by_label("Id", exact=True).fill("g30-first")
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_label("What it does").select_option("pin")
    page.get_by_label("Which items").fill("price = 31")
    page.get_by_label("Slot").click()
    page.locator("#where-said .wrong").wait_for()
    wrong = page.locator("#where-said").inner_text()
    page.get_by_label("Which items").fill("price == 31")
    page.get_by_label("Slot").fill("1")
    page.get_by_text("It holds for 1 of").wait_for()

    page.get_by_label("Shopper id").fill("household-1")
    page.get_by_role("button", name="Preview").click()
    page.locator(".slate li.up, .slate li.new").first.wait_for()
    after = page.get_by_role("region", name="With this").locator("li").first.inner_text()
    page.get_by_role("button", name="Save rule").click()
    page.get_by_role("heading", name="Merchandising", level=1).wait_for()
    kept = rules(page)
    page.get_by_role("button", name="Undo").first.click()
    page.get_by_text("is undone").wait_for()

    assert "at character 7" in wrong
    assert "number 30" in after
    assert "by g30-first" in after
    assert len(kept) == 1
    assert "in force" in kept[0]
    assert HOSTILE in kept[0]
    assert rules(page) == []


def test_an_experiment_is_defined_started_and_stopped(log_in) -> None:
    page = log_in()
    page.get_by_role("link", name="Experiments").click()
    page.get_by_role("link", name="New experiment").click()

    page.get_by_label("Id", exact=True).fill("story")
    second = page.get_by_role("group", name="Variant 2")
    second.get_by_label("Name").fill("popular")
    second.get_by_label("Strategy", exact=True).select_option("popular")
    page.get_by_role("button", name="Keep as a draft").click()
    page.get_by_text("A draft has no report").wait_for()
    page.get_by_role("button", name="Start").click()
    page.get_by_role("heading", name="What may be concluded").wait_for()
    running = page.locator(".badge.running").count()
    page.get_by_role("button", name="Stop").click()
    page.locator(".badge.stopped").wait_for()

    assert running == 1


def test_why_leads_from_one_item_to_another(log_in) -> None:
    page = log_in()
    page.get_by_role("link", name="Why", exact=True).click()

    page.get_by_label("Item id").fill("g3")
    page.get_by_label("Shopper id").fill("household-1")
    page.get_by_role("button", name="Ask why").click()
    page.locator(".verdict").wait_for()
    page.locator(".slate a").first.click()
    page.get_by_text("It is shown, in slot 1").wait_for()

    assert page.locator(".stages dt").count() >= 4


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_steering_pages_fit_and_are_well_formed(log_in, options: dict, sound) -> None:
    page = log_in(**options)

    found = {}
    for path, heading in PAGES.items():
        page.goto(f"/console/{path}")
        page.get_by_role("heading", name=heading, level=1).wait_for()
        found[path] = sound(page)

    assert found == {path: [] for path in PAGES}


def test_a_rule_is_written_without_scripts(visit, world) -> None:
    page = visit("/console/login", java_script_enabled=False)
    page.get_by_label("Admin key").fill(world.admin_key)
    page.get_by_role("button", name="Log in").click()
    page.goto("/console/merchandising/rule")

    page.get_by_label("Id", exact=True).fill("plain")
    page.get_by_label("Which items").fill("price < 5")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("region", name="With this").wait_for()
    page.get_by_role("button", name="Save rule").click()
    page.get_by_text("Rule plain is kept").wait_for()
    page.get_by_role("button", name="Undo").first.click()
    page.get_by_text("is undone").wait_for()

    assert rules(page) == []
