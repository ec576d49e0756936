"""Events that must survive while the database is away."""

import fcntl
import multiprocessing
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from recsys.behaviour import erasure, events, spool
from recsys.database import connect, reading, writing
from recsys.types import Event, EventKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def locked(sqlite_url: str) -> Iterator[Engine]:
    """An engine that waits for nobody, while somebody else holds the database."""
    holder, engine = connect(sqlite_url), connect(sqlite_url, busy_seconds=0.05)
    with writing(holder) as session:
        session.execute(text("DELETE FROM event"))
        yield engine
    engine.dispose()
    holder.dispose()


def an_event(number: int) -> Event:
    return Event(
        event_id=f"e-{number}",
        user_id="u/1 🧑",
        item_id=f'i-{number}"\\',
        kind=EventKind.PURCHASE,
        at=NOW,
        quantity=2,
        order_id="o-1",
        recommendation_id="r-1",
    )


def total(engine: Engine) -> int:
    with reading(engine) as session:
        return events.count(session).total


def append_one(directory: Path, number: int) -> None:
    spool.append(directory, [an_event(number)])


def test_what_was_spooled_is_recorded_and_the_spool_is_empty(
    directory: Path, engine: Engine
) -> None:
    spool.append(directory, [an_event(1), an_event(2)])
    spool.append(directory, [an_event(3)])

    assert spool.drain(directory, engine) == 3
    assert spool.pending(directory) == 0
    with reading(engine) as session:
        assert events.history(session, "u/1 🧑").item_ids == ('i-1"\\', 'i-2"\\', 'i-3"\\')


def test_draining_twice_or_nothing_changes_nothing(directory: Path, engine: Engine) -> None:
    assert spool.drain(directory, engine) == 0
    spool.append(directory, [])
    assert not directory.exists()
    spool.append(directory, [an_event(1)])
    spool.drain(directory, engine)

    assert spool.drain(directory, engine) == 0
    assert total(engine) == 1


def test_an_event_in_both_the_spool_and_the_database_counts_once(
    directory: Path, engine: Engine
) -> None:
    spool.append(directory, [an_event(1), an_event(2)])
    with writing(engine) as session:
        events.record(session, [an_event(1)])

    assert spool.drain(directory, engine) == 1
    assert total(engine) == 2


def test_a_shopper_forgotten_meanwhile_stays_forgotten(directory: Path, engine: Engine) -> None:
    spool.append(directory, [an_event(1)])
    with writing(engine) as session:
        erasure.forget(session, "u/1 🧑", at=NOW)

    assert spool.drain(directory, engine) == 0
    assert total(engine) == 0


def test_a_drain_that_finds_the_database_locked_loses_nothing(
    directory: Path, locked: Engine
) -> None:
    spool.append(directory, [an_event(1)])

    with pytest.raises(OperationalError):
        spool.drain(directory, locked)
    spool.append(directory, [an_event(2)])

    assert spool.pending(directory) > 0
    assert len(list(directory.iterdir())) == 2


def test_a_file_left_by_a_drain_that_died_is_drained_by_the_next(
    directory: Path, engine: Engine
) -> None:
    spool.append(directory, [an_event(1)])
    (path,) = directory.iterdir()
    path.rename(directory / "4711-abc.draining")

    assert spool.drain(directory, engine) == 1
    assert list(directory.iterdir()) == []


def test_a_file_that_another_drain_holds_is_left_to_it(directory: Path, engine: Engine) -> None:
    spool.append(directory, [an_event(1)])
    (path,) = directory.iterdir()
    taken = path.rename(directory / "4711-abc.draining")
    with taken.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        assert spool.drain(directory, engine) == 0
    assert spool.drain(directory, engine) == 1


def test_half_a_line_of_a_killed_writer_spoils_no_other(directory: Path, engine: Engine) -> None:
    spool.append(directory, [an_event(1)])
    (path,) = directory.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    spool.append(directory, [an_event(2)])

    assert spool.drain(directory, engine) == 2


@pytest.mark.parametrize("junk", [b"{}", b"[]", b"\xff\xfe", b'{"at": 1}', b"null"])
def test_junk_in_the_spool_stops_nothing(directory: Path, engine: Engine, junk: bytes) -> None:
    directory.mkdir()
    (directory / "1.jsonl").write_bytes(junk + b"\n\n")
    spool.append(directory, [an_event(1)])

    assert spool.drain(directory, engine) == 1


def test_a_disk_that_takes_half_a_line_keeps_none_of_it(
    directory: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(directory, [an_event(1)])

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            spool.append(directory, [an_event(2)])

    assert spool.drain(directory, engine) == 1


def test_processes_that_write_while_another_drains_lose_nothing(
    directory: Path, sqlite_url: str
) -> None:
    engine = connect(sqlite_url, busy_seconds=10)
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        writers = pool.starmap_async(append_one, [(directory, number) for number in range(200)])
        while not writers.ready():
            spool.drain(directory, engine)
        writers.get()
    spool.drain(directory, engine)

    assert total(engine) == 200
    engine.dispose()


def test_threads_that_write_while_another_drains_lose_nothing(
    directory: Path, engine: Engine
) -> None:
    def write(first: int) -> None:
        for number in range(first, first + 50):
            append_one(directory, number)

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 50, 100)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        spool.drain(directory, engine)
    spool.drain(directory, engine)

    assert total(engine) == 150
