"""A creative's picture in another form, drawn again from its audit when somebody asks for it.

Files lie beside the JPEG under its name, which holds the hash of what it shows: a picture that is
drawn anew has none of the former's forms.
"""

from pathlib import Path

from generative.banner.formats import FORMS
from generative.config import GenerativeConfig
from generative.files import store
from generative.marking.provenance import manifest
from generative.marking.rerender import rerender
from generative.marking.signing import mark
from generative.types import Banner, Creative

JPEG = "jpeg"


def path_of(banner: Banner, form: str) -> str:
    """Where a form lies, relative to the banners directory.

    Raises:
        KeyError: There is no such form.
    """
    if form == JPEG:
        return banner.path
    path = Path(banner.path)
    return str(path.with_name(f"{path.stem}-{form}{FORMS[form].suffix}"))


def make(creative: Creative, form: str, config: GenerativeConfig) -> bool:
    """Draw a form; False where it was there already.

    Raises:
        NotReproducible: It has no picture, or what that was made of is gone.
    """
    if creative.banner is None:
        return False
    target = config.banners_dir / path_of(creative.banner, form)
    if target.is_file():
        return False
    drawn = rerender(creative, config, form=form)
    told = manifest(
        creative.key, creative.provenance, photo_sha256=str(creative.audit.get("photo_sha256", ""))
    )
    marked = mark(drawn.data, FORMS[form].media_type, told, config.signing_dir)
    store(marked.data, target)
    return True
