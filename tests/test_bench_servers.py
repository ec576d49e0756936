"""What the serving benches wait for: every process of a server, and none that has ended."""

import os
import sys
import time
from pathlib import Path

import pytest

from bench import servers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel tells of no sockets"),
]


def test_each_process_of_a_server_has_answered(tmp_path: Path) -> None:
    port = servers.free_port()
    command = servers.granian(port, "bench.bare:create_app", workers=2)
    env = {**os.environ, "PYTHONPATH": str(servers.ROOT)}

    with servers.child(command, env, tmp_path) as running:
        servers.wait_for_each(running, port, 2, "/recommend", "")

        assert len(servers.family(running.pid)) >= 3


def test_a_server_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()

    with (
        servers.child([sys.executable, "-c", ""], dict(os.environ), tmp_path) as ended,
        pytest.raises(SystemExit, match="each of 2 processes does not answer"),
    ):
        servers.wait_for_each(ended, servers.free_port(), 2, "/recommend", "")

    assert time.monotonic() - began < 30
