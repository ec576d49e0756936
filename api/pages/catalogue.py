"""The console's catalogue: a feed goes in, every refused line comes out with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from api import items
from api.errors import Problem
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.runtime import runtime
from recsys.catalogue.feeds import FeedFormat
from recsys.database import reading
from recsys.types import Item

FOUND = 50
_SNIFFED = 4096
FORMATS = (
    (FeedFormat.CSV.value, "CSV"),
    (FeedFormat.JSONL.value, "JSON lines"),
    (FeedFormat.GOOGLE_XML.value, "Google Merchant XML"),
    (FeedFormat.GOOGLE_TSV.value, "Google Merchant TSV"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a feed; `problem` says why reading stopped early, if it did."""

    name: str
    format: str
    good: int = 0
    bad: int = 0
    lines: Sequence[Mapping[str, Any]] = ()
    problem: str = ""


def show() -> Response:
    text = request.args.get("q", "").strip()[:200]
    return _page(text, None)


def upload() -> Response:
    """Keep every good line, and name every bad one."""
    sent = request.files.get("feed")
    if sent is None or not sent.filename:
        raise Problem(422, "choose a file to upload")
    stream = sent.stream
    asked = request.form.get("format", "")
    known = {value for value, _ in FORMATS}
    feed_format = FeedFormat(asked) if asked in known else detect(sent.filename, stream)
    name, label = sent.filename[:100], dict(FORMATS)[feed_format.value]
    try:
        kept = items.taken(runtime(), stream, feed_format)
    except SQLAlchemyError:
        problem = "The database is away or locked. Upload the file again: nothing is kept twice."
        return _page("", Report(name=name, format=label, problem=problem))
    report = Report(
        name=name,
        format=label,
        good=kept["accepted"],
        bad=kept["rejected"],
        lines=kept["errors"],
    )
    return _page("", report)


def hide() -> Response:
    form = request.form
    hidden = form.get("hidden") == "1"
    item, _ = items.changed(runtime(), form.get("item_id", ""), {"hidden": hidden})
    state = "hidden and will not be shown again" if hidden else "shown again"
    tell(f"“{item.title}” is {state}, from the next page on.")
    return see_other("console.catalogue", q=form.get("q") or None)


def detect(filename: str, stream: IO[bytes]) -> FeedFormat:
    """The format a file says it has by its first bytes, else by its name."""
    start = stream.read(_SNIFFED).removeprefix(b"\xef\xbb\xbf").lstrip()
    stream.seek(0)
    if start.startswith(b"<"):
        return FeedFormat.GOOGLE_XML
    if start.startswith(b"{"):
        return FeedFormat.JSONL
    head = start.split(b"\n", 1)[0]
    if head.count(b"\t") > head.count(b","):
        return FeedFormat.GOOGLE_TSV
    by_ending = {
        "xml": FeedFormat.GOOGLE_XML,
        "jsonl": FeedFormat.JSONL,
        "ndjson": FeedFormat.JSONL,
        "tsv": FeedFormat.GOOGLE_TSV,
    }
    return by_ending.get(filename.rsplit(".", 1)[-1].lower(), FeedFormat.CSV)


def _page(text: str, report: Report | None) -> Response:
    return page(
        "console/catalogue.html",
        heading="Catalogue",
        tab="catalogue",
        formats=FORMATS,
        search=text,
        items=_found(text) if text else [],
        report=report,
    )


def _found(text: str) -> list[Item]:
    """The shopkeeper also finds what is hidden: by its exact id, or by words of its title."""
    words = text.lower().split()
    with reading(runtime().engine) as session:
        shelf = runtime().fresh_shelf(session)
    exact = [shelf.items[text]] if text in shelf.items else []
    matching = (
        item
        for item in shelf.items.values()
        if item.item_id != text and all(word in item.title.lower() for word in words)
    )
    ordered = sorted(matching, key=lambda item: (item.title.lower(), item.item_id))
    return (exact + ordered)[:FOUND]
