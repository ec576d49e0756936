"""What the contact sheet shows: three brands, sample products in four scripts, and the plan of 48."""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from generative.branding.brand import BrandKit  # noqa: E402 the path is set above
from generative.types import Copy, ItemFacts  # noqa: E402 as above

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
