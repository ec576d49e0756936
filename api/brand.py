"""The brand kit over HTTP: what every banner looks and sounds like, its versions, and its logo."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from api import auth, parsing
from api.errors import Problem, invalid
from api.keys import Role
from api.runtime import Runtime, runtime
from api.schemas import Strict
from generative.banner.fonts import FAMILIES
from generative.branding import brand, brand_store, logo
from generative.branding.brand import BadBrandKit, BrandKit
from generative.branding.brand_store import Version
from generative.branding.logo import Logo
from generative.checks import nsfw
from generative.checks.avoid import avoided
from generative.checks.image import open_image
from generative.config import GenerativeConfig
from generative.errors import UnsafeImage
from recsys.database import reading, writing

_VERSION = 2**31 - 1
_EXAMPLE: dict[str, Any] = {
    "name": "Hof & Garten",
    "color": "#2f6f4e",
    "paper": "#f6f2e9",
    "font": "",
    "corners": "soft",
    "tone": "warm",
    "forbidden": ["cheap", "bargain"],
    "legal": "Prices include VAT.",
    "logo": "",
}

blueprint = APIBlueprint("brand", __name__, tag="Creatives", url_prefix="/brand")
blueprint.before_request(auth.need(Role.ADMIN))


class BrandBody(Strict):
    """A kit whole; fields left out take their defaults."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    name: Any = Field(default=None, description="Printed on banners, up to 24 characters")
    color: Any = Field(default=None, description="The accent, #rrggbb")
    paper: Any = Field(
        default=None, description="A ground for all banners, or empty: the product's"
    )
    font: Any = Field(default=None, description="A typeface of `GET /brand`'s `fonts`, or empty")
    corners: Any = Field(default=None, description="square, soft or round")
    tone: Any = Field(default=None, description="plain, warm, bold, elegant or playful")
    forbidden: Any = Field(default=None, description="Words that stand in no creative")
    legal: Any = Field(default=None, description="A line on every banner")
    logo: Any = Field(default=None, description="The sha256 of a logo that was uploaded, or empty")
    based_on: Annotated[int, Field(ge=0, le=_VERSION)] | None = Field(
        default=None, description="The version that was looked at; 409 where another is in force"
    )


class KitOut(BaseModel):
    name: str
    color: str
    paper: str
    font: str
    corners: Literal["square", "soft", "round"]
    tone: Literal["plain", "warm", "bold", "elegant", "playful"]
    forbidden: list[str]
    legal: str
    logo: str


class VersionOut(BaseModel):
    version: int = Field(description="0: nothing is saved, the configuration is in force")
    kit: KitOut
    who: str = Field(description="The id of the key that saved it")
    created_at: str | None
    logo_url: str


class BrandOut(VersionOut):
    fonts: list[str] = Field(description="Typefaces to choose from")
    degraded: list[str] = []


class VersionsOut(BaseModel):
    versions: list[VersionOut]


class LogoOut(BaseModel):
    logo: str = Field(description="Its sha256, as a kit names it")
    width: int
    height: int
    url: str


class LimitQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=200)] = 50


@blueprint.get("")
@blueprint.output(BrandOut)
def read() -> Response:
    """The kit in force."""
    return parsing.answer(_told(runtime(), _current(runtime())))


@blueprint.put("")
@blueprint.output(BrandOut)
@parsing.takes(blueprint, BrandBody, "body")
def put(body: BrandBody) -> Response:
    """Put a kit in force, in the web and in the workers within a second; 422 names a bad field."""
    sent = body.model_dump(exclude_unset=True, exclude={"based_on"})
    here = runtime()
    return parsing.answer(_saved(here, kit_of(here, sent), based_on=body.based_on))


@blueprint.get("/versions")
@blueprint.output(VersionsOut)
@parsing.takes(blueprint, LimitQuery, "query")
def versions(query: LimitQuery) -> Response:
    """Every kit that was ever in force, the newest first."""
    with reading(runtime().engine) as session:
        found = brand_store.versions(session, limit=query.limit)
    return parsing.answer({"versions": [_version(one) for one in found]})


@blueprint.post("/versions/<int:version>/restore")
@blueprint.output(BrandOut)
def restore(version: int) -> Response:
    """Put an older kit in force again, as a new version."""
    here = runtime()
    if version > _VERSION:
        raise Problem(404, f"no brand kit {version}")
    with reading(here.engine) as session:
        older = brand_store.get(session, version)
    return parsing.answer(_saved(here, older.kit, based_on=None))


@blueprint.post("/logo")
@blueprint.output(LogoOut, status_code=201)
@blueprint.doc(
    description="A JPEG, PNG or WebP of at most 2 MB, as the body or as the file `file` of a form. It "
    "is drawn anew from its pixels and kept by its hash; `PUT /brand` with that hash puts it in force."
)
def upload() -> Response:
    """Keep a logo."""
    return parsing.answer(_kept(runtime(), parsing.upload(most=logo.MAX_UPLOAD)), 201)


def kit_of(here: Runtime, sent: dict[str, Any]) -> BrandKit:
    """The kit that was sent.

    Raises:
        Problem: 422 with the field that cannot be used.
    """
    try:
        kit = brand.from_json(sent)
    except BadBrandKit as error:
        raise invalid(error.field, error.message) from None
    if kit.font and kit.font not in FAMILIES:
        raise invalid("font", f"is none of {', '.join(sorted(FAMILIES))}")
    if kit.logo and logo.read(kit.logo, here.config.generative.media_dirs) is None:
        raise invalid("logo", "no such logo is kept; POST /brand/logo keeps one")
    for field, message in contradictions(kit).items():
        raise invalid(field, message)
    return kit


def contradictions(kit: BrandKit) -> dict[str, str]:
    """What a kit prints on banners and itself forbids there, by field."""
    found = {field: avoided(getattr(kit, field), kit.forbidden) for field in ("name", "legal")}
    return {
        field: f"holds “{word}”, which the kit itself forbids"
        for field, word in found.items()
        if word
    }


def keep_logo(config: GenerativeConfig, data: bytes) -> Logo:
    """Look at a logo, where a model is configured, and keep it.

    Raises:
        UnsafeImage: It is none, too large, or indecent.
        OSError: The folder cannot be written.
    """
    model = config.weights("nsfw")
    if why := nsfw.unsafe(open_image(data), model) if model else "":
        raise UnsafeImage(why)
    return logo.keep(data, config.media_dirs)


def _kept(here: Runtime, data: bytes) -> dict[str, Any]:
    try:
        found = keep_logo(here.config.generative, data)
    except UnsafeImage as error:
        raise invalid("file", str(error)) from None
    except OSError as error:
        raise Problem(507, f"the logo cannot be stored: {error.strerror}") from None
    return {"logo": found.sha256, "width": found.width, "height": found.height, "url": found.url}


def _saved(here: Runtime, kit: BrandKit, *, based_on: int | None) -> dict[str, Any]:
    with writing(here.engine) as session:
        saved = brand_store.save(
            session, kit, who=auth.who(), based_on=based_on, now=datetime.now(UTC)
        )
    return _told(here, saved) | {"degraded": here.pulse.steering_changed()}


def _current(here: Runtime) -> Version | None:
    with reading(here.engine) as session:
        return brand_store.current(session)


def _told(here: Runtime, found: Version | None) -> dict[str, Any]:
    if found is None:
        kit = brand.of_config(here.config.generative)
        told = {"version": 0, "kit": brand.to_json(kit), "who": "", "created_at": None}
        told["logo_url"] = ""
    else:
        told = _version(found)
    return told | {"fonts": sorted(FAMILIES), "degraded": []}


def _version(found: Version) -> dict[str, Any]:
    return {
        "version": found.version,
        "kit": brand.to_json(found.kit),
        "who": found.who,
        "created_at": found.created_at.isoformat(),
        "logo_url": logo.url(found.kit.logo),
    }
