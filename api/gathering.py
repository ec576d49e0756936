"""Concurrent requests that write share one commit: whoever comes first takes the others along.

A commit waits for the disk; those who arrive meanwhile wait for one another anyway. Nobody waits
for company: alone, a request commits at once, in its own thread.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Given = TypeVar("Given")
Kept = TypeVar("Kept")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Given, Kept]):
    given: Sequence[Given]
    kept: Kept | None = None
    error: BaseException | None = None
    done: bool = False


class Gathering(Generic[Given, Kept]):
    """`at_most` bounds one commit; a single request is never split."""

    def __init__(self, *, at_most: int) -> None:
        self._at_most = at_most
        self._waiting: list[_Waiting[Given, Kept]] = []
        self._queue = threading.Lock()
        self._committing = threading.Lock()

    def keep(
        self, given: Sequence[Given], commit: Callable[[list[Sequence[Given]]], list[Kept]]
    ) -> Kept:
        """Have this committed, alone or with what others wait for; raises what the commit raised."""
        mine: _Waiting[Given, Kept] = _Waiting(given)
        with self._queue:
            self._waiting.append(mine)
        with self._committing:
            while not mine.done:
                _commit(self._next(), commit)
        if mine.error is not None:
            raise mine.error
        assert mine.kept is not None  # noqa: S101 it is done and did not fail
        return mine.kept

    def _next(self) -> list[_Waiting[Given, Kept]]:
        with self._queue:
            room, taken = self._at_most, 0
            for one in self._waiting:
                room -= len(one.given)
                if taken and room < 0:
                    break
                taken += 1
            found, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return found


def _commit(
    found: list[_Waiting[Given, Kept]], commit: Callable[[list[Sequence[Given]]], list[Kept]]
) -> None:
    try:
        for one, kept in zip(found, commit([one.given for one in found]), strict=True):
            one.kept = kept
    except BaseException as error:  # noqa: BLE001 each of them raises it in its own thread
        if len(found) > 1:  # one of them may have spoilt it for all
            for one in found:
                _commit([one], commit)
            return
        found[0].error = error
    for one in found:
        one.done = True
