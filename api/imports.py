"""A feed into the catalogue: read as a stream, written in batches, every bad line reported."""

from typing import IO, Any, BinaryIO, cast

from sqlalchemy import Engine
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Request

from api.errors import Problem
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat, read_feed
from recsys.database import writing
from recsys.errors import InvalidItem
from recsys.types import Item

BATCH = 500
MAX_ERRORS = 100

_BY_TYPE = {
    "text/csv": FeedFormat.CSV,
    "application/jsonl": FeedFormat.JSONL,
    "application/x-ndjson": FeedFormat.JSONL,
    "application/x-jsonlines": FeedFormat.JSONL,
    "application/xml": FeedFormat.GOOGLE_XML,
    "text/xml": FeedFormat.GOOGLE_XML,
    "application/rss+xml": FeedFormat.GOOGLE_XML,
    "application/atom+xml": FeedFormat.GOOGLE_XML,
    "text/tab-separated-values": FeedFormat.GOOGLE_TSV,
}
_BY_SUFFIX = {
    ".csv": FeedFormat.CSV,
    ".jsonl": FeedFormat.JSONL,
    ".ndjson": FeedFormat.JSONL,
    ".xml": FeedFormat.GOOGLE_XML,
    ".tsv": FeedFormat.GOOGLE_TSV,
    ".txt": FeedFormat.GOOGLE_TSV,
}


def format_of(named: str | None, source: FileStorage | Request) -> FeedFormat:
    """The format a client named, or the one that its file's name or media type says.

    Raises:
        Problem: 415 where neither says.
    """
    if named:
        return FeedFormat(named)
    if isinstance(source, FileStorage) and source.filename:
        suffix = "." + source.filename.rsplit(".", 1)[-1].lower()
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix]
    found = _BY_TYPE.get((source.mimetype or "").lower())
    if found is None:
        names = ", ".join(FeedFormat)
        raise Problem(415, f"say which feed this is: ?format= one of {names}, or its Content-Type")
    return found


def run(engine: Engine, stream: IO[bytes], feed_format: FeedFormat) -> dict[str, Any]:
    """Import every good line; the answer counts both kinds and names the first bad ones."""
    batch: list[Item] = []
    accepted = rejected = 0
    errors: list[dict[str, Any]] = []
    for line, found in read_feed(cast(BinaryIO, stream), feed_format):
        if isinstance(found, InvalidItem):
            rejected += 1
            if len(errors) < MAX_ERRORS:
                errors.append({"line": line, "field": found.field, "message": found.message})
            continue
        accepted += 1
        batch.append(found)
        if len(batch) == BATCH:
            _write(engine, batch)
            batch = []
    _write(engine, batch)
    return {"accepted": accepted, "rejected": rejected, "errors": errors}


def _write(engine: Engine, batch: list[Item]) -> None:
    if batch:
        with writing(engine) as session:
            items.put_many(session, batch)
