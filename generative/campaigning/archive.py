"""A campaign as a ZIP, made while it is sent: pictures and one CSV, rejected creatives left out.

A picture of what the item no longer is, at another price for one, stays out; its line says so.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from generative.types import Shown

COLUMNS = (
    "key",
    "item_id",
    "title",
    "size",
    "audience",
    "price",
    "currency",
    "headline",
    "tagline",
    "action",
    "approval",
    "state",
    "generated_by",
    "ai_generated",
    "picture",
    "alt",
    "stale",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def stream(creatives: Iterable[Shown], banners_dir: Path) -> Iterator[bytes]:
    """The archive in pieces; memory holds one picture and the table, never the archive."""
    pipe = _Pipe()
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for shown in creatives:
            name = _write_picture(archive, shown, banners_dir)
            writer.writerow([cell(value) for value in _row(shown, name)])
            yield pipe.take()
        archive.writestr("creatives.csv", "\ufeff" + table.getvalue())
    yield pipe.take()


def cell(value: str) -> str:
    """A text that a spreadsheet shows and never runs."""
    return "'" + value if value.startswith(_FORMULA) else value


def _write_picture(archive: zipfile.ZipFile, shown: Shown, banners_dir: Path) -> str:
    banner = shown.creative.banner if shown.creative else None
    if banner is None or shown.stale:
        return ""
    path = banners_dir / banner.path
    if not path.is_file():
        return ""
    name = f"pictures/{shown.key}.jpg"
    archive.write(path, name)
    return name


def _row(shown: Shown, picture: str) -> list[str]:
    creative, item = shown.creative, shown.brief.item
    if creative is None:
        return []
    audience = shown.brief.audience
    return [
        shown.key,
        shown.item_id,
        item.title,
        shown.brief.size,
        ", ".join((*audience.categories, audience.price_band)),
        item.price or "",
        item.currency,
        creative.copy.headline,
        creative.copy.tagline,
        creative.copy.action,
        shown.approval.value,
        creative.state.value,
        str(creative.provenance.get("provider", "")),
        "yes" if creative.provenance.get("ai_generated") else "no",
        picture,
        creative.banner.alt if creative.banner else "",
        shown.stale,
    ]


class _Pipe(io.RawIOBase):
    """What the archive writes, until it is taken; it cannot seek, so ZIP uses data descriptors."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data
