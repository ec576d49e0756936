"""What shoppers did, on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from recsys.behaviour import erasure, events
from recsys.database import writing
from recsys.tables import MAX_ID_LENGTH, ErasedEventRow, ErasureRow
from recsys.types import Deed, Event, EventKind, UserHistory

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as opened:
        yield opened


def an_event(number: int, **changes: object) -> Event:
    fields: dict[str, object] = {
        "event_id": f"e-{number:05}",
        "user_id": "u1",
        "item_id": f"i-{number}",
        "kind": EventKind.VIEW,
        "at": NOW + timedelta(seconds=number),
    }
    return Event(**fields | changes)


def test_a_new_event_is_accepted_and_its_retry_is_a_duplicate(session: Session) -> None:
    assert events.record(session, [an_event(1), an_event(2)]) == ["accepted", "accepted"]
    assert events.record(session, [an_event(2), an_event(3)]) == ["duplicate", "accepted"]
    assert events.count(session).total == 3


def test_the_same_id_twice_in_a_batch_counts_once_and_the_first_wins(session: Session) -> None:
    batch = [an_event(1, item_id="first"), an_event(1, item_id="second")]

    assert events.record(session, batch) == ["accepted", "duplicate"]
    assert events.history(session, "u1").item_ids == ("first",)


def test_nothing_to_record_is_no_error(session: Session) -> None:
    assert events.record(session, []) == []


def test_a_long_batch_answers_each_event_in_its_place(session: Session) -> None:
    events.record(session, [an_event(number) for number in range(0, 1_300, 2)])

    answers = events.record(session, [an_event(number) for number in range(1_300)])

    assert answers == ["duplicate", "accepted"] * 650


def test_history_is_the_newest_deeds_oldest_first(session: Session) -> None:
    deeds = [an_event(n, kind=kind) for n, kind in enumerate(EventKind)]
    events.record(session, [*reversed(deeds), an_event(9, user_id="u2")])

    assert events.history(session, "u1", limit=3) == UserHistory(
        user_id="u1",
        at=tuple(deed.at.timestamp() for deed in deeds[2:]),
        item_ids=("i-2", "i-3", "i-4"),
        kinds=(EventKind.PURCHASE, EventKind.LIKE, EventKind.DISMISS),
    )


def test_before_the_newest_deeds_only_what_was_bought_or_dismissed_is_told(
    session: Session,
) -> None:
    bought, dismissed = EventKind.PURCHASE, EventKind.DISMISS
    events.record(
        session,
        [
            an_event(0, item_id="twice", kind=bought),
            an_event(1, item_id="away", kind=dismissed),
            an_event(2, item_id="seen"),
            an_event(3, item_id="twice", kind=bought),
            an_event(4, item_id="twice", kind=dismissed),
            an_event(5, item_id="other", user_id="u2", kind=dismissed),
            an_event(6, item_id="same", kind=bought, at=NOW + timedelta(seconds=10)),
            *map(an_event, range(10, 13)),
        ],
    )

    history = events.history(session, "u1", limit=3)

    assert history.item_ids == ("i-10", "i-11", "i-12")
    assert history.lasting == (
        Deed("away", dismissed, (NOW + timedelta(seconds=1)).timestamp()),
        Deed("twice", bought, (NOW + timedelta(seconds=3)).timestamp()),
        Deed("twice", dismissed, (NOW + timedelta(seconds=4)).timestamp()),
        Deed("same", bought, (NOW + timedelta(seconds=10)).timestamp()),
    )
    assert history.dismissed == {"away", "twice"}
    assert history.purchased == {"twice", "same"}


def test_of_very_many_deeds_the_oldest_are_not_looked_through(session: Session) -> None:
    events.record(session, [an_event(0, kind=EventKind.DISMISS)])
    events.record(session, [an_event(1, kind=EventKind.DISMISS)])
    events.record(session, [an_event(n) for n in range(2, 5_010)])

    assert events.history(session, "u1", limit=10).dismissed == {"i-1"}


def test_a_history_is_read_from_its_index_alone_and_in_its_order(session: Session) -> None:
    if session.get_bind().dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by the size of a table, and this one is empty")
    statement = events._NEWEST_DEEDS.params(user_id="u1", newest=500).compile(
        session.get_bind(), compile_kwargs={"literal_binds": True}
    )
    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")

    assert [row.detail for row in plan] == [
        "SEARCH event USING COVERING INDEX ix_event_history (user_id=?)"
    ]


def test_the_longest_ids_fit_the_index(session: Session) -> None:
    # Characters of four bytes that no compression shortens: PostgreSQL bounds an index's row.
    letters = np.random.default_rng(0).integers(0x20000, 0x2A000, (3, MAX_ID_LENGTH))
    user_id, item_id, event_id = ("".join(map(chr, row)) for row in letters.tolist())

    events.record(session, [an_event(1, event_id=event_id, user_id=user_id, item_id=item_id)])

    assert events.history(session, user_id).item_ids == (item_id,)


@pytest.mark.parametrize("user_id", ["nobody", "nul\x00", "\udc80"])
def test_an_unknown_shopper_has_an_empty_history(session: Session, user_id: str) -> None:
    assert events.history(session, user_id) == UserHistory(user_id=user_id)


def test_ids_with_slashes_and_emoji_keep_their_shape(session: Session) -> None:
    odd = an_event(1, user_id="ü/🧑‍🍳", item_id="a/b?c=d&e", order_id="№ 5")

    events.record(session, [odd])

    assert events.history(session, "ü/🧑‍🍳").item_ids == ("a/b?c=d&e",)


def test_log_is_sorted_by_time_with_ids_in_sorted_order(session: Session) -> None:
    events.record(
        session,
        [
            an_event(3, user_id="b", item_id="z", kind=EventKind.PURCHASE, order_id="o-1"),
            an_event(1, user_id="c", item_id="y"),
            an_event(2, user_id="a", item_id="z", kind=EventKind.PURCHASE, order_id="o-1"),
        ],
    )

    log = events.log(session, batch=2)

    assert (log.user_ids, log.item_ids) == (("a", "b", "c"), ("y", "z"))
    assert log.user_rows.tolist() == [2, 0, 1]
    assert log.item_rows.tolist() == [0, 1, 1]
    assert [tuple(EventKind)[kind] for kind in log.kinds] == ["view", "purchase", "purchase"]
    assert log.at.tolist() == [int(NOW.timestamp()) + n for n in (1, 2, 3)]
    assert log.order_rows.tolist() == [-1, 0, 0]
    assert [column.dtype for column in (log.user_rows, log.kinds, log.at)] == [
        np.int32,
        np.int8,
        np.int64,
    ]


def test_log_of_nothing_is_empty(session: Session) -> None:
    log = events.log(session)

    assert len(log) == 0
    assert (log.user_ids, log.item_ids) == ((), ())


def test_log_stops_at_the_moment_asked_for(session: Session) -> None:
    events.record(session, [an_event(number) for number in range(5)])

    assert len(events.log(session, until=NOW + timedelta(seconds=2))) == 3


def test_all_histories_come_one_shopper_at_a_time(session: Session) -> None:
    batch = [an_event(n, user_id=f"u{n % 3}", item_id=f"i-{n}") for n in range(9)]
    events.record(session, batch)

    histories = list(events.all_histories(session, batch=2))

    assert [history.user_id for history in histories] == ["u0", "u1", "u2"]
    assert histories[1] == events.history(session, "u1")


def test_all_histories_keep_the_newest_of_a_shopper_without_end(session: Session) -> None:
    events.record(session, [an_event(n) for n in range(30)])

    (history,) = events.all_histories(session, limit=2)

    assert history.item_ids == ("i-28", "i-29")


def test_count_tells_kinds_users_and_the_span(session: Session) -> None:
    events.record(session, [an_event(1), an_event(2, user_id="u2", kind=EventKind.CART)])

    assert events.count(session) == events.EventCounts(
        total=2,
        users=2,
        by_kind={EventKind.CART: 1, EventKind.VIEW: 1},
        first_at=NOW + timedelta(seconds=1),
        last_at=NOW + timedelta(seconds=2),
    )


def test_count_of_nothing_has_no_span(session: Session) -> None:
    assert events.count(session) == events.EventCounts(
        total=0, users=0, by_kind={}, first_at=None, last_at=None
    )


def test_users_come_in_pages_and_by_their_number_of_events(session: Session) -> None:
    batch = [an_event(n, user_id=f"u{n % 4 % 3}") for n in range(8)]
    events.record(session, batch)

    assert events.users(session, limit=2) == ["u0", "u1"]
    assert events.users(session, limit=2, offset=2) == ["u2"]
    assert events.frequent_users(session, 2) == [("u0", 4), ("u1", 2)]


def test_a_forgotten_shopper_is_gone_and_stays_gone(session: Session) -> None:
    batch = [an_event(1), an_event(2), an_event(3, user_id="u2")]
    events.record(session, batch)

    assert erasure.forget(session, "u1", at=NOW + timedelta(minutes=1)) == 2
    assert events.record(session, batch) == ["erased", "erased", "duplicate"]
    assert events.history(session, "u1").item_ids == ()
    assert events.history(session, "u2").item_ids == ("i-3",)


def test_a_forgotten_shopper_may_begin_anew(session: Session) -> None:
    erasure.forget(session, "u1", at=NOW)

    assert events.record(session, [an_event(1)]) == ["accepted"]


def test_forgetting_covers_an_event_from_a_clock_ahead_of_ours(session: Session) -> None:
    ahead = an_event(60)
    events.record(session, [ahead])

    erasure.forget(session, "u1", at=NOW)

    assert events.record(session, [ahead]) == ["erased"]


def test_a_deleted_event_that_is_sent_again_with_another_time_stays_deleted(
    session: Session,
) -> None:
    events.record(session, [an_event(n) for n in range(1_200)])
    erasure.forget(session, "u1", at=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)

    answers = events.record(
        session,
        [
            an_event(0, at=later),
            an_event(1_199, at=later),
            an_event(3, user_id="u2", at=later),
            an_event(5_000, at=later),
        ],
    )

    assert answers == ["erased", "erased", "accepted", "accepted"]
    assert events.history(session, "u1").item_ids == ("i-5000",)


def test_the_hashes_of_deleted_events_are_not_kept_for_ever(session: Session) -> None:
    events.record(session, [an_event(1)])
    erasure.forget(session, "u1", at=NOW + timedelta(hours=1))
    erasure.forget(session, "u2", at=NOW + timedelta(hours=2))
    kept = session.scalars(select(ErasedEventRow.event_hash)).all()

    erasure.prune(session, now=NOW + timedelta(hours=2) + erasure.RETRIED)

    assert len(kept) == 1
    assert session.scalars(select(ErasedEventRow.event_hash)).all() == []


def test_forgetting_again_never_shortens_the_erasure(session: Session) -> None:
    erasure.forget(session, "u1", at=NOW + timedelta(hours=1))
    erasure.forget(session, "u1", at=NOW)

    assert events.record(session, [an_event(1)]) == ["erased"]


def test_an_erasure_does_not_hold_the_name(session: Session) -> None:
    erasure.forget(session, "someone@example.org", at=NOW)

    assert "someone" not in str(session.execute(select(ErasureRow.user_hash)).all())


@pytest.mark.parametrize("user_id", ["nobody", "nul\x00"])
def test_forgetting_someone_unknown_deletes_nothing(session: Session, user_id: str) -> None:
    assert erasure.forget(session, user_id, at=NOW) == 0


def test_a_forgetting_waits_for_a_recording_that_is_under_way(engine: Engine) -> None:
    deleted: list[int] = []

    def forget() -> None:
        with writing(engine) as other:
            deleted.append(erasure.forget(other, "u1", at=NOW + timedelta(hours=1)))

    with writing(engine) as session:
        events.record(session, [an_event(1)])
        thread = threading.Thread(target=forget)
        thread.start()
        thread.join(0.2)
        waited = thread.is_alive()
    thread.join()

    assert waited
    assert deleted == [1]


def test_many_writers_with_the_same_events_count_each_once(engine: Engine) -> None:
    batch = [an_event(number) for number in range(200)]
    answers: list[str] = []

    def write(order: list[Event]) -> None:
        for start in range(0, len(order), 50):
            with writing(engine) as session:
                answers.extend(events.record(session, order[start : start + 50]))

    threads = [threading.Thread(target=write, args=(batch[::step],)) for step in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 800
    assert answers.count("accepted") == 200
