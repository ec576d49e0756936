"""How Alembic reaches the database: one history for SQLite and PostgreSQL, one upgrade at a time.

The URL comes from whoever calls (`api.migrate`), else from VITRINE_DATABASE_URL, so that plain
`alembic upgrade head` works from the root.
"""

import os

from alembic import context
from sqlalchemy import Connection, text

from api.tables import Base as ApiBase
from generative.tables import Base as GenerativeBase
from recsys.answers import tables as _answers  # noqa: F401 its tables belong to RecsysBase
from recsys.catalogue import versions as _versions  # noqa: F401 as above
from recsys.config import RecsysConfig
from recsys.database import connect
from recsys.merchandising import tables as _steering  # noqa: F401 as above
from recsys.outcomes import tables as _outcomes  # noqa: F401 as above
from recsys.tables import Base as RecsysBase

TARGETS = [RecsysBase.metadata, GenerativeBase.metadata, ApiBase.metadata]
UPGRADE_LOCK = 7_202_612  # any number, as long as nothing else in this database uses it


def run() -> None:
    url = context.config.attributes.get("url")
    if url is None:
        url = RecsysConfig.from_env(os.environ).database_url  # noqa: TID251 a composition root
    if context.is_offline_mode():
        context.configure(url=url, target_metadata=TARGETS, literal_binds=True, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = connect(url, busy_seconds=30.0).execution_options(vitrine_writes=True)
    try:
        with engine.connect() as connection:
            migrate(connection)
    finally:
        engine.dispose()


def migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Others wait for the lock up to the engine's 30 s; then a table someone holds stops us soon,
        # rather than us and everyone who queues behind us.
        connection.execute(text(f"SELECT pg_advisory_lock({UPGRADE_LOCK})"))
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.execute(text("SET statement_timeout = '15min'"))
        connection.commit()  # the lock and the settings are the session's
    context.configure(connection=connection, target_metadata=TARGETS, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def plain_type(kind: str, value: object, _context: object) -> str | bool:
    """A migration must outlive the code it was made from: write the column, not our class."""
    is_time = kind == "type" and type(value).__name__ == "UtcDateTime"
    return "sa.DateTime(timezone=True)" if is_time else False


OPTIONS = {
    "render_as_batch": True,
    "compare_type": True,
    "transactional_ddl": True,
    "render_item": plain_type,
}

run()
