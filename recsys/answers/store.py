"""The ledger's rows: recorded from its files, looked up, counted, pruned, forgotten [SQL]."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Engine,
    Select,
    Text,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from recsys.answers.entry import Answer
from recsys.answers.tables import AnswerMemberRow, AnswerRow
from recsys.behaviour import erasure
from recsys.database import Reader, writing
from recsys.tables import EventRow, is_storable
from recsys.types import EventKind

_TABLE: Any = AnswerRow.__table__
_COLUMNS = tuple(column.name for column in _TABLE.columns)
_PRUNED_AT_ONCE = 10_000
_UNTAKEN = (StatementError, ValueError, TypeError, OverflowError, AttributeError)
_ASKED_AT_ONCE = 500
_NO_CHANCES = "[]"  # an answer that nothing was left to chance in, as JSON
_RANDOM_PART = (
    25  # from here on an id is chance alone: an order that favours no hour and no shopper
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How many answers an hour had of one kind; `degraded` is what they did without."""

    hour: datetime
    placement: str
    strategy: str
    degraded: tuple[str, ...]
    answers: int


def record(session: Session, answers: Sequence[Answer]) -> int:
    """Write what is new and about nobody who has asked, since, to be forgotten.

    Returns:
        How many were new.
    """
    if not answers:
        return 0
    erasure.hold(session, exclusive=False)
    about = {one.recommendation_id: _about(one) for one in answers}
    erased = erasure.erasures(session, set().union(*about.values()))
    wanted = {
        one.recommendation_id: _values(one)
        for one in answers
        if all(one.at > erased[who] for who in about[one.recommendation_id] & erased.keys())
    }
    if not wanted:
        return 0
    insert = postgresql.insert if _is_postgresql(session) else sqlite.insert
    statement = insert(_TABLE).on_conflict_do_nothing(index_elements=["recommendation_id"])
    rows = [wanted[recommendation_id] for recommendation_id in sorted(wanted)]
    new = session.scalars(statement.returning(_TABLE.c.recommendation_id), rows).all()
    members = [
        {"user_id": one["user_id"], "recommendation_id": recommendation_id}
        for recommendation_id in new
        for one in wanted[recommendation_id]["members"] or ()
    ]
    if members:
        session.execute(insert(AnswerMemberRow), members)
    return len(new)


def recorder(engine: Engine) -> Callable[[Sequence[Answer]], int]:
    """What `ledger.drain` hands its lines to: one transaction a batch.

    A value that the database takes in no row (PostgreSQL has no NUL) must not hold up all others:
    such a batch is recorded answer by answer, without those.
    """

    def commit(answers: Sequence[Answer]) -> int:
        try:
            with writing(engine) as session:
                return record(session, answers)
        except _UNTAKEN as error:
            if _is_away(error):
                raise
            if len(answers) > 1:
                return sum(commit([one]) for one in answers)
            name = answers[0].recommendation_id
            _log.warning("answer %.40r is not recorded: %s", name, type(error).__name__)
            return 0

    return commit


def get(reader: Reader, recommendation_id: str) -> Answer | None:
    if not is_storable(recommendation_id):
        return None
    statement = select(*_TABLE.columns).where(AnswerRow.recommendation_id == recommendation_id)
    row = reader.execute(statement).one_or_none()
    return None if row is None else _answer(row)


def latest(
    reader: Reader, *, n: int, user_id: str | None = None, before: datetime | None = None
) -> list[Answer]:
    """The newest answers first; of one shopper where one is named, alone or in a group."""
    if user_id is not None and not is_storable(user_id):
        return []
    order = (AnswerRow.at.desc(), AnswerRow.recommendation_id.desc())
    statement = select(*_TABLE.columns).order_by(*order).limit(n)
    if user_id is not None:
        statement = statement.where(_about_one(user_id))
    if before is not None:
        statement = statement.where(AnswerRow.at < before)
    return [_answer(row) for row in reader.execute(statement)]


def sample(
    reader: Reader,
    *,
    since: datetime,
    until: datetime,
    n: int,
    placement: str | None = None,
    drawn: bool = False,
) -> list[Answer]:
    """At most `n` answers of a span of time, taken evenly from it; the same ones at every call.

    Where a placement is named, all of them are of it, however rare it is; where `drawn`, of those
    that anything was left to chance in.
    """
    statement = (
        select(*_TABLE.columns)
        .where(AnswerRow.at >= since, AnswerRow.at < until)
        .order_by(func.substr(AnswerRow.recommendation_id, _RANDOM_PART))
        .limit(n)
    )
    if placement is not None:
        statement = statement.where(AnswerRow.placement == placement)
    if drawn:
        statement = statement.where(cast_to(AnswerRow.propensities, Text) != _NO_CHANCES)
    return [_answer(row) for row in reader.execute(statement)]


def clicks(
    reader: Reader, recommendation_ids: Sequence[str], *, since: datetime
) -> dict[str, frozenset[str]]:
    """What shoppers did with items of these answers, by answer: whatever names it, but a dismissal."""
    found: dict[str, set[str]] = {}
    for start in range(0, len(recommendation_ids), _ASKED_AT_ONCE):
        part = recommendation_ids[start : start + _ASKED_AT_ONCE]
        statement = select(EventRow.recommendation_id, EventRow.item_id).where(
            EventRow.at >= since,
            EventRow.recommendation_id.in_(part),
            EventRow.kind != EventKind.DISMISS.value,
        )
        for recommendation_id, item_id in reader.execute(statement):
            found.setdefault(str(recommendation_id), set()).add(item_id)
    return {recommendation_id: frozenset(items) for recommendation_id, items in found.items()}


def forget(session: Session, user_id: str) -> int:
    """Delete every answer to a shopper, alone or in a group; how many there were."""
    if not is_storable(user_id):
        return 0
    _delete_members(
        session, select(AnswerRow.recommendation_id).where(AnswerRow.user_id == user_id)
    )
    deleted = _deleted(session, delete(AnswerRow).where(_about_one(user_id)))
    _delete_members(session, _among(user_id))
    return deleted


def prune(session: Session, *, now: datetime, days: float) -> int:
    """Delete some of what is older than `days`; call again while it deletes any."""
    old = (
        select(AnswerRow.recommendation_id)
        .where(AnswerRow.at < now - timedelta(days=days))
        .order_by(AnswerRow.at, AnswerRow.recommendation_id)
        .limit(_PRUNED_AT_ONCE)
    )
    _delete_members(session, old)
    return _deleted(session, delete(AnswerRow).where(AnswerRow.recommendation_id.in_(old)))


def figures(reader: Reader, *, since: datetime, until: datetime) -> list[Figure]:
    """Answers by hour, placement, strategy and what they did without; hours without any are left out."""
    hour = _hour(reader).label("hour")
    kinds = (AnswerRow.placement, AnswerRow.strategy, AnswerRow.degraded)
    statement = (
        select(hour, *kinds, func.count())
        .where(AnswerRow.at >= since, AnswerRow.at < until)
        .group_by(hour, *kinds)
        .order_by(hour, *kinds)
    )
    return [
        Figure(
            hour=datetime.fromisoformat(f"{when}:00:00+00:00"),
            placement=placement,
            strategy=strategy,
            degraded=_words(degraded),
            answers=number,
        )
        for when, placement, strategy, degraded, number in reader.execute(statement)
    ]


def _is_away(error: Exception) -> bool:
    """Whether it is the database that failed, and not one of the values."""
    about_values = isinstance(error, DataError | IntegrityError)
    return isinstance(error, DBAPIError) and not about_values


def _values(answer: Answer) -> dict[str, Any]:
    values = {name: getattr(answer, name) for name in _COLUMNS}
    return values | {"degraded": ",".join(answer.degraded)}


def _answer(row: Any) -> Answer:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return Answer(**values | {"degraded": _words(row.degraded)})


def _about(answer: Answer) -> set[str]:
    """Whose pasts an answer was made from."""
    alone = set() if answer.user_id is None else {answer.user_id}
    return alone | {one["user_id"] for one in answer.members or ()}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _hour(reader: Reader) -> Any:
    """The hour as text, which both databases group by."""
    bind = reader.get_bind() if isinstance(reader, Session) else reader
    if bind.dialect.name == "postgresql":
        return func.to_char(AnswerRow.at, "YYYY-MM-DD HH24")
    return func.strftime("%Y-%m-%d %H", AnswerRow.at)


def _about_one(user_id: str) -> ColumnElement[bool]:
    """Whether an answer was made for a shopper, alone or in a group."""
    return or_(AnswerRow.user_id == user_id, AnswerRow.recommendation_id.in_(_among(user_id)))


def _among(user_id: str) -> Select[str]:
    return select(AnswerMemberRow.recommendation_id).where(AnswerMemberRow.user_id == user_id)


def _delete_members(session: Session, answers: Select[str]) -> None:
    session.execute(delete(AnswerMemberRow).where(AnswerMemberRow.recommendation_id.in_(answers)))


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _deleted(session: Session, statement: Any) -> int:
    return int(cast(CursorResult[Any], session.execute(statement)).rowcount)
