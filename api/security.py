"""What every response carries: a strict policy for browsers, an id, and a place in the metrics."""

import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_cors import CORS

from api.application import FAILED, Failed
from api.config import ApiConfig
from api.errors import Problem
from api.parsing import Json
from api.runtime import Runtime

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# What the public key opens; a key in a header needs no cookie, so none is let through.
_PUBLIC = (r"/recommend", r"/events", r"/items.*", r"/creatives/.*")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SESSION = timedelta(hours=12)
_OWN_HEADERS = 2  # a JSON answer's type and length


class Sessions(SecureCookieSessionInterface):
    """Flask's own, which makes a signer and reads every setting of the cookie where none is needed."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        sent = request.environ.get("HTTP_COOKIE", "")
        if app.secret_key and self.get_cookie_name(app) not in sent:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)


def policy(image_origins: tuple[str, ...] = ()) -> str:
    """The pages' content security policy: all scripts and styles are files of ours."""
    images = " ".join(("'self'", "data:", *image_origins))
    return (
        f"default-src 'self'; img-src {images}; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def common_headers(config: ApiConfig) -> dict[str, str]:
    """What every response says to browsers."""
    return {"Content-Security-Policy": policy(config.image_origins), **_HEADERS}


def request_id(environ: Mapping[str, Any]) -> str:
    """The client's own name for this request, else a new one."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    known = given and _REQUEST_ID.fullmatch(given)
    return given if known else os.urandom(16).hex()


def install(app: Flask, runtime: Runtime) -> None:
    config = runtime.config
    headers = common_headers(config)
    app.secret_key = config.secret_key or None
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=config.cookie_secure,
        PERMANENT_SESSION_LIFETIME=_SESSION,
        MAX_CONTENT_LENGTH=config.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=config.max_body_bytes,
    )

    if config.cors_origins:
        CORS(
            app,
            resources={path: {"origins": list(config.cors_origins)} for path in _PUBLIC},
            methods=["GET", "POST"],
            allow_headers=["Authorization", "X-Api-Key", "Content-Type"],
            max_age=3600,
        )

    app.session_interface = Sessions()
    app.ensure_sync = _as_it_is  # type: ignore[assignment, method-assign] # none of ours is async
    common = list(headers.items())

    @app.before_request
    def begin() -> None:
        asked = request.environ
        held = g._get_current_object()  # noqa: SLF001 werkzeug documents it: once, not at each use
        failed: Failed | None = asked.get(FAILED)
        held.started = time.perf_counter() if failed is None else failed.began
        held.request_id = request_id(asked)
        if failed is not None:
            raise failed.error
        if "\x00" in asked["PATH_INFO"]:
            raise Problem(400, "an address holds no NUL character")

    @app.after_request
    def finish(response: Response) -> Response:
        held = g._get_current_object()  # noqa: SLF001 as above
        if type(response) is Json and len(response.headers) == _OWN_HEADERS:
            response.common = [*common, ("X-Request-Id", held.get("request_id", ""))]
        else:
            _complete(response, headers, held.get("request_id"))
        if "request_id" in held:
            seconds = time.perf_counter() - held.started
            runtime.metrics.request(
                request.endpoint or "unknown", request.method, response.status_code, seconds
            )
        return response


def _complete(response: Response, headers: dict[str, str], request_id: str | None) -> None:
    carried = {name.lower() for name, _ in response.headers}
    response.headers.extend(
        [(name, value) for name, value in headers.items() if name.lower() not in carried]
    )
    if request_id is not None:
        response.headers["X-Request-Id"] = request_id


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function
