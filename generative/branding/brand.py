"""A shop's brand kit as a value: what a banner may look and sound like, checked when it is read."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from generative.config import GenerativeConfig

Corners = Literal["square", "soft", "round"]
Tone = Literal["plain", "warm", "bold", "elegant", "playful"]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters cannot be printed")
    return text.strip()


Text = Annotated[str, AfterValidator(_printable)]
_COLOUR = r"^#[0-9a-fA-F]{6}$"
Colour = Annotated[str, Field(pattern=_COLOUR)]


_NAME_LIMIT = 24


class BadBrandKit(ValueError):
    """A field of a brand kit that cannot be used; the message names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class BrandKit(BaseModel):
    """`logo` is the sha256 of an uploaded picture, `font` one of `banner.fonts.FAMILIES`, "" none.

    `paper` is a ground for every banner, "" one made of the product's own colours. `legal` is
    printed on every banner, `forbidden` words never stand in one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[Text, Field(min_length=1, max_length=_NAME_LIMIT)] = "Vitrine"
    color: Colour = "#0f766e"
    paper: Colour | Literal[""] = ""
    font: Annotated[Text, Field(max_length=40)] = ""
    corners: Corners = "soft"
    tone: Tone = "plain"
    forbidden: tuple[Annotated[Text, Field(min_length=1, max_length=60)], ...] = Field(
        default=(), max_length=200
    )
    legal: Annotated[Text, Field(max_length=120)] = ""
    logo: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


def to_json(kit: BrandKit) -> dict[str, Any]:
    return kit.model_dump(mode="json")


def from_json(payload: Mapping[str, Any]) -> BrandKit:
    """The kit in a row or a request; fields left out take their defaults.

    Raises:
        BadBrandKit: A field that is unknown, of another type, or out of its bounds.
    """
    try:
        return BrandKit.model_validate_json(json.dumps(dict(payload)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadBrandKit(str(first["loc"][0]), first["msg"]) from None


def of_config(config: GenerativeConfig) -> BrandKit:
    """The kit of a shop that has saved none; a name or colour that cannot be printed is left out."""
    default = BrandKit()
    color = config.brand_color.strip().lower()
    name = "".join(letter for letter in config.brand_name if letter.isprintable()).strip()
    return BrandKit(
        name=name[:_NAME_LIMIT].strip() or default.name,
        color=color if re.fullmatch(_COLOUR, color) else default.color,
    )


def digest(kit: BrandKit) -> str:
    """What goes into the key of every creative: equal kits share it, whenever they were saved."""
    return hashlib.sha256(json.dumps(to_json(kit), sort_keys=True).encode()).hexdigest()[:16]
