"""A brand kit as the words of a form, and the words of a form as a kit, with what is to be mended."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

from api.brand import contradictions
from generative.branding.brand import BrandKit, Corners, Tone

Form = MultiDict[str, str]
CORNERS: tuple[str, ...] = get_args(Corners)
TONES: tuple[str, ...] = get_args(Tone)
LOOK = ("name", "color", "paper", "font", "corners", "tone", "legal", "logo")
_MEND = {
    "name": "must be 1 to 24 printable characters, as it stands on every banner",
    "color": "must be # and six hexadecimal digits, such as #0f766e",
    "paper": "must be # and six hexadecimal digits, such as #faf7f2",
    "font": "is none of those listed",
    "corners": "is none of those listed",
    "tone": "is none of those listed",
    "forbidden": "takes at most 200 words or phrases of at most 60 characters, one a line",
    "legal": "must be at most 120 printable characters, on one line",
    "logo": "is not one that was uploaded here",
}
_LONGEST = 20_000
_SHORT_HEX = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class BadKit(ValueError):
    """What is to be mended, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field} {message}" for field, message in errors.items()))
        self.errors = dict(errors)


def of_kit(kit: BrandKit, version: int) -> dict[str, Any]:
    """The form as it stands for a kit."""
    return {
        **{name: getattr(kit, name) for name in LOOK},
        "own_paper": bool(kit.paper),
        "paper": kit.paper or "#faf7f2",
        "forbidden": "\n".join(kit.forbidden),
        "version": version,
        "item_id": "",
        "look": "",
    }


def read(form: Form) -> dict[str, Any]:
    """What was typed, as the form shows it again."""
    typed: dict[str, Any] = {name: form.get(name, "").strip()[:200] for name in LOOK}
    version = form.get("version", "")
    return (
        typed
        | {
            "color": _hex(typed["color"]),
            "paper": _hex(typed["paper"]),
            "own_paper": form.get("own_paper") == "yes",
            "forbidden": form.get("forbidden", "")[:_LONGEST].replace("\r\n", "\n").strip("\n"),
            "logo": "" if form.get("no_logo") == "yes" else typed["logo"],
            "version": int(version) if version.isdecimal() and len(version) < 10 else 0,  # noqa: PLR2004 of an INTEGER
            "item_id": form.get("item_id", "").strip()[:200],
            "look": form.get("look", "")[:40],
        }
    )


def kit_of(typed: Mapping[str, Any], fonts: tuple[str, ...]) -> BrandKit:
    """The kit that was meant.

    Raises:
        BadKit: It cannot be meant like this.
    """
    said = {name: typed[name] for name in LOOK}
    said["paper"] = typed["paper"] if typed["own_paper"] else ""
    lines = (line.strip() for line in str(typed["forbidden"]).split("\n"))
    said["forbidden"] = tuple(dict.fromkeys(line for line in lines if line))
    errors: dict[str, str] = {}
    try:
        kit = BrandKit(**said)
    except ValidationError as error:
        found = [str(one["loc"][0]) for one in error.errors(include_url=False)]
        errors = {field: _MEND.get(field, "cannot be used") for field in found}
        raise BadKit(errors) from None
    if kit.font and kit.font not in fonts:
        errors["font"] = _MEND["font"]
    errors |= contradictions(kit)
    if errors:
        raise BadKit(errors)
    return kit


def _hex(text: str) -> str:
    """A colour as people paste it, with or without its #, in three digits or six."""
    found = _SHORT_HEX.fullmatch(text)
    if found is None:
        return text
    digits = found[1].lower()
    return f"#{digits if len(digits) == 6 else ''.join(2 * digit for digit in digits)}"  # noqa: PLR2004 of RRGGBB
