"""The words of the language as data: for the parser, for hints, and for a page that shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsys.expressions.properties import DERIVED, PROPERTIES

MAX_TEXT = 2_000  # characters
MAX_DEPTH = 24  # parentheses, calls, not and minus inside one another
MAX_NODES = 200  # values and signs: bounds the work of one answer over all items
MAX_LIST = 200  # values of one list
MAX_NUMBER = 1e15  # below it whole numbers and cents are exact enough to compare

COMPARISONS = {
    "==": "the same",
    "!=": "not the same, and neither is missing",
    "<": "less",
    "<=": "less or the same",
    ">": "more",
    ">=": "more or the same",
}
LOOKS = {
    "in [...]": "one of the listed numbers or texts",
    "has": "the set (an attribute, split at | , ; or a category's levels) holds this text; missing is empty",
    "contains": "the text holds these letters, small or capital",
    "starts with": "the text starts with these letters, small or capital",
    "under": "the category is this path or below it",
    "is missing": "no value is known; never unknown itself",
}
UNITS: Mapping[str, float] = {
    **dict.fromkeys(("second", "seconds"), 1.0),
    **dict.fromkeys(("minute", "minutes"), 60.0),
    **dict.fromkeys(("hour", "hours"), 3_600.0),
    **dict.fromkeys(("day", "days"), 86_400.0),
    **dict.fromkeys(("week", "weeks"), 604_800.0),
}
RESERVED = frozenset(
    {"and", "or", "not", "in", "has", "contains", "starts", "with", "under", "is", "missing"}
    | {"true", "false", "now", "item", "attributes"}
)
_SHORTEST_GUESS = 4  # letters; of a shorter name everything is one letter away


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    fewest: int
    most: int
    about: str


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(fewest=1, most=1, about="without its sign"),
    "min": Function(fewest=2, most=8, about="the least; missing where any is"),
    "max": Function(fewest=2, most=8, about="the greatest; missing where any is"),
    "sqrt": Function(fewest=1, most=1, about="square root; missing below 0"),
    "exp": Function(fewest=1, most=1, about="e to the power"),
    "log1p": Function(fewest=1, most=1, about="logarithm of 1 + x; missing from -1 down"),
    "default": Function(fewest=2, most=2, about="the first, or the second where it is missing"),
}


def meant(name: str) -> str | None:
    """The property that a name misses by one letter, or by two that changed places."""
    if len(name) < _SHORTEST_GUESS:
        return None
    return next((known for known in (*PROPERTIES, *DERIVED) if _near(name.lower(), known)), None)


def describe() -> dict[str, Any]:
    """The language for a machine: names with their kinds, operators, functions, units, bounds."""
    properties = [
        {"name": name, "kind": str(known.kind), "about": known.about}
        for name, known in PROPERTIES.items()
    ]
    derived = [{"name": name, "kind": "number", "about": about} for name, about in DERIVED.items()]
    return {
        "properties": properties + derived,
        "attributes": 'attributes.name or attributes["any name"]; a bare name where no property has it',
        "context": "item.name is the page's item; now is the moment of the answer",
        "comparisons": dict(COMPARISONS),
        "looks": dict(LOOKS),
        "joins": ["and", "or", "not"],
        "arithmetic": ["+", "-", "*", "/"],
        "functions": {name: function.about for name, function in FUNCTIONS.items()},
        "units": list(UNITS),
        "bounds": {
            "text": MAX_TEXT,
            "depth": MAX_DEPTH,
            "parts": MAX_NODES,
            "list": MAX_LIST,
            "number": MAX_NUMBER,
        },
    }


def _near(name: str, known: str) -> bool:
    """Whether one letter added, left out, changed or two swapped make one of the other."""
    if abs(len(name) - len(known)) > 1:
        return False
    start = 0
    while start < min(len(name), len(known)) and name[start] == known[start]:
        start += 1
    mine, theirs = name[start:], known[start:]
    swapped = theirs[1:2] + theirs[:1] + theirs[2:]
    return mine[1:] == theirs[1:] or mine[1:] == theirs or mine == theirs[1:] or mine == swapped
