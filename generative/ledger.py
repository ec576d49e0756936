"""The providers' book [SQL]: who is switched off, what was spent today, and how their lines fared.

Every process sees the same switches within a second, and the budget is one: money is set aside by
one conditional UPDATE before a call, so that workers side by side cannot overspend it together.
A database that is away closes the purse, and leaves the switches as they were last seen.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from generative.copy.guard import Held
from generative.tables import ProviderDayRow, ProviderRow

log = logging.getLogger(__name__)

SWITCHES_SECONDS = 1.0  # how long what was read of the switches is believed
PURSE = "*"  # the row of all providers together: the budget is the shop's, not one provider's


class SqlLedger:
    """A `providers.Ledger` over the tables creative_provider and creative_provider_day."""

    def __init__(
        self,
        engine: Engine,
        *,
        daily_budget: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._budget = daily_budget
        self._clock = clock
        self._now = now
        self._off: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    def allowed(self, name: str) -> str:
        if self._clock() - self._read_at >= SWITCHES_SECONDS:
            try:
                with Session(self._engine) as session:
                    self._off = switched_off(session)
            except SQLAlchemyError:
                log.warning("provider switches unread; the last ones hold")
            self._read_at = self._clock()
        return "it is switched off" if name in self._off else ""

    def reserve(self, name: str, most: float) -> Held | None:
        day = _day(self._now())
        held = Held(name=name, most=max(most, 0.0), day=day)
        if most <= 0:
            return held
        try:
            with Session(self._engine) as session, session.begin():
                _open(session, [PURSE, name], day)
                fits = session.execute(
                    update(ProviderDayRow)
                    .where(ProviderDayRow.name == PURSE, ProviderDayRow.day == day)
                    .where(ProviderDayRow.spent + most <= self._budget)
                    .values(spent=ProviderDayRow.spent + most)
                    .returning(ProviderDayRow.name)
                ).first()
                if fits is not None:
                    _add(session, name, day, spent=most)
        except SQLAlchemyError:
            log.warning("provider money cannot be booked, so none is spent")
            return None
        return held if fits is not None else None

    def settle(self, held: Held, *, spent: float) -> None:
        if held.most == spent:
            return
        try:
            with Session(self._engine) as session, session.begin():
                _open(session, [PURSE, held.name], held.day)
                _add(session, PURSE, held.day, spent=spent - held.most)
                _add(session, held.name, held.day, spent=spent - held.most)
        except SQLAlchemyError:
            # What was set aside stays booked: the budget may then stop early, never late.
            log.warning("provider money could not be settled")

    def record(
        self, name: str, *, candidates: int, accepted: int, seconds: float, failed: bool
    ) -> None:
        day = _day(self._now())
        told = {
            "calls": 1,
            "failures": int(failed),
            "candidates": candidates,
            "accepted": accepted,
            "seconds": seconds,
        }
        try:
            with Session(self._engine) as session, session.begin():
                _open(session, [name], day)
                _add(session, name, day, **told)
        except SQLAlchemyError:
            log.warning("a provider's call was not counted")


def switched_off(session: Session) -> frozenset[str]:
    return frozenset(
        session.scalars(select(ProviderRow.name).where(ProviderRow.enabled.is_(False)))
    )


def switch(session: Session, name: str, *, on: bool, now: datetime | None = None) -> None:
    """Turn a provider on or off for every process, whatever the configuration says."""
    row = session.get(ProviderRow, name) or ProviderRow(name=name)
    row.enabled = on
    row.changed_at = now or datetime.now(UTC)
    session.add(row)


def today(session: Session, *, now: datetime | None = None) -> dict[str, ProviderDayRow]:
    """What each provider did today; PURSE holds what all spent together."""
    day = _day(now or datetime.now(UTC))
    rows = session.scalars(select(ProviderDayRow).where(ProviderDayRow.day == day))
    return {row.name: row for row in rows}


def spent_today(session: Session, *, now: datetime | None = None) -> float:
    day = _day(now or datetime.now(UTC))
    of_all = (ProviderDayRow.day == day, ProviderDayRow.name == PURSE)
    return session.scalar(select(ProviderDayRow.spent).where(*of_all)) or 0.0


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _open(session: Session, names: list[str], day: str) -> None:
    """Make sure that the day's rows are there, whoever comes first."""
    dialect = session.get_bind().dialect.name
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    empty = {
        "day": day,
        "calls": 0,
        "failures": 0,
        "candidates": 0,
        "accepted": 0,
        "seconds": 0.0,
        "spent": 0.0,
    }
    rows = [{"name": name, **empty} for name in sorted(names)]
    session.execute(insert(ProviderDayRow).on_conflict_do_nothing(), rows)


def _add(session: Session, name: str, day: str, **amounts: float) -> None:
    """Add to a day's counts in the database, not here: others add to them too."""
    columns = {field: getattr(ProviderDayRow, field) + value for field, value in amounts.items()}
    session.execute(
        update(ProviderDayRow)
        .where(ProviderDayRow.name == name, ProviderDayRow.day == day)
        .values(**columns)
    )
