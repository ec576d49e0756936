"""Google Merchant feeds: RSS and Atom with the g: namespace, and Google's names for our fields."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import IO, Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import DefusedXMLParser, iterparse

from recsys.catalogue.validation import parse_item
from recsys.errors import InvalidItem
from recsys.types import Item

_ITEMS = frozenset({"item", "entry"})
_GOOGLE = "{http://base.google.com/ns/1.0}"
_MAX_CHUNK = 65_536  # bytes handed to the parser at once, where a line does not end sooner
_ATTRIBUTES = ("color", "size", "material", "pattern", "gender", "age_group")
_SALE_DATES = "sale_price_effective_date"
_STOCK = ("quantity", "sell_on_google_quantity", "inventory")


def read_xml(stream: BinaryIO) -> Iterator[tuple[int, Item | InvalidItem]]:
    """Every item with the line it ends on; what breaks the file ends it with an error row."""
    lines = _Lines(stream)
    parser = DefusedXMLParser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    found = False
    try:
        for fields in _elements(lines, parser):
            found = True
            yield lines.number, _item(fields)
    except ParseError as error:
        yield error.position[0], InvalidItem("line", f"the XML breaks off here: {error.msg}")
    except (ValueError, LookupError):  # defusedxml's refusals, and encodings no one can read
        message = "the XML declares a document type, an entity or an unreadable encoding"
        yield lines.number, InvalidItem("line", message)
    else:
        if not found:
            yield 1, InvalidItem("line", "the XML holds no item and no entry")


def from_google(fields: Mapping[str, object], *, now: datetime | None = None) -> dict[str, Any]:
    """Google's names, where they differ from ours; a sale price becomes the price while it is in effect.

    Raises:
        InvalidItem: A sale whose dates cannot be read: nobody could say when it ends.
    """
    found: dict[str, Any] = {}
    for ours, theirs in (("url", "link"), ("image_url", "image_link")):
        if fields.get(theirs):
            found[ours] = fields[theirs]
    category = fields.get("product_type") or fields.get("google_product_category")
    if category and not str(category).isdigit():  # a number names Google's taxonomy, not a path
        found["category"] = category
    if fields.get("sale_price"):
        found |= _sale(fields, now or datetime.now(UTC))
    for name in _STOCK:
        if fields.get(name) is not None and fields[name] != "":
            found["stock"] = fields[name]
    attributes = {name: fields[name] for name in _ATTRIBUTES if fields.get(name)}
    return found | ({"attributes": attributes} if attributes else {})


def _sale(fields: Mapping[str, object], now: datetime) -> dict[str, Any]:
    """The sale's price; the regular one before it begins, as the next feed brings it, and after it."""
    sale = {"price": fields["sale_price"], "was_price": fields.get("price")}
    written = str(fields.get(_SALE_DATES) or "").strip()
    if not written:
        return sale
    first, _, last = written.partition("/")
    try:
        begins, ends = _moment(first, end=False), _moment(last, end=True)
    except (ValueError, OverflowError):
        message = "must be two ISO 8601 times with a slash between them"
        raise InvalidItem(_SALE_DATES, message) from None
    return sale | {"offer_until": ends} if begins <= now < ends else {}


def _moment(text: str, *, end: bool) -> datetime:
    """A time of a feed; one that names no zone is UTC, and a bare date lasts until its day ends."""
    text = text.strip()
    if len(text) == len("2026-11-22"):
        day = date.fromisoformat(text) + timedelta(days=int(end))
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class _Lines:
    """A stream that hands out single lines, so that the parser's place is known by its number."""

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        self._stream = stream
        self._at_start = True

    def read(self, _size: int = -1) -> bytes:
        line = self._stream.readline(_MAX_CHUNK)
        if line and self._at_start:
            self.number += 1
        self._at_start = line.endswith(b"\n")
        return line


def _elements(lines: IO[bytes] | _Lines, parser: Any) -> Iterator[dict[str, object]]:
    """The direct children of each item as texts; whatever has been read is let go."""
    path: list[Element] = []
    inside = 0  # how many open elements, counted from an item down
    for event, element in iterparse(lines, events=("start", "end"), parser=parser):
        if event == "start":
            path.append(element)
            inside += bool(inside or _local(element.tag) in _ITEMS)
            continue
        path.pop()
        if inside == 1:
            yield _fields(element)
        inside = max(0, inside - 1)
        if not inside and path:
            path[-1].remove(element)


def _fields(item: Element) -> dict[str, object]:
    fields: dict[str, object] = {}
    # Atom has an id and a link of its own; Google's come first where both are there.
    for child in sorted(item, key=lambda child: not child.tag.startswith(_GOOGLE)):
        text = (child.text or "").strip() or child.get("href", "")
        fields.setdefault(_local(child.tag), text)
    return fields


def _item(fields: Mapping[str, object]) -> Item | InvalidItem:
    named = ("title", "description", "brand", "price", "availability")
    ours = {name: fields[name] for name in named if name in fields}
    try:
        return parse_item(str(fields.get("id", "")), ours | from_google(fields))
    except InvalidItem as error:
        return error


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
