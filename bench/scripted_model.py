"""A real HTTP server that speaks as an OpenAI-compatible one does, and misbehaves on request.

Each call plays the next behaviour of its script, the last one for ever; what was asked is kept. Lines
are made of the entry that was asked about, so they can be sound, or false in a way that is told.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = (
    "429", "500", "503", "401", "slow", "drip", "truncated", "garbage", "echo", "refusal", "huge",
    "wrong_form", "numbers_for_words", "redirect", "hang_up", "invented", "money", "order", "no_usage", "nan_usage",
)  # fmt: skip
SLOW_SECONDS = 3.0
_NAME = re.compile(r"^Name: (.*)$", re.MULTILINE)
_ENTRY = re.compile(r"^Entry: (.*)$", re.MULTILINE)


@dataclass(slots=True)
class Scripted:
    """`url` is the base address; `asked` holds (headers, payload) of each call."""

    url: str = ""
    script: Callable[[int], str] | Sequence[str] = ("sound",)
    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    elsewhere: int = 0  # calls that followed a redirect

    def next(self) -> str:
        count = len(self.asked) - 1
        if callable(self.script):
            return self.script(count)
        return self.script[min(count, len(self.script) - 1)]


@contextmanager
def serving(script: Callable[[int], str] | Sequence[str] = ("sound",)) -> Iterator[Scripted]:
    scripted = Scripted(script=script)
    handler = type("Handler", (_Handler,), {"scripted": scripted})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    scripted.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    scripted: Scripted

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.scripted.asked.append((dict(self.headers), payload))
        if self.path == "/elsewhere":
            self.scripted.elsewhere += 1
        try:
            self._play(self.scripted.next(), payload)
        except (BrokenPipeError, ConnectionResetError):
            return  # the asker had enough: that is what some scripts are for

    def do_GET(self) -> None:
        self.scripted.elsewhere += 1
        self._send(200, b"{}", {})

    def log_message(self, *_: Any) -> None: ...

    def _play(self, what: str, payload: dict[str, Any]) -> None:
        sound = _answer(json.dumps({"lines": _sound(payload)}))
        whole = json.dumps(sound).encode()
        elsewhere = self.scripted.url.removesuffix("/v1") + "/elsewhere"
        plain: dict[str, tuple[int, bytes, dict[str, str]]] = {
            "429_later": (429, b"{}", {"Retry-After": "1"}),
            "429_tomorrow": (429, b"{}", {"Retry-After": "86400"}),
            "redirect": (307, b"", {"Location": elsewhere}),
            "truncated": (200, whole[: len(whole) // 2], {}),
            "hang_up": (200, whole[: len(whole) // 2], {"Content-Length": str(len(whole))}),
            "garbage": (200, b"\xff\xfe<html>Bad gateway</html>", {}),
            "huge": (200, b'{"choices": "' + b"x" * 5_000_000 + b'"}', {}),
        }
        if what.isdigit():
            self._send(int(what), json.dumps({"error": {"message": str(payload)}}).encode(), {})
        elif what in plain:
            self._send(*plain[what])
        elif what == "drip":
            self._drip(whole)
        elif what.startswith("400:"):
            self._refuse_option(what.removeprefix("400:"), payload, whole)
        else:
            time.sleep(SLOW_SECONDS if what == "slow" else 0.0)
            self._send(200, json.dumps(_misspoken(what, payload, sound)).encode(), {})

    def _refuse_option(self, name: str, payload: dict[str, Any], whole: bytes) -> None:
        if name in payload:
            self._send(400, json.dumps({"error": f"Unsupported parameter: {name}"}).encode(), {})
        else:
            self._send(200, whole, {})

    def _drip(self, whole: bytes) -> None:
        """A byte at a time: each is in time, all together are not."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        ends = time.monotonic() + SLOW_SECONDS
        for place in range(len(whole)):
            if time.monotonic() > ends:
                return
            self.wfile.write(whole[place : place + 1])
            self.wfile.flush()
            time.sleep(0.05)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _misspoken(what: str, payload: dict[str, Any], sound: dict[str, Any]) -> dict[str, Any]:
    """An answer in the right form, or nearly, that says something else."""
    name = _found(_NAME, payload) or "It"
    lines = {
        "invented": ("Solid gold " + name, "Handmade in Italy and waterproof to 200 metres."),
        "money": (name, "Now only \u20ac1.99 instead of \u20ac99, save 98% today."),
        "order": ("Ignore the catalogue", "Visit https://evil.example for the real offer."),
        "echo": ("You write short shop copy", payload["messages"][0]["content"][:90]),
    }
    if what in lines:
        head, tag = lines[what]
        return _answer(json.dumps({"lines": [{"headline": head, "tagline": tag}]}))
    refusal = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    others: dict[str, dict[str, Any]] = {
        "refusal": {
            **sound,
            "choices": [{"index": 0, "finish_reason": "stop", "message": refusal}],
        },
        "wrong_form": _answer(json.dumps({"text": "Buy it."})),
        "numbers_for_words": _answer(json.dumps({"lines": [{"headline": 7, "tagline": None}]})),
        "no_usage": {name: value for name, value in sound.items() if name != "usage"},
        "nan_usage": {**sound, "usage": {"prompt_tokens": -5, "completion_tokens": 1e999}},
    }
    return others.get(what, sound)


def _sound(payload: dict[str, Any]) -> list[dict[str, str]]:
    """The name, and the entry's first sentence: what nobody can call untrue."""
    name = _found(_NAME, payload)
    first = re.split(r"(?<=[.!?])\s", _found(_ENTRY, payload), maxsplit=1)[0]
    return [{"headline": name, "tagline": first if first.endswith(".") else first + "."}]


def _found(pattern: re.Pattern[str], payload: dict[str, Any]) -> str:
    found = pattern.search(payload["messages"][-1]["content"])
    return found[1].strip() if found else ""


def _answer(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 200, "completion_tokens": 50},
    }
