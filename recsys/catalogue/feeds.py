"""Catalogue feeds, read as streams: every good line is kept, every bad one is told.

CSV and JSON lines speak our field names or Google's; `merchant` reads Google's XML. A file of any
size costs the memory of one line, and nothing in a file is raised: it comes out as an error row.
"""

import csv
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import BinaryIO

from recsys.catalogue.merchant import from_google, read_xml
from recsys.catalogue.validation import FIELDS, parse_changes, parse_item
from recsys.errors import InvalidItem
from recsys.types import Item

__all__ = ["FeedFormat", "parse_changes", "parse_item", "read_feed"]

MAX_LINE = 1_000_000  # bytes; a longer line is an error, not a memory problem
_MAX_JOINED = 200  # lines that one quoted field may span
_ID_NAMES = ("item_id", "id")


class FeedFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    GOOGLE_XML = "google_xml"
    GOOGLE_TSV = "google_tsv"


Result = tuple[int, Item | InvalidItem]
_Line = tuple[int, str | InvalidItem]


def read_feed(stream: BinaryIO, feed_format: FeedFormat) -> Iterator[Result]:
    """Every item of a feed with its line number, or why that line cannot be one."""
    if feed_format is FeedFormat.GOOGLE_XML:
        return read_xml(stream)
    if feed_format is FeedFormat.JSONL:
        return _read_jsonl(stream)
    return _read_table(stream, tabs=feed_format is FeedFormat.GOOGLE_TSV)


def _read_jsonl(stream: BinaryIO) -> Iterator[Result]:
    for number, line in _lines(stream):
        if isinstance(line, InvalidItem):
            yield number, line
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            yield number, InvalidItem("line", "is no valid JSON")
            continue
        if not isinstance(fields, dict):
            yield number, InvalidItem("line", "must be a JSON object")
            continue
        yield number, _item(fields)


def _read_table(stream: BinaryIO, *, tabs: bool) -> Iterator[Result]:
    lines = _lines(stream)
    number, head = next(lines, (1, InvalidItem("line", "the feed is empty")))
    if isinstance(head, InvalidItem):
        yield number, head
        return
    delimiter = "\t" if tabs else max(",;\t", key=head.count)
    names = [name.strip().lower() for name in _cells([head], delimiter) or []]
    if not any(name in _ID_NAMES for name in names) or "title" not in names:
        yield number, InvalidItem("line", "the first line must name the columns, id and title too")
        return
    for number, record in _records(lines, delimiter, columns=len(names)):
        if isinstance(record, InvalidItem):
            yield number, record
        else:
            # The first of two columns with one name counts, as it does in a spreadsheet's lookup.
            yield number, _item(dict(zip(reversed(names), reversed(record), strict=True)))


def _item(fields: Mapping[str, object]) -> Item | InvalidItem:
    """Known columns are read, others are left alone: feeds carry much that is not ours."""
    item_id = next((fields[name] for name in _ID_NAMES if fields.get(name) is not None), "")
    if isinstance(item_id, int) and not isinstance(item_id, bool):
        item_id = str(item_id)
    try:
        return parse_item(item_id, _ours(fields))  # type: ignore[arg-type] # the validator asks for a string
    except InvalidItem as error:
        return error


def _ours(fields: Mapping[str, object]) -> dict[str, object]:
    google = from_google(fields)
    ours = {name: value for name, value in fields.items() if name in FIELDS} | google
    nested = {
        name.removeprefix("attributes."): value
        for name, value in fields.items()
        if name.startswith("attributes.")
    }
    given = fields.get("attributes") or {}
    if isinstance(given, dict):
        ours["attributes"] = google.get("attributes", {}) | given | nested
    return ours


def _records(
    lines: Iterator[_Line], delimiter: str, *, columns: int
) -> Iterator[tuple[int, Sequence[str] | InvalidItem]]:
    """Cells of each record. A quote that never closes spoils its own line, not the lines after it."""
    ahead: deque[_Line] = deque()
    while (following := ahead.popleft() if ahead else next(lines, None)) is not None:
        number, line = following
        if isinstance(line, InvalidItem):
            yield number, line
            continue
        if not line.strip():
            continue
        cells, joined = _cells([line], delimiter), 0
        if cells is None and line.count('"') % 2:
            cells, joined = _joined(line, ahead, lines, delimiter, columns)
        if cells is None and delimiter == "\t":  # there a quote is often just a quote
            cells = line.rstrip("\r\n").split("\t")
        if cells is not None and len(cells) == columns:
            for _ in range(joined):
                ahead.popleft()
            yield number, cells
        elif cells is None:
            yield number, InvalidItem("line", "has quotes that do not pair up, or a field too long")
        else:
            yield number, InvalidItem("line", f"has {len(cells)} columns instead of {columns}")


def _joined(
    line: str, ahead: deque[_Line], lines: Iterator[_Line], delimiter: str, columns: int
) -> tuple[list[str] | None, int]:
    """The record that starts with an open quote, and how many of the lines ahead belong to it."""
    parts, size = [line], len(line)
    for joined in range(1, _MAX_JOINED):
        if len(ahead) < joined:
            following = next(lines, None)
            if following is None:
                break
            ahead.append(following)
        part = ahead[joined - 1][1]
        if isinstance(part, InvalidItem) or (size := size + len(part)) > MAX_LINE:
            break
        parts.append(part)
        if part.count('"') % 2:  # only now can the quote be closed
            cells = _cells(parts, delimiter)
            return (cells, joined) if cells and len(cells) == columns else (None, 0)
    return None, 0


def _cells(lines: list[str], delimiter: str) -> list[str] | None:
    try:
        rows = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _lines(stream: BinaryIO) -> Iterator[_Line]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            yield number, InvalidItem("line", f"is longer than {MAX_LINE} bytes")
            continue
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            yield number, InvalidItem("line", "is no valid UTF-8")
            continue
        if text.strip():
            yield number, text
