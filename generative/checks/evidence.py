"""An item's facts, read once for all its candidates: fields, where each word stands, and its measures."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from generative.checks.binding import Measure, measure
from generative.checks.reading import Reading, read
from generative.checks.units import UNITS
from generative.checks.vocabulary import ORIGIN_FIELDS
from generative.types import ItemFacts

MAX_PLACES = 32  # of one word: a feed that repeats itself must not slow the checks down
MAX_MEASURES = 128
_GENERIC = frozenset(["colour", "color", "material", "fabric", "finish", "style", "type", "label"])
_NAMES = frozenset(
    [
        "piece",
        "item",
        "product",
        "design",
        "pick",
        "choice",
        "classic",
        "companion",
        "essential",
        "staple",
        "one",
        "it",
        "this",
    ]
)
_NO = frozenset(("no", "false", "none", "0", "n/a", "nein", "non"))
_CERTAIN = frozenset(["title", "category", "brand"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`of_item`: all of its words speak of the item itself, as a title's and a colour's do."""

    name: str
    text: str
    reading: Reading
    of_item: bool
    label: frozenset[str]


class Proof(NamedTuple):
    """The words of a field that prove a claim; start and end count in `Field.text`."""

    field: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`places` maps a stem to (field, place); `item` holds the stems that name the item."""

    fields: tuple[Field, ...]
    places: Mapping[str, tuple[tuple[int, int], ...]]
    measures: tuple[tuple[int, Measure], ...]
    item: frozenset[str]
    price: float
    was_price: float
    currency: str

    @property
    def reduced(self) -> bool:
        return self.was_price > self.price > 0


def proof_of(field: Field, place: int, end: int = 0) -> Proof:
    """The token at a place as a proof, or the words from there to `end`."""
    token = field.reading.tokens[place]
    stop = max(end, token.end)
    return Proof(field.name, field.text[token.start : stop], token.start, stop)


def evidence_of(item: ItemFacts) -> Evidence:
    fields = [("title", item.title), ("description", item.description), ("brand", item.brand)]
    fields += [("category", part) for part in item.category]
    fields += [(f"attributes.{name}", value) for name, value in item.attributes.items()]
    kept = tuple((name, text) for name, text in fields if text)
    return _evidence(kept, item.price, item.was_price, item.currency)


@lru_cache(maxsize=64)
def _evidence(
    texts: tuple[tuple[str, str], ...], price: str | None, was_price: str | None, currency: str
) -> Evidence:
    fields = tuple(_field(name, text) for name, text in texts)
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    measures: list[tuple[int, Measure]] = []
    for index, field in enumerate(fields):
        for place, token in enumerate(field.reading.tokens):
            counts = token.number is not None or token.low == "one"
            if counts and len(measures) < MAX_MEASURES:
                measures.append((index, measure(field.reading, place)))
            if token.text[0].isalnum() and len(places[token.stem]) < MAX_PLACES:
                places[token.stem].append((index, place))
    return Evidence(
        fields=fields,
        places={root: tuple(found) for root, found in places.items()},
        measures=tuple(measures),
        item=frozenset(_names_of(fields)),
        price=_amount(price),
        was_price=_amount(was_price),
        currency=currency.upper(),
    )


def _field(name: str, text: str) -> Field:
    label = name.removeprefix("attributes.")
    words = frozenset(token.stem for token in read(label).tokens)
    lows = {token.low for token in read(label).tokens}
    of_item = name in _CERTAIN or lows <= _GENERIC | ORIGIN_FIELDS | {"of", "in"}
    # An attribute is read with its name before it, so that "weight 31 kg" is a weight.
    if text.strip().lower() in _NO:
        text = "none"  # "vegan: no" denies
        label = f"no {label}"
    said = f"{label} {text}" if name.startswith("attributes.") else text
    return Field(name=name, text=said, reading=read(said), of_item=of_item, label=words)


def _names_of(fields: tuple[Field, ...]) -> set[str]:
    """The heads of title and shelves; of a title that ends in a name of its own, the word before too."""
    names = set(_NAMES)
    shelves = {_head(field.reading) for field in fields if field.name == "category"}
    for field in fields:
        if field.name == "title":
            head = _head(field.reading)
            names.add(head)
            if head not in shelves:
                names.add(_head(field.reading, skip=1))
    return names | shelves


def _head(reading: Reading, *, skip: int = 0) -> str:
    """The stem of the last word but `skip` of a label's first chunk."""
    words = [
        token
        for place, token in enumerate(reading.tokens)
        if reading.chunk[place] == 1 and token.text[0].isalpha() and token.low not in UNITS
    ]
    return words[-1 - skip].stem if len(words) > skip else ""


def _amount(price: str | None) -> float:
    try:
        return float(price or 0)
    except ValueError:
        return 0.0
