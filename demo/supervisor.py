"""Starts the demo's processes, notices when one ends, and stops them all; touches no other process."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 8.0  # for all children together, before what is left is killed
MAX_STARTS = (
    4  # within RESTART_WINDOW; a child that ends more often will not be mended by starting it
)
RESTART_WINDOW = 60.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


@dataclass(slots=True)
class Child:
    """One process, the leader of its own session: a Ctrl-C in the terminal reaches only us."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)
    peak_mb: float = 0.0


class Supervisor:
    def __init__(
        self, folder: Path, env: Mapping[str, str], logs: Path, say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._env = dict(env)
        self._logs = logs
        self._say = say
        self.children: list[Child] = []
        self.stopping = False

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> None:
        child = Child(name=name, command=command, log=self._logs / f"{name}.log")
        child.log.write_bytes(b"")
        self.children.append(child)
        self._spawn(child, env)

    def run(self, name: str, command: Sequence[str], *, show: bool = False) -> str:
        """Run one command to its end and return what it printed; `show` lets its progress through.

        Raises:
            DemoError: It failed.
        """
        log = self._logs / f"{name}.log"
        with log.open("wb") as errors:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=self._env,
                stdout=subprocess.PIPE,
                stderr=None if show else errors,
                check=False,
            )
        if done.returncode:
            raise DemoError(f"{name} failed:\n{tail(log)}\nThe whole log is {log}")
        return done.stdout.decode()

    def tick(self) -> None:
        """Look after the children once: measure them, and start again what ended.

        Raises:
            DemoError: One ends again and again.
        """
        for child in self.children:
            process = child.process
            if process is None or self.stopping:
                continue
            code = process.poll()
            if code is None:
                child.peak_mb = max(child.peak_mb, memory_mb(process.pid))
                continue
            recent = [at for at in child.starts if time.monotonic() - at < RESTART_WINDOW]
            if len(recent) >= MAX_STARTS:
                raise DemoError(
                    f"{child.name} ended {len(recent)} times (exit {code}):\n{tail(child.log)}\n"
                    f"The whole log is {child.log}"
                )
            self._say(f"{child.name} ended (exit {code}); starting it again. Log: {child.log}")
            self._spawn(child, None)

    def wait(
        self, until: Callable[[], bool], what: str, *, seconds: float, pause: float = 0.2
    ) -> None:
        """Look after the children until something is so.

        Raises:
            DemoError: It was not so in time.
        """
        deadline = time.monotonic() + seconds
        while not until():
            self.tick()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{what} did not happen within {seconds:.0f} s; the logs are in {self._logs}"
                )
            time.sleep(pause)

    def stop(self) -> None:
        """End every child that we started, the last one first."""
        self.stopping = True
        running = [child for child in reversed(self.children) if _runs(child)]
        for child in running:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(_runs(child) for child in running) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in running:
            # The whole session: a server that was killed outright may leave its own workers.
            _signal(child, signal.SIGKILL, group=True)
            if child.process is not None:
                child.process.wait()

    def _spawn(self, child: Child, env: Mapping[str, str] | None) -> None:
        if env is not None:
            child.command = [
                "env",
                *(f"{name}={value}" for name, value in env.items()),
                *child.command,
            ]
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                child.command,
                cwd=self._folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 we start children from our one thread
            )
        child.starts.append(time.monotonic())


def memory_mb(pid: int) -> float:
    """The peak resident memory of a process and its descendants together; 0 where /proc is not."""
    return sum(_peak_mb(member) for member in [pid, *_descendants(pid)])


def free_port(wanted: int = 0) -> int:
    """A loopback port nobody listens on: `wanted` if it is free.

    Raises:
        OSError: It is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", wanted))
        return int(probe.getsockname()[1])


def tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_descendants(int(child))]
    except OSError:
        pass
    return found


def _peak_mb(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _runs(child: Child) -> bool:
    return child.process is not None and child.process.poll() is None


def _signal(child: Child, number: int, *, group: bool = False) -> None:
    if child.process is None:
        return
    try:
        if group:
            os.killpg(child.process.pid, number)
        elif child.process.poll() is None:
            child.process.send_signal(number)
    except (ProcessLookupError, PermissionError):
        pass


def die_with_parent() -> Callable[[], None]:
    """What a child is to do first (`preexec_fn`): if we are killed outright, the kernel ends it too."""
    parent = os.getpid()

    def ask() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if (
            os.getppid() != parent
        ):  # killed while the child came to be: nobody would tell it any more
            os._exit(1)

    return ask
