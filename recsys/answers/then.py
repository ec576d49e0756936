"""What an answer started from, set up again: the shelf of its revision, the shopper's past of its time [SQL]."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select

from recsys.answers import entry
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.behaviour.recent import NEWEST
from recsys.catalogue import items, versions
from recsys.catalogue import shelf as shelves
from recsys.catalogue.shelf import Shelf
from recsys.database import Reader
from recsys.tables import EventRow
from recsys.types import EventKind, UserHistory

_AROUND = timedelta(minutes=1)  # a shopper's clock may run ahead of ours by so much
_LATER = 64  # deeds after the answer that are looked past


def shelf_at(reader: Reader, revision: int, *, now: Shelf | None = None) -> Shelf:
    """The shelf as it was written at a revision; `now` saves reading what has not changed since.

    No offer of it has ended yet: ask it for the shelf `at` a moment.
    """
    current = shelves.refresh(reader, Shelf.empty() if now is None else now)
    if current.revision <= revision and not current.offers:
        return current
    written, before = versions.changed_after(reader, revision)
    sold = {**current.items, **current.offers}
    found = {item_id: item for item_id, item in sold.items() if item_id not in written}
    found |= {row.item_id: items.item_of(row) for row in before}
    return Shelf.of(found.values(), revision=min(revision, current.revision), now=0.0)


def history_at(reader: Reader, answer: Answer) -> UserHistory:
    """The deeds that an answer was made from, as far as they can still be read.

    What happened by then is not always what was known then: an event may have come late, or been
    erased. Of the deeds around that moment those are taken that have the answer's digest; where
    none have, those until then.
    """
    session = entry.session_of(answer.request)
    nobody = UserHistory(user_id=answer.user_id)
    if answer.user_id is None or answer.request.get("history") is not None:
        return with_session(nobody, session, at=answer.at)
    made = _Made(answer.user_id, answer.history_n, answer.history_digest, answer.at)
    return _past(reader, made, session)


def members_at(reader: Reader, answer: Answer) -> tuple[UserHistory, ...]:
    """The pasts of a group's shoppers, each as `history_at` finds one."""
    return tuple(_past(reader, _Made(**one, at=answer.at)) for one in answer.members or ())


class _Made(NamedTuple):
    """Whose deeds something was made from, and what is known of them."""

    user_id: str
    history_n: int
    history_digest: str
    at: datetime


def _past(reader: Reader, made: _Made, session: tuple[str, ...] = ()) -> UserHistory:
    n = max(0, made.history_n - len(session))
    around = _deeds(reader, made.user_id, until=made.at + _AROUND, newest=n + _LATER)
    for end in range(len(around.item_ids), n - 1, -1):
        found = _between(around, end - n, end)
        if entry.digest(with_session(found, session, at=made.at)) == made.history_digest:
            break
    else:
        until = sum(moment <= made.at.timestamp() for moment in around.at)
        found = _between(around, max(0, until - n), until)
    whole = found if n < NEWEST else events.with_lasting(reader, found)
    return with_session(whole, session, at=made.at)


def with_session(past: UserHistory, session: tuple[str, ...], *, at: datetime) -> UserHistory:
    """A past with this visit's items behind it, as the newest views."""
    moments = past.at if len(past.at) == len(past.item_ids) else ()
    known = bool(moments) or not past.item_ids
    return replace(
        past,
        item_ids=past.item_ids + session,
        kinds=past.kinds + (EventKind.VIEW,) * len(session),
        at=moments + (at.timestamp(),) * len(session) if known else (),
    )


def _between(past: UserHistory, start: int, end: int) -> UserHistory:
    return UserHistory(
        user_id=past.user_id,
        item_ids=past.item_ids[start:end],
        kinds=past.kinds[start:end],
        at=past.at[start:end],
    )


def _deeds(reader: Reader, user_id: str, *, until: datetime, newest: int) -> UserHistory:
    statement = (
        select(EventRow.item_id, EventRow.kind, EventRow.at)
        .where(EventRow.user_id == user_id, EventRow.at <= until)
        .order_by(EventRow.at.desc(), EventRow.event_id.desc())
        .limit(newest)
    )
    rows = reader.execute(statement).all()[::-1]
    return UserHistory(
        user_id=user_id,
        item_ids=tuple(row.item_id for row in rows),
        kinds=tuple(EventKind(row.kind) for row in rows),
        at=tuple(row.at.timestamp() for row in rows),
    )
