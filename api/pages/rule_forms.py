"""A rule as the words of a form, and the words of a form as a rule, judged as the API judges them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from api.steering.bodies import RuleBody
from api.steering.rules import RESERVED
from recsys.errors import InvalidSteering
from recsys.merchandising import checking
from recsys.merchandising.types import Rule, RuleKind

Form = MultiDict[str, str]
KINDS = (
    (RuleKind.PIN, "Pin", "one item stands in one slot"),
    (RuleKind.BOOST, "Boost", "these items come earlier"),
    (RuleKind.BURY, "Bury", "these items come later"),
    (RuleKind.SHARE, "Share", "at least this part of the slots is theirs"),
    (RuleKind.CAP, "Cap", "at most so many of one brand or category"),
    (RuleKind.INCLUDE, "Include", "nothing else appears"),
    (RuleKind.EXCLUDE, "Exclude", "none of them appears"),
)
# What each kind asks for; what another kind asks for is not sent, so that it cannot be in the way.
_ASKED: Mapping[str, frozenset[str]] = {
    "pin": frozenset({"where", "slot", "item_id"}),
    "boost": frozenset({"where", "value"}),
    "bury": frozenset({"where", "value"}),
    "share": frozenset({"where", "value"}),
    "cap": frozenset({"where", "value", "by"}),
    "include": frozenset({"where"}),
    "exclude": frozenset({"where"}),
}
_BLANK: Mapping[str, Any] = {
    "rule_id": "",
    "version": 0,
    "name": "",
    "kind": "boost",
    "where": "",
    "value": "0.2",
    "slot": "1",
    "item_id": "",
    "by": "brand",
    "placements": (),
    "audience": "",
    "starts_at": "",
    "ends_at": "",
    "priority": "0",
    "enabled": True,
}
_WORDS = tuple(_BLANK)


class Wrong(ValueError):
    """What is to be mended, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in errors.items()))
        self.errors = dict(errors)


def blank() -> dict[str, Any]:
    return dict(_BLANK)


def of_rule(rule: Rule, version: int) -> dict[str, Any]:
    """The form as it stands for a rule that has been written."""
    return {
        "rule_id": rule.rule_id,
        "version": version,
        "name": rule.name,
        "kind": rule.kind.value,
        "where": rule.where,
        "value": f"{rule.value:g}",
        "slot": str(rule.slot or 1),
        "item_id": rule.item_id,
        "by": (rule.by or "brand"),
        "placements": rule.placements,
        "audience": ", ".join(rule.audience),
        "starts_at": _local(rule.starts_at),
        "ends_at": _local(rule.ends_at),
        "priority": str(rule.priority),
        "enabled": rule.enabled,
    }


def read(form: Form) -> dict[str, Any]:
    """What was typed, to be shown again as it was."""
    typed: dict[str, Any] = {name: form.get(name, "").strip() for name in _WORDS}
    return typed | {
        "version": version_of(form),
        "placements": tuple(form.getlist("placements")),
        "enabled": form.get("enabled") == "yes",
    }


def version_of(form: Form) -> int:
    """The version that the form was made from; 0 where the thing was new."""
    text = form.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004 of a BIGINT


def thing(typed: Mapping[str, Any]) -> Rule:
    """The rule that was meant.

    Raises:
        Wrong: It cannot be meant like this.
    """
    kind = str(typed["kind"])
    asked = _ASKED.get(kind, frozenset())
    said: dict[str, Any] = {name: typed[name] for name in sorted(asked) if typed[name] != ""}
    words = [word.strip() for word in str(typed["audience"]).split(",")]
    said |= {
        "kind": kind,
        "name": typed["name"],
        "placements": list(typed["placements"]),
        "audience": [word for word in words if word],
        "starts_at": _moment("starts_at", typed["starts_at"]),
        "ends_at": _moment("ends_at", typed["ends_at"]),
        "priority": typed["priority"] or 0,
        "enabled": typed["enabled"],
    }
    body = validated(RuleBody, said)
    rule: Rule = body.thing(str(typed["rule_id"]))
    checked(rule)
    if rule.rule_id in RESERVED:
        raise Wrong({"rule_id": "is an address of its own; choose another"})
    return rule


def validated(model: type[Any], said: Mapping[str, Any]) -> Any:
    """A body of the API from the words of a form.

    Raises:
        Wrong: Some of them cannot be meant.
    """
    try:
        body: BaseModel = model.model_validate(said)
    except ValidationError as error:
        raise Wrong({_path(entry["loc"]): entry["msg"] for entry in error.errors()}) from None
    return body


def checked(written: Any) -> None:
    """Let it pass as the API would.

    Raises:
        Wrong: It would not.
    """
    try:
        checking.check(written)
    except InvalidSteering as error:
        raise Wrong({error.field: error.message}) from None


def _path(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location)


def _moment(field: str, text: str) -> datetime | None:
    """A moment in UTC, as the browser's field writes it or with a zone of its own."""
    if not text:
        return None
    try:
        said = datetime.fromisoformat(text)
        return said.replace(tzinfo=UTC) if said.tzinfo is None else said
    except ValueError:
        raise Wrong({field: "is no date and time, such as 2026-06-01 08:00"}) from None


def _local(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"
