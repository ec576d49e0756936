"""Looks over HTTP: off until one is approved, drawn once a slate, kept in the ledger, turned down at once."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api import keys
from api.runtime import Runtime
from generative import variant_store
from generative.types import Banner, State
from generative.variants import Choices
from recsys.answers import ledger, store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.types import Persona


@pytest.fixture(autouse=True)
def _shop(trained):
    """A stocked shop with a model."""


def decide(client, admin, variant: str, approval: str = "approved") -> Any:
    path = f"/admin/variants/hero/{variant}"
    answer = client.put(path, headers=admin, json={"approval": approval})
    assert answer.status_code == 200, answer.json
    return answer.json


def asked(here: Runtime, client, shop, n: int = 1, size: str = "hero") -> list[Answer]:
    """`n` answers as the ledger keeps them."""
    kept: list[Answer] = []
    for number in range(n):
        path = f"/recommend?k=4&banner={size}&user_id=u{number}"
        assert client.get(path, headers=shop).status_code == 200
    here.ledger.close()
    ledger.drain(here.config.recsys.answers_dir, lambda found: kept.extend(found) or len(found))
    return kept


def test_nothing_is_drawn_before_a_look_is_approved_and_a_lone_one_is_always_worn(
    here, client, admin, shop
) -> None:
    before = asked(here, client, shop)[0]
    decide(client, admin, "bold")
    after = asked(here, client, shop)[0]

    assert before.creative_draw is None
    assert after.creative_draw is not None
    assert (after.creative_draw["variant"], after.creative_draw["chance"]) == ("bold", 1.0)


def test_a_decision_is_kept_with_the_key_that_made_it(here, client, admin) -> None:
    decide(client, admin, "bold")

    with reading(here.engine) as session:
        decided = variant_store.decisions(session)
    presented = keys.read(admin["Authorization"].removeprefix("Bearer "))
    assert presented is not None
    assert [one.who for one in decided] == [presented.key_id]


def test_a_slate_wears_one_look_and_the_ledger_says_which_and_how_likely(
    here, client, admin, shop
) -> None:
    decide(client, admin, "bold")
    decide(client, admin, "type")

    answers = asked(here, client, shop, n=20)

    seen = Counter()
    for answer in answers:
        draw = answer.creative_draw
        assert draw is not None
        assert draw["among"] == ["bold", "type"]
        assert draw["chance"] == pytest.approx(0.5, abs=1e-6)
        assert draw["ready"] == 0  # nothing is made yet
        items = [here.shelf.items[item_id] for item_id in answer.item_ids]
        assert answer.creative_keys == here.briefs.keys(items, Persona(), "hero", draw["variant"])
        seen[draw["variant"]] += 1
    assert set(seen) == {"bold", "type"}


def test_the_draw_of_an_answer_can_be_made_again_from_its_id(here, client, admin, shop) -> None:
    decide(client, admin, "bold")
    decide(client, admin, "type")
    for answer in asked(here, client, shop, n=5):
        luck = int(answer.recommendation_id[-12:], 16) / 16**12
        again = here.styled.chosen.choices.draw("hero", "everyone", luck)

        assert again is not None
        assert answer.creative_draw is not None
        assert again.variant == answer.creative_draw["variant"]


def test_a_look_of_another_size_is_not_drawn(here, client, admin, shop) -> None:
    decide(client, admin, "bold")
    decide(client, admin, "type")

    assert asked(here, client, shop, size="square")[0].creative_draw is None


def test_a_look_turned_down_is_shown_no_more(here, client, admin, shop) -> None:
    for name in ("bold", "type", "frame"):
        decide(client, admin, name)
    decide(client, admin, "bold", "rejected")

    worn = {answer.creative_draw["variant"] for answer in asked(here, client, shop, n=20)}

    assert worn == {"type", "frame"}


def test_the_state_says_what_is_decided_and_how_likely_each_is(client, admin) -> None:
    decide(client, admin, "bold")
    decide(client, admin, "type")

    told = client.get("/admin/variants", headers=admin).json

    assert [(one["variant"], one["approval"]) for one in told["decisions"]] == [
        ("bold", "approved"),
        ("type", "approved"),
    ]
    assert [one["chance"] for one in told["chances"]] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert "bold" in told["names"]


@pytest.mark.parametrize("path", ["/admin/variants/poster/bold", "/admin/variants/hero/neon"])
def test_an_unknown_size_or_look_over_http_is_refused(client, admin, path) -> None:
    answer = client.put(path, headers=admin, json={"approval": "approved"})

    assert answer.status_code == 422


def test_only_an_admin_decides(client, shop) -> None:
    answer = client.put("/admin/variants/hero/bold", headers=shop, json={"approval": "approved"})

    assert answer.status_code == 403


def test_the_report_weighs_slates_by_their_chance(here, client, admin, drawn, clicked) -> None:
    at = datetime.now(UTC) - timedelta(hours=2)
    with writing(here.engine) as session:
        answers = [
            drawn(number, at, variant="bold", chance=0.8)
            if number % 5
            else drawn(number, at, variant="type", chance=0.2)
            for number in range(600)
        ]
        store.record(session, answers)
        events.record(session, [clicked(one) for one in answers if wins(one)])

    told = client.get("/admin/variants/report?days=1", headers=admin).json
    size = told["sizes"][0]

    assert (size["size"], size["slates"], size["shoppers"]) == ("hero", 600, 600)
    assert size["drawn"] > size["even"][0]["value"]
    assert [one["estimator"] for one in size["even"]] == ["ips", "snips", "dr"]
    assert size["gain"]["low"] > 0
    assert {one["variant"]: one["slates"] for one in size["looks"]} == {"bold": 480, "type": 120}


def wins(answer: Answer) -> bool:
    number = int(answer.recommendation_id.removeprefix("answer-"))
    bold = answer.creative_draw is not None and answer.creative_draw["variant"] == "bold"
    return number % 2 == 0 if bold else number % 20 == 0


class TestMade:
    """With a cache, what was made is worn in truth."""

    @pytest.fixture
    def api_config(self, cached_config, broker):  # noqa: ARG002 the queue is the test's own
        return cached_config

    def test_ready_counts_the_leading_items_that_wear_the_look(
        self, here: Runtime, client, admin, shop
    ) -> None:
        decide(client, admin, "bold")
        decide(client, admin, "type")
        answer = asked(here, client, shop)[0]
        draw = answer.creative_draw
        assert draw is not None
        put_ready(here, answer, draw["variant"], n=2)
        here.styled.chosen = replace(here.styled.chosen, choices=always(draw["variant"]))

        again = asked(here, client, shop)[0]

        assert again.creative_keys == answer.creative_keys
        assert again.creative_draw is not None
        assert again.creative_draw["ready"] == 2

    def test_a_ring_names_the_look_that_is_wanted(
        self, here: Runtime, client, admin, shop, monkeypatch
    ) -> None:
        rung: list[str] = []
        monkeypatch.setattr(
            here.bell, "creative", lambda *_, variant, **__: not rung.append(variant)
        )
        decide(client, admin, "bold")
        decide(client, admin, "type")

        answer = asked(here, client, shop)[0]

        assert answer.creative_draw is not None
        assert set(rung) == {answer.creative_draw["variant"]}


def always(variant: str) -> Choices:
    from generative.variants import Share

    share = Share(
        variant=variant, chance=1.0, best=1.0, rate=0.1, low=0.0, high=1.0, shown=1.0, clicked=0.0
    )
    return Choices({"hero": {"": (share,)}})


def put_ready(here: Runtime, answer: Answer, variant: str, *, n: int) -> None:
    for item_id in answer.item_ids[:n]:
        asked_for = here.briefs.of(here.shelf.items[item_id], Persona(), "hero", variant)
        banner = Banner(path="x.jpg", sha256="ab" * 32, width=1200, height=628)
        here.cache.put(replace(asked_for.floor, state=State.READY, banner=banner))
