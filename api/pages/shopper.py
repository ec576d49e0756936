"""Who is shopping: a signed cookie of the storefront's own, apart from the console's session.

The console's cookie is SameSite=Strict and so is not sent when somebody follows a link to the
shop; a shop that kept its visitors in the same cookie would log the shopkeeper out. With consent
off an anonymous visitor has no id at all, and a form's token is all that the cookie keeps.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from flask import Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from api.errors import Problem
from api.runtime import runtime

COOKIE = "vitrine_shopper"
MAX_AGE_SECONDS = 90 * 24 * 3600
_SALT = "vitrine.storefront.shopper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """`known` is a shopper of the shop's log, picked from the list; `user_id` None is nobody."""

    user_id: str | None
    known: bool = False
    consent: bool = True
    csrf: str = ""

    @property
    def noted_as(self) -> str | None:
        """The id under which deeds are noted and remembered; None without consent."""
        return self.user_id if self.consent else None


def current() -> Shopper:
    """This request's shopper; a first visit gets an id of its own."""
    if "shopper" not in g:
        g.shopper = _read() or newcomer()
    return g.shopper  # type: ignore[no-any-return]  # flask.g holds anything


def newcomer() -> Shopper:
    return Shopper(user_id=f"visitor-{uuid4().hex}", csrf=secrets.token_urlsafe(24))


def become(shopper: Shopper) -> None:
    """Be this shopper from now on; `keep` writes it into the answer."""
    g.shopper = shopper


def with_consent(shopper: Shopper, *, consent: bool) -> Shopper:
    """Withdrawing consent also drops an anonymous id; giving it again starts a fresh one."""
    if consent:
        return replace(shopper, consent=True, user_id=shopper.user_id or newcomer().user_id)
    return replace(shopper, consent=False, user_id=shopper.user_id if shopper.known else None)


def keep(response: Response) -> Response:
    """Send the cookie where it changed, and never let a shared cache keep a shopper's page."""
    response.headers.setdefault("Cache-Control", "private, no-store")
    shopper = g.get("shopper")
    if shopper is not None and shopper != _read():
        response.set_cookie(
            COOKIE,
            _signer().dumps([shopper.user_id, shopper.known, shopper.consent, shopper.csrf]),
            max_age=MAX_AGE_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=runtime().config.cookie_secure,
        )
    return response


def check_csrf() -> None:
    """End the request with 403 unless the form was one that we gave this shopper."""
    known = _read()
    submitted = request.form.get("csrf_token", "")
    if known is None or not hmac.compare_digest(known.csrf.encode(), submitted.encode()):
        raise Problem(403, "this form is no longer valid; go back, reload the page and try again")


def _read() -> Shopper | None:
    try:
        fields: Any = _signer().loads(request.cookies.get(COOKIE, ""))
        user_id, known, consent, csrf = fields
    except (BadSignature, ValueError, TypeError):
        return None
    return Shopper(user_id=user_id, known=known, consent=consent, csrf=csrf)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=_SALT)
