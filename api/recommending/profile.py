"""`POST /profile`: a shopper's past that the shopper holds, signed by us and kept nowhere.

The token is readable by whoever holds it (it is their own past) and cannot be changed: the newest
50 deeds, and up to 50 that were bought or dismissed before them, compressed, under an HMAC-SHA256 of
the server's secret. It lapses when it was not renewed for half a year. `POST /recommend` takes it
instead of a history that a server would hold.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from pydantic import BaseModel, ConfigDict, Field

from api import auth, parsing
from api.config import ApiConfig
from api.errors import Problem, invalid
from api.keys import Role
from api.runtime import runtime
from api.schemas import Id, Strict
from recsys import types
from recsys.types import LASTING, EventKind, UserHistory

MAX_DEEDS = 50
MAX_CHARACTERS = 8_000  # of a token: it fits an address too
MAX_EVENTS = 100
KEPT = timedelta(days=180)

_SALT = "vitrine.profile"
_LETTERS = {kind: kind.value[0] for kind in EventKind}  # v c p l d
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}

blueprint = APIBlueprint("profile", __name__, tag="Storefront")
blueprint.before_request(auth.need(Role.STOREFRONT))


@dataclass(frozen=True, slots=True, order=True)
class Deed:
    """Ordered by time, in whole seconds since the epoch."""

    at: int
    item_id: str
    kind: EventKind


class ProfileEvent(Strict):
    item_id: Id
    kind: EventKind
    at: datetime | None = Field(default=None, description="When; now, where it is left out")


class ProfileBody(Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"events": [{"item_id": "banana", "kind": "cart"}], "profile": None}
        }
    )

    profile: str | None = Field(
        default=None, description=f"The last one; at most {MAX_CHARACTERS:,} characters"
    )
    events: list[ProfileEvent] = Field(default=[], max_length=MAX_EVENTS)


class ProfileOut(BaseModel):
    profile: str
    deeds: int
    expires_at: str


@blueprint.post("/profile")
@blueprint.output(ProfileOut)
@parsing.takes(blueprint, ProfileBody, "body")
def extend(body: ProfileBody) -> Response:
    """Add deeds to a profile that the shopper holds; nothing of it is stored."""
    keys, now = keys_of(runtime().config), datetime.now(UTC)
    deeds = [] if body.profile is None else read(keys, body.profile)
    new = [Deed(_seconds(event.at or now, now), event.item_id, event.kind) for event in body.events]
    kept = newest([*deeds, *new])
    token, held = sign(keys, kept)
    expires = (now + KEPT).isoformat(timespec="seconds")
    return parsing.answer({"profile": token, "deeds": held, "expires_at": expires})


def keys_of(config: ApiConfig) -> tuple[str, ...]:
    """The secrets that count, the one that signs last.

    Raises:
        Problem: 503, there is none.
    """
    if not config.secret_key:
        raise Problem(503, "profiles cannot be signed: this server has no VITRINE_SECRET_KEY")
    return (*config.former_secret_keys, config.secret_key)


def history_of(config: ApiConfig, token: str) -> UserHistory:
    """The past that a profile tells, oldest deed first.

    Raises:
        Problem: 422, it cannot be trusted or read; 503, no server secret is set.
    """
    held = read(keys_of(config), token)
    before, deeds = held[:-MAX_DEEDS], held[-MAX_DEEDS:]
    return UserHistory(
        item_ids=tuple(deed.item_id for deed in deeds),
        kinds=tuple(deed.kind for deed in deeds),
        at=tuple(float(deed.at) for deed in deeds),
        lasting=tuple(types.Deed(one.item_id, one.kind, float(one.at)) for one in before),
    )


def newest(deeds: Sequence[Deed]) -> list[Deed]:
    """The last `MAX_DEEDS` different ones, and as many before them that still count; oldest first."""
    every = sorted(set(deeds))
    last = {(one.item_id, one.kind): one for one in every[:-MAX_DEEDS] if one.kind in LASTING}
    return [*sorted(last.values())[-MAX_DEEDS:], *every[-MAX_DEEDS:]]


def sign(keys: Sequence[str], deeds: Sequence[Deed]) -> tuple[str, int]:
    """A token, and how many of the newest deeds it has room for."""
    held = list(deeds)
    while True:
        told = [[deed.item_id, _LETTERS[deed.kind], deed.at] for deed in held]
        token = str(_signer(keys).dumps(told), "ascii")
        if len(token) <= MAX_CHARACTERS or not held:
            return token, len(held)
        held = held[1 + len(held) // 10 :]


def read(keys: Sequence[str], token: str) -> list[Deed]:
    """The deeds of a token.

    Raises:
        Problem: 422 that names `profile`.
    """
    if len(token) > MAX_CHARACTERS:
        raise invalid("profile", f"must have at most {MAX_CHARACTERS:,} characters")
    try:
        told = _signer(keys).loads(token, max_age=int(KEPT.total_seconds()))
        return [Deed(int(at), str(item_id), _KINDS[letter]) for item_id, letter, at in told]
    except SignatureExpired:
        raise invalid("profile", "has expired; begin a new one") from None
    except (BadData, ValueError, TypeError, KeyError):
        raise invalid("profile", "is none of ours, or was changed; begin a new one") from None


def _signer(keys: Sequence[str]) -> Any:
    return URLSafeTimedSerializer(
        list(keys),
        salt=_SALT,
        serializer=orjson,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _seconds(at: datetime, now: datetime) -> int:
    """Within the past: a clock that runs ahead must not put a deed beyond all others for good."""
    known = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0, min(int(known.timestamp()), int(now.timestamp())))
