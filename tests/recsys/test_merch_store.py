"""Changes written down, undone, and read back as of any version, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recsys.database import looking, reading, writing
from recsys.errors import InvalidSteering, SteeringConflict, UnknownSteering
from recsys.merchandising import store
from recsys.merchandising.plain import to_plain
from recsys.merchandising.steering import Steering, key_of
from recsys.merchandising.store import Change
from recsys.merchandising.types import (
    CapBy,
    Placement,
    Rule,
    RuleKind,
    Steered,
    StrategyPreset,
    Subject,
)
from recsys.types import Boost, Dials, Hide

NOW = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
RULE = Rule(
    rule_id="summer",
    name="Sommer ☀",
    kind=RuleKind.CAP,
    where='category under "Board"',
    value=2.0,
    by=CapBy.CATEGORY,
    placements=("home", "attic"),
    audience=("new",),
    starts_at=NOW,
    ends_at=NOW + timedelta(days=7),
    priority=5,
)
PLACEMENT = Placement(
    name="home",
    title="For you",
    strategy="calm",
    k=8,
    filter="price < 20",
    boosts=(Boost(expression="discount", weight=0.5),),
    dials=Dials(diversity=0.25),
    hide=Hide.SEEN,
    strict=True,
)
PRESET = StrategyPreset(name="calm", base="personal", dials=Dials(novelty=-0.5))
THINGS = (RULE, PLACEMENT, PRESET)
SECOND: dict[Subject, Steered] = {
    Subject.RULE: replace(RULE, value=3.0),
    Subject.PLACEMENT: replace(PLACEMENT, k=9),
    Subject.STRATEGY: replace(PRESET, filter="price > 1"),
}


def state(steering: Steering) -> tuple[object, ...]:
    return (
        steering.version,
        steering.rules,
        dict(steering.placements),
        dict(steering.presets),
        dict(steering.changed_in),
    )


def put(session: Session, thing: Steered, **more: int) -> Change:
    return store.put(session, thing, who="key1", now=NOW, **more)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as opened:
        yield opened


def test_an_empty_database_steers_by_what_is_built_in(session: Session) -> None:
    found = store.refresh(session, Steering())

    assert found.version == 0
    assert found.rules == ()
    assert found.placement("home").strategy == "personal"
    assert found.placement("cart").strategy == "complements"


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
def test_what_is_written_is_read_back_whole(session: Session, thing: Steered) -> None:
    change = put(session, thing)

    found = store.as_of(session, change.version)
    subject, name = key_of(thing)
    back = {
        Subject.RULE: found.rule(name),
        Subject.PLACEMENT: found.placement(name),
        Subject.STRATEGY: found.preset(name),
    }[subject]
    assert back == thing
    assert found.changed_in == {(subject, name): 1}


def test_a_change_tells_who_when_and_what(session: Session) -> None:
    put(session, RULE)

    assert store.history(session) == [
        Change(
            version=1,
            at=NOW,
            who="key1",
            subject=Subject.RULE,
            name="summer",
            before=None,
            after=to_plain(RULE),
        )
    ]


def test_refresh_gives_the_same_object_until_something_changes(engine: Engine) -> None:
    with writing(engine) as session:
        put(session, RULE)
    with looking(engine) as reader:
        first = store.refresh(reader, Steering())
        assert store.refresh(reader, first) is first
    with writing(engine) as session:
        store.remove(session, Subject.RULE, "summer", who="key1", now=NOW)
    with looking(engine) as reader:
        second = store.refresh(reader, first)

    assert [first.rules, second.rules] == [(RULE,), ()]
    assert [first.version, second.version] == [1, 2]


def test_refresh_follows_a_database_that_was_restored(session: Session) -> None:
    put(session, RULE)

    assert store.refresh(session, Steering(version=99)).version == 1


def test_every_version_can_be_read_again(session: Session) -> None:
    for thing in (RULE, PLACEMENT, PRESET, replace(RULE, value=3.0)):
        put(session, thing)
    store.remove(session, Subject.PLACEMENT, "home", who="key1", now=NOW)

    seen = [store.as_of(session, version) for version in range(6)]

    assert [[rule.value for rule in one.rules] for one in seen] == [[], [2], [2], [2], [3], [3]]
    assert [one.placement("home").k for one in seen] == [20, 20, 8, 8, 8, 20]
    assert [one.preset("calm").base for one in seen] == ["calm"] * 3 + ["personal"] * 3


@pytest.mark.parametrize("version", [-1, 2, 2**70])
def test_a_version_that_never_was_is_unknown(session: Session, version: int) -> None:
    put(session, RULE)

    with pytest.raises(UnknownSteering):
        store.as_of(session, version)
    with pytest.raises(UnknownSteering):
        store.undo(session, version, who="key1", now=NOW)


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
@pytest.mark.parametrize("kind", ["made", "changed", "removed"])
def test_each_kind_of_change_can_be_undone_and_the_undoing_too(
    session: Session, thing: Steered, kind: str
) -> None:
    subject, name = key_of(thing)
    last = put(session, PRESET if subject is not Subject.STRATEGY else RULE)
    if kind != "made":
        last = put(session, thing)
    before = store.as_of(session, last.version)
    if kind == "removed":
        done = store.remove(session, subject, name, who="key1", now=NOW)
    else:
        done = put(session, SECOND[subject])
    after = store.as_of(session, done.version)

    undone = store.undo(session, done.version, who="key2", now=NOW)
    back = store.as_of(session, undone.version)
    redone = store.undo(session, undone.version, who="key2", now=NOW)
    again = store.as_of(session, redone.version)

    assert state(back)[1:4] == state(before)[1:4]
    assert state(again)[1:4] == state(after)[1:4]
    assert [undone.undoes, redone.undoes] == [done.version, undone.version]


def test_a_change_that_was_changed_again_is_not_undone(session: Session) -> None:
    put(session, RULE)
    put(session, replace(RULE, value=3.0))

    with pytest.raises(SteeringConflict):
        store.undo(session, 1, who="key1", now=NOW)


@pytest.mark.parametrize(("expected", "agrees"), [(None, True), (1, True), (0, False), (7, False)])
def test_an_editor_who_knew_another_version_is_refused(
    session: Session, expected: int | None, *, agrees: bool
) -> None:
    put(session, RULE)

    if agrees:
        assert put(session, replace(RULE, value=3.0), expected=expected).version == 2  # type: ignore[arg-type]
    else:
        with pytest.raises(SteeringConflict) as caught:
            put(session, replace(RULE, value=3.0), expected=expected)  # type: ignore[arg-type]
        assert caught.value.version == 1


def test_who_expects_nothing_there_may_make_it_once(session: Session) -> None:
    put(session, RULE, expected=0)
    store.remove(session, Subject.RULE, "summer", who="key1", now=NOW, expected=1)

    assert put(session, RULE, expected=0).version == 3


def test_what_nobody_has_written_cannot_be_removed(session: Session) -> None:
    with pytest.raises(UnknownSteering):
        store.remove(session, Subject.PLACEMENT, "home", who="key1", now=NOW)


def test_what_cannot_be_meant_is_not_written(session: Session) -> None:
    with pytest.raises(InvalidSteering):
        put(session, replace(RULE, where="price <"))

    assert store.history(session) == []


def test_history_comes_newest_first_in_pages(session: Session) -> None:
    for value in (1.0, 2.0, 3.0, 4.0):
        put(session, replace(RULE, value=value))

    assert [one.version for one in store.history(session, limit=2, offset=1)] == [3, 2]


def test_editors_at_once_leave_no_gap_and_only_one_of_them_wins(engine: Engine) -> None:
    with writing(engine) as session:
        put(session, RULE)

    def edit(number: int) -> bool:
        with writing(engine) as session:
            try:
                put(session, replace(RULE, value=float(number)), expected=1)
            except SteeringConflict:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(edit, range(4)))

    with reading(engine) as session:
        assert sum(won) == 1
        assert [one.version for one in store.history(session)] == [2, 1]
