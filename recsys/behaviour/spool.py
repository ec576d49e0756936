"""Where accepted events wait while the database is away: fsynced JSON lines on a local disk.

Each process appends to a file of its own. `drain` first takes a file away from its writer by
renaming it under a lock, then records it; the file is deleted only after the commit, so whatever
dies in between, the next drain starts over and the event ids keep it from counting twice.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine

from recsys.behaviour import events as store
from recsys.database import writing
from recsys.types import Event, EventKind

_BATCH = 1_000  # events a transaction
_TAKEN = ".draining"

_log = logging.getLogger(__name__)


def append(directory: Path, events: Sequence[Event]) -> None:
    """Return only when the events would survive a power cut.

    Raises:
        OSError: They could not be written; nothing of them is left behind.
    """
    if not events:
        return
    directory.mkdir(parents=True, exist_ok=True)
    lines = b"".join(_line(event) for event in events)
    path = directory / f"{os.getpid()}.jsonl"
    with _own(path) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            _write(file, lines, end=end)
        except OSError:
            os.ftruncate(file.fileno(), end)  # half a line would swallow the next one
            raise
        if end == 0:
            _sync_directory(directory)


def drain(directory: Path, engine: Engine) -> int:
    """Record everything that waits.

    Returns:
        How many events were new to the database.

    Raises:
        SQLAlchemyError: The database is still away; nothing is lost, call again.
    """
    if not directory.is_dir():
        return 0
    for path in sorted(directory.glob("*.jsonl")):
        _take(path)
    return sum(_drain_file(path, engine) for path in sorted(directory.glob(f"*{_TAKEN}")))


def pending(directory: Path) -> int:
    """How many bytes wait; 0 when all is recorded."""
    if not directory.is_dir():
        return 0
    return sum(path.stat().st_size for path in directory.iterdir() if path.is_file())


@contextmanager
def _own(path: Path) -> Iterator[BinaryIO]:
    """Open and lock the file that is at `path` now, not one that a drain has just taken away."""
    while True:
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_same(file, path):
                yield file
                return


def _is_same(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write(file: BinaryIO, lines: bytes, *, end: int) -> None:
    if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
        lines = b"\n" + lines  # an earlier writer was killed in the middle of a line
    remaining = memoryview(lines)
    while remaining:
        remaining = remaining[file.write(remaining) :]
    os.fsync(file.fileno())


def _take(path: Path) -> None:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return  # another drain was quicker
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _is_same(file, path):
            path.rename(path.with_name(f"{path.stem}-{os.urandom(6).hex()}{_TAKEN}"))


def _drain_file(path: Path, engine: Engine) -> int:
    accepted = 0
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return 0
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0  # another drain is at it
        if not _is_same(file, path):
            return 0
        waiting = _events(file, path.name)
        while batch := list(islice(waiting, _BATCH)):
            with writing(engine) as session:
                accepted += store.record(session, batch).count(store.ACCEPTED)
        path.unlink()
    _log.info("spool drained", extra={"file": path.name, "accepted": accepted})
    return accepted


def _events(file: BinaryIO, name: str) -> Iterator[Event]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            yield _event(line)
        except (ValueError, TypeError, KeyError, InvalidOperation):
            # Only a writer killed before its fsync leaves such a line, so nobody was told "accepted".
            _log.warning("torn spool line dropped", extra={"file": name, "line": number})


def _line(event: Event) -> bytes:
    fields = {name: value for name, value in asdict(event).items() if value is not None}
    fields["at"] = event.at.isoformat()
    if event.price is not None:
        fields["price"] = str(event.price)
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _event(line: bytes) -> Event:
    fields = json.loads(line)
    fields["at"], fields["kind"] = datetime.fromisoformat(fields["at"]), EventKind(fields["kind"])
    if "price" in fields:
        fields["price"] = Decimal(fields["price"])
    return Event(**fields)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
