"""What the commands share: exit codes, one line on standard error, the tally and the bar.

Standard output carries results only, so that it can be piped; all else goes to standard error.
"""

import argparse
import gzip
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar, cast

from recsys.errors import InvalidEvent, InvalidItem

DONE, FAILED, REFUSED = 0, 1, 3
SHOWN = 20  # of a list of complaints; the rest are only counted

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 it has no public name

_T = TypeVar("_T")
_BATCH = 5_000


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


class Tally:
    """What an import did; the first rejected lines are printed as they are met."""

    def __init__(self) -> None:
        self.accepted = self.known = self.rejected = 0

    def accept(self, n: int) -> None:
        self.accepted += n

    def reject(self, line: int, error: InvalidItem | InvalidEvent) -> None:
        self.rejected += 1
        if self.rejected <= SHOWN:
            say(f"line {line}: {error}")

    def report(self, noun: str) -> int:
        print(f"{self.accepted} {noun} imported, {self.known} known, {self.rejected} rejected")
        return DONE if self.accepted or self.known or not self.rejected else FAILED


class Bar:
    """Progress of a fit on standard error: share done, loss, NDCG, time left."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began: tuple[float, float] | None = None  # when, and how far it was already
        self._ends = "\r" if sys.stderr.isatty() else "\n"

    def show(self, stage: str, progress: float, curves: dict[str, list[float]]) -> None:
        if self._quiet:
            return
        now = time.monotonic()
        # A fit that goes on from a checkpoint begins half-way: that half took no time here.
        began, before = self._began = self._began or (now, progress)
        left = ""
        if progress > before:
            left = f"{(now - began) * (1 - progress) / (progress - before):4.0f} s left"
        filled = "#" * int(24 * progress)
        figures = ""
        if curves["loss"]:
            figures = f"loss {curves['loss'][-1]:8.3f}  ndcg {curves['ndcg'][-1]:.4f}"
        line = f"{stage:9} [{filled:24}] {progress:4.0%}  {figures}  {left}"
        sys.stderr.write(f"{line:96}{self._ends}")
        sys.stderr.flush()

    def end(self) -> None:
        if not self._quiet and self._ends == "\r":
            sys.stderr.write("\n")


def open_binary(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def batches(rows: Iterable[_T]) -> Iterator[list[_T]]:
    batch: list[_T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 1 or more")
    return int(text)
