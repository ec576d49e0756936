"""Two to four products on one picture, drawn when it is asked for and kept beside what it shows.

The picture's key names every fact of every item on it. A file beside it names them again, so that
whoever serves the picture can hold it against the items of now without a database.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from generative import truth
from generative.banner.collage import Piece, collage
from generative.brief import clean, item_text
from generative.checks import nsfw
from generative.checks.image import open_image
from generative.config import GenerativeConfig
from generative.copy import template
from generative.errors import UnsafeImage
from generative.files import store
from generative.marking.provenance import manifest, source_type, xmp
from generative.marking.signing import mark
from generative.picture.source import fetch
from generative.style import Style
from generative.types import Brief, Copy, ItemFacts

_FOLDER = "collages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A drawn collage. `items` are ids with what `truth.digest` said of each when it was drawn."""

    key: str
    size: str
    width: int
    height: int
    alt: str
    sha256: str
    items: Mapping[str, str]

    @property
    def path(self) -> str:
        """Relative to the banners directory; holds the picture's hash."""
        return f"{_FOLDER}/{self.key}-{self.sha256[:12]}.jpg"


def key_of(items: Sequence[ItemFacts], *, size: str, locale: str, fingerprint: str) -> str:
    asked = hashlib.sha256(json.dumps([fingerprint, size, locale]).encode())
    for item in items:
        asked.update(hashlib.sha256(item_text(item)).digest())
    return asked.hexdigest()[:32]


def find(key: str, banners_dir: Path) -> Kept | None:
    """A drawn collage; None where there is none, or its record cannot be read."""
    try:
        return Kept(**json.loads((banners_dir / _FOLDER / f"{key}.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def make(
    items: Sequence[ItemFacts], style: Style, config: GenerativeConfig, *, size: str, locale: str
) -> Kept | None:
    """Draw a collage and keep it; None where it could not be laid out soundly.

    Raises:
        OSError: It cannot be stored.
        ValueError: Too few items, or a size that has no room for them.
    """
    key = key_of(items, size=size, locale=locale, fingerprint=style.fingerprint)
    kept = find(key, config.banners_dir)
    if kept is not None:
        return kept
    briefs = [clean(Brief(item=item, size=size, locale=locale)) for item in items]
    drawn = collage(
        [Piece(item=one.item, photo=_photo(one.item.image_url, config)) for one in briefs],
        _heading(size, locale),
        style.kit,
        size=size,
        locale=locale,
        seed=int(key[:8], 16),
        xmp=xmp(key=key, ai_generated=False),
        cutout_model=config.weights("cutout"),
        cutout_cache=config.pictures_dir / "cutouts",
    )
    if not drawn.passed:
        return None
    told = manifest(key, _made(style))
    marked = mark(drawn.data, drawn.media_type, told, config.signing_dir)
    kept = Kept(
        key=key,
        size=size,
        width=drawn.width,
        height=drawn.height,
        alt=drawn.alt,
        sha256=hashlib.sha256(marked.data).hexdigest(),
        items={item.item_id: truth.digest(item) for item in items},
    )
    store(marked.data, config.banners_dir / kept.path)
    record = json.dumps(asdict(kept)).encode()
    store(record, config.banners_dir / _FOLDER / f"{key}.json")  # last: it says that all is there
    return kept


def _heading(size: str, locale: str) -> Copy:
    """Fixed words: no model has written for several items at once, and none could be proved."""
    nobody = Brief(item=ItemFacts(item_id="", title=""), size=size, locale=locale)
    said = template.taglines(nobody)[0].rstrip(".")
    return Copy(headline=said, tagline="", action=template.action(nobody))


def _photo(url: str, config: GenerativeConfig) -> bytes | None:
    if not url:
        return None
    try:
        data = fetch(url, config.media_dirs)
        model = config.weights("nsfw")
        return None if model and nsfw.unsafe(open_image(data), model) else data
    except UnsafeImage:
        return None


def _made(style: Style) -> dict[str, Any]:
    return {
        "provider": template.TemplateCopy.name,
        "fingerprint": style.fingerprint,
        "ai_generated": False,
        "digital_source_type": source_type(ai_generated=False),
    }
