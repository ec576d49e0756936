"""A contact sheet of 48 banners: every placement and template, light and dark, three brands, four scripts.

Drawn from the sample shops' products as a shop without a GPU, a key or a cut-out model draws them.
The sheet is there to be looked at: what would not stand on a shop's front page is a defect whose
cause is mended. Writes docs/images/creatives-48.webp.

python bench/contact_sheet.py [--out FILE] [--single FOLDER] [--cutout MODEL.onnx]
"""

import argparse
import io
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from generative.banner.render import render  # noqa: E402 the path is set above
from generative.brand import BrandKit  # noqa: E402 as above
from generative.brief import clean  # noqa: E402 as above
from generative.types import SIZES, Audience, Brief, Copy, ItemFacts  # noqa: E402 as above

MEDIA = ROOT / "demo" / "media"
OUT = ROOT / "docs" / "images" / "creatives-48.webp"
MOST_BYTES = 400_000
WIDTH = 2000
GAP = 14
PAPER = (228, 229, 232)

KITS = {
    "vitrine": BrandKit(name="Vitrine", color="#0f766e", tone="plain", corners="soft"),
    "nordlicht": BrandKit(
        name="Nordlicht",
        color="#1f3a5f",
        font="Playfair Display",
        tone="elegant",
        corners="square",
        legal="Prices include VAT. While stocks last.",
    ),
    "pomelo": BrandKit(name="Pomelo", color="#f4512c", tone="playful", corners="round"),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """A sample product with the words of one language on it."""

    item: ItemFacts
    copy: Copy
    photo: str
    locale: str = "en"


def _thing(
    title: str,
    tagline: str,
    action: str,
    photo: str,
    price: str,
    was: str | None = None,
    currency: str = "EUR",
    locale: str = "en",
) -> Thing:
    item = ItemFacts(item_id=photo, title=title, price=price, was_price=was, currency=currency)
    return Thing(item, Copy(headline=title, tagline=tagline, action=action), photo, locale)


GROCERY, BOUTIQUE = "grocery/{}.jpg", "boutique/{}.jpg"
THINGS = {
    "purse": _thing(
        "Red leather purse",
        "A stylish gold chain and clasp set off any outfit.",
        "Take a look",
        BOUTIQUE.format("accessories-4"),
        "109.99",
        "139.00",
        "USD",
    ),
    "mascara": _thing(
        "Waterproof eyeliner and mascara",
        "In stylish yellow.",
        "See details",
        BOUTIQUE.format("beauty-12"),
        "27.00",
        None,
        "USD",
    ),
    "bracelet": _thing(
        "Classic gold bracelet",
        "Dress up any outfit with gold and diamonds.",
        "Shop now",
        BOUTIQUE.format("jewelry-3"),
        "49.99",
        "69.99",
        "USD",
    ),
    "beads": _thing(
        "Black bead bracelet",
        "A fresh accessory for almost any outfit.",
        "Shop now",
        BOUTIQUE.format("jewelry-4"),
        "49.99",
        None,
        "USD",
    ),
    "tan": _thing(
        "Tan leather shoulder bag",
        "Clean and simple styling.",
        "Take a look",
        BOUTIQUE.format("accessories-6"),
        "109.99",
        None,
        "USD",
    ),
    "grater": _thing(
        "Nutmeg grater",
        "Fresh nutmeg in your coffee and desserts.",
        "See details",
        BOUTIQUE.format("housewares-4"),
        "39.99",
        None,
        "USD",
    ),
    "hitops": _thing(
        "LED leather hi-tops",
        "Modern running shoes.",
        "Shop now",
        BOUTIQUE.format("footwear-2"),
        "129.99",
        "159.99",
        "USD",
    ),
    "coffee": _thing(
        "Coffee gift package",
        "Mug and coffee in one set.",
        "Take a look",
        BOUTIQUE.format("housewares-1"),
        "39.99",
        None,
        "USD",
    ),
    "headphones": _thing(
        "Over-Ear-Kopfhörer",
        "Musik zum Eintauchen.",
        "Jetzt ansehen",
        BOUTIQUE.format("electronics-7"),
        "129.99",
        "149.99",
        "EUR",
        "de",
    ),
    "lure": _thing(
        "Neon fishing lure",
        "Bright neon green and yellow.",
        "Shop now",
        BOUTIQUE.format("outdoors-2"),
        "9.99",
        None,
        "USD",
    ),
    "apple": _thing(
        "Pink Lady apples",
        "Crisp, sweet and ready for the lunch box.",
        "Add to basket",
        GROCERY.format("02_Pink-Lady"),
        "2.49",
        "3.29",
    ),
    "juice": _thing(
        "Smooth orange juice",
        "A thirst quencher for breakfast.",
        "Add to basket",
        GROCERY.format("36_Tropicana-Juice-Smooth"),
        "3.19",
    ),
    "melon": _thing(
        "Watermelon",
        "Juicy, red and cool from the fridge.",
        "Add to basket",
        GROCERY.format("14_Watermelon"),
        "4.99",
    ),
    "pomegranate": _thing(
        "تفاح أحمر طازج",
        "حلو ومقرمش لكل يوم.",
        "أضف إلى السلة",
        GROCERY.format("04_Royal-Gala"),
        "12.50",
        "15.00",
        "SAR",
        "ar",
    ),
    "lemon": _thing(
        "לימונים טריים",
        "חמצמצים ועסיסיים.",
        "לפרטים",
        GROCERY.format("08_Lemon"),
        "7.90",
        None,
        "ILS",
        "he",
    ),
    "ringo": _thing(
        "シャキッと甘い、赤いりんご",
        "そのままでも、サラダやお菓子作りにも。",
        "商品を見る",
        GROCERY.format("03_Red-Delicious"),
        "298",
        "398",
        "JPY",
        "ja",
    ),
    "orange": _thing(
        "新鲜橙子，自然香甜",  # noqa: RUF001 Chinese punctuation
        "果汁丰富，适合早餐。",  # noqa: RUF001 Chinese punctuation
        "立即选购",
        GROCERY.format("16_Orange"),
        "19.90",
        None,
        "CNY",
        "zh",
    ),
    "cap": _thing(
        "Donaudampfschifffahrtsmütze",
        "Für Wind und Wetter auf der Brücke.",
        "Jetzt ansehen",
        BOUTIQUE.format("apparel-5"),
        "159.95",
        None,
        "EUR",
        "de",
    ),
}

PLAN = {  # size -> thing, template, brand; light and dark in turn unless the variant says
    "hero": (
        ("purse", "editorial-light", "nordlicht"),
        ("mascara", "field-light", "pomelo"),
        ("apple", "bold-light", "vitrine"),
        ("ringo", "type-dark", "nordlicht"),
        ("pomegranate", "editorial-dark", "vitrine"),
        ("orange", "frame-light", "nordlicht"),
        ("lemon", "bold-dark", "pomelo"),
        ("bracelet", "field-light", "nordlicht"),
        ("melon", "field-dark", "vitrine"),
    ),
    "square": (
        ("tan", "editorial-light", "vitrine"),
        ("juice", "bold-light", "pomelo"),
        ("hitops", "type-light", "vitrine"),
        ("orange", "field-light", "pomelo"),
        ("beads", "frame-light", "nordlicht"),
        ("apple", "field-dark", "nordlicht"),
        ("lure", "editorial-dark", "pomelo"),
        ("pomegranate", "bold-dark", "vitrine"),
    ),
    "story": (
        ("mascara", "editorial-light", "nordlicht"),
        ("pomegranate", "field-light", "vitrine"),
        ("coffee", "type-light", "pomelo"),
        ("apple", "frame-dark", "nordlicht"),
        ("lemon", "bold-light", "pomelo"),
        ("grater", "field", "vitrine"),
    ),
    "leaderboard": (
        ("apple", "editorial-light", "vitrine"),
        ("ringo", "field-light", "pomelo"),
        ("purse", "frame-light", "nordlicht"),
        ("mascara", "bold-dark", "vitrine"),
        ("hitops", "type-dark", "vitrine"),
        ("pomegranate", "field-dark", "pomelo"),
        ("cap", "editorial-light", "nordlicht"),
        ("orange", "frame-dark", "vitrine"),
    ),
    "rectangle": (
        ("purse", "editorial-light", "nordlicht"),
        ("apple", "field-light", "vitrine"),
        ("orange", "frame-dark", "nordlicht"),
        ("ringo", "bold-light", "pomelo"),
        ("mascara", "field", "pomelo"),
        ("lemon", "type-light", "vitrine"),
        ("juice", "type-dark", "pomelo"),
        ("pomegranate", "bold-dark", "vitrine"),
        ("beads", "frame-light", "nordlicht"),
    ),
    "skyscraper": (
        ("melon", "editorial-light", "vitrine"),
        ("pomegranate", "field-light", "pomelo"),
        ("bracelet", "frame-light", "nordlicht"),
        ("ringo", "bold-light", "vitrine"),
        ("headphones", "type-light", "nordlicht"),
        ("mascara", "field", "pomelo"),
        ("juice", "editorial-dark", "vitrine"),
        ("lemon", "bold-dark", "pomelo"),
    ),
}
ACROSS = {"hero": 3, "square": 8, "story": 6, "leaderboard": 2, "rectangle": 9, "skyscraper": 8}
BANDS = (("hero",), ("square",), ("story", "skyscraper"), ("rectangle",), ("leaderboard",))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--single", type=Path, help="each banner at its full size, too")
    parser.add_argument(
        "--cutout", default="", help="an ISNet model; without one photos stay whole"
    )
    options = parser.parse_args()
    drawn: dict[str, list[Image.Image]] = {}
    troubled = 0
    for size, rows in PLAN.items():
        for number, (name, variant, brand) in enumerate(rows):
            image, checks = banner(THINGS[name], size, variant, KITS[brand], options.cutout)
            troubled += bool(checks["problems"])
            drawn.setdefault(size, []).append(image)
            told = {key: checks[key] for key in ("template", "problems", "repairs", "headline_px")}
            print(f"{size:12}{number} {name:12}{json.dumps(told, ensure_ascii=False)}")
            if options.single:
                options.single.mkdir(parents=True, exist_ok=True)
                image.save(options.single / f"{size}-{number}-{name}.png")
    sheet = laid_out(drawn)
    quality = saved(sheet, options.out)
    count = sum(map(len, drawn.values()))
    print(
        f"{count} banners, {troubled} with problems, {options.out.stat().st_size} bytes at {quality}"
    )
    return 1 if troubled or count != sum(map(len, PLAN.values())) else 0


def banner(
    thing: Thing, size: str, variant: str, kit: BrandKit, cutout: str
) -> tuple[Image.Image, dict[str, object]]:
    brief = clean(
        Brief(
            item=thing.item,
            audience=Audience(),
            size=size,
            locale=thing.locale,
            variant=variant,
        )
    )
    if thing.locale != "en":
        kit = kit.model_copy(update={"legal": ""})  # a legal line is written for its readers
    photo = (MEDIA / thing.photo).read_bytes()
    made = render(
        replace(brief, item=thing.item),
        thing.copy,
        photo,
        kit,
        seed=3,
        cutout_model=cutout,
        form="png",
    )
    with Image.open(io.BytesIO(made.data)) as image:
        return image.convert("RGB"), dict(made.checks)


def laid_out(drawn: dict[str, list[Image.Image]]) -> Image.Image:
    """Bands of one or two placements, each banner as large as its band allows."""
    rows: list[list[Image.Image]] = []
    for band in BANDS:
        if len(band) == 1:
            (size,) = band
            step = ACROSS[size]
            rows += [drawn[size][at : at + step] for at in range(0, len(drawn[size]), step)]
        else:
            rows.append([image for size in band for image in drawn[size]])
    strips = [_strip(row) for row in rows]
    sheet = Image.new("RGB", (WIDTH, sum(strip.height + GAP for strip in strips) + GAP), PAPER)
    top = GAP
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height + GAP
    return sheet


def _strip(row: list[Image.Image]) -> Image.Image:
    """Banners of one height side by side over the whole width, none larger than it is."""
    room = WIDTH - GAP * (len(row) + 1)
    height = min(
        round(room / sum(image.width / image.height for image in row)), max(i.height for i in row)
    )
    sized = [
        image.resize((round(image.width * height / image.height), height), Image.Resampling.LANCZOS)
        for image in row
    ]
    strip = Image.new("RGB", (WIDTH, height), PAPER)
    left = (WIDTH - sum(image.width for image in sized) - GAP * (len(sized) - 1)) // 2
    for image in sized:
        strip.paste(image, (left, 0))
        left += image.width + GAP
    return strip


def saved(sheet: Image.Image, out: Path) -> int:
    """Write the sheet at the best quality that stays small, and say which."""
    for quality in (84, 78, 72, 66, 58, 50):
        buffer = io.BytesIO()
        sheet.save(buffer, "WEBP", quality=quality, method=6)
        if len(buffer.getvalue()) < MOST_BYTES or quality == 50:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(buffer.getvalue())
            break
    return quality


assert sum(map(len, PLAN.values())) == 48, SIZES  # noqa: S101 the sheet's own count


if __name__ == "__main__":
    sys.exit(main())
