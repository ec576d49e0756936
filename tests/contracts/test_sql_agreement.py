"""One story told to both databases: every answer must be the same."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session

from api import migrate
from recsys.behaviour import erasure, events
from recsys.catalogue import items, shelf
from recsys.catalogue.shelf import Shelf
from recsys.database import connect, reading, writing
from recsys.learning import runs
from recsys.types import Event, EventKind, Item

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KINDS = tuple(EventKind)


@pytest.fixture
def both(postgres_url: str, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    name = f"agree_{uuid.uuid4().hex[:12]}"
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    there = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    urls = (f"sqlite:///{tmp_path}/agree.db", there)
    for url in urls:
        migrate.upgrade(url)
    engines = tuple(connect(url) for url in urls)
    yield engines[0], engines[1]
    for engine in engines:
        engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def an_item(number: int) -> Item:
    return Item(
        item_id=f"i-{number:03}",
        title=f"{'Äpfel' if number % 2 else 'apples'} {number}%",
        category=("Grocery", f"c{number % 3}"),
        price=Decimal(number) / 7,
        stock=number % 4 or None,
        hidden=number % 5 == 0,
        attributes={"größe": "1 kg"},
    )


def an_event(number: int) -> Event:
    return Event(
        event_id=f"e-{number:04}",
        user_id=f"u-{number % 7}",
        item_id=f"i-{number % 40:03}",
        kind=KINDS[number % len(KINDS)],
        at=NOW + timedelta(microseconds=number * 333_333),
        order_id=f"o-{number // 3}" if number % 2 else None,
    )


def tell_items(session: Session) -> list[object]:
    answers: list[object] = [items.put_many(session, [an_item(n) for n in range(40)], now=NOW)]
    answers.append(items.put(session, an_item(40), now=NOW))
    answers.append(items.put(session, an_item(3), now=NOW))
    answers.append(items.patch(session, "i-004", {"price": Decimal("0.10"), "stock": 0}))
    answers += [items.count(session), items.changed_since(session, 2)]
    stand = shelf.refresh(session, Shelf.empty())
    return [*answers, stand.revision, stand.newest()]


def tell_events(session: Session) -> list[object]:
    answers: list[object] = [events.record(session, [an_event(n) for n in range(300)])]
    answers.append(erasure.forget(session, "u-2", at=NOW + timedelta(seconds=40)))
    answers.append(events.record(session, [an_event(n) for n in range(290, 310)]))
    answers += [events.history(session, f"u-{n}", limit=20) for n in range(8)]
    answers += list(events.all_histories(session, batch=50))
    answers += [events.count(session), events.users(session, limit=3, offset=1)]
    answers.append(events.frequent_users(session, 4))
    log = events.log(session, until=NOW + timedelta(seconds=90), batch=64)
    columns = (log.user_rows, log.item_rows, log.kinds, log.at, log.order_rows)
    return [*answers, log.user_ids, log.item_ids, *(column.tolist() for column in columns)]


def tell_runs(session: Session) -> list[object]:
    def without_id(run: runs.Run) -> dict[str, Any]:
        return {name: value for name, value in asdict(run).items() if name != "run_id"}

    run_id = runs.start(session, trigger="admin", now=NOW)
    answers: list[object] = [without_id(runs.get(session, run_id))]
    answers.append(runs.claim(session, run_id, now=NOW, lease_seconds=60))
    curves = {"loss": [0.1, 1e-9]}
    answers.append(runs.beat(session, run_id, stage="fit", progress=1 / 3, curves=curves, now=NOW))
    answers.append(without_id(runs.cancel(session, run_id, now=NOW)))
    answers.append(len(runs.expire(session, now=NOW + timedelta(days=1), lease_seconds=60)))
    return [*answers, *map(without_id, runs.recent(session, 5))]


@pytest.mark.parametrize("tell", [tell_items, tell_events, tell_runs])
def test_sqlite_and_postgresql_give_the_same_answers(
    both: tuple[Engine, Engine], tell: Callable[[Session], list[object]]
) -> None:
    told = []
    for engine in both:
        with writing(engine) as session:
            told.append(tell(session))

    assert told[0] == told[1]


def test_a_microsecond_survives_in_both(both: tuple[Engine, Engine]) -> None:
    moment = datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)
    spans = []
    for engine in both:
        with writing(engine) as session:
            events.record(
                session,
                [Event(event_id="e", user_id="u", item_id="i", kind=EventKind.VIEW, at=moment)],
            )
        with reading(engine) as session:
            spans.append(events.count(session).first_at)

    assert spans == [moment, moment]
