"""The typed tree that a filter or boost becomes: what each part is, never how it is worked out.

Every node says its `kind` and `at`, the character of the text it starts at (counted from 0). A
`Property` of kind ATTRIBUTE has not met anything yet that says how its text is to be read; none is
left in a finished tree.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    NUMBER = "number"
    TEXT = "text"
    FLAG = "condition"  # true, false or unknown
    TIME = "time"  # seconds since 1970
    SPAN = "span"  # seconds
    ATTRIBUTE = "attribute"


class Mistake(Exception):
    """What is wrong at one place, before the whole text is known."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    value: float | str | bool
    kind: Kind
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    at: int
    kind: Kind = Kind.TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """`price`, `attributes.colour`; `of_context` where it is the page's item that is meant."""

    name: str
    kind: Kind
    of_context: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    sign: str
    left: "Node"
    right: "Node"
    kind: Kind
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    function: str
    arguments: tuple["Node", ...]
    kind: Kind
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A condition as a number: 1, 0 or missing."""

    of: "Node"
    at: int
    kind: Kind = Kind.NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Two numbers, times or spans under <, <=, ==, >= or >."""

    sign: str
    left: "Node"
    right: "Node"
    at: int
    kind: Kind = Kind.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Two texts, letter by letter."""

    left: "Node"
    right: "Node"
    at: int
    kind: Kind = Kind.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree:
    """Two conditions that come out alike."""

    left: "Node"
    right: "Node"
    at: int
    kind: Kind = Kind.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    of: "Node"
    values: tuple[float | str, ...]
    at: int
    kind: Kind = Kind.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`how` is has, contains, starts with or under; `what` is one text for all items."""

    how: str
    of: "Node"
    what: "Node"
    at: int
    kind: Kind = Kind.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    of: "Node"
    at: int
    kind: Kind = Kind.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    of: "Node"
    at: int
    kind: Kind = Kind.FLAG


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction:
    """`every`: and; otherwise or."""

    every: bool
    of: tuple["Node", ...]
    at: int
    kind: Kind = Kind.FLAG


Node = (
    Literal
    | Now
    | Property
    | Arithmetic
    | Call
    | Count
    | Order
    | Same
    | Agree
    | Among
    | Piece
    | Missing
    | Not
    | Junction
)
