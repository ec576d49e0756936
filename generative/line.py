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


class Sent:
    """Commands that were sent, and the connection on which their answers come."""

    __slots__ = ("connection", "n_answers", "packed", "rested")

    def __init__(
        self, connection: Any, packed: list[bytes], n_answers: int, *, rested: bool
    ) -> None:
        self.connection = connection
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
        connection, rested = self._take()
        try:
            connection.send_packed_command(packed)
        except redis.ConnectionError as error:
            if not rested or isinstance(error, redis.TimeoutError):
                raise
            rested = False
            connection.send_packed_command(packed)
        return Sent(connection, packed, len(commands), rested=rested)

    def answers(self, sent: Sent) -> list[Any]:
        """What the server says of each command; a refusal is an answer, and not raised."""
        connection, n = sent.connection, sent.n_answers
        try:
            found = [_answer(connection) for _ in range(n)]
        except redis.ConnectionError as error:
            if not sent.rested or isinstance(error, redis.TimeoutError):
                raise
            connection.send_packed_command(sent.packed)
            found = [_answer(connection) for _ in range(n)]
        self._own.kept = (os.getpid(), connection)
        return found

    def answer(self, *command: Any) -> Any:
        """Ask one thing and wait for it; a refusal is raised."""
        (found,) = self.answers(self.ask(command))
        if isinstance(found, redis.ResponseError):
            raise found
        return found

    def _take(self) -> tuple[Any, bool]:
        """This thread's connection, and whether it was used before.

        It is only put back when all its answers were read: none may be taken for another's.
        """
        kept, self._own.kept = getattr(self._own, "kept", None), None
        if kept is not None and kept[0] == os.getpid():  # a fork must not share a socket
            return kept[1], True
        return self._pool.connection_class(**self._pool.connection_kwargs), False


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as refused:
        return refused
