"""One HTTP call with JSON, and nothing left to the other side: time, size and place are all bounded.

There is no redirect, so a key goes nowhere but to the configured host. The body of an error is never
repeated, as it may hold what was sent.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

MOST_BYTES = 262_144  # an answer of a few lines has a few thousand
_CHUNK = 16_384


class Unanswered(Exception):
    """No whole answer came; the message says how, and never what was sent.

    `heard` tells whether the other side may have worked, and be paid, for it.
    """

    def __init__(self, message: str, *, heard: bool) -> None:
        super().__init__(message)
        self.heard = heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    body: bytes
    retry_after: float | None = None  # seconds


def address(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of a base URL.

    Raises:
        ValueError: It is no plain http(s) address, or it carries a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")


def post(
    url: str, payload: dict[str, Any], *, key: str, seconds: float, most_bytes: int = MOST_BYTES
) -> Reply:
    """Send JSON and read the answer, both within `seconds` in all.

    Raises:
        Unanswered: Refused, broken off, too slow or too large.
    """
    scheme, host, port, path = address(url)
    ends = time.monotonic() + seconds
    connection: http.client.HTTPConnection
    if scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:
            kind = type(error).__name__
            raise Unanswered(f"{host}:{port} cannot be reached ({kind})", heard=False) from None
        return _exchange(
            connection, path, payload, key, max(ends - time.monotonic(), 0.0), most_bytes
        )
    finally:
        connection.close()


def _exchange(
    connection: http.client.HTTPConnection,
    path: str,
    payload: dict[str, Any],
    key: str,
    seconds: float,
    most_bytes: int,
) -> Reply:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    late = threading.Event()
    plug = connection.sock

    def give_up() -> None:
        # A timeout of the socket starts anew with each byte; this one does not.
        late.set()
        try:
            plug.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", path, body=json.dumps(payload).encode(), headers=headers)
        answer = connection.getresponse()
        body = _read(answer, most_bytes)
        wait = _seconds(answer.getheader("Retry-After"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        how = "took too long" if late.is_set() else f"broke off ({type(error).__name__})"
        raise Unanswered(f"the answer {how}", heard=True) from None
    finally:
        timer.cancel()
    if late.is_set():
        raise Unanswered("the answer took too long", heard=True)
    return Reply(status=answer.status, body=body, retry_after=wait)


def _read(answer: http.client.HTTPResponse, most_bytes: int) -> bytes:
    parts, size = [], 0
    while part := answer.read(_CHUNK):
        size += len(part)
        if size > most_bytes:
            raise Unanswered(f"the answer is larger than {most_bytes} bytes", heard=True)
        parts.append(part)
    return b"".join(parts)


def _seconds(header: str | None) -> float | None:
    """What Retry-After asks for: seconds, or a date."""
    if not header:
        return None
    try:
        return max(float(header), 0.0) if header.strip()[:1].isdigit() else _until(header)
    except (ValueError, TypeError, OverflowError):
        return None


def _until(header: str) -> float:
    return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
