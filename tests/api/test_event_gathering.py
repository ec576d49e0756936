"""Requests that come while another commits share the next commit; each hears of its own rows."""

import threading
from collections.abc import Sequence

import pytest

from api.gathering import Gathering


class Disk:
    """Commits in turn, each only when it is let; keeps what every commit held."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.busy = threading.Event()
        self.free = threading.Event()

    def commit(self, given: list[Sequence[str]]) -> list[str]:
        self.commits.append([one for rows in given for one in rows])
        self.busy.set()
        assert self.free.wait(10)
        if any("bad" in rows for rows in given):
            raise ValueError("bad")
        return ["+".join(rows) for rows in given]


def start(
    gathering: Gathering[str, str], disk: Disk, *rows: str
) -> tuple[threading.Thread, list[object]]:
    told: list[object] = []

    def work() -> None:
        try:
            told.append(gathering.keep(rows, disk.commit))
        except ValueError as error:
            told.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, told


def wait_for(gathering: Gathering[str, str], number: int) -> None:
    """Until so many wait behind the one that commits."""
    pause = threading.Event()
    while len(gathering._waiting) < number:
        pause.wait(0.001)


def run(disk: Disk, *others: tuple[str, ...], at_most: int = 100) -> list[object]:
    gathering: Gathering[str, str] = Gathering(at_most=at_most)
    started = [start(gathering, disk, "first")]
    assert disk.busy.wait(10)
    for number, rows in enumerate(others, start=1):
        started.append(start(gathering, disk, *rows))
        wait_for(gathering, number)
    disk.free.set()
    for thread, _ in started:
        thread.join(10)
    return [told[0] for _, told in started]


def test_alone_a_request_commits_at_once() -> None:
    disk = Disk()
    disk.free.set()

    assert Gathering[str, str](at_most=10).keep(["a", "b"], disk.commit) == "a+b"
    assert disk.commits == [["a", "b"]]


def test_who_comes_meanwhile_shares_the_next_commit() -> None:
    disk = Disk()

    told = run(disk, ("a",), ("b", "c"), ("d",))

    assert told == ["first", "a", "b+c", "d"]
    assert disk.commits == [["first"], ["a", "b", "c", "d"]]


def test_a_commit_holds_no_more_than_its_bound_but_never_splits_a_request() -> None:
    disk = Disk()

    told = run(disk, ("a", "b"), ("c",), ("d", "e", "f", "g"), at_most=3)

    assert told == ["first", "a+b", "c", "d+e+f+g"]
    assert disk.commits == [["first"], ["a", "b", "c"], ["d", "e", "f", "g"]]


def test_one_that_cannot_be_kept_does_not_spoil_the_others() -> None:
    disk = Disk()

    told = run(disk, ("a",), ("bad",), ("c",))

    assert (told[0], told[1], told[3]) == ("first", "a", "c")
    assert isinstance(told[2], ValueError)


def test_after_a_failure_the_next_request_is_kept() -> None:
    disk = Disk()
    disk.free.set()
    gathering = Gathering[str, str](at_most=10)

    with pytest.raises(ValueError, match="bad"):
        gathering.keep(["bad"], disk.commit)

    assert gathering.keep(["a"], disk.commit) == "a"
