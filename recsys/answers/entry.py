"""One answer as the ledger keeps it, and the way from a request to what is kept of it and back.

Nothing here knows where entries go. What a request left at its default is not written, so a field
that a later release adds reads as its default in older entries.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from recsys.types import Boost, Dials, Hide, Query, UserHistory

_DEFAULT = Query()
_FIELDS = tuple(_DEFAULT._asdict().items())
_RANDOM_BYTES = 10
_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
_ID_LENGTH = 36
_HYPHENS = (8, 13, 18, 23)

STORED, PROFILE, NONE = "stored", "profile", "none"  # where an answer's history came from


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered, to whom, and from what. The sequences are aligned, best item first.

    `history_n` deeds were read, those of the request's session included; `user_id` is None for
    whoever gave none, and then `session_hash` is all that tells one visit from another. `members`
    are the shoppers of a group, each as `member` says; `shown` is what rotation knew of the shopper,
    as `rotation.plain` says; `duel` are the requests of two rankers who shared the slate.
    """

    recommendation_id: str
    at: datetime
    user_id: str | None = None  # early, so that a line torn behind it still says whose it was
    members: Sequence[Mapping[str, Any]] | None = None  # early as well
    session_hash: str | None = None
    placement: str
    strategy: str
    request: Mapping[str, Any]
    model_version: str
    catalogue_revision: int
    item_ids: Sequence[str]
    sources: Sequence[str]
    scores: Sequence[float]
    rules_version: int = 0
    history_n: int = 0
    history_digest: str = ""
    experiments: Mapping[str, str] = field(default_factory=dict)  # experiment to variant
    propensities: Sequence[float] = ()  # empty where nothing was drawn by chance
    creative_keys: Sequence[str | None] = ()
    creative_draw: Mapping[str, Any] | None = None  # the look they all wear, where one was drawn
    teams: Sequence[str] = ()  # of an interleaving: which strategy gave each item
    duel: Sequence[Mapping[str, Any]] | None = None
    shown: Sequence[Any] | None = None
    degraded: Sequence[str] = ()

    def line(self) -> bytes:
        """As the ledger's files hold it."""
        return orjson.dumps(self, option=orjson.OPT_APPEND_NEWLINE)


def read(line: bytes) -> Answer:
    """The answer of one line.

    Raises:
        ValueError: It is torn, or no entry.
    """
    try:
        found = orjson.loads(line)
        return Answer(**found | {"at": datetime.fromisoformat(found["at"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"no entry of the ledger: {error}") from None


def new_id(now: datetime | None = None) -> str:
    """A UUID of version 7 (RFC 9562): ordered by the millisecond, with 74 bits nobody can guess."""
    stamp = time.time() if now is None else now.timestamp()
    at, drawn = f"{int(stamp * 1000):012x}", os.urandom(_RANDOM_BYTES).hex()
    variant = _VARIANTS[drawn[3]]
    return f"{at[:8]}-{at[8:]}-7{drawn[:3]}-{variant}{drawn[4:7]}-{drawn[7:19]}"


def time_of(recommendation_id: str) -> datetime | None:
    """When an id was made; None for what `new_id` did not make."""
    if len(recommendation_id) != _ID_LENGTH or recommendation_id[14] != "7":
        return None
    if any(recommendation_id[place] != "-" for place in _HYPHENS):
        return None
    try:
        int(recommendation_id.replace("-", "0"), 16)
        milliseconds = int(recommendation_id[:8] + recommendation_id[9:13], 16)
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def request_of(
    query: Query, *, session: Sequence[str] = (), history: str = STORED, banner: str = ""
) -> dict[str, Any]:
    """What must be kept of a request so that it can be asked again."""
    kept: dict[str, Any] = {}
    for (name, default), value in zip(_FIELDS, query, strict=True):
        if value is not default and value != default:
            kept[name] = sorted(value) if type(value) is frozenset else value
    if session:
        kept["session"] = session
    if history != STORED:
        kept["history"] = history
    if banner:
        kept["banner"] = banner
    return kept


def query_of(request: Mapping[str, Any]) -> Query:
    """The query that `request_of` was told; what a later release may have added is left out."""
    asked: dict[str, Any] = {}
    for name, default in _FIELDS:
        if name in request:
            asked[name] = _typed(name, request[name], default)
    return Query(**asked)


def member(history: UserHistory) -> dict[str, Any]:
    """One shopper of a group: whose past was read, and what tells whether it is still the same."""
    return {
        "user_id": history.user_id,
        "history_n": len(history.item_ids),
        "history_digest": digest(history),
    }


def session_of(request: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(request.get("session", ()))


def digest(history: UserHistory) -> str:
    """A short hash of the deeds that an answer was made from: enough to tell that they changed."""
    told = "\x1f".join(history.item_ids) + "\x1e" + "\x1f".join(history.kinds)
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def visit_hash(session: Sequence[str]) -> str | None:
    """What stands for a visit of somebody unknown; None where nothing is known of the visit."""
    if not session:
        return None
    told = "\x1f".join(session).encode("utf-8", "surrogatepass")
    return blake2b(told, digest_size=8).hexdigest()


def _typed(name: str, value: Any, default: Any) -> Any:
    if name == "boosts":
        return tuple(Boost(**one) for one in value)
    if isinstance(default, Dials):
        return Dials(**value)
    if isinstance(default, Hide):
        return Hide(value)
    if isinstance(default, datetime):
        return value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if isinstance(default, tuple | frozenset):
        return type(default)(value)
    return value
