"""Engines and transactions: what the two databases must have in common, and SQLite's traps."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from recsys.database import connect, reading, writing


def bump(engine: Engine) -> None:
    with writing(engine) as session:
        session.execute(text("UPDATE catalogue_revision SET value = value + 1"))


def value(engine: Engine) -> int:
    with reading(engine) as session:
        return int(session.execute(text("SELECT value FROM catalogue_revision")).scalar_one())


@pytest.fixture(autouse=True)
def _row(engine: Engine) -> None:
    with writing(engine) as session:
        session.execute(text("INSERT INTO catalogue_revision (id, value) VALUES (1, 0)"))


def test_a_block_that_raises_leaves_nothing_behind(engine: Engine) -> None:
    def fail() -> None:
        with writing(engine) as session:
            session.execute(text("UPDATE catalogue_revision SET value = 7"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert value(engine) == 0


def test_a_reading_session_changes_nothing(engine: Engine) -> None:
    with reading(engine) as session:
        session.execute(text("UPDATE catalogue_revision SET value = 7"))

    assert value(engine) == 0


def test_reading_goes_on_while_another_writes(engine: Engine) -> None:
    with writing(engine) as session:
        session.execute(text("UPDATE catalogue_revision SET value = 7"))

        assert value(engine) == 0
    assert value(engine) == 7


def test_no_update_is_lost_between_writers(engine: Engine) -> None:
    def write() -> None:
        for _ in range(10):
            bump(engine)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert value(engine) == 40


def test_a_locked_database_is_waited_for_only_so_long(engine: Engine, database_url: str) -> None:
    hasty = connect(database_url, busy_seconds=0.1)
    with writing(engine) as session:
        session.execute(text("UPDATE catalogue_revision SET value = 7"))

        with pytest.raises(OperationalError):
            bump(hasty)
    hasty.dispose()


def test_a_sqlite_commit_is_on_the_disk(sqlite_url: str) -> None:
    engine = connect(sqlite_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_a_new_sqlite_file_gets_its_folder(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/deep/er/vitrine.db")
    with reading(engine) as session:
        assert session.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
