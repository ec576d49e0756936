"""The faces a banner is set in: three bundled families beside the engine's own Inter, Noto for the rest.

The bundled files are WOFF as their makers ship them; the engine reads plain OpenType, so they are
unpacked in memory, each under a name of its own: a family's two files would hide one another.
"""

import hashlib
import struct
import threading
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

_FACES = Path(__file__).parent / "faces"
_SYSTEM = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_KINDS = frozenset({".ttf", ".otf", ".ttc", ".woff2"})
_SUBSETS = ("latin", "latin-ext")
_WEIGHTS = (500, 700)
_BUNDLED = {
    "Playfair Display": "playfair-display",
    "Poppins": "poppins",
    "Space Grotesk": "space-grotesk",
}
FAMILIES = ("Inter", *_BUNDLED)
_OF_TONE = {
    "plain": "Inter",
    "warm": "Poppins",
    "bold": "Space Grotesk",
    "elegant": "Playfair Display",
    "playful": "Poppins",
}
_SERIF = frozenset({"Playfair Display"})
_CJK = {"ja": "JP", "zh": "SC", "ko": "KR"}
_lock = threading.Lock()
_registered: list[str] = []


def family(font: str, tone: str) -> str:
    """The family of headlines: the kit's own where it is one of ours, else the one of its tone."""
    return font if font in FAMILIES else _OF_TONE.get(tone, "Inter")


def body(head: str) -> str:
    """What small text is set in beside such headlines."""
    return "Poppins" if head == "Poppins" else "Inter"


def stack(name: str, weight: int, language: str) -> str:
    """A CSS list of families: the face, its further letters, then the scripts it has none of."""
    serif = name in _SERIF
    tongue = _CJK.get(language, "JP")
    rest = (
        f"Noto Serif CJK {tongue}" if serif else f"Noto Sans CJK {tongue}",
        "Noto Naskh Arabic" if serif else "Noto Sans Arabic",
        "Noto Serif Hebrew" if serif else "Noto Sans Hebrew",
        "Noto Sans",
    )
    own = [name]
    if name in _BUNDLED:
        nearest = min(_WEIGHTS, key=lambda known: abs(known - weight))
        own = [_alias(name, nearest, subset) for subset in _SUBSETS]
        own.append("Noto Serif" if serif else "Inter")
    return ", ".join(f"'{part}'" for part in (*own, *rest)) + ", sans-serif"


def register(blitz: Any) -> None:
    """Make the bundled faces known to the engine, once a process."""
    with _lock:
        if not _registered:
            _registered.extend(blitz.register_fonts(list(_opened())))


@lru_cache(maxsize=1)
def digest() -> str:
    """What decides the shapes of letters on this machine: the bundled files, and the installed ones."""
    told = hashlib.sha256()
    for path in sorted(_FACES.glob("*.woff")):
        told.update(path.read_bytes())
    found = {path for root in _SYSTEM for path in root.rglob("*") if path.suffix.lower() in _KINDS}
    for path in sorted(found):
        told.update(f"{path.name}:{path.stat().st_size}\n".encode())
    return told.hexdigest()[:16]


@lru_cache(maxsize=1)
def files() -> tuple[tuple[str, Path], ...]:
    """Alias and file of each bundled face, for pages that carry their own type."""
    return tuple(
        (_alias(name, weight, subset), _FACES / f"{stem}-{subset}-{weight}-normal.woff")
        for name, stem in _BUNDLED.items()
        for weight in _WEIGHTS
        for subset in _SUBSETS
    )


def _opened() -> Sequence[bytes]:
    return [opentype(path.read_bytes(), alias) for alias, path in files()]


def _alias(name: str, weight: int, subset: str) -> str:
    return f"{name} {weight}{' Ext' if subset == 'latin-ext' else ''}"


def opentype(woff: bytes, alias: str) -> bytes:
    """A WOFF 1.0 file as OpenType under another family name (W3C, WOFF File Format 1.0).

    Raises:
        ValueError: The bytes are no WOFF 1.0.
    """
    if woff[:4] != b"wOFF":
        raise ValueError("not a WOFF 1.0 font")
    flavour, count = woff[4:8], int(struct.unpack(">H", woff[12:14])[0])
    tables: list[tuple[bytes, bytes]] = []
    for place in range(count):
        tag, at, packed, size, _ = struct.unpack(">4sIIII", woff[44 + 20 * place : 64 + 20 * place])
        data = woff[at : at + packed]
        data = zlib.decompress(data) if packed < size else data
        tables.append((tag, _names(alias) if tag == b"name" else data))
    power = count.bit_length() - 1
    head = flavour + struct.pack(">HHHH", count, 16 << power, power, 16 * count - (16 << power))
    offset, entries, bodies = 12 + 16 * count, b"", b""
    for tag, data in tables:
        entries += struct.pack(">4sIII", tag, _sum(data), offset + len(bodies), len(data))
        bodies += data + b"\0" * (-len(data) % 4)
    return head + entries + bodies


def _names(alias: str) -> bytes:
    """A name table that knows the alias alone."""
    text = alias.encode("utf-16-be")
    kinds = {1: text, 2: "Regular".encode("utf-16-be"), 4: text, 6: text.replace(b"\0 ", b"\0-")}
    records, strings = b"", b""
    for kind, value in kinds.items():
        records += struct.pack(">HHHHHH", 3, 1, 0x409, kind, len(value), len(strings))
        strings += value
    return struct.pack(">HHH", 0, len(kinds), 6 + 12 * len(kinds)) + records + strings


def _sum(data: bytes) -> int:
    padded = data + b"\0" * (-len(data) % 4)
    total: int = sum(struct.unpack(f">{len(padded) // 4}I", padded))
    return total & 0xFFFFFFFF
