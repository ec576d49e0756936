"""An admin who experiments over HTTP, and answers that were given meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import writing
from recsys.types import Event, EventKind

BODY = {
    "name": "Trending at home",
    "variants": [
        {"name": "as_is"},
        {
            "name": "trending",
            "weight": 2,
            "placements": {"home": {"strategy": "trending", "dials": {"novelty": 0.2}}},
        },
    ],
}


@dataclass(frozen=True)
class Desk:
    """Who holds this key asks for this."""

    client: FlaskClient
    key: dict[str, str]

    def put(self, name: str = "one", **changes: Any) -> Any:
        address = f"/admin/experiments/{name}"
        return self.client.put(address, json=BODY | changes, headers=self.key)

    def post(self, verb: str, name: str = "one") -> Any:
        return self.client.post(f"/admin/experiments/{name}/{verb}", headers=self.key)

    def delete(self, name: str = "one") -> Any:
        return self.client.delete(f"/admin/experiments/{name}", headers=self.key)

    def get(self, address: str) -> Any:
        return self.client.get(f"/admin/{address}", headers=self.key)


@pytest.fixture
def desk(client: FlaskClient, admin: dict[str, str]) -> Desk:
    return Desk(client, admin)


@pytest.fixture
def answered(here: Runtime) -> Callable[[str, datetime, dict[str, str]], None]:
    """A slate shown at home, of which one item was clicked and later bought."""

    def told(user: str, at: datetime, drawn: dict[str, str]) -> None:
        name = f"answer-of-{user}"
        answer = Answer(
            recommendation_id=name,
            at=at,
            user_id=user,
            placement="home",
            strategy="personal",
            request={},
            model_version="m",
            catalogue_revision=1,
            item_ids=["i0", "i1"],
            sources=["personal"] * 2,
            scores=[1.0, 0.5],
            experiments=drawn,
        )
        deed = Event(
            event_id=f"view-of-{user}",
            user_id=user,
            item_id="i0",
            kind=EventKind.VIEW,
            at=at + timedelta(minutes=1),
            recommendation_id=name,
        )
        bought = Event(
            event_id=f"purchase-of-{user}",
            user_id=user,
            item_id="i0",
            kind=EventKind.PURCHASE,
            at=at + timedelta(minutes=2),
        )
        with writing(here.engine) as session:
            store.record(session, [answer])
            events.record(session, [deed, bought])

    return told
