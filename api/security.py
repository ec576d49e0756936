"""What every response carries: a strict policy for browsers, an id, and a place in the metrics."""

import re
import time
import uuid
from datetime import timedelta

from flask import Flask, Response, g, request
from flask_cors import CORS

from api.errors import Problem
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


def policy(image_origins: tuple[str, ...] = ()) -> str:
    """The pages' content security policy: all scripts and styles are files of ours."""
    images = " ".join(("'self'", "data:", *image_origins))
    return (
        f"default-src 'self'; img-src {images}; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def install(app: Flask, runtime: Runtime) -> None:
    config = runtime.config
    headers = {"Content-Security-Policy": policy(config.image_origins), **_HEADERS}
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

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        if "\x00" in request.path:
            raise Problem(400, "an address holds no NUL character")

    @app.after_request
    def finish(response: Response) -> Response:
        carried = {name.lower() for name, _ in response.headers}
        response.headers.extend(
            [(name, value) for name, value in headers.items() if name.lower() not in carried]
        )
        if "request_id" in g:
            response.headers["X-Request-Id"] = g.request_id
            endpoint = request.endpoint or "unknown"
            seconds = time.perf_counter() - g.started
            runtime.metrics.request(endpoint, request.method, response.status_code, seconds)
        return response
