"""A price counts at once everywhere, and what is withdrawn is never shown again."""

import threading
from typing import Any

import pytest
import redis
from sqlalchemy import text

from recsys.behaviour import recent


@pytest.mark.parametrize("change", [{"hidden": True}, {"stock": 0}])
def test_what_is_withdrawn_is_gone_from_the_next_answer_of_every_process(
    start: Any, database_url: str, change: dict[str, object]
) -> None:
    one, two = start(database_url), start(database_url)
    one.fill()
    one.here.pulse.catalogue_changed()
    assert "i3" in two.shown()

    assert one.patch("i3", **change) == []

    assert "i3" not in two.shown()
    assert "i3" not in one.shown()


def test_a_price_counts_in_the_next_answer_of_every_process(start: Any) -> None:
    one, two = start(), start()
    one.fill()
    one.here.pulse.catalogue_changed()
    two.shown()

    one.patch("i3", price="3.99")

    assert two.shown()["i3"]["price"] == "3.99"


def test_an_imported_and_a_written_item_show_at_once_everywhere(start: Any) -> None:
    one, two = start(), start()
    assert two.shown() == {}
    csv = one.key | {"Content-Type": "text/csv"}

    one.client.post("/items/import", headers=csv, data="id,title\nboots,Boots\n")
    one.client.put("/items/hat", headers=one.key, json={"title": "A hat"})

    assert set(two.shown()) == {"boots", "hat"}


def test_nothing_changed_costs_the_database_nothing(start: Any) -> None:
    one, two = start(), start()
    one.fill()
    one.patch("i1", stock=7)
    two.look()

    with two.asked() as asked:
        for _ in range(3):
            shelf = two.look().shelf

    assert shelf.items["i1"].stock == 7
    assert asked == []


def test_a_write_that_redis_was_not_told_of_waits_until_all_must_look(start: Any) -> None:
    """The writer alone lost Redis; the reader goes on trusting it, for as long as it may."""
    seconds = 0.3
    writer, reader = start(cache="redis://127.0.0.1:1/1", seconds=seconds), start(seconds=seconds)
    writer.fill()
    reader.here.pulse.catalogue_changed()
    for number in range(6):
        assert f"i{number}" in reader.shown()

        assert writer.patch(f"i{number}", hidden=True) == ["pulse"]

        assert f"i{number}" not in reader.shown()


def test_a_database_restored_from_a_backup_is_believed(start: Any) -> None:
    one = start(seconds=0.0)
    one.fill()
    one.patch("i3", hidden=True)
    assert "i3" not in one.shown()

    with one.here.engine.begin() as connection:  # behind everybody's back
        connection.execute(text("UPDATE item SET hidden = false, revision = 1"))
        connection.execute(text("UPDATE catalogue_revision SET value = 1"))

    assert "i3" in one.shown()


def test_redis_back_with_what_it_had_before_is_not_believed(start: Any, valkey: Any) -> None:
    one, two = start(), start()
    one.fill()
    one.here.pulse.catalogue_changed()
    two.shown()
    with redis.Redis.from_url(valkey.url(1)) as client:
        token = client.get(recent.CATALOGUE)
        one.patch("i3", hidden=True)
        client.set(recent.CATALOGUE, token or b"")  # the last second was lost
        client.set("vitrine:pulse:server", b"the run before")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert "i3" not in two.shown()


def test_a_withdrawn_item_is_never_returned_after_the_write_was_acknowledged(
    start: Any, database_url: str
) -> None:
    """Two writers withdraw and restore while readers ask both processes, as fast as they can."""
    processes = [start(database_url), start(database_url)]
    processes[0].fill()
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
