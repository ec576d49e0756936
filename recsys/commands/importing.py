"""`import items` and `import events`: a file into the database, the bad lines named."""

import argparse
import csv
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import redis

from recsys.behaviour import events, vocabulary
from recsys.behaviour.recent import CATALOGUE, Recent, open_client
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat, read_feed
from recsys.commands.terminal import Commands, Tally, batches, open_binary
from recsys.config import RecsysConfig
from recsys.database import connect, writing
from recsys.errors import InvalidEvent, InvalidItem
from recsys.types import Event, Item

_FORMATS = {
    ".csv": FeedFormat.CSV,
    ".jsonl": FeedFormat.JSONL,
    ".xml": FeedFormat.GOOGLE_XML,
    ".tsv": FeedFormat.GOOGLE_TSV,
}


def add_to(commands: Commands) -> None:
    kinds = commands.add_parser("import", help="read a file into the database").add_subparsers(
        required=True, metavar="items|events"
    )
    feed = kinds.add_parser("items", help="CSV, JSON lines, Google Merchant XML or TSV")
    feed.add_argument("file", type=Path)
    feed.add_argument("--format", choices=list(FeedFormat), help="where the name does not say it")
    feed.set_defaults(command=_import_items)
    deeds = kinds.add_parser(
        "events",
        help="CSV: event_id,user_id,item_id,kind,at,quantity,order_id,recommendation_id,price,currency",
    )
    deeds.add_argument("file", type=Path)
    deeds.set_defaults(command=_import_events)


def format_of(path: Path) -> FeedFormat:
    suffixes = [suffix for suffix in path.suffixes if suffix != ".gz"]
    found = _FORMATS.get(suffixes[-1].lower()) if suffixes else None
    if found is None:
        raise ValueError(
            f"{path.name}: cannot tell its format; say --format {'|'.join(FeedFormat)}"
        )
    return found


def payload(row: dict[str, str]) -> dict[str, object]:
    """A CSV cell is text, and an empty one means that nothing was said."""
    said: dict[str, object] = {name: value for name, value in row.items() if name and value}
    quantity = row.get("quantity") or ""
    if quantity.isdecimal():
        said["quantity"] = int(quantity)
    said.setdefault("kind", "")
    return said


def _import_items(options: argparse.Namespace, config: RecsysConfig) -> int:
    path: Path = options.file
    feed_format = FeedFormat(options.format) if options.format else format_of(path)
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    tally = Tally()
    with open_binary(path) as stream:
        for batch in batches(read_feed(stream, feed_format)):
            good: list[Item] = []
            for number, result in batch:
                if isinstance(result, InvalidItem):
                    tally.reject(number, result)
                else:
                    good.append(result)
            if good:
                with writing(engine) as session:
                    items.put_many(session, good)
            tally.accept(len(good))
    _tell(config, lambda recent: recent.changed(CATALOGUE))
    return tally.report("items")


def _import_events(options: argparse.Namespace, config: RecsysConfig) -> int:
    engine = connect(config.database_url, busy_seconds=config.database_busy_seconds)
    tally = Tally()
    with open_binary(options.file) as stream:
        lines = (line.decode("utf-8", errors="replace") for line in stream)
        for batch in batches(enumerate(csv.DictReader(lines), start=2)):
            good: list[Event] = []
            for number, row in batch:
                try:
                    good += vocabulary.parse_event(payload(row), received_at=datetime.now(UTC))
                except InvalidEvent as error:
                    tally.reject(number, error)
            with writing(engine) as session:
                answers = events.record(session, good)
            tally.accept(answers.count("accepted"))
            tally.known += len(answers) - answers.count("accepted")
    _tell(config, lambda recent: recent.drop_all())
    return tally.report("events")


def _tell(config: RecsysConfig, say: Callable[[Recent], None]) -> None:
    """Servers that run beside this import read again at once; where no Redis runs, none keep anything."""
    if not config.cache_url:
        return
    try:
        say(Recent(open_client(config.cache_url, timeout_seconds=1.0)))
    except redis.ConnectionError:
        return
    except redis.RedisError as error:
        print(f"Redis was not told ({error}): servers may show older histories", file=sys.stderr)
