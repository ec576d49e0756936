"""Rules, placements and presets as plain JSON values, and back: for the log and for the web."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from recsys.merchandising.types import (
    CapBy,
    Placement,
    Rule,
    RuleKind,
    Steered,
    StrategyPreset,
    Subject,
)
from recsys.types import Boost, Dials, Hide


def to_plain(thing: Steered) -> dict[str, Any]:
    """Every field by its name."""
    return {one.name: _plain(getattr(thing, one.name)) for one in fields(thing)}


def from_plain(subject: Subject, values: Mapping[str, Any]) -> Steered:
    """What `to_plain` made.

    A log outlives the code that wrote it: a missing field takes its default, an unknown one is dropped.
    """
    made = _KINDS[subject]
    known = {one.name for one in fields(made)}
    read = {
        name: _READERS[name](value) if name in _READERS and value is not None else value
        for name, value in values.items()
        if name in known
    }
    return made(**read)


_KINDS: Mapping[Subject, type[Steered]] = {
    Subject.RULE: Rule,
    Subject.PLACEMENT: Placement,
    Subject.STRATEGY: StrategyPreset,
}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "kind": RuleKind,
    "by": CapBy,
    "hide": Hide,
    "starts_at": datetime.fromisoformat,
    "ends_at": datetime.fromisoformat,
    "placements": tuple,
    "audience": tuple,
    "boosts": lambda value: tuple(Boost(**one) for one in value),
    "dials": lambda value: Dials(**value),
}
