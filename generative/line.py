"""A connection of each thread's own to Redis, for what every answer asks.

Half of what a client's pool takes is spent on lending a connection. A question is asked and its
answers are read in two steps, so that the asker can do something else while they are on their way:
a thread that waits is put to sleep and woken again, which costs as much as the whole question.
"""

import os
import threading
from typing import Any

import redis
from hiredis import pack_command


class _Own:
    """A connection that is closed as soon as nobody holds it: its thread ended, or its asker left."""

    __slots__ = ("connection", "pid")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.pid = os.getpid()

    def __del__(self) -> None:
        self.connection.disconnect()


class Sent:
    """Commands that were sent, and the connection on which their answers come."""

    __slots__ = ("n_answers", "own", "packed", "rested")

    def __init__(self, own: _Own, packed: list[bytes], n_answers: int, *, rested: bool) -> None:
        self.own = own
        self.packed = packed
        self.n_answers = n_answers
        self.rested = rested  # it was used before: the server may have closed it since


class Line:
    """Every method raises `redis.RedisError` when the server is away."""

    def __init__(self, client: "redis.Redis") -> None:
        self._pool: Any = client.connection_pool
        self._own = threading.local()

    def ask(self, *commands: tuple[Any, ...]) -> Sent:
        """Send commands that may be said twice; `answers` must follow, on the same thread.

        A connection that the server closed while it rested is opened again, once.
        """
        packed = [b"".join([pack_command(command) for command in commands])]
        own, rested = self._take()
        connection = own.connection
        try:
            connection.send_packed_command(packed)
        except redis.ConnectionError as error:
            if not rested or isinstance(error, redis.TimeoutError):
                raise
            rested = False
            connection.send_packed_command(packed)
        return Sent(own, packed, len(commands), rested=rested)

    def answers(self, sent: Sent) -> list[Any]:
        """What the server says of each command; a refusal is an answer, and not raised."""
        connection, n = sent.own.connection, sent.n_answers
        try:
            found = [_answer(connection) for _ in range(n)]
        except redis.ConnectionError as error:
            if not sent.rested or isinstance(error, redis.TimeoutError):
                raise
            connection.send_packed_command(sent.packed)
            found = [_answer(connection) for _ in range(n)]
        self._own.kept = sent.own
        return found

    def answer(self, *command: Any) -> Any:
        """Ask one thing and wait for it; a refusal is raised."""
        (found,) = self.answers(self.ask(command))
        if isinstance(found, redis.ResponseError):
            raise found
        return found

    def _take(self) -> tuple[_Own, bool]:
        """This thread's connection, and whether it was used before.

        It is only put back when all its answers were read: none may be taken for another's.
        """
        kept, self._own.kept = getattr(self._own, "kept", None), None
        if kept is not None and kept.pid == os.getpid():  # a fork must not share a socket
            return kept, True
        return _Own(self._pool.connection_class(**self._pool.connection_kwargs)), False


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as refused:
        return refused
