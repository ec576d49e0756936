"""The doctor's two ways in: a file before its import, and the database."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from recsys.behaviour import doctor, events
from recsys.behaviour.doctor import Finding, Level, reading
from recsys.database import connect, writing
from recsys.types import Event, EventKind

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = 3_600_000
FIRST = int(BEGAN.timestamp()) * 1_000


def named(findings: Iterable[Finding], name: str) -> Finding:
    return next(one for one in findings if one.name == name)


HEAD = "event_id,user_id,item_id,kind,at,quantity,order_id"


def test_a_file_is_read_with_its_faults_named_by_line() -> None:
    lines = [
        HEAD,
        "1,u,i,view,2026-01-01T00:00:00.250Z,,",
        "2,u,i,stole,2026-01-01T00:00:00Z,,",
        "3,u,i,view,yesterday,,",
        "4,u,i,view,2026-01-01T00:00:00,,",
        "5,u",
        " ,u,i,view,2026-01-01T00:00:00Z,,",
        "7,u,i,view,2199-01-01T01:00:00+01:00,1,",
    ]

    deeds = reading.from_lines(f"{line}\n" for line in lines)

    assert [where for where, _ in deeds.bad] == [f"line {n}" for n in range(3, 8)]
    assert deeds.at.tolist() == [1767225600250, 7226582400000]
    assert deeds.zones.tolist() == [0, 60]
    future = named(doctor.check(deeds, now=NOW), "future")
    assert future.rows == ("line 8",)


@pytest.mark.parametrize("lines", [[], ["\n"], ["a,b,c\n"], ["\x00\n", "\x00"], [f"{HEAD}\n"]])
def test_a_file_with_nothing_in_it_fails(lines: list[str]) -> None:
    findings = doctor.check(reading.from_lines(lines), now=NOW)

    assert named(findings, "amount").level is Level.FAIL


def test_a_time_window_leaves_out_what_lies_outside() -> None:
    lines = [HEAD, *(f"{n},u,i{n},view,2026-01-{n:02}T00:00:00Z,," for n in range(1, 11))]

    inside = reading.from_lines(lines, since=datetime(2026, 1, 4, tzinfo=UTC))
    none = reading.from_lines(lines, since=datetime(2027, 1, 1, tzinfo=UTC))

    assert len(inside) == 7
    assert named(doctor.check(none, now=NOW), "window").level is Level.FAIL


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def _record(engine: Engine, deeds: Iterable[Event]) -> None:
    with writing(engine) as session:
        events.record(session, list(deeds))


def test_the_database_names_its_rows_by_event_id(engine: Engine) -> None:
    at = BEGAN + timedelta(milliseconds=125)
    deeds = [
        Event(event_id=f"e{n}", user_id="u", item_id=f"i{n // 2}", kind=EventKind.VIEW, at=at)
        for n in range(6)
    ]
    _record(engine, deeds)

    with writing(engine) as session:
        read = reading.from_database(session)
        finding = named(doctor.check(read, now=NOW), "duplicates")

    assert read.at.tolist() == [FIRST + 125] * 6
    assert finding.rows == ("e1", "e3", "e5")


def test_only_the_newest_are_read_where_that_is_asked(engine: Engine) -> None:
    deeds = [
        Event(
            event_id=f"e{n}",
            user_id="u",
            item_id="i",
            kind=EventKind.LIKE,
            at=BEGAN + timedelta(hours=n),
        )
        for n in range(10)
    ]
    _record(engine, deeds)

    with writing(engine) as session:
        read = reading.from_database(session, newest=3)
        windowed = reading.from_database(session, until=BEGAN + timedelta(hours=1))

    assert read.at.tolist() == [FIRST + n * HOUR for n in (7, 8, 9)]
    assert len(windowed) == 2
