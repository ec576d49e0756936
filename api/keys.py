"""API keys as rows [SQL]: `vk_<pub|adm>_<id>_<secret>`, of which only the id and a hash are kept."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.tables import ApiKeyRow


class Role(StrEnum):
    ADMIN = "admin"
    STOREFRONT = "storefront"


_PREFIX = {Role.ADMIN: "adm", Role.STOREFRONT: "pub"}
_ROLE = {prefix: role for role, prefix in _PREFIX.items()}
_SHAPE = re.compile(r"vk_(pub|adm)_([0-9a-f]{12})_([A-Za-z0-9]{43})")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedKey:
    """A key as a client sent it: well formed, not yet believed."""

    key_id: str
    role: Role
    secret_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    key_id: str
    role: Role
    secret_sha256: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


def create(session: Session, role: Role, *, label: str, now: datetime) -> str:
    """Make a key and return it whole, for the only time."""
    key_id = secrets.token_hex(6)
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(43))  # 256 bits
    session.add(
        ApiKeyRow(
            key_id=key_id, role=role, secret_sha256=_hash(secret), label=label, created_at=now
        )
    )
    session.flush()
    return f"vk_{_PREFIX[role]}_{key_id}_{secret}"


def revoke(session: Session, key_id: str, *, now: datetime) -> bool:
    """False where no such key is in force."""
    row = session.get(ApiKeyRow, key_id)
    if row is None or row.revoked_at is not None:
        return False
    row.revoked_at = now
    session.flush()
    return True


def every(session: Session) -> list[KeptKey]:
    rows = session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.key_id))
    return [
        KeptKey(
            key_id=row.key_id,
            role=Role(row.role),
            secret_sha256=row.secret_sha256,
            label=row.label,
            created_at=row.created_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


def in_force(session: Session) -> Mapping[str, KeptKey]:
    return {key.key_id: key for key in every(session) if key.revoked_at is None}


def read(text: str) -> PresentedKey | None:
    """The parts of a key, or None where it has not the shape of one."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return None
    prefix, key_id, secret = shape.groups()
    return PresentedKey(key_id=key_id, role=_ROLE[prefix], secret_sha256=_hash(secret))


def _hash(secret: str) -> str:
    # A 256-bit random secret needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
