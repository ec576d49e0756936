"""A deed counts in the very next answer of any process."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from api.recommending.degraded import Degraded
from recsys.behaviour import events as store
from recsys.behaviour import spool
from recsys.behaviour.recent import NEWEST, Recent
from recsys.database import reading, writing
from recsys.types import Event, EventKind

NOW = datetime.now(UTC) - timedelta(hours=1)


def row(number: int, **changes: object) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "user_id": "u1",
        "item_id": f"i{number}",
        "kind": "view",
        "at": (NOW + timedelta(seconds=number)).isoformat(),
    } | changes


def test_a_deed_counts_in_the_next_answer_of_every_process(start: Any, database_url: str) -> None:
    one, two = start(database_url), start(database_url)

    for number in range(1, 6):
        writer, reader = (one, two) if number % 2 else (two, one)
        assert writer.post(row(number))["degraded"] == []
        expected = tuple(f"i{n}" for n in range(1, number + 1))
        assert reader.past() == expected
        assert writer.past() == expected


def test_what_is_hot_is_what_the_database_says(start: Any, database_url: str) -> None:
    one, two = start(database_url), start(database_url)
    one.past()
    one.post(row(1, kind="purchase"), row(2, item_id="🥕/x", at="2026-01-02T03:04:05.678901+02:00"))
    one.past()
    one.post(row(3, kind="like"), row(4, kind="dismiss"), row(5, kind="cart"))

    hot = two.look().history

    with reading(two.here.engine) as session:
        assert hot == store.history(session, "u1", limit=NEWEST)
    assert len(hot.at) == len(hot.item_ids) == 5


def test_two_shoppers_in_one_batch_are_both_fresh(start: Any) -> None:
    one, two = start(), start()
    for user_id in ("u1", "u2"):
        assert two.past(user_id) == ()

    one.post(row(1), row(2, user_id="u2"), row(3))

    assert two.past() == ("i1", "i3")
    assert two.past("u2") == ("i2",)


def test_a_shopper_known_to_redis_costs_the_database_nothing(start: Any) -> None:
    one = start()
    one.fill()
    one.look()
    one.post(row(1))
    one.look()

    with one.asked() as asked:
        assert one.past() == ("i1",)
        assert one.past() == ("i1",)

    assert asked == []


def test_of_ten_thousand_deeds_the_newest_are_read_and_no_more(
    start: Any, database_url: str
) -> None:
    one = start(database_url)
    deeds = [
        Event(
            event_id=f"e{n}",
            user_id="u1",
            item_id=f"i{n}",
            kind=EventKind.VIEW,
            at=NOW - timedelta(seconds=20_000 - n),
        )
        for n in range(10_000)
    ]
    with writing(one.here.engine) as session:
        store.record(session, deeds)

    assert one.past() == tuple(f"i{n}" for n in range(9_800, 10_000))
    one.post(row(10_001, at=NOW.isoformat()))
    assert one.past() == (*(f"i{n}" for n in range(9_801, 10_000)), "i10001")


def test_late_and_repeated_deeds_stand_where_the_database_has_them(start: Any) -> None:
    one, two = start(), start()
    two.past()
    one.post(row(5))

    again = one.post(row(5), row(2))

    assert [result["status"] for result in again["results"]] == ["duplicate", "accepted"]
    assert two.past() == ("i2", "i5")


def test_a_basket_of_one_moment_is_whole(start: Any, database_url: str) -> None:
    one, two = start(database_url), start(database_url)
    two.past()
    basket = {
        "event": "purchase",
        "client_id": "u1",
        "params": {"transaction_id": "t", "items": [{"item_id": f"b{n}"} for n in range(12)]},
    }

    one.post(basket)

    with reading(two.here.engine) as session:
        assert two.look().history == store.history(session, "u1", limit=NEWEST)
    assert sorted(two.past()) == sorted(f"b{n}" for n in range(12))


def test_a_server_killed_between_commit_and_append_hides_nothing(
    start: Any, valkey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = start(), start()
    two.past()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Recent, "land", die)
        with pytest.raises(KeyboardInterrupt):
            one.post(row(1))

    assert two.past() == ("i1",)  # never acknowledged, and there all the same
    with redis.Redis.from_url(valkey.url(1)) as client:
        for kind in ("deeds", "writing"):  # what was marked lapses
            client.delete(f"vitrine:{kind}:u1")
    assert two.past() == ("i1",)
    assert one.post(row(1))["results"][0]["status"] == "duplicate"
    assert two.past() == ("i1",)


def test_without_consent_a_deed_is_checked_and_not_kept(start: Any) -> None:
    one = start()
    bad = row(3, consent=False, kind="admire")

    told = one.post(row(1, consent=False), bad, row(4, consent=True))
    envelope = one.post(row(5), consent=False)

    statuses = [result["status"] for result in told["results"]]
    assert statuses == ["ignored", "rejected", "accepted"]
    assert told["results"][0]["event_ids"] == []
    assert envelope["results"][0]["status"] == "ignored"
    assert one.past() == ("i4",)
    with reading(one.here.engine) as session:
        assert store.count(session).total == 1


def test_a_forgotten_shopper_is_nobody_everywhere_at_once(start: Any) -> None:
    one, two = start(), start()
    one.post(row(1))
    assert two.past() == ("i1",)

    receipt = one.client.delete("/users/u1", headers=one.key)

    assert receipt.json is not None
    assert (receipt.json["events_deleted"], receipt.json["degraded"]) == (1, [])
    assert two.past() == ()


def test_many_shoppers_at_once_lose_nothing(start: Any, database_url: str) -> None:
    processes = [start(database_url), start(database_url)]
    wrong: list[object] = []

    def shop(number: int) -> None:
        mine: list[str] = []
        for step in range(8):
            n = 100 * number + step
            user_id = f"shopper-{number}"
            told = processes[step % 2].post(
                row(n, user_id=user_id, at=(NOW + timedelta(seconds=step)).isoformat())
            )
            mine.append(f"i{n}")
            seen = processes[(step + 1) % 2].past(user_id)
            if told["accepted"] != 1 or told["degraded"] or list(seen) != mine:
                wrong.append((told, seen, mine))

    threads = [threading.Thread(target=shop, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    with reading(processes[0].here.engine) as session:
        assert store.count(session).total == 64


# --- Redis goes


def test_redis_killed_and_back_empty_hides_no_deed(start: Any, valkey: Any) -> None:
    one, two = start(), start()
    one.post(row(1))
    assert two.past() == ("i1",)

    valkey.stop()
    degraded = Degraded()
    told = one.post(row(2))
    assert two.look(degraded=degraded).history.item_ids == ("i1", "i2")
    assert told["accepted"] == 1
    assert told["degraded"] == degraded.as_list() == []  # nothing is missing: the database tells

    valkey.start()
    one.post(row(3))
    assert two.past() == ("i1", "i2", "i3")
    one.post(row(4))
    assert two.past() == ("i1", "i2", "i3", "i4")


def test_a_writer_that_could_not_tell_redis_trusts_nothing_kept_before(start: Any) -> None:
    one = start()
    one.post(row(1))
    assert one.past() == ("i1",)
    pulse = one.here.pulse
    within, pulse._recent = pulse._recent, Recent(redis.Redis(port=1))

    one.post(row(2))
    pulse._recent = within

    assert one.past() == ("i1", "i2")


def test_while_the_database_is_locked_a_spooled_deed_already_counts(start: Any) -> None:
    one, two = start(busy_seconds=0.1), start()
    one.post(row(1))
    two.past()
    with writing(two.here.engine) as holder:
        holder.connection()  # the one writer that SQLite allows
        told = one.post(row(2))

    assert told["degraded"] == ["database"]
    assert two.past() == ("i1", "i2")
    assert spool.drain(one.here.config.recsys.spool_dir, one.here.engine) == 1
    one.here.pulse.drop_all()
    assert two.past() == ("i1", "i2")
