"""The newest deeds of each shopper and what has changed, kept in Redis: one MGET a request.

A kept history is either what the database holds or it is not there. Writers mark a shopper before
their commit and append after it; whoever dies in between leaves a mark that outlives the kept
history, so that it is read again. Readers that find none take a lease first, and keep what they
read only while it is still theirs: a write takes it away (Nishtala et al., Scaling Memcache, NSDI
2013). What changed for everybody is told by tokens that are drawn at random: a number could come
back after a server was emptied or a database restored, a token cannot. A server that was started
again, and may have forgotten its last second, is greeted with new tokens by its first caller.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

import orjson
import redis

from recsys.behaviour import scripts
from recsys.behaviour.events import LASTING_N
from recsys.tables import is_storable
from recsys.types import LASTING, Deed, Event, EventKind, UserHistory

NEWEST = 200  # deeds kept of a shopper; before them only what was bought or dismissed
KEPT_SECONDS = 900
GUARDED_SECONDS = 20  # a kept history under a writer's mark: gone before the mark lapses
WRITING_SECONDS = 30
LEASE_SECONDS = 10
_TRIM_BYTES = 12_000  # what is longer is thinned before its newest deeds when appended to

CATALOGUE = "vitrine:pulse:catalogue"
STEERING = "vitrine:pulse:steering"
_HISTORIES = "vitrine:pulse:histories"
_SERVER = "vitrine:pulse:server"
_SHARED = (CATALOGUE, STEERING, _HISTORIES)

_LETTERS = {kind: kind.value[0] for kind in EventKind}  # v c p l d
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Landing(StrEnum):
    """What became of a shopper's marked write."""

    APPEND = "append"  # these deeds are the database's, and newer than the rest
    DROP = "drop"  # nobody can say from here: read the database again
    LEAVE = "leave"  # nothing was written
    SPOOL = "spool"  # accepted, but the database does not have them yet: show them if they are new


Landings = Mapping[str, tuple[Landing, Sequence[Event]]]
NOBODY_KNOWS: tuple[Landing, Sequence[Event]] = (Landing.DROP, ())


class Look(NamedTuple):
    """What Redis says now. `heard` False: it was not asked or did not answer.

    A token that is another one than before means that something changed. `history` None: read the
    database, then `keep`; it stays None while somebody writes, and is empty without a `user_id`.
    """

    user_id: str | None = None
    heard: bool = False
    catalogue: str | None = None
    steering: str | None = None
    histories: str | None = None
    history: UserHistory | None = None
    lease: str | None = None


class Recent:
    """Raises `redis.RedisError` when the server is away.

    `ask` says a command that may be said twice, where there is a quicker way than the client's own.
    """

    def __init__(self, client: "redis.Redis", ask: Callable[..., Any] | None = None) -> None:
        self._client: Any = client
        self._ask: Callable[..., Any] = client.execute_command if ask is None else ask
        self._begin = self._client.register_script(scripts.BEGIN)
        self._land = self._client.register_script(scripts.LAND)
        self._lease = self._client.register_script(scripts.LEASE)
        self._keep = self._client.register_script(scripts.KEEP)

    def look(self, user_id: str | None) -> Look:
        """One MGET; a second question only where the history is not kept."""
        if user_id is None or not is_storable(user_id):
            found = [_text(value) for value in self._ask("MGET", *_SHARED)]
            catalogue, steering, histories = found
            deeds = writing = None
            history: UserHistory | None = UserHistory(user_id=user_id)
        else:
            keys = (*_SHARED, f"vitrine:deeds:{user_id}", f"vitrine:writing:{user_id}")
            found = [_text(value) for value in self._ask("MGET", *keys)]
            catalogue, steering, histories, deeds, writing = found
            history = None
        if catalogue is None or steering is None or histories is None:
            self._start()
        elif deeds is not None and writing is None and user_id is not None:
            history = parse(user_id, deeds, histories)
        lease = None
        if history is None and user_id is not None and writing is None and histories is not None:
            lease = self._take_lease(user_id)
        return Look(
            user_id=user_id,
            heard=True,
            catalogue=catalogue,
            steering=steering,
            histories=histories,
            history=history,
            lease=lease,
        )

    def keep(self, look: Look, history: UserHistory) -> bool:
        """Keep what the database said after `look`, unless somebody has written meanwhile."""
        if look.lease is None or look.user_id is None or look.histories is None:
            return False
        if len(history.at) != len(history.item_ids):
            return False
        newest = zip(history.item_ids, history.kinds, history.at, strict=True)
        rows = (*history.lasting, *newest)
        text = "".join([_row(item_id, kind, f"{at:.6f}") for item_id, kind, at in rows])
        keys, value = _keys(look.user_id), f"{look.histories}\n{text}"
        return bool(self._keep(keys=keys, args=[look.lease, value, KEPT_SECONDS]))

    def begin(self, user_ids: Collection[str]) -> None:
        """Mark these shoppers as being written, before the commit."""
        keys = [key for user_id in user_ids for key in _keys(user_id)]
        self._begin(keys=keys, args=[WRITING_SECONDS, GUARDED_SECONDS])

    def land(self, landings: Landings) -> None:
        """End the marks after the commit; of a shopper who has none the kept history is dropped."""
        keys: list[str] = []
        args: list[str | int] = [
            WRITING_SECONDS, GUARDED_SECONDS, KEPT_SECONDS, _TRIM_BYTES, NEWEST, LASTING_N,
        ]  # fmt: skip
        for user_id, (how, deeds) in landings.items():
            keys += _keys(user_id)
            args += _landing(how, deeds)
        self._land(keys=keys, args=args)

    def forget(self, user_id: str) -> None:
        self.land({user_id: NOBODY_KNOWS})

    def drop_all(self) -> None:
        """Every kept history is read again: after an import, or when no one knows what was missed."""
        self._client.set(_HISTORIES, _token())

    def changed(self, what: str) -> None:
        """Tell every process that `CATALOGUE` or `STEERING` is another one now; after the commit."""
        self._client.set(what, _token())

    def _take_lease(self, user_id: str) -> str | None:
        token = _token()
        taken = self._lease(keys=_keys(user_id), args=[token, LEASE_SECONDS])
        return token if taken else None

    def _start(self) -> None:
        """An empty server gets its first tokens; whoever is first names them."""
        for key in _SHARED:
            self._client.set(key, _token(), nx=True)


def open_client(url: str, *, timeout_seconds: float) -> "redis.Redis":
    """A client whose every new connection asks whether it is still the server it was."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        redis_connect_func=_greet,
    )


def landings(events: Iterable[Event], accepted: Iterable[bool]) -> Landings:
    """What the database made of these events, shopper by shopper.

    A duplicate drops what is kept: its first sender may have died before it told anybody.
    """
    deeds: dict[str, list[Event]] = {}
    doubtful: set[str] = set()
    for event, new in zip(events, accepted, strict=True):
        mine = deeds.setdefault(event.user_id, [])
        if new:
            mine.append(event)
        else:
            doubtful.add(event.user_id)
    return {
        user_id: NOBODY_KNOWS if user_id in doubtful else (Landing.APPEND, mine)
        for user_id, mine in deeds.items()
    }


def parse(user_id: str, value: str, histories: str) -> UserHistory | None:
    """A kept history; None where it is of an older token, or not ours."""
    lines = value.split("\n")  # the token, then id, kind and time in turn, then nothing
    if lines[0] != histories or len(lines) % 3 != 2:  # noqa: PLR2004 the token and the end
        return None
    first = max(1, len(lines) - 1 - 3 * NEWEST)
    times = ",".join(lines[first + 2 : -1 : 3])  # as JSON they are read at thrice float's pace
    try:
        return UserHistory(
            user_id=user_id,
            item_ids=tuple(lines[first:-1:3]),
            kinds=tuple(map(_KINDS.__getitem__, lines[first + 1 : -1 : 3])),
            at=tuple(orjson.loads(f"[{times}]")),
            lasting=_lasting(lines[1:first]) if first > 1 else (),
        )
    except (KeyError, ValueError):
        return None


def _lasting(lines: Sequence[str]) -> tuple[Deed, ...]:
    """The last time of each item that was bought or dismissed; what else is still there is not told."""
    found: dict[tuple[str, str], Deed] = {}
    for item_id, letter, at in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        if _KINDS[letter] in LASTING:
            found.pop((item_id, letter), None)
            found[item_id, letter] = Deed(item_id, _KINDS[letter], float(at))
    return tuple(found.values())


def _landing(how: Landing, deeds: Sequence[Event]) -> tuple[str, str, str]:
    """How, the first time and the rows; deeds of one moment have no order but the database's."""
    if how in {Landing.DROP, Landing.LEAVE}:
        return how.value, "0", ""
    ordered = sorted(deeds, key=lambda event: event.at)
    times = [event.at for event in ordered]
    if how is Landing.APPEND and any(a == b for a, b in pairwise(times)):
        return Landing.DROP.value, "0", ""
    if not ordered:
        return Landing.LEAVE.value, "0", ""
    rows = [_row(event.item_id, event.kind, _seconds(event.at)) for event in ordered]
    return how.value, _seconds(times[0]), "".join(rows)


def _row(item_id: str, kind: EventKind, at: str) -> str:
    return f"{item_id}\n{_LETTERS[kind]}\n{at}\n"


def _seconds(at: datetime) -> str:
    """Seconds since 1970 to the microsecond, exactly."""
    whole, part = divmod((at - _EPOCH) // _MICROSECOND, 1_000_000)
    return f"{whole}.{part:06d}"


def _keys(user_id: str) -> tuple[str, str, str]:
    return f"vitrine:deeds:{user_id}", f"vitrine:writing:{user_id}", f"vitrine:lease:{user_id}"


def _token() -> str:
    return f"t{secrets.token_hex(8)}"  # begins with no digit: it must not read as a time


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def _greet(connection: Any) -> None:
    """Whatever this server kept from before it started again is not trusted."""
    connection.on_connect()
    try:
        connection.send_command("INFO", "server")
        told = str(_text(connection.read_response()))
        run_id = told.partition("run_id:")[2].split()[0]
        keys = (_SERVER, *_SHARED)
        connection.send_command("EVAL", scripts.GREET, len(keys), *keys, run_id, _token())
        connection.read_response()
    except (redis.ResponseError, IndexError):
        return  # a server that tells nothing of itself: its histories lapse by themselves
