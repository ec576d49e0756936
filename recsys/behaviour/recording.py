"""Events into the table, a thousand in three statements: past SQLAlchemy's compiler, by the driver [SQL].

PostgreSQL gets its rows as arrays, SQLite its ids as one JSON text: either way the statement is the
same whatever the number of events, so that the server or driver prepares it once.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256

from sqlalchemy import Connection

from recsys.types import Event, EventKind

_VALUES = {kind: kind.value for kind in EventKind}  # reading an enum's value costs more than this
_COLUMNS = (
    "event_id, user_id, item_id, kind, at, quantity, order_id, recommendation_id, price, currency"
)
_TEXTS = "(SELECT value FROM json_each(?))"

_FORGOTTEN, _ITEM, _USER = range(3)
_SURVEY_SQLITE = f"""
SELECT {_FORGOTTEN}, user_hash FROM erasure WHERE user_hash IN {_TEXTS} UNION ALL
SELECT {_ITEM}, value FROM json_each(?) AS asked
 WHERE NOT EXISTS (SELECT 1 FROM item WHERE item_id = asked.value) UNION ALL
SELECT {_USER}, value FROM json_each(?) AS asked
 WHERE NOT EXISTS (SELECT 1 FROM event WHERE user_id = asked.value)
"""  # noqa: S608 numbers of ours
_SURVEY_POSTGRESQL = f"""
SELECT {_FORGOTTEN}, user_hash FROM erasure WHERE user_hash = ANY(%s::text[]) UNION ALL
SELECT {_ITEM}, id FROM unnest(%s::text[]) AS asked(id)
 WHERE NOT EXISTS (SELECT 1 FROM item WHERE item_id = asked.id) UNION ALL
SELECT {_USER}, id FROM unnest(%s::text[]) AS asked(id)
 WHERE NOT EXISTS (SELECT 1 FROM event WHERE user_id = asked.id)
"""  # noqa: S608 numbers of ours
_KNOWN_SQLITE = f"SELECT event_id FROM event WHERE event_id IN {_TEXTS}"  # noqa: S608 ours
_INSERT_SQLITE = f"INSERT INTO event ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 ours
_INSERT_POSTGRESQL = f"""
INSERT INTO event ({_COLUMNS})
SELECT * FROM unnest(
 %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::text[], %s::text[],
 %s::numeric[], %s::text[]
) ON CONFLICT (event_id) DO NOTHING RETURNING event_id
"""  # noqa: S608 ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Who among those asked for asked to be forgotten, and which ids were never met before."""

    forgotten: frozenset[str]
    unknown_items: frozenset[str]
    unknown_users: frozenset[str]


def survey(
    connection: Connection, *, users: Collection[str], item_ids: Collection[str], report: bool
) -> Survey:
    """One question for all; without `report` only the forgotten are asked for."""
    hashes = {user_hash(user_id): user_id for user_id in users}
    asked = [list(hashes), list(item_ids) if report else [], list(users) if report else []]
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(_SURVEY_POSTGRESQL, tuple(asked))
    else:
        found = connection.exec_driver_sql(_SURVEY_SQLITE, tuple(map(json.dumps, asked)))
    answers: tuple[list[str], list[str], list[str]] = ([], [], [])
    for kind, value in found:
        answers[kind].append(value)
    return Survey(
        forgotten=frozenset(hashes[value] for value in answers[_FORGOTTEN]),
        unknown_items=frozenset(answers[_ITEM]),
        unknown_users=frozenset(answers[_USER]),
    )


def insert(connection: Connection, events: Mapping[str, Event]) -> set[str]:
    """Write these events, by their ids; the ids that were new."""
    if not events:
        return set()
    # Sorted, so that two writers with the same ids wait for each other instead of deadlocking.
    ordered = [events[event_id] for event_id in sorted(events)]
    if connection.dialect.name == "postgresql":
        columns = tuple(map(list, zip(*[_row(event) for event in ordered], strict=True)))
        return set(connection.exec_driver_sql(_INSERT_POSTGRESQL, columns).scalars())
    # One writer at a time: what is not known now is new until the commit.
    asked = (json.dumps(list(events)),)
    known = set(connection.exec_driver_sql(_KNOWN_SQLITE, asked).scalars())
    new = [event for event in ordered if event.event_id not in known]
    if new:
        connection.exec_driver_sql(_INSERT_SQLITE, _rows_for_sqlite(new))
    return {event.event_id for event in new}


def user_hash(user_id: str) -> str:
    return sha256(user_id.encode()).hexdigest()


def event_hash(user_id: str, event_id: str) -> str:
    """Of both: an event id of one shopper says nothing of another's."""
    return sha256(f"{user_id}\0{event_id}".encode()).hexdigest()


def _rows_for_sqlite(events: Sequence[Event]) -> list[tuple[object, ...]]:
    """As SQLAlchemy's types write a time, without its zone, to the microsecond, and an amount."""
    return [
        (
            *row[:4],
            event.at.astimezone(UTC).isoformat(" ", "microseconds")[:26],
            *row[5:8],
            None if event.price is None else float(event.price),
            event.currency,
        )
        for event, row in zip(events, map(_row, events), strict=True)
    ]


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.event_id,
        event.user_id,
        event.item_id,
        _VALUES[event.kind],
        event.at,
        event.quantity,
        event.order_id,
        event.recommendation_id,
        event.price,
        event.currency,
    )
