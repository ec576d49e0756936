"""Load from one process over raw sockets: as many requests as are answered, or so many a second.

A request is bytes that were made beforehand, and of an answer only the status, the length and what
a check wants are read, so that one core asks for thousands of slates a second. Closed: each of c
connections asks again as soon as it is answered. Open: requests are due at fixed moments, whatever
the server does, and a latency counts from the moment one was due, not from when a connection was
free for it: a server that stalls is charged for those who waited (no coordinated omission).

python bench/load.py PORT REQUESTS.json --connections 4 --seconds 10 [--rate 1000] [--core 1]
"""

import argparse
import json
import os
import re
import selectors
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Check = Callable[[bytes], str | None]  # of an answer's body: what is wrong with it, or None
PERCENTILES = {"p50_ms": 50, "p90_ms": 90, "p99_ms": 99, "p999_ms": 99.9}
_RECEIVED = 1 << 18
_STUCK_SECONDS = 180.0  # a server's first answer waits for its model, which may be gigabytes
_OK = b"HTTP/1.1 200"
_LENGTH = b"content-length:"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("requests", type=Path, help="a JSON list of {method, path, headers, body}")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: closed loop")
    parser.add_argument("--core", type=int, default=None)
    parser.add_argument("--versions", type=Path, default=None, help="{version: pattern of its ids}")
    parser.add_argument("--start", type=int, default=0, help="the first request of the list")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    asked = [request(**one) for one in json.loads(options.requests.read_text())]
    check = None
    if options.versions is not None:
        check = of_one_version(json.loads(options.versions.read_text()))
    found = run(
        options.port,
        asked[options.start % len(asked) :] + asked[: options.start % len(asked)],
        connections=options.connections,
        seconds=options.seconds,
        rate=options.rate,
        check=check,
    )
    json.dump(found, sys.stdout)


def request(
    method: str = "GET",
    path: str = "/",
    headers: dict[str, str] | None = None,
    body: Any = None,
) -> bytes:
    """A request as bytes; a body is sent as JSON."""
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join([*lines, "", ""]).encode() + data


def of_one_version(patterns: dict[str, str]) -> Check:
    """That the personal items of an answer are such as the version it names can know.

    `patterns` are regular expressions that an id begins with; "*" is that of any other version.
    """
    counted: Counter[str] = Counter()
    read = {version: re.compile(pattern) for version, pattern in patterns.items()}

    def check(body: bytes) -> str | None:
        answer = json.loads(body)
        version = answer["model_version"]
        counted[version] += 1
        pattern = read.get(version, read.get("*"))
        if pattern is None:
            return f"version {version} is none of ours"
        personal = [one["item_id"] for one in answer["items"] if one["source"] == "personal"]
        strange = [item_id for item_id in personal if not pattern.match(item_id)]
        return f"{version} with {strange[0]}" if strange else None

    check.counted = counted  # type: ignore[attr-defined] # told beside the timings
    return check


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    since: float = 0.0  # the moment that the request under way counts from
    received: bytearray = field(default_factory=bytearray)
    busy: bool = False


@dataclass(slots=True)
class _Tally:
    """What came back."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    late: int = 0


def run(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    rate: float = 0.0,
    check: Check | None = None,
) -> dict[str, Any]:
    """Ask for `seconds` and tell the latencies of what was answered.

    In the open loop `late` counts requests that were due and never sent, because no connection was
    free before the end; they count as errors.
    """
    chooser = selectors.DefaultSelector()
    pool = [_open(port) for _ in range(connections)]
    for one in pool:
        chooser.register(one.socket, selectors.EVENT_READ, one)
    tally = _Tally()
    cpu, began = time.process_time(), time.perf_counter()
    (_opened if rate else _closed)(chooser, pool, requests, tally, seconds, rate, check, port)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    for one in pool:
        one.socket.close()
    return _told(tally, wall, cpu, connections, rate) | (
        {"versions": dict(check.counted)} if check is not None and hasattr(check, "counted") else {}
    )


def _closed(
    chooser: Any,
    pool: list[_Connection],
    requests: Sequence[bytes],
    tally: _Tally,
    seconds: float,
    _rate: float,
    check: Check | None,
    port: int,
) -> None:
    until, turn = time.perf_counter() + seconds, 0
    for one in pool:
        _send(one, requests[turn % len(requests)], time.perf_counter())
        turn += 1
    busy = len(pool)
    while busy:
        for key, _ in chooser.select(_STUCK_SECONDS) or _stuck(tally, pool):
            one = key.data
            if not _read(chooser, one, tally, check, port):
                continue
            now = time.perf_counter()
            if now < until:
                _send(one, requests[turn % len(requests)], now)
                turn += 1
            else:
                busy -= 1


def _opened(
    chooser: Any,
    pool: list[_Connection],
    requests: Sequence[bytes],
    tally: _Tally,
    seconds: float,
    rate: float,
    check: Check | None,
    port: int,
) -> None:
    began = time.perf_counter()
    wanted, sent = int(rate * seconds), 0
    free: deque[_Connection] = deque(pool)
    under_way = 0
    last = began + seconds + 5.0
    while (sent < wanted or under_way) and time.perf_counter() < last:
        now = time.perf_counter()
        while sent < wanted and free and began + sent / rate <= now:
            _send(free.popleft(), requests[sent % len(requests)], began + sent / rate)
            sent += 1
            under_way += 1
        due = began + sent / rate - time.perf_counter() if sent < wanted and free else 0.05
        # The last moments are waited for awake: a sleeping selector wakes a tenth of a millisecond late.
        for key, _ in chooser.select(max(due - 0.0002, 0.0)):
            if _read(chooser, key.data, tally, check, port):
                free.append(key.data)
                under_way -= 1
    tally.late = wanted - sent + under_way


def _open(port: int) -> _Connection:
    made = socket.create_connection(("127.0.0.1", port), timeout=10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Connection(socket=made)


def _send(one: _Connection, data: bytes, since: float) -> None:
    one.since, one.busy = since, True
    one.socket.sendall(data)


def _read(chooser: Any, one: _Connection, tally: _Tally, check: Check | None, port: int) -> bool:
    """Whether the request under way is over; a broken connection is opened again."""
    try:
        data = one.socket.recv(_RECEIVED)
    except OSError:
        data = b""
    if not data:
        tally.errors += 1
        chooser.unregister(one.socket)
        one.socket.close()
        one.socket = _open(port).socket
        one.received.clear()
        chooser.register(one.socket, selectors.EVENT_READ, one)
        return True
    one.received += data
    end = one.received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(one.received[:end]).lower()
    at = head.find(_LENGTH)
    length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    if len(one.received) < end + 4 + length:
        return False
    tally.seconds.append(time.perf_counter() - one.since)
    if not one.received.startswith(_OK):
        tally.statuses[int(head[9:12])] += 1
    elif check is not None:
        problem = check(bytes(one.received[end + 4 :]))
        if problem is not None:
            tally.wrong[problem] += 1
    one.received.clear()
    one.busy = False
    return True


def _stuck(tally: _Tally, pool: list[_Connection]) -> list[Any]:
    """Nothing is answered any more: no server would be measured by waiting longer."""
    tally.errors += sum(one.busy for one in pool)
    raise SystemExit("the server does not answer")


def _told(tally: _Tally, wall: float, cpu: float, connections: int, rate: float) -> dict[str, Any]:
    times = np.asarray(tally.seconds) * 1000
    found: dict[str, Any] = {
        "loop": "open" if rate else "closed",
        "connections": connections,
        "rate": rate or None,
        "requests": len(times),
        "requests_per_s": round(len(times) / wall, 1),
    }
    for name, percent in PERCENTILES.items():
        found[name] = round(float(np.percentile(times, percent)), 3) if len(times) else None
    found |= {
        "max_ms": round(float(times.max()), 2) if len(times) else None,
        "not_200": sum(tally.statuses.values()),
        "statuses": dict(tally.statuses),
        "errors": tally.errors + tally.late,
        "wrong": sum(tally.wrong.values()),
        "wrong_examples": [problem for problem, _ in tally.wrong.most_common(3)],
        "client_cpu_share": round(cpu / wall, 3),
    }
    return found


if __name__ == "__main__":
    main()
