"""A small shop behind a real server on loopback, and Debian's Chromium in front of it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine

from api import keys
from api.keys import Role
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.database import connect, writing
from recsys.learning.bundle import ModelBundle, assemble
from recsys.models import encoder as encoders
from recsys.models.fusion import Fused
from recsys.models.neighbours import ItemLists
from recsys.serving import registry
from recsys.types import Event, EventKind, Item

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
AISLES = ("Grocery/Fruit", "Grocery/Bread", "Boutique/Bags")


@dataclass(frozen=True, slots=True)
class World:
    """Where the shop is served, and the key to its console."""

    url: str
    admin_key: str
    database_url: str


@pytest.fixture(scope="session")
def world(
    new_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    skip_or_fail: Callable[[str], None],
) -> Iterator[World]:
    if not CHROMIUM.exists():
        skip_or_fail(f"{CHROMIUM} is missing: apt-get install chromium")
    if find_spec("playwright") is None:
        skip_or_fail("Playwright is missing: pip install playwright")
    folder = tmp_path_factory.mktemp("world")
    url = new_database("sqlite")
    engine = connect(url)
    stock(engine, folder)
    with writing(engine) as session:
        admin_key = keys.create(session, Role.ADMIN, label="browser", now=NOW)
    engine.dispose()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"]
    command += ["api:serve", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--blocking-threads", "4", "--backpressure", "16"]
    with (folder / "server.log").open("wb") as log:
        environment = os.environ | settings(url, folder)
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        answers(f"{address}/health/live", server, folder / "server.log")
        yield World(address, admin_key, url)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=15)


def settings(url: str, folder: Path) -> dict[str, str]:
    nowhere = "redis://127.0.0.1:1"  # nothing listens there: the pages have to do without
    return {
        "OMP_NUM_THREADS": "1",
        "VITRINE_SECRET_KEY": "a secret that only the tests know",
        "VITRINE_COOKIE_SECURE": "0",
        "VITRINE_DATABASE_URL": url,
        "VITRINE_ARTIFACTS_DIR": str(folder / "artifacts"),
        "VITRINE_SPOOL_DIR": str(folder / "spool"),
        "VITRINE_ANSWERS_DIR": str(folder / "answers"),
        "VITRINE_BANNERS_DIR": str(folder / "banners"),
        "VITRINE_MEDIA_DIRS": str(folder / "media"),
        "VITRINE_PICTURES_DIR": str(folder / "pictures"),
        "VITRINE_VOICES_DIR": str(folder / "voices"),
        "VITRINE_COPY_PROVIDERS": "openai,extractive,template",
        "VITRINE_OPENAI_URL": "http://127.0.0.1:1/v1",
        "VITRINE_OPENAI_MODEL": "nobody",
        "VITRINE_CACHE_URL": f"{nowhere}/0",
        "VITRINE_BROKER_URL": f"{nowhere}/1",
    }


def answers(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server does not answer: {log.read_text()[-2000:]}")


def stock(engine: Engine, folder: Path) -> None:
    """Thirty-six plain items in two departments, one hostile one, ten households, one model."""
    media = folder / "media" / "made"
    media.mkdir(parents=True)
    goods = [good(number) for number in range(36)]
    for number in range(36):
        colour = (90 + number * 4, 200 - number * 3, 120)
        Image.new("RGB", (120, 120), colour).save(media / f"{number}.jpg")
    hostile = Item(
        item_id="hostile",
        title=HOSTILE,
        description=HOSTILE,
        category=("Boutique", HOSTILE),
        image_url="javascript:alert(1)",
        url="javascript:alert(1)",
        price=Decimal(1),
        created_at=NOW,
    )
    deeds = [
        Event(
            event_id=f"e{household}-{number}",
            user_id=f"household-{household}",
            item_id=f"g{number}",
            kind=EventKind.PURCHASE,
            at=NOW - timedelta(days=number + 1),
        )
        for household in range(10)
        for number in range(household, 36, 4)
    ]
    with writing(engine) as session:
        items.put_many(session, [*goods, hostile])
        events.record(session, deeds)
    made = model(tuple(one.item_id for one in goods))
    registry.publish(folder / "artifacts", made)
    registry.promote(folder / "artifacts", made.version)


def good(number: int) -> Item:
    aisle = AISLES[number % len(AISLES)]
    return Item(
        item_id=f"g{number}",
        title=f"{aisle.split('/')[1]} number {number}",
        description=f"A plain product from the {aisle.split('/')[1].lower()} shelf.",
        category=tuple(aisle.split("/")),
        price=Decimal(number + 1),
        image_url=f"/media/made/{number}.jpg",
        created_at=NOW - timedelta(days=number),
    )


def model(item_ids: tuple[str, ...]) -> ModelBundle:
    n, width = len(item_ids), 8
    embedding = np.random.default_rng(7).normal(size=(n, width)).astype(np.float32)
    one, nought = np.ones(width, np.float32), np.zeros(width, np.float32)
    encoder = encoders.Encoder(
        embedding=embedding,
        input_bias=nought,
        blocks=(),
        norms=((one, nought),),
        mean_weight=np.eye(width, dtype=np.float32),
        mean_bias=nought,
    )
    near = [[(row + step) % n for step in range(1, 7)] for row in range(n)]
    lists = ItemLists(
        indptr=np.arange(0, 6 * n + 1, 6, dtype=np.int64),
        indices=np.asarray(near, np.int32).reshape(-1),
        scores=np.tile(np.linspace(0.9, 0.4, 6, dtype=np.float32), n),
    )
    return assemble(
        version="20261120T120000Z-abcdef",
        fused=Fused(
            bias=np.zeros(n, np.float32),
            encoder=encoder,
            vectors=encoders.item_vectors(embedding, np.zeros(n, np.float32)),
        ),
        item_ids=item_ids,
        popularity=np.arange(n, 0, -1).astype(np.float32),
        neighbours=lists,
        together=lists,
        manifest={"created_at": "2026-11-20T12:00:00+00:00", "metrics": {}},
    )


@pytest.fixture(scope="session")
def chromium(world: World):  # noqa: ARG001 it skips where there is no Chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, world: World):
    """Opens a fresh visitor's page; in the end nothing may have gone wrong or gone outside."""
    opened, trouble = [], []

    def stay_here(route) -> None:
        if route.request.url.startswith(world.url):
            route.continue_()
        else:
            trouble.append(f"asked for {route.request.url}")
            route.abort()

    def visit(path: str = "/", **options):
        context = chromium.new_context(
            base_url=world.url, **({"viewport": {"width": 1280, "height": 900}} | options)
        )
        context.set_default_timeout(10_000)
        context.route("**/*", stay_here)
        page = context.new_page()
        opened.append(context)
        page.on("console", lambda said: said.type == "error" and trouble.append(said.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.goto(path)
        return page

    yield visit
    for context in opened:
        context.close()
    assert trouble == []


@pytest.fixture
def log_in(visit, world: World):
    """Opens the console as its shopkeeper."""

    def log_in(**options):
        page = visit("/console/login", **options)
        page.get_by_label("Admin key").fill(world.admin_key)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Overview").wait_for()
        return page

    return log_in


@pytest.fixture
def sound() -> Callable[..., list[str]]:
    """Looks over a page for what a person would stumble on; an empty list is a sound page."""

    def look(page) -> list[str]:
        page.wait_for_load_state()  # a script can measure what is not painted yet: no styles on it
        return page.evaluate(STUMBLES)

    return look


STUMBLES = """() => {
  const found = [];
  const say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  if (document.documentElement.scrollWidth > window.innerWidth) found.push("scrolls sideways");
  if (document.querySelectorAll("h1").length !== 1) found.push("has not one h1");
  if (!document.querySelector("main")) found.push("has no main");
  for (const image of document.images) if (!image.hasAttribute("alt")) say("no alt", image);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!field.labels.length) say("no label", field);
  for (const button of document.querySelectorAll("button, a[href]"))
    if (!(button.textContent.trim() || button.getAttribute("aria-label") || button.querySelector("img[alt]:not([alt=''])")))
      say("no name", button);
  for (const element of document.querySelectorAll("main *, header *")) {
    const box = element.getBoundingClientRect();
    const inScroller = element.closest(".scroll, .tabs, .hidden-visually, .plot, select");
    if (!inScroller && box.width && box.right > window.innerWidth + 1) say("sticks out", element);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id twice: ${id}`);
  return found;
}"""
