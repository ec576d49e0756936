"""The load generator counts what a server really answered."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench import load


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0.3 if self.path == "/slow" else 0)
        answer = {
            "model_version": "v1",
            "items": [{"item_id": "b-1" if self.path == "/mixed" else "a-1", "source": "personal"}],
        }
        self._say(404 if self.path == "/gone" else 200, json.dumps(answer).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._say(200 if json.loads(body) == {"user_id": "ü"} else 422, b"{}")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_closed_loop_asks_as_often_as_it_is_answered(port: int) -> None:
    asked = [load.request(path="/"), load.request("POST", "/", body={"user_id": "ü"})]

    found = load.run(port, asked, connections=2, seconds=0.3)

    assert found["requests"] > 10
    assert (found["not_200"], found["errors"]) == (0, 0)
    assert found["p50_ms"] <= found["p90_ms"] <= found["p99_ms"] <= found["p999_ms"]


def test_what_is_no_200_is_counted_by_its_status(port: int) -> None:
    found = load.run(port, [load.request(path="/gone")], connections=1, seconds=0.1)

    assert found["statuses"] == {404: found["requests"]}


def test_an_open_loop_asks_as_often_as_it_is_told(port: int) -> None:
    found = load.run(port, [load.request()], connections=8, seconds=0.5, rate=100)

    assert (found["requests"], found["errors"]) == (50, 0)


def test_who_waits_for_a_stalled_server_is_counted_from_when_he_was_due(port: int) -> None:
    asked = [load.request(path="/slow")]

    found = load.run(port, asked, connections=1, seconds=0.4, rate=10)

    assert found["requests"] == 4
    assert found["max_ms"] > 850  # the last was due at 300 ms and answered at 1,200


def test_an_answer_with_another_versions_item_is_found_out(port: int) -> None:
    asked = [load.request(path="/"), load.request(path="/mixed")]
    check = load.of_one_version({"v1": "a-"})

    found = load.run(port, asked, connections=1, seconds=0.2, check=check)

    assert found["wrong"] == found["requests"] // 2
    assert found["wrong_examples"] == ["v1 with b-1"]
    assert found["versions"] == {"v1": found["requests"]}
