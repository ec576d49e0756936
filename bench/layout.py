"""What the banner compiler guarantees, measured again on 1,000 hostile briefs by code of its own.

All six sizes and five templates, light and dark, in turn; a fifth of the briefs leave the choice to the
search. Texts are long German words, titles of 90 letters, Arabic, Hebrew, Chinese and Japanese,
emoji, markup and one-letter names; pictures are tall, wide, square, transparent, pale on pale, noise
or missing; brands have any colour, any corner, a legal line, a logo or neither.

Counted are banners, not faults. `overflow`: a pixel of type outside its place, or inside the safe
margin. `contrast_failures`: WCAG below 4.5, or 3 for type of 24 pixels (18.66 in bold), with the
worst hundredth of the pixels behind it, read from the picture before it is encoded. `overlaps`: a
pixel of type on the product, or one text on another. `altered`: a product whose opaque pixels are
not those of its photo, scaled. `undersized`: type below 11 pixels, 10 in 728x90. `undrawn`: a legal
line or a brand left out. `unequal`: of every tenth brief drawn twice, other bytes. `repaired`:
banners on which something had to give. CPU seconds are of drawing alone, cut-outs included.

python bench/layout.py [--briefs 1000] [--jobs 1]
"""

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.record import write  # noqa: E402 the path is set above
from generative.banner.choices import asked  # noqa: E402 as above
from generative.banner.compose import pixels  # noqa: E402 as above
from generative.banner.elements import Element  # noqa: E402 as above
from generative.banner.formats import picture  # noqa: E402 as above
from generative.banner.materials import materials, product_of  # noqa: E402 as above
from generative.banner.render import Drawn, drawn_best  # noqa: E402 as above
from generative.banner.templates import NAMES  # noqa: E402 as above
from generative.branding.brand import BrandKit  # noqa: E402 as above
from generative.brief import clean  # noqa: E402 as above
from generative.copy.limits import limits  # noqa: E402 as above
from generative.types import SIZES, Audience, Brief, Copy, ItemFacts  # noqa: E402 as above

SEED = 20261123
TITLES = (
    "Donaudampfschifffahrtsgesellschaftskapitänsmütze",
    "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
    "Wasserdichte Kinderfahrradhandschuhe für Übergangsjahreszeiten",
    "Hand-stitched full-grain leather weekender bag with brass fittings and a lined inner pocket",
    "قهوة عربية طازجة محمصة على نار هادئة",
    "حقيبة ظهر جلدية سوداء بجيوب كثيرة للعمل والسفر",
    "שוקולד מריר מבלגיה עם אגוזי לוז קלויים",
    "静岡県産の深蒸し緑茶「やぶきた」ティーバッグ五十個入り",
    "シャキッと甘い、赤いりんごの詰め合わせ",
    "来自云南高山的新鲜绿茶，清香回甘，适合每天饮用",  # noqa: RUF001 Chinese punctuation
    "Растворимый кофе из Южной Америки",
    "Tea",
    "a",
    "🍞🔥 Bread 🔥🍞",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "iiiiiiiiiiiiiiiiiiii",
    "<b>Bold</b> {{ 7*7 }} &amp; more",
    "Crème brûlée à l'ancienne, 4 × 100 g",  # noqa: RUF001 a multiplication
    "Żółty ser wędzony z Podhala, krojony",
)
TAGLINES = (
    "",
    "Crisp, sweet and ready for the lunch box, the salad bowl or the pie dish on a Sunday.",
    "Für Wind und Wetter auf der Brücke, mit festem Schirm und wasserabweisendem Innenfutter.",
    "حبات مختارة وطعم غني لكل يوم من أيام الأسبوع.",
    "נטחן טרי, בטעם עמוק ובניחוח נעים לכל שעה.",
    "そのままでも、サラダやお菓子作りにもおすすめです。",
    "果汁丰富，适合早餐和下午茶，也可以做成沙拉。",  # noqa: RUF001 Chinese punctuation
    "x" * 90,
    "Save {saving}: now {price}.",
)
ACTIONS = (
    "Shop now",
    "Put it on the list",
    "Jetzt ansehen",
    "أضف إلى السلة",
    "カートに入れる",
    "לפרטים",
)
LEGAL = (
    "",
    "",
    "* While stocks last.",
    "* Gültig bis 30. November, solange der Vorrat reicht. Alle Preise inkl. MwSt. zzgl. Versandkosten.",
)
PHOTOS = ("none", "studio", "tall", "wide", "square", "pale", "noise", "even", "alpha")


@dataclass(frozen=True, slots=True)
class Case:
    brief: Brief
    copy: Copy
    kit: BrandKit
    photo: str
    logo: bool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--briefs", type=int, default=1000)
    parser.add_argument(
        "--jobs", type=int, default=1, help="processes; CPU seconds stay each's own"
    )
    options = parser.parse_args()
    rng = random.Random(SEED)  # noqa: S311 a seed, not a secret
    counted: Counter[str] = Counter()
    by_place: dict[tuple[str, str], list[dict[str, Any]]] = {}
    cases = [adversarial(rng, number) for number in range(options.briefs)]
    with ProcessPoolExecutor(options.jobs) as pool:
        told = pool.map(_examined, enumerate(cases), chunksize=10)
        for case, found in zip(cases, told, strict=True):
            counted.update(name for name, value in found.items() if value is True)
            by_place.setdefault((case.brief.size, found["template"]), []).append(found)
            if any(found[fault] for fault in FAULTS):
                print(case, found)
    cpu = sorted(row["cpu_s"] for rows in by_place.values() for row in rows)
    hero = [row["cpu_s"] for (size, _), rows in by_place.items() if size == "hero" for row in rows]
    figures: dict[str, float | None] = {"briefs": options.briefs}
    figures |= {name: counted[name] for name in FAULTS}
    figures |= {
        "repaired": counted["repaired"],
        "cpu_s_p50": round(statistics.median(cpu), 3),
        "cpu_s_p95": round(cpu[int(len(cpu) * 0.95)], 3),
        "hero_cpu_s_p50": round(statistics.median(hero), 3) if hero else None,
    }
    rows = [_row(size, template, rows) for (size, template), rows in sorted(by_place.items())]
    write("layout", figures=figures, rows=rows, packages=("blitz-py", "pillow"), seeds=(SEED,))
    return 0


def _examined(numbered: tuple[int, Case]) -> dict[str, Any]:
    number, case = numbered
    return examined(case, twice=number % 10 == 0)


FAULTS = (
    "overflow",
    "contrast_failures",
    "overlaps",
    "altered",
    "undersized",
    "undrawn",
    "unequal",
    "refused",
)


def adversarial(rng: random.Random, number: int) -> Case:
    """One hostile brief; size, template and mode go round in turn."""
    sizes = sorted(SIZES)
    size = sizes[number % len(sizes)]
    template = NAMES[number // len(sizes) % len(NAMES)]
    mode = ("light", "dark")[number // (len(sizes) * len(NAMES)) % 2]
    title, tagline = rng.choice(TITLES), rng.choice(TAGLINES)
    item = ItemFacts(
        item_id=str(number),
        title=title,
        category=("Shop", rng.choice(("Fruit", "Haushaltswarenabteilung", "水果"))),
        price=rng.choice((None, "0", "3.49", "109.99", "9999999.99", "1280")),
        was_price=rng.choice((None, "5.99", "9999999.99")),
        currency=rng.choice(("EUR", "USD", "CHF", "JPY", "SAR")),
    )
    audience = Audience(
        categories=rng.choice(((), ("Fruit",), ("Haushaltswarenabteilung",))),
        price_band=rng.choice(("any", "value", "premium")),
    )
    brief = Brief(
        item=item,
        audience=audience,
        size=size,
        locale=rng.choice(("en", "de", "ar", "he", "ja", "zh")),
        variant="" if rng.random() < 0.2 else f"{template}-{mode}",
    )
    cleaned = clean(brief)
    room = limits(size)
    copy = Copy(
        headline=(cleaned.item.title or "x")[: max(room.headline, 90)],
        tagline=tagline,
        action=rng.choice(ACTIONS)[: room.action],
    )
    kit = BrandKit(
        name=rng.choice(("Vitrine", "W" * 24, "i", "متجر", "花と茶")),
        color=f"#{rng.randrange(2**24):06x}",
        paper=rng.choice(("", "", "#faf5ec", "#101820")),
        font=rng.choice(("", "Inter", "Poppins", "Playfair Display", "Space Grotesk")),
        corners=rng.choice(("square", "soft", "round")),
        legal=rng.choice(LEGAL),
    )
    return Case(cleaned, copy, kit, rng.choice(PHOTOS), rng.random() < 0.2)


def examined(case: Case, *, twice: bool = False) -> dict[str, Any]:
    """A brief drawn, and what is wrong with the picture by this file's own reckoning."""
    start = time.process_time()
    best = _drawn(case)
    spent = time.process_time() - start
    flat = best.flat()
    parts = best.arrangement.elements
    names = {part.name for part in parts}
    found: dict[str, Any] = {
        "template": best.candidate.choice.template,
        "cpu_s": spent,
        "overflow": _overflows(best),
        "contrast_failures": any(_unreadable(part, best, flat) for part in parts),
        "overlaps": _overlaps(best),
        "altered": _altered(best),
        "undersized": min(part.px for part in parts)
        < (10 if case.brief.size == "leaderboard" else 11) - 0.01,
        "undrawn": (bool(case.kit.legal) and "legal" not in names)
        or (not case.logo and "brand" not in names),
        "refused": bool(best.problems),
        "repaired": bool(best.repairs),
        "unequal": False,
        "problems": list(best.problems),
    }
    if twice:
        again = _drawn(case)
        first, second = (picture(one.flat(), form="jpeg", xmp=b"") for one in (best, again))
        found["unequal"] = first != second
    return found


def _drawn(case: Case) -> Drawn:
    product, _ = product_of(_photo(case.photo), "", None)
    stuff = materials(
        case.brief, case.copy, product, case.kit, seed=7, logo=_logo() if case.logo else None
    )
    return drawn_best(stuff, asked(case.brief.variant))


def _overflows(best: Drawn) -> bool:
    """Type outside the boxes it was given, or within the safe margin."""
    form = best.candidate.geometry
    allowed = np.zeros((form.height, form.width), dtype=bool)
    for part in best.arrangement.elements:
        x, y, wide, tall = part.box
        above = part.px * 0.3  # marks on capitals and tails stand out of a tight line
        allowed[_span(y - above, tall + 2 * above), _span(x - 2.5, wide + 5)] = True
    if best.arrangement.rule:
        x, y, wide, tall = best.arrangement.rule
        allowed[_span(y - 1, tall + 2), _span(x - 1, wide + 2)] = True
    drawn = np.asarray(best.setting.image.getchannel("A")) > 24
    inside = np.zeros_like(drawn)
    edge = max(form.margin - 3, 0)
    inside[edge : form.height - edge, edge : form.width - edge] = True
    return bool((drawn & ~(allowed & inside)).any())


def _unreadable(part: Element, best: Drawn, flat: Image.Image) -> bool:
    large = part.px >= 24 or (part.px >= 18.66 and part.face.weight >= 700)
    least = 3.0 if large else 4.5
    x, y, wide, tall = best.setting.boxes[part.name]
    if part.fill is None:
        behind = np.asarray(best.sheet)[_span(y, tall), _span(x, wide)].reshape(-1, 3)
        ratios = _ratio(_light(behind), _light(np.array([part.ink])))
        return not len(ratios) or float(np.percentile(ratios, 1)) < least - 0.01
    # A filled one stands on what the finished picture shows most of in its place.
    area = np.asarray(flat)[_span(y, tall), _span(x, wide)].reshape(-1, 3)
    colours, counts = np.unique(area, axis=0, return_counts=True)
    ground = colours[counts.argmax()][None]
    return float(_ratio(_light(np.array([part.ink])), _light(ground)).max()) < least


def _overlaps(best: Drawn) -> bool:
    """Type on the product's own pixels, or words on other words."""
    boxes = [best.setting.boxes[part.name] for part in best.arrangement.elements]
    for place, (x, y, wide, tall) in enumerate(boxes):
        for left, top, width, height in boxes[place + 1 :]:
            across = min(x + wide, left + width) - max(x, left)
            down = min(y + tall, top + height) - max(y, top)
            if across > 2 and down > 2:
                return True
    shown = best.candidate.shown
    if shown is None:
        return False
    form = best.candidate.geometry
    covered = np.zeros((form.height, form.width), dtype=bool)
    if shown.kind == "cut":
        mask = Image.new("L", (form.width, form.height), 0)
        mask.paste(pixels(shown).getchannel("A"), shown.corner)
        covered = np.asarray(mask) > 128
    else:
        x, y, wide, tall = shown.box
        covered[_span(y + 2, tall - 4), _span(x + 2, wide - 4)] = True
    return bool((covered & (np.asarray(best.setting.image.getchannel("A")) > 24)).any())


def _altered(best: Drawn) -> bool:
    """Whether the product's opaque pixels differ from its photo's, scaled and nothing else."""
    shown = best.candidate.shown
    if shown is None:
        return False
    image = shown.image.convert("RGB" if shown.kind != "cut" else "RGBA")
    if shown.kind == "cut":
        scaled = image.convert("RGBa").resize(shown.size, Image.Resampling.LANCZOS).convert("RGBA")
        solid = np.asarray(pixels(shown).getchannel("A")) == 255
    else:
        scaled = image.resize(shown.size, Image.Resampling.LANCZOS)
        solid = np.zeros((shown.size[1], shown.size[0]), dtype=bool)
        rim = 0.11 if shown.kind == "photo" else 0.06 if shown.kind == "melt" else 0.0
        down, across = round(shown.size[1] * rim), round(shown.size[0] * rim)
        solid[down : shown.size[1] - down, across : shown.size[0] - across] = True
    if shown.kind == "melt":
        solid &= _within_subject(best, solid.shape)
    x, y = shown.corner
    window = (x, y, x + shown.size[0], y + shown.size[1])
    there = np.asarray(best.sheet.crop(window), dtype=np.int16)
    veiled = "scrim" in best.repairs
    differs = np.abs(there - np.asarray(scaled.convert("RGB"), dtype=np.int16)).max(axis=2) > 0
    return bool((differs & solid).any()) and not veiled


def _within_subject(best: Drawn, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    shown = best.candidate.shown
    found = np.zeros(shape, dtype=bool)
    if shown is not None:
        x, y, wide, tall = shown.box
        found[_span(y - shown.corner[1], tall), _span(x - shown.corner[0], wide)] = True
    return found


def _span(start: float, length: float) -> slice:
    return slice(max(round(start), 0), max(round(start + length), 0))


def _light(rgb: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """WCAG 2.2's relative luminance, from its own text."""
    part = rgb.astype(np.float64) / 255
    part = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return part @ np.array([0.2126, 0.7152, 0.0722])


def _ratio(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


@lru_cache(maxsize=16)
def _photo(kind: str) -> bytes | None:
    if kind == "none":
        return None
    rng = np.random.default_rng(5)
    sizes = {"tall": (120, 900), "wide": (1400, 240), "square": (700, 700)}
    image = Image.new("RGB", sizes.get(kind, (600, 400)), "white")
    pen = ImageDraw.Draw(image)
    if kind == "studio":
        pen.ellipse((180, 80, 420, 320), fill=(190, 30, 40))
    elif kind in sizes:
        pixels_ = rng.integers(0, 255, (image.height, image.width, 3), dtype=np.uint8)
        image = Image.fromarray(pixels_)
    elif kind == "pale":
        image.paste((236, 236, 232), (0, 0, 600, 400))
        pen.ellipse((170, 70, 430, 330), fill=(246, 244, 240))
    elif kind == "noise":
        image = Image.fromarray(rng.integers(0, 255, (400, 600, 3), dtype=np.uint8))
    elif kind == "even":
        image.paste((250, 200, 40), (0, 0, 600, 400))
        pen.polygon([(250, 60), (350, 60), (330, 340), (270, 340)], fill=(20, 20, 24))
    elif kind == "alpha":
        image = Image.new("RGBA", (300, 500), (0, 0, 0, 0))
        ImageDraw.Draw(image).rounded_rectangle((60, 30, 240, 470), 60, fill=(240, 238, 230, 255))
    return picture(image, form="png", xmp=b"")


@lru_cache(maxsize=1)
def _logo() -> bytes:
    image = Image.new("RGBA", (420, 120), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((10, 10, 110, 110), fill=(20, 20, 30, 255))
    ImageDraw.Draw(image).rectangle((140, 40, 400, 80), fill=(20, 20, 30, 255))
    return picture(image, form="png", xmp=b"")


def _row(size: str, template: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "size": "x".join(map(str, SIZES[size])),
        "template": template,
        "briefs": len(rows),
        "faults": sum(any(row[name] is True for name in FAULTS) for row in rows),
        "repaired": sum(row["repaired"] for row in rows),
        "cpu_s": round(statistics.median(row["cpu_s"] for row in rows), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
