"""The demo's folder: its secrets, who holds it, and how it is forgotten; and its port."""

import fcntl
import os
import secrets
import shutil
from pathlib import Path

from supervisor import DemoError, free_port
from terminal import say

PORT = 8080
PORTS_TRIED = 20


def reset(state: Path) -> int:
    if not state.exists():
        say("nothing to forget")
        return 0
    if not (state / "lock").exists():
        say(f"{state} was not made by the demo; it is left alone")
        return 1
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("the demo is running; stop it with Ctrl-C first")
            return 1
        shutil.rmtree(state)
    say(f"forgot {shown(state)}")
    return 0


def web_port(wanted: int) -> int:
    if wanted:
        try:
            return free_port(wanted)
        except OSError as error:
            raise DemoError(
                f"port {wanted} is taken ({error.strerror}); choose another with VITRINE_PORT"
            ) from error
    for port in range(PORT, PORT + PORTS_TRIED):
        try:
            return free_port(port)
        except OSError:
            continue
    raise DemoError(f"ports {PORT} to {PORT + PORTS_TRIED - 1} are taken; choose with VITRINE_PORT")


def secret(file: Path) -> str:
    if not file.exists():
        write_private(file, secrets.token_hex(24))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


def shown(path: Path) -> str:
    """Relative to where the user stands, as it can be pasted."""
    return os.path.relpath(path, Path.cwd())
