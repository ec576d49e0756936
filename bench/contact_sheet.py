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
from dataclasses import replace
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.contact_things import KITS, PLAN, THINGS, Thing  # noqa: E402 the path is set above
from generative.banner.render import render  # noqa: E402 as above
from generative.branding.brand import BrandKit  # noqa: E402 as above
from generative.brief import clean  # noqa: E402 as above
from generative.types import SIZES, Audience, Brief  # noqa: E402 as above

MEDIA = ROOT / "demo" / "media"
OUT = ROOT / "docs" / "images" / "creatives-48.webp"
MOST_BYTES = 400_000
WIDTH = 2000
GAP = 14
PAPER = (228, 229, 232)

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
