"""Where answers wait to become rows: lines of JSON on a local disk, one write each, never awaited.

A process appends to a file of its own and holds a lock on it; from time to time it lets the file
go and begins another. The drain reads all of them, the open ones up to their last whole line, and
remembers beside each how far it came. A file is deleted only when its writer has let it go and all
of it is recorded, so whatever dies in between, the next drain starts over, and the ids keep an
answer from counting twice. Nothing is fsynced: a power cut may cost the newest answers, never the
shopper's.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson

from recsys.answers.entry import Answer, read

MAX_BYTES = 16_000_000  # a file's size; also what an erasure has to look through
MAX_SECONDS = 60.0  # a file's age
_BATCH = 500  # answers a transaction
_LOCK = ".drain"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    recorded: int = 0
    torn: int = 0  # lines that a killed process left unfinished


class Ledger:
    """One process's open file. Threads share it; a process that was forked opens its own."""

    def __init__(
        self, directory: Path, *, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._lock = threading.Lock()
        self._file = -1
        self._owner = 0
        self._left = 0
        self._until = 0.0

    def append(self, line: bytes) -> None:
        """Write one line, which ends in a newline.

        Raises:
            OSError: It was not written, or only a part that the drain will drop.
        """
        with self._lock:
            if self._left < len(line) or time.monotonic() > self._until or self._is_inherited():
                self._begin()
            try:
                written = os.write(self._file, line)
            except OSError:
                self._end()
                raise
            self._left -= written
            if written < len(line):  # the disk is full: the next line must not stick to this half
                self._end()
                raise OSError(f"{written} of {len(line)} bytes were written; is the disk full?")

    def keep(self, answer: Answer) -> bool:
        """Write an answer down; False where that failed, which must not cost the shopper theirs."""
        try:
            self.append(answer.line())
        except (OSError, orjson.JSONEncodeError) as error:
            _log.warning("an answer is not in the ledger: %s", error)
            return False
        return True

    def close(self) -> None:
        """Let the file go, so that the drain may finish it."""
        with self._lock:
            self._end()

    def _begin(self) -> None:
        self._end()
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{os.getpid()}-{os.urandom(6).hex()}.new"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o660)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            path.rename(
                path.with_suffix(".jsonl")
            )  # locked first: a drain deletes what nobody holds
        except OSError:
            os.close(file)
            raise
        self._file, self._owner, self._left = file, os.getpid(), self._max_bytes
        self._until = time.monotonic() + self._max_seconds

    def _end(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file, self._left = -1, 0

    def _is_inherited(self) -> bool:
        return self._owner != os.getpid()


def drain(directory: Path, record: Callable[[Sequence[Answer]], int]) -> Drained:
    """Hand everything that waits to `record`, which commits it and says how much was new.

    Raises:
        Exception: Whatever `record` raises; nothing is lost, call again.
    """
    recorded = torn = 0
    for path in _files(directory):
        with _alone(directory):
            found = _drain_file(path, record) if path.exists() else Drained()
        recorded, torn = recorded + found.recorded, torn + found.torn
    if torn:
        _log.warning("torn lines of the ledger dropped", extra={"lines": torn})
    return Drained(recorded=recorded, torn=torn)


def blank(directory: Path, user_id: str) -> int:
    """Overwrite every line about this shopper, of open files too; how many of them were no rows yet.

    Writers only append, so what is before the end can be overwritten under their hands. A line
    that the drain holds just now is waited for.
    """
    if not directory.is_dir():
        return 0
    blanked = 0
    with _alone(directory):
        for path in _files(directory):
            with path.open("r+b", buffering=0) as file:
                blanked += _blank_in(file, user_id, recorded=_progress(path))
                os.fsync(file.fileno())
    return blanked


def pending(directory: Path) -> int:
    """How many bytes are not recorded yet."""
    return sum(max(0, path.stat().st_size - _progress(path)) for path in _files(directory))


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One drain of a file, or one erasure, at a time: an erased line must not be in another's hands."""
    with (directory / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.jsonl"))


def _drain_file(path: Path, record: Callable[[Sequence[Answer]], int]) -> Drained:
    recorded = torn = 0
    with path.open("rb") as file:
        is_open = _is_locked(file)
        size = os.fstat(file.fileno()).st_size
        file.seek(_progress(path))
        lines = iter(lambda: _whole_line(file, size=size, is_open=is_open), b"")
        while batch := list(islice(lines, _BATCH)):
            answers = [answer for answer in map(_answer, batch) if answer is not None]
            torn += sum(bool(line.strip()) for line in batch) - len(answers)
            if answers:
                recorded += record(answers)
            _note(path, file.tell())
        if not is_open:
            path.unlink()
            _beside(path).unlink(missing_ok=True)
    return Drained(recorded=recorded, torn=torn)


def _whole_line(file: BinaryIO, *, size: int, is_open: bool) -> bytes:
    """The next line; of a file that is still written to, none beyond the last that is whole."""
    before = file.tell()
    if before >= size:
        return b""
    line = file.readline()
    if not line.endswith(b"\n") and is_open:
        file.seek(before)
        return b""
    return line


def _answer(line: bytes) -> Answer | None:
    if not line.strip():
        return None
    try:
        return read(line)
    except ValueError:
        return None


def _is_locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _blank_in(file: BinaryIO, user_id: str, *, recorded: int) -> int:
    told = b'"user_id":' + orjson.dumps(user_id) + b","  # as `Answer.line` writes it
    blanked = start = 0
    for line in file.read().split(b"\n"):
        if told in line:
            os.pwrite(file.fileno(), b" " * len(line), start)
            blanked += start >= recorded
        start += len(line) + 1
    return blanked


def _beside(path: Path) -> Path:
    return path.with_suffix(".read")


def _progress(path: Path) -> int:
    try:
        return int(_beside(path).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def _note(path: Path, position: int) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(str(position), encoding="ascii")
    temporary.replace(_beside(path))
