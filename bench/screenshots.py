"""Photograph the running demo for the docs: shop, item, finished retrain, campaign gallery, brand kit, two widths.

    python bench/screenshots.py http://127.0.0.1:8000 vk_adm_… [--out docs/images]

It starts a retrain where none was compared with a live model, and a small campaign where there is
none, waits for both, and never touches what is there.
"""

import argparse
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
SIZES = {1280: 900, 390: 844}
TALLEST = {1280: 1500, 390: 1700}  # pixels: what a reader still scrolls through
QUALITIES = (80, 70, 60, 50)
MOST_BYTES = 200_000
PATIENCE_SECONDS = 600
CAMPAIGN = "Weekend favourites"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("admin_key")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--shopper", type=int, default=1, help="which of the regulars to shop as")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for width in SIZES:
            with _page(browser, given.url, width) as page:
                _shop(page, given.out, width, given.shopper)
                _console(page, given.out, width, given.admin_key)
        browser.close()


@contextmanager
def _page(browser: Any, url: str, width: int) -> Iterator[Any]:
    viewport = {"width": width, "height": SIZES[width]}
    context = browser.new_context(base_url=url, viewport=viewport, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def _shop(page: Any, out: Path, width: int, shopper: int) -> None:
    page.goto("/")
    page.select_option("#shopper", index=shopper)
    page.get_by_role("button", name="Switch").click()
    page.wait_for_load_state()
    deadline = time.monotonic() + 90
    while not page.locator("#hero-picture img.banner").count() and time.monotonic() < deadline:
        page.wait_for_timeout(2_000)
        page.goto("/")
    _snap(page, out, "storefront", width)
    page.locator("section.shelf a.tile").first.click()
    page.locator("article.product").wait_for()
    _snap(page, out, "item", width)


def _console(page: Any, out: Path, width: int, admin_key: str) -> None:
    page.goto("/console/login")
    page.fill("#key", admin_key)
    page.keyboard.press("Enter")
    page.locator("h1", has_text="Overview").wait_for()
    page.wait_for_timeout(1_500)  # the workers are asked by a thread of its own
    page.reload()
    _snap(page, out, "console-overview", width)
    page.goto("/console/models")
    if not page.locator("#run th", has_text="Live model").count():
        if not page.locator("#run .badge.running, #run .badge.waiting").count():
            page.get_by_role("button", name="Retrain now").click()
        _wait(page, "#run .badge.done, #run .badge.refused, #run .badge.failed")
    page.locator(".plot canvas").first.wait_for()
    _snap(page, out, "console-retrain", width)
    page.goto("/console/campaigns")
    if not page.get_by_role("link", name=CAMPAIGN).count():
        page.get_by_label("Name").fill(CAMPAIGN)
        page.get_by_label("How many").fill("3")
        page.get_by_role("button", name="Create").click()
    else:
        page.get_by_role("link", name=CAMPAIGN).first.click()
    _wait(page, "#progress .badge.done")
    page.reload()
    page.locator("#earned .stats").wait_for()
    _snap(page, out, "console-campaign", width)
    page.goto("/console/creatives/brand")
    page.locator("#shots img").first.wait_for(timeout=60_000)
    _snap(page, out, "console-brand", width)


def _wait(page: Any, selector: str) -> None:
    page.locator(selector).first.wait_for(timeout=PATIENCE_SECONDS * 1_000)
    page.reload()


def _snap(page: Any, out: Path, name: str, width: int) -> None:
    """Save what stands in the first screens, small enough for a repository."""
    page.evaluate(
        """async () => {
          for (const image of document.images) { image.loading = "eager"; }
          await Promise.all([...document.images].map((image) => image.decode().catch(() => 0)));
        }"""
    )
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, TALLEST[width])))
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= MOST_BYTES:
            break
    path = out / f"{name}-{width}.jpg"
    path.write_bytes(buffer.getvalue())
    print(f"{path}  {buffer.tell() / 1000:.0f} kB")


if __name__ == "__main__":
    main()
