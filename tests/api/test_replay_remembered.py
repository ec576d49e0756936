"""Answers that rested on more than a past: what was shown before, a group, two rankers; made again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime
from recsys.answers import ledger, store
from recsys.answers.tables import AnswerMemberRow, AnswerRow
from recsys.behaviour import erasure, events
from recsys.database import looking, writing
from recsys.types import Event, EventKind

Keys = dict[str, str]

pytestmark = pytest.mark.usefixtures("trained")

DUEL = [
    {"name": "sells", "placements": {"home": {"strategy": "popular"}}},
    {"name": "suits", "placements": {"home": {"strategy": "personal"}}},
]


@pytest.fixture
def app(cached_config: ApiConfig) -> Iterator[APIFlask]:
    made = create_app(cached_config)
    yield made
    made.extensions["vitrine"].close()


def did(here: Runtime, user_id: str, *item_ids: str) -> None:
    now = datetime.now(UTC)
    with writing(here.engine) as session:
        deeds = [
            Event(
                event_id=f"{user_id}-{item_id}",
                user_id=user_id,
                item_id=item_id,
                kind=EventKind.VIEW,
                at=now + timedelta(milliseconds=n),
            )
            for n, item_id in enumerate(item_ids)
        ]
        events.record(session, deeds)
    here.pulse.drop_all()


def asked(client: FlaskClient, shop: Keys, **wishes: Any) -> dict[str, Any]:
    answer = client.post("/recommend", json={"banner": "none", "k": 4, **wishes}, headers=shop)
    assert answer.status_code == 200, answer.json
    return answer.json


def replayed(client: FlaskClient, admin: Keys, given: dict[str, Any]) -> dict[str, Any]:
    path = f"/admin/answers/{given['recommendation_id']}/replay"
    answer = client.post(path, json={}, headers=admin)
    assert answer.status_code == 200, answer.json
    return answer.json


def item_ids(told: dict[str, Any]) -> list[str]:
    return [one["item_id"] for one in told["items"]]


def test_what_rotation_knew_is_known_again(client, here, shop, admin) -> None:
    did(here, "u", "i5")
    wish = {"user_id": "u", "rotation": 0.6}
    slates = [asked(client, shop, **wish) for _ in range(4)]
    did(here, "u", item_ids(slates[0])[0])

    found = [replayed(client, admin, one) for one in slates]

    assert len({tuple(item_ids(one)) for one in slates}) > 1
    assert [item_ids(one) for one in found] == [item_ids(one) for one in slates]
    assert [(one["exact"], one["differences"]) for one in found] == [(True, [])] * 4


def test_every_shopper_of_a_group_is_asked_again(client, here, shop, admin) -> None:
    did(here, "a", "i1", "i2")
    did(here, "b", "i7")
    given = asked(client, shop, users=["a", "b", "nobody"])
    did(here, "a", "i9")
    did(here, "b", "i4", "i10")

    found = replayed(client, admin, given)
    told = client.get(f"/admin/answers/{given['recommendation_id']}", headers=admin).json

    assert (found["exact"], found["differences"]) == (True, [])
    assert item_ids(found) == item_ids(given)
    assert [(one["user_id"], one["history_n"]) for one in told["members"]] == [
        ("a", 2),
        ("b", 1),
        ("nobody", 0),
    ]


def test_deeds_of_a_group_that_are_gone_are_told(client, here, shop, admin) -> None:
    did(here, "a", "i1", "i2")
    did(here, "b", "i7")
    given = asked(client, shop, users=["a", "b"])
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with writing(here.engine) as session:
        erasure.forget(session, "b", at=datetime(2026, 1, 1, tzinfo=UTC))

    found = replayed(client, admin, given)

    assert found["differences"][0] == {"what": "history", "detail": "not the same deeds of b"}


@pytest.mark.parametrize("drained", [True, False], ids=["rows", "lines"])
def test_who_is_forgotten_is_forgotten_in_groups_too(client, here, shop, admin, drained) -> None:
    did(here, "a", "i1", "i2")
    did(here, "b", "i7")
    group = asked(client, shop, user_id="c", users=["a", "b"])
    alone = asked(client, shop, user_id="a")
    if drained:
        ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))

    receipt = client.delete("/users/b", headers=admin).json
    gone = client.get(f"/admin/answers/{group['recommendation_id']}", headers=admin)
    kept = client.get(f"/admin/answers/{alone['recommendation_id']}", headers=admin)

    assert receipt["answers_deleted"] == 1
    assert (gone.status_code, kept.status_code) == (404, 200)
    assert members(here) == 0


def test_a_group_is_forgotten_with_the_shopper_who_asked(client, here, shop, admin) -> None:
    asked(client, shop, user_id="c", users=["a", "b"])
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    before = members(here)

    assert client.delete("/users/c", headers=admin).json["answers_deleted"] == 1
    assert (before, members(here)) == (2, 0)


def test_an_answer_that_comes_after_a_member_was_forgotten_is_not_recorded(
    client, here, shop
) -> None:
    asked(client, shop, users=["a", "b"])
    with writing(here.engine) as session:
        erasure.forget(session, "b", at=datetime.now(UTC) + timedelta(seconds=1))

    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))

    with looking(here.engine) as reader:
        assert reader.scalar(select(func.count()).select_from(AnswerRow)) == 0
    assert members(here) == 0


def test_what_is_pruned_leaves_no_member(client, here, shop) -> None:
    asked(client, shop, users=["a", "b"])
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))

    with writing(here.engine) as session:
        deleted = store.prune(session, now=datetime.now(UTC) + timedelta(days=2), days=1)

    assert (deleted, members(here)) == (1, 0)


def test_two_rankers_share_a_slate_again(client, here, shop, admin) -> None:
    body = {"name": "Duel", "kind": "interleaved", "variants": DUEL}
    assert client.put("/admin/experiments/one", json=body, headers=admin).status_code == 200
    assert client.post("/admin/experiments/one/start", headers=admin).status_code == 200
    client.put("/admin/rules/p", json={"kind": "pin", "item_id": "i11", "slot": 2}, headers=admin)
    for number in range(6):
        did(here, f"u{number}", f"i{number}", f"i{number + 3}")
    given = [asked(client, shop, user_id=f"u{number}") for number in range(6)]
    client.post("/admin/experiments/one/stop", headers=admin)
    client.delete("/admin/rules/p", headers=admin)

    found = [replayed(client, admin, one) for one in given]

    assert [one["experiments"] for one in given] == [{"one": "interleaved"}] * 6
    assert {item_ids(one)[1] for one in given} == {"i11"}
    assert [item_ids(one) for one in found] == [item_ids(one) for one in given]
    assert [(one["exact"], one["differences"]) for one in found] == [(True, [])] * 6


def members(here: Runtime) -> int:
    with looking(here.engine) as reader:
        return reader.scalar(select(func.count()).select_from(AnswerMemberRow))
