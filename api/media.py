"""Product pictures of the shop's own, from the configured directories; nothing but pictures."""

from apiflask import APIBlueprint
from flask import Response, send_file
from werkzeug.security import safe_join

from api.errors import Problem
from api.runtime import runtime
from api.specification import file_answer

_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
_SECONDS = 86_400

blueprint = APIBlueprint("media", __name__, tag="Storefront")


@blueprint.get("/media/<path:path>")
@blueprint.doc(responses=file_answer("image/jpeg", "The picture"))
def picture(path: str) -> Response:
    """One picture."""
    media_type = next((kind for end, kind in _TYPES.items() if path.lower().endswith(end)), None)
    for directory in runtime().config.generative.media_dirs if media_type else ():
        root = directory.resolve()
        found = safe_join(str(root), path)
        if found is None:
            break
        file = root.joinpath(found).resolve()  # a link that leads out of the directory is refused
        if file.is_relative_to(root) and file.is_file():
            return send_file(file, mimetype=media_type, max_age=_SECONDS, conditional=True)
    raise Problem(404, "no such picture")
