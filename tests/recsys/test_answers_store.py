"""The ledger's rows on both databases, and the shelf as it was when they were made."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from recsys.answers import entry, ledger, store
from recsys.answers.entry import Answer
from recsys.answers.ledger import Drained, Ledger
from recsys.answers.store import Figure
from recsys.answers.tables import AnswerRow
from recsys.answers.then import shelf_at
from recsys.behaviour import erasure
from recsys.catalogue import items, shelf, versions
from recsys.catalogue.shelf import Shelf
from recsys.database import reading, writing
from recsys.tables import ItemRow
from recsys.types import Item, Query

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=31)


def answer(n: int = 0, **changes: object) -> Answer:
    at = NOW + timedelta(minutes=n)
    made = Answer(
        recommendation_id=entry.new_id(at),
        at=at,
        user_id="someone",
        placement="home",
        strategy="personal",
        request=entry.request_of(Query(k=2, exclude=frozenset({"x"}))),
        model_version="20261120T120000Z-abcdef",
        catalogue_revision=7,
        item_ids=["a", "b"],
        sources=["personal", "popular"],
        scores=[1.5, 0.25],
        degraded=["creatives", "history"],
    )
    return replace(made, **changes)


def recorded(engine: Engine, *answers: Answer) -> int:
    return int(store.recorder(engine)(answers))


def all_of(engine: Engine) -> set[str]:
    with reading(engine) as session:
        return set(session.scalars(select(AnswerRow.recommendation_id)))


def test_an_answer_is_recorded_once_and_read_back_whole(engine: Engine) -> None:
    whole = answer(
        experiments={"rows": "b"}, propensities=[0.5, 1.0], creative_keys=["k", None], teams=["a"]
    )

    assert recorded(engine, whole, answer(1)) == 2
    assert recorded(engine, whole, whole) == 0

    with reading(engine) as session:
        found = store.get(session, whole.recommendation_id)
        assert found is not None
        assert entry.query_of(found.request) == Query(k=2, exclude=frozenset({"x"}))
        assert replace(found, request={}, degraded=[]) == replace(whole, request={}, degraded=[])
        assert found.degraded == ("creatives", "history")
        assert store.get(session, "no such id\x00") is None


def test_nothing_of_a_forgotten_shopper_is_left_in_table_or_files(
    engine: Engine, tmp_path: Path
) -> None:
    recorded(engine, *(answer(n) for n in range(3)), answer(3, user_id="other"))
    waiting = Ledger(tmp_path)
    waiting.keep(answer(4))
    waiting.keep(answer(5, user_id="other"))
    elsewhere = answer(6)  # a line on another host's disk

    with writing(engine) as session:
        erasure.forget(session, "someone", at=LATER)
        deleted = store.forget(session, "someone")
    blanked = ledger.blank(tmp_path, "someone")
    drained = ledger.drain(tmp_path, store.recorder(engine))

    assert (deleted, blanked, drained) == (3, 1, Drained(recorded=1))
    assert recorded(engine, elsewhere) == 0
    assert not any(b"someone" in path.read_bytes() for path in tmp_path.iterdir())
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM answer")).all()
    assert len(rows) == 2
    assert "someone" not in repr(rows)


def test_who_comes_back_after_an_erasure_is_remembered_again(engine: Engine) -> None:
    with writing(engine) as session:
        erasure.forget(session, "someone", at=NOW)

    assert recorded(engine, answer(-1), answer(1)) == 1


def test_only_what_is_older_than_the_setting_is_pruned(engine: Engine) -> None:
    old, young = answer(), answer(24 * 60)
    recorded(engine, old, young)

    with writing(engine) as session:
        assert store.prune(session, now=NOW + timedelta(days=30.5), days=30) == 1
        assert store.prune(session, now=NOW + timedelta(days=30.5), days=30) == 0

    assert all_of(engine) == {young.recommendation_id}


@pytest.mark.parametrize(
    "odd",
    [
        {"placement": "a\x00b"},
        {"strategy": "s" * 500},
        {"catalogue_revision": 2**70},
        {"user_id": "\ud800"},
        {"at": "soon"},
        {"degraded": None},
        {"item_ids": [object()]},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_an_answer_that_no_database_takes_holds_up_no_other(
    engine: Engine, odd: dict[str, object]
) -> None:
    good = [answer(n) for n in range(3)]

    recorded(engine, good[0], answer(9, **odd), *good[1:])

    assert {one.recommendation_id for one in good} <= all_of(engine)


def test_a_database_that_is_away_is_told_and_nothing_is_given_up(
    engine: Engine, tmp_path: Path
) -> None:
    written = Ledger(tmp_path)
    written.keep(answer())
    written.close()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE answer RENAME TO hidden"))

    with pytest.raises(DBAPIError):
        ledger.drain(tmp_path, store.recorder(engine))

    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO answer"))
    assert ledger.drain(tmp_path, store.recorder(engine)) == Drained(recorded=1)


def test_figures_count_by_the_hour(engine: Engine) -> None:
    recorded(
        engine,
        *(answer(n, degraded=()) for n in range(3)),
        answer(30, strategy="similar"),
        answer(61, degraded=()),
        answer(-1, degraded=()),
    )

    with reading(engine) as session:
        found = store.figures(session, since=NOW, until=NOW + timedelta(hours=2))

    hour = timedelta(hours=1)
    home = Figure(hour=NOW, placement="home", strategy="personal", degraded=(), answers=3)
    assert found == [
        home,
        replace(home, strategy="similar", degraded=("creatives", "history"), answers=1),
        replace(home, hour=NOW + hour, answers=1),
    ]


def test_a_sample_is_the_same_at_every_call_and_within_its_span(engine: Engine) -> None:
    recorded(engine, *(answer(n) for n in range(40)))
    span = {"since": NOW, "until": NOW + timedelta(minutes=30), "n": 10}

    with reading(engine) as session:
        found = store.sample(session, **span)
        again = store.sample(session, **span)

    assert [one.recommendation_id for one in found] == [one.recommendation_id for one in again]
    assert len(found) == 10
    assert all(NOW <= one.at < NOW + timedelta(minutes=30) for one in found)
    assert found != sorted(found, key=lambda one: one.at)


def test_a_sample_of_a_placement_is_as_large_as_there_are_answers_of_it(engine: Engine) -> None:
    here = [answer(n, placement="cart") for n in range(3)]
    recorded(engine, *here, *(answer(n) for n in range(3, 40)))

    with reading(engine) as session:
        found = store.sample(session, since=NOW, until=LATER, n=5, placement="cart")

    assert {one.recommendation_id for one in found} == {one.recommendation_id for one in here}


def item(number: int, price: int = 1) -> Item:
    return Item(
        item_id=f"i{number}",
        title=f"Thing {number}",
        category=("A", "B"),
        price=Decimal(price),
        attributes={"colour": "red"},
        created_at=NOW,
    )


def held(engine: Engine, revision: int) -> Mapping[str, Item]:
    with reading(engine) as session:
        found = shelf_at(session, revision)
    return found.items


def test_every_earlier_shelf_can_be_set_up_again(engine: Engine) -> None:
    """Whatever was written, put, patched or imported: each revision's shelf is what it was."""
    then: dict[int, Mapping[str, Item]] = {}
    writes = [
        lambda session: items.put_many(session, [item(n) for n in range(6)], now=NOW),
        lambda session: items.put(session, item(1, price=5)),
        lambda session: items.patch(session, "i2", {"stock": 0}),
        lambda session: items.patch(session, "i2", {"hidden": True, "price": Decimal(9)}),
        lambda session: items.put_many(session, [item(2, price=7), item(8), item(1)], now=NOW),
        lambda session: items.put(session, item(9)),
        items.next_revision,
    ]
    for write in writes:
        with writing(engine) as session:
            write(session)
        with reading(engine) as session:
            now = shelf.refresh(session, Shelf.empty())
        then[now.revision] = now.items

    assert {revision: held(engine, revision) for revision in then} == then
    with reading(engine) as session:
        last = shelf.refresh(session, Shelf.empty())
        from_last = {revision: shelf_at(session, revision, now=last).items for revision in then}
    assert from_last == then


def test_before_the_first_import_the_shelf_was_empty(engine: Engine) -> None:
    with writing(engine) as session:
        items.put_many(session, [item(1)])

    assert held(engine, 0) == {}


def test_a_first_import_keeps_no_versions(engine: Engine) -> None:
    with writing(engine) as session:
        items.put_many(session, [item(n) for n in range(1_200)])
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(versions.VERSIONS)) == 0


def test_pruning_keeps_what_a_kept_answer_may_need(engine: Engine) -> None:
    for day in range(5):
        with writing(engine) as session:
            items.put(session, item(1, price=day + 1), now=NOW + timedelta(days=day))
    with writing(engine) as session:
        assert versions.prune(session, now=NOW + timedelta(days=33.5), days=30) == 3
        assert versions.prune(session, now=NOW + timedelta(days=33.5), days=30) == 0

    assert held(engine, 4)["i1"].price == Decimal(4)
    assert held(engine, 5)["i1"].price == Decimal(5)


def test_a_version_holds_every_column_of_an_item() -> None:
    columns = {column.name for column in versions.VERSIONS.columns}

    assert columns == {column.name for column in ItemRow.__table__.columns} | {
        "until",
        "replaced_at",
    }


@pytest.mark.parametrize("user_id", ["", "x\x00y"])
def test_nobody_of_an_impossible_id_is_forgotten(engine: Engine, user_id: str) -> None:
    recorded(engine, answer())
    with writing(engine) as session:
        assert store.forget(session, user_id) == 0
