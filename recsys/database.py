"""Engines and transactions for SQLite and PostgreSQL [SQL].

SQLite's driver opens no transaction for a SELECT, so read-then-write loses updates in silence;
writers therefore begin IMMEDIATE, and readers begin plainly and are never blocked under WAL.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

Reader = Session | Connection  # what a function that only asks can do with

_WRITES = "vitrine_writes"


def connect(url: str, *, busy_seconds: float = 2.0) -> Engine:
    """Open an engine; `busy_seconds` bounds how long a locked database is waited for."""
    if make_url(url).get_backend_name() == "sqlite":
        return _connect_sqlite(url, busy_seconds)
    timeout = int(busy_seconds * 1000)
    options = f"-c lock_timeout={timeout} -c timezone=utc"
    return create_engine(
        url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 5}
    )


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only looks; whatever it changed is thrown away."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def looking(engine: Engine) -> Iterator[Connection]:
    """As `reading`, without the bookkeeping of a session: for what every request asks."""
    with engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end, or rolls back if its block raises."""
    writer = engine.execution_options(**{_WRITES: True})
    with Session(writer, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def committing(engine: Engine) -> Iterator[Connection]:
    """As `writing`, without the bookkeeping of a session: for what every deed asks."""
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def lags(error: Exception) -> bool:
    """Whether a query failed because the database has not been brought to this release's schema."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.OperationalError):
        return str(cause).startswith(("no such table", "no such column")) or (
            "has no column" in str(cause)
        )
    return type(cause).__name__ in {
        "UndefinedTable",
        "UndefinedColumn",
    }  # psycopg's; it is an extra


def _connect_sqlite(url: str, busy_seconds: float) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": busy_seconds})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        # FULL, not NORMAL: under WAL a NORMAL commit may be lost with the power, and an event
        # that was answered 202 must not be.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own lower() knows ASCII only; a shop's titles do not stop there.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES, False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:  # takes no lock, so it cannot fail, and it is part of every request: the short way
            cast(sqlite3.Connection, connection.connection.driver_connection).execute("BEGIN")

    return engine


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value
