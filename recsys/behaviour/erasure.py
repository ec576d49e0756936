"""Who asked to be forgotten: what they did is deleted, and refused for good should anyone bring it back [SQL].

A forgotten shopper's old events are known by the hash of the shopper's id and by their time, so that
neither a retry, a spool nor an import brings them back. An event that has no time of its own looks
new when it is sent again: the hashes of those that were deleted are kept for as long as a client may
go on trying.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from recsys.behaviour import recording
from recsys.database import Reader
from recsys.tables import ErasedEventRow, ErasureRow, EventRow, is_storable
from recsys.types import Event

RETRIED = timedelta(days=30)  # how long after an erasure the hashes of its events are kept
_AT_ONCE = 1_000  # rows of a statement
_LOCK = 7_202_611  # any number, as long as nothing else in this database uses it


def forget(session: Session, user_id: str, *, at: datetime) -> int:
    """Delete all that a shopper did, and refuse it for good should anyone bring it back.

    Returns:
        How many events were deleted.
    """
    if not is_storable(user_id):
        return 0
    hold(session, exclusive=True)
    # A client's clock may run ahead of ours: the newest event is covered too.
    newest = session.scalar(select(func.max(EventRow.at)).where(EventRow.user_id == user_id))
    erased_at = max(at, newest) if newest else at
    insert = _insert(session)(ErasureRow).values(
        user_hash=recording.user_hash(user_id), erased_at=erased_at
    )
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["user_hash"],
            set_={"erased_at": insert.excluded.erased_at},
            where=ErasureRow.erased_at < insert.excluded.erased_at,
        )
    )
    _remember(session, user_id, at)
    deleted: Any = session.execute(delete(EventRow).where(EventRow.user_id == user_id))
    return int(deleted.rowcount)


def hold(reader: Reader, *, exclusive: bool) -> None:
    """Keep a forgetting and a recording apart, else a row may slip in behind the deletion."""
    plain = reader if isinstance(reader, Connection) else reader.connection()
    if plain.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        shared = "" if exclusive else "_shared"
        plain.exec_driver_sql(f"SELECT pg_advisory_xact_lock{shared}({_LOCK})")


def erasures(reader: Reader, user_ids: Collection[str]) -> dict[str, datetime]:
    """Until when the forgotten ones among these shoppers are."""
    user_of = {recording.user_hash(user_id): user_id for user_id in user_ids}
    statement = select(ErasureRow.user_hash, ErasureRow.erased_at).where(
        ErasureRow.user_hash.in_(list(user_of))
    )
    return {user_of[user_hash]: erased_at for user_hash, erased_at in reader.execute(statement)}


def refused(
    connection: Connection, events: Sequence[Event], erased: Mapping[str, datetime]
) -> set[int]:
    """Which of these happened before their shopper was forgotten, or were deleted then."""
    if not erased:
        return set()
    later: dict[str, list[int]] = {}
    found = set()
    for place, event in enumerate(events):
        erased_at = erased.get(event.user_id)
        if erased_at is not None and event.at <= erased_at:
            found.add(place)
        elif erased_at is not None:
            hashed = recording.event_hash(event.user_id, event.event_id)
            later.setdefault(hashed, []).append(place)
    hashes = list(later)
    for start in range(0, len(hashes), _AT_ONCE):
        some = hashes[start : start + _AT_ONCE]
        known = select(ErasedEventRow.event_hash).where(ErasedEventRow.event_hash.in_(some))
        found.update(*(later[hashed] for hashed in connection.scalars(known)))
    return found


def prune(session: Session, *, now: datetime) -> None:
    """Drop the hashes of events that no client tries to send again any more."""
    session.execute(delete(ErasedEventRow).where(ErasedEventRow.erased_at < now - RETRIED))


def _remember(session: Session, user_id: str, at: datetime) -> None:
    """Keep the hashes of a shopper's events that are about to be deleted."""
    ids = list(session.scalars(select(EventRow.event_id).where(EventRow.user_id == user_id)))
    insert = _insert(session)(ErasedEventRow)
    again = insert.on_conflict_do_update(
        index_elements=["event_hash"], set_={"erased_at": insert.excluded.erased_at}
    )
    for start in range(0, len(ids), _AT_ONCE):
        rows = [
            {"event_hash": recording.event_hash(user_id, event_id), "erased_at": at}
            for event_id in ids[start : start + _AT_ONCE]
        ]
        session.execute(again, rows)


def _insert(session: Session) -> Any:
    dialect = session.get_bind().dialect.name
    return postgresql.insert if dialect == "postgresql" else sqlite.insert
