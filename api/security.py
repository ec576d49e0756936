"""What every response carries: a strict policy for browsers, an id, and a place in the metrics."""

import re
import time
import uuid
from datetime import timedelta

from flask import Flask, Response, g, request

from api.errors import Problem
from api.runtime import Runtime

# 'unsafe-inline' is nowhere: pages bring their scripts and styles as files of ours.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SESSION = timedelta(hours=12)


def install(app: Flask, runtime: Runtime) -> None:
    config = runtime.config
    app.secret_key = config.secret_key or None
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=config.cookie_secure,
        PERMANENT_SESSION_LIFETIME=_SESSION,
        MAX_CONTENT_LENGTH=config.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=config.max_body_bytes,
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
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if "request_id" in g:
            response.headers["X-Request-Id"] = g.request_id
            endpoint = request.endpoint or "unknown"
            seconds = time.perf_counter() - g.started
            runtime.metrics.request(endpoint, request.method, response.status_code, seconds)
        return response
