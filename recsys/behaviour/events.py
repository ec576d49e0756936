"""What shoppers did: an append-only table, and every reading of it that others need [SQL].

The client's `event_id` makes a retry harmless. What a forgotten shopper did before is refused
(`erasure`).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    bindparam,
    cast,
    extract,
    func,
    select,
)
from sqlalchemy.orm import Session

from recsys.behaviour import erasure, recording
from recsys.database import Reader
from recsys.tables import EventRow, is_storable
from recsys.types import LASTING, Deed, Event, EventKind, EventLog, UserHistory

ACCEPTED, DUPLICATE, ERASED = "accepted", "duplicate", "erased"
_KINDS = {kind.value: index for index, kind in enumerate(EventKind)}
_COLUMN_TYPES = (np.int32, np.int32, np.int8, np.int64, np.int32)  # as in EventLog
_KIND_NAMED = {kind.value: kind for kind in EventKind}

# Asked at every request: of the table, which spares the ORM's part, and built once.
_event = EventRow.__table__.c
_NEWEST_DEEDS = (
    select(_event.item_id, _event.kind, _event.at)
    .where(_event.user_id == bindparam("user_id"))
    .order_by(_event.at.desc(), _event.event_id.desc())
    .limit(bindparam("newest", type_=Integer))
)
_OLDER = 5_000  # deeds before the newest that are looked through: nobody's whole history is read
LASTING_N = 1_000  # of what was bought or dismissed in them, the newest are told
_older = (
    select(_event.item_id, _event.kind, _event.at)
    .where(_event.user_id == bindparam("user_id"), _event.at <= bindparam("before"))
    .order_by(_event.at.desc(), _event.event_id.desc())
    .limit(_OLDER)
    .subquery()
    .c
)
_LASTING_DEEDS = (
    select(_older.item_id, _older.kind, func.max(_older.at))
    .where(_older.kind.in_([kind.value for kind in LASTING]))
    .group_by(_older.item_id, _older.kind)
    .order_by(func.max(_older.at).desc(), _older.item_id, _older.kind)
    .limit(LASTING_N)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    total: int
    users: int
    by_kind: Mapping[EventKind, int]
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of each event, and the ids that were met for the first time."""

    statuses: list[str]
    unknown_items: frozenset[str] = frozenset()
    unknown_users: frozenset[str] = frozenset()


def record(session: Session, events: Sequence[Event]) -> list[str]:
    """Write what is new.

    Returns:
        For each event "accepted", "duplicate" (its id is known) or "erased" (its user asked to
        be forgotten after it happened).
    """
    return record_in(session.connection(), events, report=False).statuses


def record_in(connection: Connection, events: Sequence[Event], *, report: bool) -> Recorded:
    """As `record`; with `report` it also says which items and shoppers were never met before."""
    if not events:
        return Recorded(statuses=[])
    erasure.hold(connection, exclusive=False)
    found = recording.survey(
        connection,
        users={event.user_id for event in events},
        item_ids={event.item_id for event in events},
        report=report,
    )
    erased = erasure.erasures(connection, found.forgotten) if found.forgotten else {}
    refused = erasure.refused(connection, events, erased)
    wanted: dict[str, Event] = {}
    for place, event in enumerate(events):
        if place not in refused:
            wanted.setdefault(event.event_id, event)
    written = recording.insert(connection, wanted)
    statuses = []
    for place, event in enumerate(events):
        if event.event_id in written and place not in refused:
            written.remove(event.event_id)  # the same id again in this batch is a duplicate
            statuses.append(ACCEPTED)
        else:
            statuses.append(ERASED if place in refused else DUPLICATE)
    return Recorded(
        statuses=statuses,
        unknown_items=found.unknown_items,
        unknown_users=found.unknown_users,
    )


def history(reader: Reader, user_id: str, *, limit: int = 500) -> UserHistory:
    """The newest `limit` deeds of one shopper, oldest first; empty for an unknown one."""
    if not is_storable(user_id):
        return UserHistory(user_id=user_id)
    rows = reader.execute(_NEWEST_DEEDS, {"user_id": user_id, "newest": limit}).all()[::-1]
    newest = UserHistory(
        user_id=user_id,
        item_ids=tuple([item_id for item_id, _, _ in rows]),
        kinds=tuple([_KIND_NAMED[kind] for _, kind, _ in rows]),
        at=tuple([at.timestamp() for _, _, at in rows]),
    )
    return newest if len(rows) < limit else with_lasting(reader, newest)


def with_lasting(reader: Reader, newest: UserHistory) -> UserHistory:
    """The newest deeds with what was bought or dismissed in the 5,000 before them."""
    if newest.user_id is None or not newest.at:
        return newest
    there = set(zip(newest.item_ids, newest.kinds, newest.at, strict=True))
    before = datetime.fromtimestamp(newest.at[0], UTC)
    rows = reader.execute(_LASTING_DEEDS, {"user_id": newest.user_id, "before": before}).all()
    told = [Deed(item_id, _KIND_NAMED[kind], at.timestamp()) for item_id, kind, at in rows[::-1]]
    return replace(newest, lasting=tuple([deed for deed in told if deed not in there]))


def all_histories(
    session: Session, *, batch: int = 10_000, limit: int = 500
) -> Iterator[UserHistory]:
    """Every shopper's history in turn, streamed: `batch` rows are held at a time."""
    columns = (EventRow.user_id, EventRow.item_id, EventRow.kind, EventRow.at)
    statement = select(*columns).order_by(EventRow.user_id, EventRow.at, EventRow.event_id)
    rows = session.execute(statement.execution_options(yield_per=batch))
    for user_id, deeds in groupby(rows, key=lambda row: row.user_id):
        newest = deque(deeds, maxlen=limit)
        yield UserHistory(
            user_id=user_id,
            item_ids=tuple(row.item_id for row in newest),
            kinds=tuple(EventKind(row.kind) for row in newest),
            at=tuple(row.at.timestamp() for row in newest),
        )


def log(session: Session, *, until: datetime | None = None, batch: int = 50_000) -> EventLog:
    """Every event up to and including `until` as columns, sorted by time; ids in sorted order.

    Rows come in batches and are kept as narrow columns: ten million take about 800 MB in passing.
    """
    statement = select(
        EventRow.user_id, EventRow.item_id, EventRow.kind, _seconds(session), EventRow.order_id
    ).order_by(EventRow.at, EventRow.event_id)
    if until is not None:
        statement = statement.where(EventRow.at <= until)
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    orders: dict[str, int] = {}
    columns: tuple[list[NDArray[Any]], ...] = ([], [], [], [], [])
    result = session.execute(statement.execution_options(yield_per=batch))
    for rows in result.partitions(batch):
        found = (
            [users.setdefault(row[0], len(users)) for row in rows],
            [items.setdefault(row[1], len(items)) for row in rows],
            [_KINDS[row[2]] for row in rows],
            [row[3] for row in rows],
            [-1 if row[4] is None else orders.setdefault(row[4], len(orders)) for row in rows],
        )
        for column, values, kind in zip(columns, found, _COLUMN_TYPES, strict=True):
            column.append(np.array(values, dtype=kind))
    del orders
    user_ids, user_rows = _in_sorted_order(users)
    item_ids, item_rows = _in_sorted_order(items)
    user, item, kinds, at, order_rows = map(_end_to_end, columns, _COLUMN_TYPES)
    return EventLog(
        user_rows=user_rows[user],
        item_rows=item_rows[item],
        kinds=kinds,
        at=at,
        order_rows=order_rows,
        user_ids=user_ids,
        item_ids=item_ids,
    )


def count(session: Session) -> EventCounts:
    total, users_, first_at, last_at = session.execute(
        select(
            func.count(),
            func.count(EventRow.user_id.distinct()),
            func.min(EventRow.at),
            func.max(EventRow.at),
        ).select_from(EventRow)
    ).one()
    kinds = session.execute(select(EventRow.kind, func.count()).group_by(EventRow.kind)).all()
    return EventCounts(
        total=total,
        users=users_,
        by_kind={EventKind(kind): number for kind, number in sorted(kinds, key=lambda row: row[0])},
        first_at=first_at,
        last_at=last_at,
    )


def users(session: Session, *, limit: int, offset: int = 0) -> list[str]:
    """Shoppers with at least one event, by id."""
    statement = select(EventRow.user_id).distinct().order_by(EventRow.user_id)
    return list(session.scalars(statement.limit(limit).offset(offset)))


def frequent_users(session: Session, limit: int) -> list[tuple[str, int]]:
    """The shoppers with most events, and how many they have."""
    number = func.count()
    statement = (
        select(EventRow.user_id, number)
        .group_by(EventRow.user_id)
        .order_by(number.desc(), EventRow.user_id)
        .limit(limit)
    )
    return [(user_id, events) for user_id, events in session.execute(statement)]


def _seconds(session: Session) -> Any:
    """The time as whole seconds, made by the database: a datetime a row costs more than all else."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.floor(extract("epoch", EventRow.at)), BigInteger)
    return cast(func.strftime("%s", func.substr(EventRow.at, 1, 19)), BigInteger)  # to the second


def _end_to_end(blocks: list[NDArray[Any]], kind: type[Any]) -> NDArray[Any]:
    """One column of its blocks, which are let go."""
    whole = np.concatenate([np.zeros(0, kind), *blocks])
    blocks.clear()
    return whole


def _in_sorted_order(seen: Mapping[str, int]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The ids sorted, and for each number of first sight its row in that order."""
    ordered = tuple(sorted(seen))
    rows = np.empty(len(seen), dtype=np.int32)
    for row, name in enumerate(ordered):
        rows[seen[name]] = row
    return ordered, rows
