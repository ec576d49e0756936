"""Writers, readers and deaths in every order: a kept history holds all that was told, or it is gone."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import redis

from recsys.behaviour.recent import NEWEST, Look, Recent, landings
from recsys.types import Event, EventKind, UserHistory

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KINDS = tuple(EventKind)


def deed(number: int, user_id: str = "u1", **changes) -> Event:
    made = Event(
        event_id=f"e{number}",
        user_id=user_id,
        item_id=f"i{number}",
        kind=KINDS[number % len(KINDS)],
        at=NOW + timedelta(seconds=number, microseconds=number),
    )
    return replace(made, **changes)


def history(*deeds: Event, user_id: str = "u1") -> UserHistory:
    """As the database would tell it."""
    ordered = sorted(deeds, key=lambda one: (one.at, one.event_id))[-NEWEST:]
    return UserHistory(
        user_id=user_id,
        item_ids=tuple(one.item_id for one in ordered),
        kinds=tuple(one.kind for one in ordered),
        at=tuple(one.at.timestamp() for one in ordered),
    )


def fill(kept: Recent, *deeds: Event, user_id: str = "u1") -> None:
    assert kept.keep(kept.look(user_id), history(*deeds, user_id=user_id))


def write(kept: Recent, *deeds: Event) -> None:
    kept.begin({one.user_id for one in deeds})
    kept.land(landings(deeds, [True] * len(deeds)))


def test_while_somebody_writes_the_database_is_read_and_nothing_is_kept(kept: Recent) -> None:
    fill(kept, deed(1))
    kept.begin(["u1"])

    look = kept.look("u1")

    assert (look.history, look.lease) == (None, None)
    assert not kept.keep(look, history(deed(1)))


@pytest.mark.parametrize("ended", [False, True])
def test_a_write_takes_the_lease_away(kept: Recent, *, ended: bool) -> None:
    reader = kept.look("u1")  # and now it reads the database, without deed 1

    kept.begin(["u1"])
    if ended:
        kept.land(landings([deed(1)], [True]))

    assert reader.lease is not None
    assert not kept.keep(reader, history())
    assert kept.look("u1").history is None


def test_a_lease_taken_during_a_write_is_refused(kept: Recent) -> None:
    kept.begin(["u1"])
    reader = kept.look("u1")
    kept.land(landings([deed(1)], [True]))

    assert not kept.keep(reader, history())


def test_of_two_readers_the_later_one_keeps(kept: Recent) -> None:
    first, second = kept.look("u1"), kept.look("u1")

    assert not kept.keep(first, history())
    assert kept.keep(second, history(deed(1)))
    assert kept.look("u1").history == history(deed(1))


def test_the_first_of_two_writers_does_not_open_what_the_second_writes(kept: Recent) -> None:
    fill(kept, deed(1))
    kept.begin(["u1"])
    kept.begin(["u1"])

    kept.land(landings([deed(2)], [True]))
    between = kept.look("u1")
    kept.land(landings([deed(3)], [True]))

    assert (between.history, between.lease) == (None, None)
    assert kept.look("u1").history == history(*map(deed, (1, 2, 3)))


def test_a_writer_that_dies_after_its_commit_leaves_no_stale_history(
    kept: Recent, client: "redis.Redis"
) -> None:
    fill(kept, deed(1))
    kept.begin(["u1"])  # and dies after the commit

    assert kept.look("u1").history is None
    assert 0 < client.ttl("vitrine:deeds:u1") < client.ttl("vitrine:writing:u1")
    client.delete("vitrine:deeds:u1")  # its time
    assert kept.look("u1").lease is None
    client.delete("vitrine:writing:u1")  # and, later, the mark's
    assert kept.keep(kept.look("u1"), history(deed(1), deed(2)))


def test_beside_a_dead_writer_the_living_do_not_prolong_what_it_may_have_missed(
    kept: Recent, client: "redis.Redis"
) -> None:
    fill(kept, deed(1))
    kept.begin(["u1"])  # dies
    write(kept, deed(3))

    assert kept.look("u1").history is None
    assert 0 < client.ttl("vitrine:deeds:u1") < client.ttl("vitrine:writing:u1")


def test_a_mark_that_lapsed_before_its_writer_came_back_drops_what_was_kept(
    kept: Recent, client: "redis.Redis"
) -> None:
    kept.begin(["u1"])
    client.delete("vitrine:writing:u1")
    fill(kept, deed(1))  # read before the slow commit

    kept.land(landings([deed(2)], [True]))

    assert kept.look("u1").history is None


def test_a_forgotten_shopper_is_gone_and_no_reader_brings_them_back(
    kept: Recent, client: "redis.Redis"
) -> None:
    fill(kept, deed(1))
    kept.begin(["u1"])
    kept.forget("u1")
    reader = kept.look("u1")
    kept.begin(["u1"])
    kept.forget("u1")

    assert not kept.keep(reader, history(deed(1)))
    assert client.keys("*u1") == []


@dataclass
class Shop:
    """A database of one shopper, writers and readers that stop between any two steps."""

    kept: Recent
    rng: random.Random
    committed: list[Event] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    writers: list[tuple[str, list[Event]]] = field(default_factory=list)
    readers: list[tuple[Look, UserHistory | None]] = field(default_factory=list)
    number: int = 0

    def step(self) -> None:
        self.rng.choice([self.begin, self.write, self.read, self.read, self.fill, self.die])()

    def begin(self) -> None:
        self.kept.begin(["u1"])
        deeds = []
        for _ in range(self.rng.choice([1, 1, 2])):
            self.number += 1
            late = self.rng.random() < 0.2
            deeds.append(deed(self.number - 5 if late else self.number, event_id=f"{self.number}"))
        self.writers.append(("begun", deeds))

    def write(self) -> None:
        if not self.writers:
            return
        state, deeds = self.writers.pop(self.rng.randrange(len(self.writers)))
        if state == "begun":
            self.committed += deeds
            self.writers.append(("committed", deeds))
        else:
            self.kept.land(landings(deeds, [True] * len(deeds)))
            self.told |= {one.event_id for one in deeds}

    def read(self) -> None:
        look = self.kept.look("u1")
        if look.history is not None:
            told = [one for one in self.committed if one.event_id in self.told]
            every = history(*self.committed)
            assert len(look.history.at) >= len(told)
            assert set(look.history.at) <= set(every.at)
            assert {one.at.timestamp() for one in told} <= set(look.history.at)
            assert list(look.history.at) == sorted(look.history.at)
        else:
            self.readers.append((look, None))

    def fill(self) -> None:
        if not self.readers:
            return
        look, read = self.readers.pop(self.rng.randrange(len(self.readers)))
        if read is None:
            self.readers.append((look, history(*self.committed)))
        else:
            self.kept.keep(look, read)

    def die(self) -> None:
        """A process is killed: a reader at any time, a writer before or after its commit."""
        if self.readers and self.rng.random() < 0.5:
            self.readers.pop()
        elif self.writers and self.rng.random() < 0.1:
            self.writers.pop()


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_order_of_steps_a_kept_history_holds_all_that_was_told(
    kept: Recent, client: "redis.Redis", seed: int
) -> None:
    shop = Shop(kept=kept, rng=random.Random(seed))  # noqa: S311 a schedule, no secret

    for step in range(150):
        shop.step()
        if step % 50 == 49:  # the marks of the dead lapse, the kept history before them
            client.delete("vitrine:deeds:u1")
            client.delete("vitrine:writing:u1")

    assert shop.number > 10
