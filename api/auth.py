"""Who may do what: a key in a header, or the console's cookie together with its CSRF token."""

import hmac
import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from flask import current_app, request, session

from api import keys
from api.errors import RETRY_SECONDS, Problem
from api.keyring import Keyring, KeysUnread
from api.keys import Role
from api.runtime import runtime

CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="vitrine"'}


def need(role: Role) -> Callable[[], None]:
    """A `before_request` that ends the request unless it may act in this role."""

    def check() -> None:
        presented = key_of(request.environ)
        if presented is None and is_admin():
            if request.method not in _SAFE:
                check_csrf(request.headers.get(CSRF_HEADER, ""))
            return
        check_key(runtime().keyring, presented, role)

    return check


def need_admin_to_write() -> None:
    """For blueprints whose reads are the storefront's and whose writes are the admin's."""
    need(Role.STOREFRONT if request.method in _SAFE else Role.ADMIN)()


def login(key: str) -> bool:
    """Start a console session for an admin key; False where it is none.

    Raises:
        KeysUnread: The database never answered, so nobody can be let in.
    """
    presented = keys.read(key.strip())
    if presented is None or runtime().keyring.role_of(presented) is not Role.ADMIN:
        return False
    session.clear()
    session.permanent = True
    session["role"] = Role.ADMIN.value
    session["key_id"] = presented.key_id
    csrf_token()
    return True


def logout() -> None:
    session.clear()


def sessions_enabled() -> bool:
    """Without VITRINE_SECRET_KEY no cookie can be signed, and the console stays shut."""
    return bool(current_app.secret_key)


def is_admin() -> bool:
    """Whether the cookie is the console's and the key it was opened with is still in force."""
    if session.get("role") != Role.ADMIN.value:
        return False
    return runtime().keyring.holds(session.get("key_id", ""))


def who() -> str:
    """The id of the key that acts in this request, for whatever keeps a record; never its secret."""
    sent = key_of(request.environ)
    presented = None if sent is None else _read(sent)
    return str(session.get("key_id", "")) if presented is None else presented.key_id


def csrf_token() -> str:
    """This session's token, made at the first call; put it in every form."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    return str(session["csrf"])


def check_csrf(submitted: str) -> None:
    """End the request with 403 unless the token is this session's."""
    expected = session.get("csrf", "")
    if not expected or not hmac.compare_digest(expected.encode(), submitted.encode()):
        raise Problem(403, f"the CSRF token is missing or not this session's ({CSRF_HEADER})")


def key_of(environ: Mapping[str, Any]) -> str | None:
    """The text of the key that a request's headers show."""
    header: str = environ.get("HTTP_AUTHORIZATION", "")
    if header[:7].lower() == "bearer ":
        return header[7:].strip()
    found: str | None = environ.get("HTTP_X_API_KEY")
    return found


# What a key's text says and its hash, not whether it is in force: that is asked of the keyring at
# every request. Looked up by a hash that nobody outside can know, so its time tells nothing.
_read = lru_cache(maxsize=64)(keys.read)


def check_key(keyring: Keyring, text: str | None, role: Role) -> None:
    """End the request unless this key may act in this role."""
    if not text:
        raise Problem(
            401, "send a key as `Authorization: Bearer <key>` or `X-Api-Key`", headers=_CHALLENGE
        )
    presented = _read(text)
    try:
        held = None if presented is None else keyring.role_of(presented)
    except KeysUnread:
        detail = "the database is away and no key can be checked; try again"
        raise Problem(503, detail, headers={"Retry-After": RETRY_SECONDS}) from None
    if held is None:
        raise Problem(401, "the key is unknown or revoked", headers=_CHALLENGE)
    if role is Role.ADMIN and held is not Role.ADMIN:
        raise Problem(403, "this needs an admin key, and the one sent is a storefront key")
