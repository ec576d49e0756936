"""The look, as far as a machine can judge it: colours that can be read, and no word from outside."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[3] / "api" / "static"
TEMPLATES = STATIC.parent / "templates"
CSS = (STATIC / "css" / "vitrine.css").read_text()
SCHEMES = {"light": CSS.split("@media")[0], "dark": CSS.split("prefers-color-scheme: dark")[1]}
READ = 4.5  # WCAG AA for text
SEEN = 3.0  # WCAG AA for the edges of controls
PAIRS = [
    ("ink", "paper", READ),
    ("ink", "card", READ),
    ("ink", "brand-wash", READ),
    ("ink", "hero-a", READ),
    ("ink", "hero-b", READ),
    ("soft", "paper", READ),
    ("soft", "card", READ),
    ("soft", "brand-wash", READ),
    ("soft", "hero-a", READ),
    ("soft", "hero-b", READ),
    ("brand", "paper", READ),
    ("brand", "card", READ),
    ("brand", "brand-wash", READ),
    ("brand-ink", "brand", READ),
    ("sale", "card", READ),
    ("sale", "paper", READ),
    ("warn-ink", "warn-wash", READ),
    ("bad-ink", "bad-wash", READ),
    ("bad-ink", "card", READ),
    ("line-strong", "card", SEEN),
    ("line-strong", "paper", SEEN),
]


def colours(scheme: str) -> dict[str, str]:
    found = re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", SCHEMES[scheme].split("\n}")[0])
    return dict(found)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_colours_that_meet_can_be_told_apart(
    scheme: str, front: str, back: str, least: float
) -> None:
    found = colours(scheme)

    high, low = sorted((luminance(found[front]), luminance(found[back])), reverse=True)

    assert (high + 0.05) / (low + 0.05) >= least


@pytest.mark.parametrize(
    "path",
    [*TEMPLATES.rglob("*.html"), *STATIC.glob("css/*"), *STATIC.glob("js/*")],
    ids=lambda path: path.name,
)
def test_pages_ask_nobody_outside(path: Path) -> None:
    assert (
        re.findall(r"""(?:src|href|url\(|fetch\(|import)\W{1,3}https?://""", path.read_text()) == []
    )


@pytest.mark.parametrize("library", ["htmx", "uplot"])
def test_what_is_not_ours_brings_its_licence(library: str) -> None:
    folder = STATIC / "vendor" / library

    assert (folder / "LICENSE").stat().st_size > 500
    assert (folder / "VERSION").read_text().strip()
