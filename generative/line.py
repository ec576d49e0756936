"""A connection of each thread's own to Redis, for what every answer asks.

Half of what a client's pool takes is spent on lending a connection. A question is asked and its
answers are read in two steps, so that the asker can do something else while they are on their way:
a thread that waits is put to sleep and woken again, which costs as much as the whole question.
"""

import os
import threading
from typing import Any

import redis
from hiredis import PushNotification, Reader, pack_command

_READ_BYTES = 65_536
_MORE = object()  # what a reader says until it has heard the whole of an answer


class _Own:
    """A connection that is closed as soon as nobody holds it: its thread ended, or its asker left.

    redis-py opens it; from then on the bare socket is spoken over, as what redis-py asks itself
    at every command is asked here once.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        connection.connect()
        self._socket = connection._get_socket()  # noqa: SLF001 it has no public name
        self._reader = Reader(
            protocolError=redis.InvalidResponse, replyError=redis.ResponseError, notEnoughData=_MORE
        )
        self.pid = os.getpid()

    def send(self, packed: bytes) -> None:
        try:
            self._socket.sendall(packed)
        except OSError as error:
            raise _away(error) from error

    def read(self) -> Any:
        """The next answer; a refusal is one, and not raised."""
        while True:
            found = self._reader.gets()
            if found is _MORE:
                self._hear()
            elif type(found) is not PushNotification:  # news of the server that nobody asked for
                return found

    def _hear(self) -> None:
        try:
            heard = self._socket.recv(_READ_BYTES)
        except OSError as error:
            raise _away(error) from error
        if not heard:
            raise redis.ConnectionError("the server closed the connection")
        self._reader.feed(heard)

    def __del__(self) -> None:
        self._connection.disconnect()


class Sent:
    """Commands that were sent, and the connection on which their answers come."""

    __slots__ = ("n_answers", "own", "packed", "rested")

    def __init__(self, own: _Own, packed: bytes, n_answers: int, *, rested: bool) -> None:
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
        packed = b"".join([pack_command(command) for command in commands])
        own = self._kept()
        if own is not None:
            try:
                own.send(packed)
                return Sent(own, packed, len(commands), rested=True)
            except redis.ConnectionError:
                pass
        return self._anew(packed, len(commands))

    def answers(self, sent: Sent) -> list[Any]:
        """What the server says of each command; a refusal is an answer, and not raised."""
        try:
            found = [sent.own.read() for _ in range(sent.n_answers)]
        except redis.ConnectionError:
            if not sent.rested:
                raise
            return self.answers(self._anew(sent.packed, sent.n_answers))
        self._own.kept = sent.own
        return found

    def answer(self, *command: Any) -> Any:
        """Ask one thing and wait for it; a refusal is raised."""
        (found,) = self.answers(self.ask(command))
        if isinstance(found, redis.ResponseError):
            raise found
        return found

    def _anew(self, packed: bytes, n_answers: int) -> Sent:
        own = _Own(self._pool.connection_class(**self._pool.connection_kwargs))
        own.send(packed)
        return Sent(own, packed, n_answers, rested=False)

    def _kept(self) -> _Own | None:
        """This thread's connection, where it has one.

        It is only put back when all its answers were read: none may be taken for another's.
        """
        kept, self._own.kept = getattr(self._own, "kept", None), None
        # A fork must not share a socket.
        return kept if kept is not None and kept.pid == os.getpid() else None


def _away(error: OSError) -> redis.RedisError:
    if isinstance(error, TimeoutError):
        return redis.TimeoutError("the server did not answer in time")
    return redis.ConnectionError(f"the connection broke: {error}")
