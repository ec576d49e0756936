"""A deed counts in the very next answer of any process; what is withdrawn is never shown again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, text

from api import create_app, keys
from api.config import ApiConfig
from api.keys import Role
from api.recommending import looking
from api.recommending.degraded import Degraded
from api.runtime import Runtime
from recsys.behaviour import events as store
from recsys.behaviour import recent, spool
from recsys.behaviour.recent import NEWEST, Recent
from recsys.catalogue import items
from recsys.database import reading, writing
from recsys.types import Event, EventKind, Item

NOW = datetime.now(UTC) - timedelta(hours=1)


@dataclass
class Process:
    """One of several that share a database and a Redis."""

    app: APIFlask
    key: dict[str, str]

    @property
    def here(self) -> Runtime:
        found: Runtime = self.app.extensions["vitrine"]
        return found

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def post(self, *rows: dict[str, object], **envelope: object) -> dict[str, Any]:
        body = {"events": list(rows)} | envelope
        answer = self.client.post("/events", json=body, headers=self.key)
        assert answer.status_code == 202, answer.json
        assert answer.json is not None
        return answer.json

    def past(self, user_id: str = "u1") -> tuple[str, ...]:
        return self.look(user_id).history.item_ids

    def look(self, user_id: str = "u1", degraded: Degraded | None = None) -> looking.Read:
        here = self.here
        return looking.read(here, user_id, here.handle.get(), degraded or Degraded())

    def shown(self) -> dict[str, dict[str, Any]]:
        answer = self.client.get("/recommend?k=50&banner=none", headers=self.key)
        assert answer.json is not None
        return {one["item_id"]: one["product"] for one in answer.json["items"]}

    def patch(self, item_id: str, **changes: object) -> list[str]:
        answer = self.client.patch(f"/items/{item_id}", json=changes, headers=self.key)
        assert answer.json is not None
        assert answer.status_code == 200, answer.json
        found: list[str] = answer.json["degraded"]
        return found


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path, sqlite_url: str, valkey: Any) -> Iterator[Start]:
    """Starts processes of one shop; each has a disk of its own for what it spools."""
    started: list[Process] = []

    def make(
        url: str = sqlite_url,
        cache: str | None = None,
        seconds: float = 30.0,
        busy_seconds: float = 5.0,
    ) -> Process:
        base = ApiConfig()
        folder = tmp_path / f"process-{len(started)}"
        config = replace(
            base,
            recsys=replace(
                base.recsys,
                database_url=url,
                database_busy_seconds=busy_seconds,
                artifacts_dir=tmp_path / "artifacts",
                answers_dir=folder / "answers",
                spool_dir=folder / "spool",
                text_encoder="none",
            ),
            generative=replace(
                base.generative, cache_url=cache or valkey.url(1), banners_dir=folder / "banners"
            ),
            pulse_seconds=seconds,
        )
        app = create_app(config)
        here: Runtime = app.extensions["vitrine"]
        with writing(here.engine) as session:
            key = keys.create(session, Role.ADMIN, label="", now=NOW)
        here.keyring.refresh()
        process = Process(app, {"X-Api-Key": key})
        started.append(process)
        return process

    yield make
    for process in started:
        process.here.close()


def row(number: int, **changes: object) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "user_id": "u1",
        "item_id": f"i{number}",
        "kind": "view",
        "at": (NOW + timedelta(seconds=number)).isoformat(),
    } | changes


def fill(engine: Engine, number: int = 6) -> None:
    with writing(engine) as session:
        items.put_many(
            session,
            [Item(item_id=f"i{n}", title=f"Thing {n}", stock=5) for n in range(number)],
        )


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that the database was asked meanwhile."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


# --- deeds


def test_a_deed_counts_in_the_next_answer_of_every_process(start: Start, database_url: str) -> None:
    one, two = start(database_url), start(database_url)

    for number in range(1, 6):
        writer, reader = (one, two) if number % 2 else (two, one)
        assert writer.post(row(number))["degraded"] == []
        expected = tuple(f"i{n}" for n in range(1, number + 1))
        assert reader.past() == expected
        assert writer.past() == expected


def test_what_is_hot_is_what_the_database_says(start: Start, database_url: str) -> None:
    one, two = start(database_url), start(database_url)
    one.past()
    one.post(row(1, kind="purchase"), row(2, item_id="🥕/x", at="2026-01-02T03:04:05.678901+02:00"))
    one.past()
    one.post(row(3, kind="like"), row(4, kind="dismiss"), row(5, kind="cart"))

    hot = two.look().history

    with reading(two.here.engine) as session:
        assert hot == store.history(session, "u1", limit=NEWEST)
    assert len(hot.at) == len(hot.item_ids) == 5


def test_two_shoppers_in_one_batch_are_both_fresh(start: Start) -> None:
    one, two = start(), start()
    for user_id in ("u1", "u2"):
        assert two.past(user_id) == ()

    one.post(row(1), row(2, user_id="u2"), row(3))

    assert two.past() == ("i1", "i3")
    assert two.past("u2") == ("i2",)


def test_a_shopper_known_to_redis_costs_the_database_nothing(start: Start) -> None:
    one = start()
    fill(one.here.engine)
    one.look()
    one.post(row(1))
    one.look()

    with counted(one.here.engine) as asked:
        assert one.past() == ("i1",)
        assert one.past() == ("i1",)

    assert asked == []


def test_of_ten_thousand_deeds_the_newest_are_read_and_no_more(
    start: Start, database_url: str
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


def test_late_and_repeated_deeds_stand_where_the_database_has_them(start: Start) -> None:
    one, two = start(), start()
    two.past()
    one.post(row(5))

    again = one.post(row(5), row(2))

    assert [result["status"] for result in again["results"]] == ["duplicate", "accepted"]
    assert two.past() == ("i2", "i5")


def test_a_basket_of_one_moment_is_whole(start: Start, database_url: str) -> None:
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
    start: Start, valkey: Any, monkeypatch: pytest.MonkeyPatch
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


def test_without_consent_a_deed_is_checked_and_not_kept(start: Start) -> None:
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


def test_a_forgotten_shopper_is_nobody_everywhere_at_once(start: Start) -> None:
    one, two = start(), start()
    one.post(row(1))
    assert two.past() == ("i1",)

    receipt = one.client.delete("/users/u1", headers=one.key)

    assert receipt.json is not None
    assert (receipt.json["events_deleted"], receipt.json["degraded"]) == (1, [])
    assert two.past() == ()


def test_many_shoppers_at_once_lose_nothing(start: Start, database_url: str) -> None:
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


def test_redis_killed_and_back_empty_hides_no_deed(start: Start, valkey: Any) -> None:
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


def test_a_writer_that_could_not_tell_redis_trusts_nothing_kept_before(start: Start) -> None:
    one = start()
    one.post(row(1))
    assert one.past() == ("i1",)
    pulse = one.here.pulse
    within, pulse._recent = pulse._recent, Recent(redis.Redis(port=1))

    one.post(row(2))
    pulse._recent = within

    assert one.past() == ("i1", "i2")


def test_while_the_database_is_locked_a_spooled_deed_already_counts(start: Start) -> None:
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


# --- the catalogue


@pytest.mark.parametrize("change", [{"hidden": True}, {"stock": 0}])
def test_what_is_withdrawn_is_gone_from_the_next_answer_of_every_process(
    start: Start, database_url: str, change: dict[str, object]
) -> None:
    one, two = start(database_url), start(database_url)
    fill(one.here.engine)
    one.here.pulse.catalogue_changed()
    assert "i3" in two.shown()

    assert one.patch("i3", **change) == []

    assert "i3" not in two.shown()
    assert "i3" not in one.shown()


def test_a_price_counts_in_the_next_answer_of_every_process(start: Start) -> None:
    one, two = start(), start()
    fill(one.here.engine)
    one.here.pulse.catalogue_changed()
    two.shown()

    one.patch("i3", price="3.99")

    assert two.shown()["i3"]["price"] == "3.99"


def test_an_imported_and_a_written_item_show_at_once_everywhere(start: Start) -> None:
    one, two = start(), start()
    assert two.shown() == {}
    csv = one.key | {"Content-Type": "text/csv"}

    one.client.post("/items/import", headers=csv, data="id,title\nboots,Boots\n")
    one.client.put("/items/hat", headers=one.key, json={"title": "A hat"})

    assert set(two.shown()) == {"boots", "hat"}


def test_nothing_changed_costs_the_database_nothing(start: Start) -> None:
    one, two = start(), start()
    fill(one.here.engine)
    one.patch("i1", stock=7)
    two.look()

    with counted(two.here.engine) as asked:
        for _ in range(3):
            shelf = two.look().shelf

    assert shelf.items["i1"].stock == 7
    assert asked == []


def test_a_write_that_redis_was_not_told_of_waits_until_all_must_look(start: Start) -> None:
    """The writer alone lost Redis; the reader goes on trusting it, for as long as it may."""
    seconds = 0.3
    writer, reader = start(cache="redis://127.0.0.1:1/1", seconds=seconds), start(seconds=seconds)
    fill(writer.here.engine)
    reader.here.pulse.catalogue_changed()
    for number in range(6):
        assert f"i{number}" in reader.shown()

        assert writer.patch(f"i{number}", hidden=True) == ["pulse"]

        assert f"i{number}" not in reader.shown()


def test_a_database_restored_from_a_backup_is_believed(start: Start) -> None:
    one = start(seconds=0.0)
    fill(one.here.engine)
    one.patch("i3", hidden=True)
    assert "i3" not in one.shown()

    with one.here.engine.begin() as connection:  # behind everybody's back
        connection.execute(text("UPDATE item SET hidden = false, revision = 1"))
        connection.execute(text("UPDATE catalogue_revision SET value = 1"))

    assert "i3" in one.shown()


def test_redis_back_with_what_it_had_before_is_not_believed(start: Start, valkey: Any) -> None:
    one, two = start(), start()
    fill(one.here.engine)
    one.here.pulse.catalogue_changed()
    two.shown()
    with redis.Redis.from_url(valkey.url(1)) as client:
        token = client.get(recent.CATALOGUE)
        one.patch("i3", hidden=True)
        client.set(recent.CATALOGUE, token or b"")  # the last second was lost
        client.set("vitrine:pulse:server", b"the run before")
    two.here.pulse._recent._client.connection_pool.disconnect()

    assert "i3" not in two.shown()


def test_a_withdrawn_item_is_never_returned_after_the_write_was_acknowledged(
    start: Start, database_url: str
) -> None:
    """Two writers withdraw and restore while readers ask both processes, as fast as they can."""
    processes = [start(database_url), start(database_url)]
    fill(processes[0].here.engine)
    processes[0].here.pulse.catalogue_changed()
    withdrawn: dict[str, int] = {}  # while an item is in here, with its turn, nobody may show it
    done = threading.Event()
    wrong: list[object] = []
    answers = [0]

    def write(number: int) -> None:
        item_id = f"i{number}"
        for turn in range(25):
            processes[(turn + number) % 2].patch(item_id, hidden=True)
            withdrawn[item_id] = turn
            done.wait(0.005)
            del withdrawn[item_id]
            processes[turn % 2].patch(item_id, hidden=False)
        done.set()

    def read(number: int) -> None:
        turn = number
        while not done.is_set():
            turn += 1
            before = dict(withdrawn)
            shown = processes[turn % 2].shown()
            gone = before.items() & withdrawn.items()
            answers[0] += 1
            if bad := [item_id for item_id, _ in gone if item_id in shown]:
                wrong.append(bad)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    threads += [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert answers[0] > 20
