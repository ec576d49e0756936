"""A database that was not brought up to this release is told from one that is away or locked."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from recsys.database import lags

EARLIER = [
    "SELECT no_such_column FROM item",
    "SELECT 1 FROM no_such_table",
    "INSERT INTO item (no_such_column) VALUES (1)",
]
OURS = ["SELECT 1 FROM item WHERE", "SELECT no_such_function(1)"]


def failure(engine: Engine, statement: str) -> Exception:
    with engine.connect() as connection, pytest.raises(SQLAlchemyError) as told:
        connection.execute(text(statement))
    return told.value


@pytest.mark.parametrize("statement", EARLIER)
def test_a_missing_table_or_column_means_an_earlier_release(engine: Engine, statement: str) -> None:
    assert lags(failure(engine, statement))


@pytest.mark.parametrize("statement", OURS)
def test_a_faulty_statement_is_no_matter_of_releases(engine: Engine, statement: str) -> None:
    assert not lags(failure(engine, statement))
