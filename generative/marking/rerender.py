"""A made picture made again from its audit row, and compared byte for byte with what it was."""

import hashlib
from dataclasses import dataclass

from generative import drawing
from generative.branding import brand
from generative.brief import from_json
from generative.config import GenerativeConfig
from generative.errors import NotReproducible, UnsafeImage
from generative.picture.kept import kept
from generative.picture.source import fetch
from generative.types import Creative


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`data` is the unsigned picture; `differs` names what is not as it was then."""

    data: bytes
    expected: str
    found: str
    differs: tuple[str, ...]

    @property
    def same(self) -> bool:
        return self.expected == self.found


def rerender(creative: Creative, config: GenerativeConfig, *, form: str = "") -> Outcome:
    """Draw a creative's picture again, in the form that it was drawn in or another.

    Raises:
        NotReproducible: It has no picture, was made before audits were kept, or its photo is gone.
    """
    audit = creative.audit
    if creative.banner is None:
        raise NotReproducible(f"creative {creative.key} has no picture: only its words were served")
    if not audit:
        raise NotReproducible(f"creative {creative.key} was made before audits were kept")
    brief, kit = from_json(audit["brief"]), brand.from_json(audit["kit"])
    rendered = drawing.draw(
        brief,
        creative.copy,
        _photo(audit["photo_sha256"], brief.item.image_url, config),
        kit,
        config,
        key=creative.key,
        picture_seed=audit["picture_seed"],
        written_by_model=bool(creative.provenance.get("model_sha256")),
        form=form or audit["media_type"].removeprefix("image/"),
    )
    now = drawing.surroundings(rendered, kit, config)
    differs = [name for name in now if now[name] != audit.get(name)]
    return Outcome(
        data=rendered.data,
        expected=audit["sha256_unsigned"],
        found=hashlib.sha256(rendered.data).hexdigest(),
        differs=tuple(differs),
    )


def _photo(sha256: str, url: str, config: GenerativeConfig) -> bytes | None:
    """The very photo: kept, or still at its address."""
    if not sha256:
        return None
    data = kept(config.pictures_dir / "photos", sha256)
    if data is not None:
        return data
    try:
        data = fetch(url, config.media_dirs)
    except UnsafeImage as error:
        raise NotReproducible(f"its photo {sha256[:12]} is gone: {error}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise NotReproducible(f"its photo {sha256[:12]} is gone, and another one is at {url}")
    return data
