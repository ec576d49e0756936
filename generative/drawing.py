"""From words to a marked picture: the one way that the studio and a re-render both take.

Drawn, looked at, signed. What the picture was made from is written down beside it, so that the
unsigned bytes can be made again: a signature differs each time, the picture must not.
"""

import hashlib
import io
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from generative.banner import fonts
from generative.banner.render import Rendered, render
from generative.branding import brand, logo
from generative.branding.brand import BrandKit
from generative.brief import to_json
from generative.checks import nsfw
from generative.checks.image import open_image
from generative.config import GenerativeConfig
from generative.errors import ProviderUnavailable, UnsafeImage
from generative.files import remembered_sha256, store_if_possible
from generative.marking.provenance import TEMPLATE_VERSION, manifest, xmp
from generative.marking.signing import mark
from generative.picture.backdrops import bound, is_trained
from generative.picture.kept import keep
from generative.types import Brief, Copy

SHARPENED = "sharpened by a model"
_ENGINES = ("pillow", "numpy", "blitz-py", "onnxruntime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A picture as it is served, and its audit: what it was made from, and how it is marked."""

    rendered: Rendered
    audit: Mapping[str, Any]


def draw(  # noqa: PLR0913 as `render`, each under its name
    brief: Brief,
    copy: Copy,
    photo: bytes | None,
    kit: BrandKit,
    config: GenerativeConfig,
    *,
    key: str,
    picture_seed: int,
    written_by_model: bool,
    form: str = "jpeg",
) -> Rendered:
    """The unsigned picture of a cleaned brief: equal arguments give equal bytes.

    A photo or a result that looks indecent is not shown: the words stand alone, or nothing does.
    """
    indecent = "" if photo is None else _unsafe(photo, config.weights("nsfw"))
    shown, sharpened = (None, "") if indecent or photo is None else _sharpened(photo, config)

    def packet(painter: str) -> bytes:
        return xmp(
            key=key,
            ai_generated=written_by_model,
            painted_by_model=is_trained(painter),
            sharpened=sharpened == SHARPENED,
        )

    made = render(
        brief,
        copy,
        shown,
        kit,
        seed=picture_seed,
        cutout_model=config.weights("cutout"),
        cutout_cache=config.pictures_dir / "cutouts",
        backdrop=bound(kit, picture_seed, config, subject=_subject(brief)),
        xmp=packet,
        form=form,
        logo=logo.read(kit.logo, config.media_dirs),
    )
    checks = dict(made.checks) | ({"sharpened": sharpened} if sharpened else {})
    if indecent:
        checks["picture_problem"] = indecent
    seen = _look(made, config.weights("nsfw"))
    checks["nsfw"] = seen.note
    if seen.unsafe:
        checks["problems"] = [*checks["problems"], seen.unsafe]
    return replace(made, checks=checks)


def finish(
    rendered: Rendered,
    brief: Brief,
    photo: bytes | None,
    kit: BrandKit,
    config: GenerativeConfig,
    *,
    key: str,
    picture_seed: int,
    made: Mapping[str, Any],
) -> Marked:
    """Sign a picture and write down what it came from; `made` is the creative's provenance."""
    photo_sha256 = "" if photo is None else keep(config.pictures_dir / "photos", photo)
    told = manifest(key, made, photo_sha256=photo_sha256)
    marked = mark(rendered.data, rendered.media_type, told, config.signing_dir)
    audit = {
        "brief": to_json(brief),
        "kit": brand.to_json(kit),
        "picture_seed": picture_seed,
        "photo_sha256": photo_sha256,
        "media_type": rendered.media_type,
        "sha256_unsigned": marked.sha256_unsigned,
        "c2pa": marked.c2pa,
        "c2pa_bytes": marked.overhead_bytes,
        **surroundings(rendered, kit, config),
    }
    checks = dict(rendered.checks) | {"c2pa": marked.c2pa}
    return Marked(rendered=replace(rendered, data=marked.data, checks=checks), audit=audit)


def surroundings(rendered: Rendered, kit: BrandKit, config: GenerativeConfig) -> dict[str, Any]:
    """What besides the brief decides a picture's bytes; where it differs, so may they."""
    cut = rendered.checks.get("picture") == "isnet"
    return {
        "template_version": TEMPLATE_VERSION,
        "backdrop": str(rendered.checks.get("backdrop", "")),
        "fonts": fonts.digest(),
        "logo": kit.logo if logo.read(kit.logo, config.media_dirs) else "",
        "cutout_model": remembered_sha256(Path(config.weights("cutout"))) if cut else "",
        "engines": _engines(),
    }


def _sharpened(photo: bytes, config: GenerativeConfig) -> tuple[bytes, str]:
    """The photo enlarged by a net where one is configured and the photo is small; and what was done."""
    if not config.upscale_model:
        return photo, ""
    kept = config.pictures_dir / "sharpened" / f"{hashlib.sha256(photo).hexdigest()}.png"
    try:
        return kept.read_bytes(), SHARPENED
    except OSError:
        pass
    try:
        # By name: it is torch, which the web must not reach.
        enlarge = pkgutil.resolve_name("generative.picture.upscale:upscale")
        image, why = enlarge(open_image(photo), config.upscale_model)
    except (UnsafeImage, ProviderUnavailable) as error:
        return photo, str(error)
    if why:
        return photo, why
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    store_if_possible(buffer.getvalue(), kept)
    return buffer.getvalue(), SHARPENED


@lru_cache(maxsize=1)
def _engines() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _ENGINES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


@lru_cache(maxsize=4)
def _unsafe(photo: bytes, model_path: str) -> str:
    """Remembered: a photo is drawn in every size and for every audience."""
    if not model_path:
        return ""
    try:
        return nsfw.look(open_image(photo), model_path).surely_unsafe
    except UnsafeImage:
        return ""  # it will not be opened for the banner either


def _look(rendered: Rendered, model_path: str) -> nsfw.Seen:
    if not model_path:
        return nsfw.Seen(score=None, note=nsfw.OFF)
    try:
        return nsfw.look(open_image(rendered.data), model_path)
    except UnsafeImage:
        return nsfw.Seen(score=None, note=f"not checked: {rendered.media_type} is not opened")


def _subject(brief: Brief) -> str:
    """The shelf, in the catalogue's word: never a title, which a stranger may have written orders in."""
    return brief.item.category[-1][:60] if brief.item.category else ""
