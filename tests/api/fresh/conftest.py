"""Several processes of one shop: they share a database and a Redis, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import event

from api import create_app, keys
from api.config import ApiConfig
from api.keys import Role
from api.recommending import looking
from api.recommending.degraded import Degraded
from api.runtime import Runtime
from recsys.catalogue import items
from recsys.database import writing
from recsys.types import Item

NOW = datetime.now(UTC) - timedelta(hours=1)


@dataclass
class Process:
    """One of several that share a database and a Redis."""

    app: APIFlask
    key: dict[str, str]

    @property
    def here(self) -> Runtime:
        found: Runtime = self.app.extensions["vitrine"]
        return found

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def post(self, *rows: dict[str, object], **envelope: object) -> dict[str, Any]:
        body = {"events": list(rows)} | envelope
        answer = self.client.post("/events", json=body, headers=self.key)
        assert answer.status_code == 202, answer.json
        assert answer.json is not None
        return answer.json

    def past(self, user_id: str = "u1") -> tuple[str, ...]:
        return self.look(user_id).history.item_ids

    def look(self, user_id: str = "u1", degraded: Degraded | None = None) -> looking.Read:
        here = self.here
        return looking.read(here, user_id, here.handle.get(), degraded or Degraded())

    def shown(self) -> dict[str, dict[str, Any]]:
        answer = self.client.get("/recommend?k=50&banner=none", headers=self.key)
        assert answer.json is not None
        return {one["item_id"]: one["product"] for one in answer.json["items"]}

    def patch(self, item_id: str, **changes: object) -> list[str]:
        answer = self.client.patch(f"/items/{item_id}", json=changes, headers=self.key)
        assert answer.json is not None
        assert answer.status_code == 200, answer.json
        found: list[str] = answer.json["degraded"]
        return found

    def fill(self, number: int = 6) -> None:
        """Items in the database, behind everybody's back."""
        with writing(self.here.engine) as session:
            items.put_many(
                session,
                [Item(item_id=f"i{n}", title=f"Thing {n}", stock=5) for n in range(number)],
            )

    @contextmanager
    def asked(self) -> Iterator[list[str]]:
        """The statements that the database is asked meanwhile."""
        asked: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        event.listen(self.here.engine, "before_cursor_execute", note)
        yield asked
        event.remove(self.here.engine, "before_cursor_execute", note)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path, sqlite_url: str, valkey: Any) -> Iterator[Start]:
    """Starts processes of one shop; each has a disk of its own for what it spools."""
    started: list[Process] = []

    def make(
        url: str = sqlite_url,
        cache: str | None = None,
        seconds: float = 30.0,
        busy_seconds: float = 5.0,
    ) -> Process:
        base = ApiConfig()
        folder = tmp_path / f"process-{len(started)}"
        config = replace(
            base,
            recsys=replace(
                base.recsys,
                database_url=url,
                database_busy_seconds=busy_seconds,
                artifacts_dir=tmp_path / "artifacts",
                answers_dir=folder / "answers",
                spool_dir=folder / "spool",
                text_encoder="none",
            ),
            generative=replace(
                base.generative, cache_url=cache or valkey.url(1), banners_dir=folder / "banners"
            ),
            pulse_seconds=seconds,
        )
        app = create_app(config)
        here: Runtime = app.extensions["vitrine"]
        with writing(here.engine) as session:
            key = keys.create(session, Role.ADMIN, label="", now=NOW)
        here.keyring.refresh()
        process = Process(app, {"X-Api-Key": key})
        started.append(process)
        return process

    yield make
    for process in started:
        process.here.close()
