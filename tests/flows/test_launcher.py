"""`make demo` as a newcomer uses it: once, again, in another window, and stopped in every way."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.supervisor import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop so small that it trains in a second."""
    folder = tmp_path_factory.mktemp("data") / "demo"
    (folder / "tiny").mkdir(parents=True)
    (folder / "media").mkdir()
    now = datetime.now(UTC) - timedelta(days=1)
    things = [
        {"id": f"i{n}", "title": f"Thing {n}", "price": "2.50", "category": ["Shop", f"A{n % 2}"]}
        for n in range(40)
    ]
    lines = "\n".join(json.dumps(thing) for thing in things)
    (folder / "tiny" / "items.jsonl").write_text(lines + "\n")
    deeds = ["event_id,user_id,item_id,kind,at,quantity,order_id"]
    for user in range(80):
        for step in range(12):
            at = now - timedelta(minutes=7 * ((user * 31 + step * 97) % 9000))
            item = (2 * (user + step) + user % 2) % 40
            deeds.append(f"e{user}-{step},u{user},i{item},purchase,{at.isoformat()},1,")
    (folder / "tiny" / "events.csv").write_text("\n".join(deeds) + "\n")
    return folder


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture
def launch(data: Path, state: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    launched: list[subprocess.Popen[str]] = []

    def start(*options: str, **env: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if name[:8] != "VITRINE_"}
        quick = {"VITRINE_TRAIN_EPOCHS": "2", "VITRINE_COPY_PROVIDERS": "extractive,template"}
        process = subprocess.Popen(
            [sys.executable, "demo/run.py", "--state", str(state), "--data", str(data), *options],
            cwd=ROOT,
            env=clean | quick | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        launched.append(process)
        return process

    yield start
    for process in launched:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def ours(state: Path) -> list[str]:
    """The command lines of every process that was started with this state."""
    marker = f"VITRINE_ARTIFACTS_DIR={state}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and marker in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    pytest.fail(f"it ended without saying {text!r}:\n{seen}")


def test_the_first_start_fills_trains_and_ends_with_a_banner_and_a_command_that_works(
    launch: Callable[..., Any], state: Path, tmp_path: Path
) -> None:
    process = launch("--report", str(tmp_path / "report.json"))
    said = read_until(process, "Ctrl-C stops it")
    command = re.search(r"curl -s '([^']+)' -H \"X-Api-Key: \$\(cat ([^)]+)\)\"", said)
    assert command is not None, said

    assert "training" in said
    assert re.search(r"Storefront +http://127.0.0.1:\d+/", said)
    assert re.search(r"Console +http://127.0.0.1:\d+/console", said)
    done = subprocess.run(
        ["bash", "-c", command[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert len(json.loads(done.stdout)["items"]) == 5
    keys = [path for path in state.iterdir() if path.suffix == ".key"]
    assert len(keys) == 4
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    report = json.loads((tmp_path / "report.json").read_text())
    assert 0 < report["seconds"]["first_answer"] <= report["seconds"]["first_banner"]
    assert report["peak_mb"]["api"] > 10

    second = launch()
    told, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "running already" in told
    assert len(ours(state)) > 4

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 0
    assert ours(state) == []


def test_the_second_start_reuses_everything_and_mends_a_child_that_dies(
    launch: Callable[..., Any], state: Path, wait: Wait
) -> None:
    process = launch()
    said = read_until(process, "Ctrl-C stops it")
    assert "importing" not in said
    assert "training on" not in said
    assert "vk_adm_" not in said

    url = re.search(r"http://127.0.0.1:\d+", said)
    assert url is not None
    worker = next(
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and is_worker(path, state)
    )
    os.kill(worker, signal.SIGKILL)
    assert "worker ended" in read_until(process, "starting it again")

    process.kill()  # no chance to clean up: the kernel ends the children
    process.communicate()
    wait(lambda: ours(state) == [], "every child is gone")


def test_a_child_whose_launcher_died_while_it_was_born_does_not_live_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asking to die with a parent that is dead already asks for nothing."""
    first = die_with_parent()
    monkeypatch.setattr(os, "getppid", lambda: 1)  # as the child sees it: it was taken in by init
    orphan = subprocess.Popen([sys.executable, "-c", ""], preexec_fn=first)  # noqa: PLW1509 one thread

    assert orphan.wait(timeout=30) == 1


def is_worker(process: Path, state: Path) -> bool:
    try:
        command = (process / "cmdline").read_bytes().decode().split("\0")
        environment = (process / "environ").read_bytes()
        parent = re.search(r"PPid:\s+(\d+)", (process / "status").read_text())
        above = Path(f"/proc/{parent[1]}/cmdline").read_bytes() if parent else b""
    except OSError:
        return False
    return "default@%h" in command and str(state).encode() in environment and b"run.py" in above


def test_a_port_that_is_taken_is_named(launch: Callable[..., Any], state: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = launch(VITRINE_PORT=str(port))
        said, _ = process.communicate(timeout=30)

    assert process.returncode == 1
    assert f"port {port} is taken" in said
    assert "VITRINE_PORT" in said
    assert ours(state) == []


def test_data_that_is_missing_is_named(launch: Callable[..., Any], tmp_path: Path) -> None:
    process = launch("--state", str(tmp_path / "state"), "--data", str(tmp_path))
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert str(tmp_path) in said
    time.sleep(0.1)
    assert ours(tmp_path / "state") == []


def test_reset_forgets_its_own_state_and_nothing_else(
    launch: Callable[..., Any], state: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("keep me")

    refused = launch("--state", str(precious), "--reset")
    assert refused.wait(30) == 1
    assert (precious / "letter").exists()

    assert launch("--reset").wait(30) == 0
    assert not state.exists()
