"""The backdrop library over HTTP: the shop's own pictures, which banners may stand on."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, send_from_directory
from pydantic import BaseModel, Field

from api import auth, parsing
from api.errors import Problem, invalid
from api.keys import Role
from api.runtime import runtime
from api.specification import file_answer
from generative.checks.image import MAX_BYTES
from generative.errors import UnsafeImage
from generative.picture import library
from generative.picture.library import Entry

blueprint = APIBlueprint("backdrops", __name__, tag="Creatives", url_prefix="/backdrops")
blueprint.before_request(auth.need(Role.ADMIN))


class BackdropOut(BaseModel):
    sha256: str
    width: int
    height: int
    hue: float = Field(description="In radians, of OKLab")
    chroma: float
    lightness: float
    checked: str = Field(description="What the picture check said when it was added")
    url: str


class BackdropsOut(BaseModel):
    backdrops: list[BackdropOut]
    asked: bool = Field(description="Whether `VITRINE_BACKDROPS` names the library")


class AddedOut(BaseModel):
    sha256: str


@blueprint.get("")
@blueprint.output(BackdropsOut)
def every() -> Response:
    """Every picture with its colours: a banner takes one that goes with the product's."""
    here = runtime()
    told = [_told(entry) for entry in library.listing(here.config.generative.library_dir)]
    asked = "library" in here.config.generative.backdrops
    return parsing.answer({"backdrops": told, "asked": asked})


@blueprint.post("")
@blueprint.output(AddedOut, status_code=201)
@blueprint.doc(
    description="A JPEG, PNG or WebP as the body, or as the file `file` of a form. It is drawn anew "
    "from its pixels, looked at where a model is configured, and kept by its hash."
)
def add() -> Response:
    """Keep a picture; 422 says why one is not taken."""
    here, data = runtime(), parsing.upload(most=MAX_BYTES)
    model = here.config.generative.weights("nsfw")
    try:
        sha256 = library.add(here.config.generative.library_dir, data, nsfw_model=model)
    except UnsafeImage as error:
        raise invalid("file", str(error)) from None
    except OSError as error:
        raise Problem(507, f"the picture cannot be stored: {error.strerror}") from None
    return parsing.answer({"sha256": sha256}, 201)


@blueprint.get("/<sha256>")
@blueprint.doc(responses=file_answer("image/jpeg", "The picture"))
def read(sha256: str) -> Response:
    """One picture."""
    return picture(sha256)


@blueprint.delete("/<sha256>")
@blueprint.output({}, status_code=204)
def remove(sha256: str) -> Response:
    """Forget a picture; banners that stand on it stay until they are made anew."""
    if not library.remove(runtime().config.generative.library_dir, sha256[:64]):
        raise Problem(404, "there is no such backdrop")
    return Response(status=204)


def picture(sha256: str) -> Response:
    """One picture, here and in the console."""
    root = runtime().config.generative.library_dir
    found = library.path_of(root, sha256[:64])  # a longer name is no file's at all
    if found is None:
        raise Problem(404, "there is no such backdrop")
    return send_from_directory(found.parent.resolve(), found.name, mimetype="image/jpeg")


def _told(entry: Entry) -> dict[str, Any]:
    told = {name: getattr(entry, name) for name in BackdropOut.model_fields if name != "url"}
    return told | {"url": f"/backdrops/{entry.sha256}"}
