"""A feed into the catalogue: read as a stream, written in batches, every bad line reported."""

from typing import IO, Any, BinaryIO, cast

from sqlalchemy import Engine
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Request

from api.errors import DATABASE_AWAY, RETRY_SECONDS, Problem
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat, read_feed
from recsys.database import writing
from recsys.errors import InvalidItem
from recsys.types import Item

BATCH = 500
MAX_ERRORS = 100
RESERVED = ("/similar", "/bought-together")  # what an item's address ends in for its rows

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
    for line, read in read_feed(cast(BinaryIO, stream), feed_format):
        found = _served(read)
        if isinstance(found, InvalidItem):
            rejected += 1
            if len(errors) < MAX_ERRORS:
                errors.append({"line": line, "field": found.field, "message": found.message})
            continue
        batch.append(found)
        if len(batch) == BATCH:
            accepted += _write(engine, batch, kept=accepted)
            batch = []
    accepted += _write(engine, batch, kept=accepted)
    return {"accepted": accepted, "rejected": rejected, "errors": errors}


def reserved(item_id: str) -> str | None:
    """Why no item may have this id here: its address would be one of ours."""
    return f"must not end in {' or '.join(RESERVED)}" if item_id.endswith(RESERVED) else None


def _served(found: Item | InvalidItem) -> Item | InvalidItem:
    problem = reserved(found.item_id) if isinstance(found, Item) else None
    return found if problem is None else InvalidItem("item_id", problem)


def _write(engine: Engine, batch: list[Item], *, kept: int) -> int:
    try:
        if batch:
            with writing(engine) as session:
                items.put_many(session, batch)
    except DATABASE_AWAY:
        if not kept:
            raise  # the usual answer, that nothing was changed, is true
        detail = f"the database went away or was locked after {kept} items, which are kept; send the feed again"
        raise Problem(503, detail, headers={"Retry-After": RETRY_SECONDS}) from None
    return len(batch)
