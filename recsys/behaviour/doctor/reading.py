"""The two ways in: a CSV before its import, and the database [SQL].

A file is read leniently, for the doctor wants to see what the import would refuse: the line is
named, and times of any year are kept. Both ways hold columns, never rows: a million events are
35 MB.
"""

import csv
import zlib
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, String, func, select, type_coerce
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Session

from recsys.behaviour.doctor.columns import NO_ZONE, SECOND, Deeds, Ints
from recsys.behaviour.doctor.findings import ROWS_SHOWN
from recsys.tables import EventRow, id_problem
from recsys.types import EventKind

NEEDED = ("event_id", "user_id", "item_id", "kind")
_BATCH = 50_000
_KINDS = {kind.value: row for row, kind in enumerate(EventKind)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_lines(
    lines: Iterable[str], *, since: datetime | None = None, until: datetime | None = None
) -> Deeds:
    """An events file in the import's own columns; a row is named by its line."""
    reading = _Columns(since=since, until=until)
    rows = csv.reader(lines)
    try:
        reading.head([name.strip() for name in next(rows, [])])
        while True:
            try:
                for row in rows:
                    if row:
                        reading.add(row, rows.line_num)
            except csv.Error as error:
                reading.refuse(rows.line_num, str(error))
                continue
            break
    except (EOFError, zlib.error) as error:  # a gzip that was cut off: what came is still told
        reading.refuse(rows.line_num + 1, f"the file breaks off here ({error})")
    return reading.deeds()


def from_database(
    session: Session,
    *,
    newest: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Deeds:
    """The recorded events, or only the `newest` of them; a row is named by its event id."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    # Made into a datetime one by one, a million times would take ten seconds: the text is parsed
    # whole by numpy, and PostgreSQL gives a number.
    moment: Any = type_coerce(EventRow.at, String)
    if not sqlite:
        moment = as_type(func.floor(func.extract("epoch", EventRow.at) * SECOND), BigInteger)
    statement = select(EventRow.user_id, EventRow.item_id, EventRow.kind, moment)
    if since is not None:
        statement = statement.where(EventRow.at >= since)
    if until is not None:
        statement = statement.where(EventRow.at <= until)
    statement = statement.order_by(EventRow.at.desc(), EventRow.event_id.desc())
    if newest is not None:
        statement = statement.limit(newest)
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    blocks: list[Ints] = [np.empty((4, 0), np.int64)]
    result = session.execute(statement.execution_options(yield_per=_BATCH))
    for rows in result.partitions(_BATCH):
        block = np.empty((4, len(rows)), np.int64)
        block[0] = [users.setdefault(row[0], len(users)) for row in rows]
        block[1] = [items.setdefault(row[1], len(items)) for row in rows]
        block[2] = [_KINDS[row[2]] for row in rows]
        block[3] = _moments([row[3] for row in rows])
        blocks.append(block)
    columns = np.concatenate(blocks, axis=1)[:, ::-1]  # newest first was for the limit
    deeds = Deeds(
        users=columns[0].astype(np.int32),
        items=columns[1].astype(np.int32),
        kinds=columns[2].astype(np.int8),
        at=columns[3].copy(),
        user_ids=tuple(users),
        item_ids=tuple(items),
        rows_named=lambda rows: tuple(_event_id(session, deeds, int(row)) for row in rows),
    )
    return deeds


def _moments(values: list[Any]) -> Ints:
    """Milliseconds of SQLite's texts or PostgreSQL's numbers: (n,)."""
    if isinstance(values[0], int):
        return np.array(values, np.int64)
    return np.array(values, "datetime64[us]").astype(np.int64) // 1000


def _event_id(session: Session, deeds: Deeds, row: int) -> str:
    """Looked up by the index that covers histories: cheaper than to hold a million ids."""
    user, item, kind, at = (
        column[row] for column in (deeds.users, deeds.items, deeds.kinds, deeds.at)
    )
    moment = _EPOCH + int(at) * _MILLISECOND
    found = session.scalars(
        select(EventRow.event_id)
        .where(EventRow.user_id == deeds.user_ids[user], EventRow.item_id == deeds.item_ids[item])
        .where(EventRow.at >= moment, EventRow.at < moment + _MILLISECOND)
        .where(EventRow.kind == tuple(EventKind)[kind].value)
        .order_by(EventRow.at, EventRow.event_id)
    ).all()
    alike = (deeds.users[:row] == user) & (deeds.items[:row] == item)
    alike &= (deeds.at[:row] == at) & (deeds.kinds[:row] == kind)
    return found[min(int(alike.sum()), len(found) - 1)] if found else "deleted meanwhile"


class _Columns:
    """What has been read of a file so far: arrays that grow, and the lines that cannot be read."""

    def __init__(self, *, since: datetime | None, until: datetime | None) -> None:
        self._since = _milliseconds(since) if since else -(1 << 62)
        self._until = _milliseconds(until) if until else 1 << 62
        self._users: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._user, self._item, self._line = array("i"), array("i"), array("i")
        self._kind, self._zone = array("b"), array("h")
        self._at, self._id = array("q"), array("q")
        self._bad: list[tuple[str, str]] = []
        self._n_bad = 0
        self._cells: itemgetter[Any] | None = None
        self._last = ("", 0, 0)  # a basket says one time again and again

    def head(self, names: list[str]) -> None:
        names = [name.removeprefix("\ufeff") for name in names]
        missing = [name for name in (*NEEDED, "at") if name not in names]
        if missing:
            self.refuse(1, f"the first line must name the columns; missing: {', '.join(missing)}")
        else:
            self._cells = itemgetter(*(names.index(name) for name in (*NEEDED, "at")))

    def refuse(self, line: int, why: str) -> None:
        self._n_bad += 1
        if len(self._bad) < ROWS_SHOWN:
            self._bad.append((f"line {line}", why))

    def add(self, row: list[str], line: int) -> None:
        if self._cells is None:
            return
        try:
            event_id, user, item, kind, at = self._cells(row)
            moment, zone = self._moment(at)
            if not self._since <= moment <= self._until:
                return
            kind_row = _KINDS[kind]
            _must_be_id("event_id", event_id)
            user_row = _row_of(self._users, "user_id", user)
            item_row = _row_of(self._items, "item_id", item)
        except IndexError:
            self.refuse(line, f"{len(row)} cells are too few")
        except KeyError:
            self.refuse(line, f"kind: must be one of {', '.join(EventKind)}")
        except ValueError as error:
            self.refuse(line, str(error))
        else:
            self._user.append(user_row)
            self._item.append(item_row)
            self._kind.append(kind_row)
            self._at.append(moment)
            self._zone.append(zone)
            self._id.append(hash(event_id))
            self._line.append(line)

    def _moment(self, text: str) -> tuple[int, int]:
        """Milliseconds since the epoch and the zone in minutes; no time means now, as imported."""
        if text == self._last[0] and text:
            return self._last[1:]
        if not text:
            return _milliseconds(datetime.now(UTC)), NO_ZONE
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"at: {text[:40]!r} is no ISO 8601 time") from None
        zone = at.utcoffset()
        if zone is None:
            raise ValueError(f"at: {text[:40]!r} must name its zone, such as Z or +01:00")
        self._last = (text, _milliseconds(at), int(zone.total_seconds()) // 60)
        return self._last[1:]

    def deeds(self) -> Deeds:
        lines = np.array(self._line, np.int64)
        return Deeds(
            users=np.array(self._user, np.int32),
            items=np.array(self._item, np.int32),
            kinds=np.array(self._kind, np.int8),
            at=np.array(self._at, np.int64),
            ids=np.array(self._id, np.int64),
            zones=np.array(self._zone, np.int16),
            user_ids=tuple(self._users),
            item_ids=tuple(self._items),
            rows_named=lambda rows: tuple(f"line {line}" for line in lines[rows]),
            in_given_order=True,
            bad=tuple(self._bad),
            n_bad=self._n_bad,
        )


def _row_of(rows: dict[str, int], name: str, value: str) -> int:
    """The row of an id; one that was not met before is looked at first."""
    row = rows.get(value)
    if row is None:
        _must_be_id(name, value)
        row = rows[value] = len(rows)
    return row


def _must_be_id(name: str, value: str) -> None:
    problem = id_problem(value)
    if problem:
        raise ValueError(f"{name}: {problem}")


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND
