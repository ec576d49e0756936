"""Changes of rules, placements and presets, written down and read back [SQL].

The log of changes is all there is: the state at any version is each thing's last change up to it,
so that the state and its history cannot disagree, and an old answer can be made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text
from sqlalchemy.orm import Session

from recsys.database import Reader
from recsys.errors import SteeringConflict, UnknownSteering
from recsys.merchandising import checking
from recsys.merchandising.plain import from_plain, to_plain
from recsys.merchandising.steering import Steering, key_of
from recsys.merchandising.tables import SteeringChangeRow
from recsys.merchandising.types import Steered, Subject

_VERSION = "SELECT max(version) FROM steering_change"  # asked by every process again and again
_Row = SteeringChangeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the log; `before` None made the thing, `after` None took it away."""

    version: int
    at: datetime
    who: str
    subject: Subject
    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    undoes: int | None = None


def put(
    session: Session, thing: Steered, *, who: str, now: datetime, expected: int | None = None
) -> Change:
    """Write one thing whole.

    Args:
        session: It writes.
        thing: A rule, a placement or a preset.
        who: The id of the key that acts.
        now: When.
        expected: The version of the thing's last change as its editor knew it, 0 where it was
            not there; None writes over whatever is.

    Raises:
        InvalidSteering: It cannot be meant like this.
        SteeringConflict: Somebody else has changed it meanwhile.
    """
    checking.check(thing)
    subject, name = key_of(thing)
    return _write(session, subject, name, to_plain(thing), who=who, now=now, expected=expected)


def remove(
    session: Session,
    subject: Subject,
    name: str,
    *,
    who: str,
    now: datetime,
    expected: int | None = None,
) -> Change:
    """Take one thing away; what is built in under its name is back.

    Raises:
        UnknownSteering: Nobody has written such a thing.
        SteeringConflict: Somebody else has changed it meanwhile.
    """
    return _write(session, subject, name, None, who=who, now=now, expected=expected)


def undo(session: Session, version: int, *, who: str, now: datetime) -> Change:
    """Make a thing what it was before that change. That is a change too, and can be undone.

    Raises:
        UnknownSteering: There is no such change.
        SteeringConflict: The thing has been changed again since.
    """
    _take_turns(session)
    row = session.get(_Row, version) if version < 2**63 else None
    if row is None:
        raise UnknownSteering("change", str(version))
    last = _last(session, Subject(row.subject), row.name)
    if last is None or last.version != version:
        raise SteeringConflict(row.subject, row.name, 0 if last is None else last.version)
    undone = _Row(
        subject=row.subject, name=row.name, before=row.after, after=row.before, undoes=version
    )
    return _append(session, undone, who=who, now=now)


def history(session: Session, *, limit: int = 50, offset: int = 0) -> list[Change]:
    """The newest changes first."""
    statement = select(_Row).order_by(_Row.version.desc()).limit(limit).offset(offset)
    return [_change(row) for row in session.scalars(statement)]


def as_of(reader: Reader, version: int) -> Steering:
    """Everything as it stood after that change; version 0 is what is built in.

    Raises:
        UnknownSteering: There was no such change yet.
    """
    if not 0 <= version <= version_of(reader):
        raise UnknownSteering("change", str(version))
    return _read(reader, version)


def refresh(reader: Reader, steering: Steering) -> Steering:
    """The steering as the database has it now; the same object when nothing was changed."""
    version = version_of(reader)
    return steering if version == steering.version else _read(reader, version)


def version_of(reader: Reader) -> int:
    plain = reader if isinstance(reader, Connection) else reader.connection()
    return int(plain.exec_driver_sql(_VERSION).scalar() or 0)


def _read(reader: Reader, version: int) -> Steering:
    past = select(func.max(_Row.version)).where(_Row.version <= version)
    last = past.group_by(_Row.subject, _Row.name)
    table = _Row.__table__.c
    statement = (
        select(table.version, table.subject, table.after)
        .where(table.version.in_(last), table.after.is_not(None))
        .order_by(table.version)
    )
    rows = reader.execute(statement)
    changed = [(from_plain(Subject(row.subject), row.after), row.version) for row in rows]
    return Steering.of(changed, version=version)


def _write(
    session: Session,
    subject: Subject,
    name: str,
    after: dict[str, Any] | None,
    *,
    who: str,
    now: datetime,
    expected: int | None,
) -> Change:
    _take_turns(session)
    last = _last(session, subject, name)
    there = last is not None and last.after is not None
    version = last.version if last is not None and there else 0
    if expected is not None and expected != version:
        raise SteeringConflict(subject, name, version)
    if after is None and not there:
        raise UnknownSteering(subject, name)
    before = last.after if last is not None else None
    row = _Row(subject=subject.value, name=name, before=before, after=after)
    return _append(session, row, who=who, now=now)


def _append(session: Session, row: SteeringChangeRow, *, who: str, now: datetime) -> Change:
    row.version, row.who, row.at = version_of(session) + 1, who, now
    session.add(row)
    session.flush()
    return _change(row)


def _last(session: Session, subject: Subject, name: str) -> SteeringChangeRow | None:
    statement = select(_Row).where(_Row.subject == subject.value, _Row.name == name)
    return session.scalar(statement.order_by(_Row.version.desc()).limit(1))


def _take_turns(session: Session) -> None:
    """One writer at a time, so that numbers have no gaps and nobody overwrites unseen.

    SQLite's writers do so by themselves (`database.writing`). Readers are not held up.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE steering_change IN SHARE ROW EXCLUSIVE MODE"))


def _change(row: SteeringChangeRow) -> Change:
    return Change(
        version=row.version,
        at=row.at,
        who=row.who,
        subject=Subject(row.subject),
        name=row.name,
        before=row.before,
        after=row.after,
        undoes=row.undoes,
    )
