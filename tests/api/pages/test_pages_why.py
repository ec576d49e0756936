"""Why an item is shown or not, and answers looked up and made again, in the console."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.pages.why import sentence
from api.runtime import Runtime
from recsys.answers import ledger, store
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.database import writing
from recsys.learning.bundle import ModelBundle
from recsys.merchandising import store as rules
from recsys.merchandising.types import Rule, RuleKind
from recsys.types import Event, EventKind

HOSTILE = '<script>alert("x")</script>'


def saw(here: Runtime, user_id: str, *item_ids: str) -> None:
    now = datetime.now(UTC)
    deeds = [
        Event(
            event_id=f"{user_id}-{item_id}",
            user_id=user_id,
            item_id=item_id,
            kind=EventKind.VIEW,
            at=now - timedelta(minutes=n + 1),
        )
        for n, item_id in enumerate(item_ids)
    ]
    with writing(here.engine) as session:
        events.record(session, deeds)


def answered(client: FlaskClient, shop: Mapping[str, str], **wishes: Any) -> str:
    body = {"banner": "none", **wishes}
    return client.post("/recommend", json=body, headers=shop).json["recommendation_id"]


def why(console: FlaskClient, **asked: str) -> str:
    page = console.get("/console/why", query_string=asked)
    assert page.status_code == 200
    return page.text


@pytest.mark.parametrize("path", ["/console/why?item_id=i1", "/console/answers"])
def test_without_a_login_nothing_is_told(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 303


@pytest.mark.usefixtures("trained")
def test_a_shown_item_has_its_slot_rank_and_branches(
    console: FlaskClient, here: Runtime, text
) -> None:
    saw(here, "u", "i1", "i2")

    words = text(why(console, user_id="u", item_id="i5"))

    assert "It is shown, in slot" in words
    assert "Rank by the model" in words
    assert "Taste (dense branch)" in words
    assert "Deeds known 2" in words
    assert "What may appear" in words


@pytest.mark.usefixtures("trained")
def test_a_rule_that_takes_an_item_out_is_named(console: FlaskClient, here: Runtime, text) -> None:
    saw(here, "u", "i1")
    rule = Rule(rule_id="no-five", name="No five", kind=RuleKind.EXCLUDE, where="price == 6")
    with writing(here.engine) as session:
        rules.put(session, rule, who="test", now=datetime.now(UTC))

    words = text(why(console, user_id="u", item_id="i5"))

    assert "A rule decides: rule no-five 'No five' keeps out" in words


@pytest.mark.usefixtures("trained")
def test_a_hidden_item_and_an_unknown_one_are_told_apart(
    console: FlaskClient, here: Runtime, text
) -> None:
    with writing(here.engine) as session:
        items.patch(session, "i5", {"hidden": True})

    assert "It cannot be shown. The catalogue hides it." in text(why(console, item_id="i5"))
    assert "The catalogue has no such item." in text(why(console, item_id="nobody"))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            {"verdict": "behind", "because": "others come first", "rank": 31, "n_allowed": 1200},
            "It may appear, but others come first: rank 31 of 1,200 by the model.",
        ),
        (
            {"verdict": "behind", "because": "nothing is known", "rank": None, "n_allowed": 0},
            "It may appear but is not in the slate: nothing is known.",
        ),
        (
            {"verdict": "unproposed", "because": "the strategy search does not propose it"},
            "It may appear, but the strategy search does not propose it.",
        ),
        (
            {"verdict": "shown", "because": "rule hero put it there", "slot": 1},
            "It is shown, in slot 1: rule hero put it there.",
        ),
        (
            {"verdict": "in_cart", "because": "it is in the cart"},
            "It is kept out: it is in the cart.",
        ),
    ],
)
def test_verdicts_are_sentences(found: dict[str, Any], said: str) -> None:
    assert sentence(found) == said


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("hostile", [HOSTILE, "\x00", "\ud800", "x" * 5000, "../..", "%"])
def test_whatever_is_asked_is_answered_and_escaped(console: FlaskClient, hostile: str) -> None:
    asked = {
        name: hostile.encode("utf-8", "surrogatepass")
        for name in ("item_id", "user_id", "session", "placement", "item_ids")
    }

    page = console.get("/console/why", query_string=asked)

    assert page.status_code == 200
    assert "<script>alert" not in page.text


@pytest.mark.usefixtures("trained")
def test_asking_why_is_no_answer_to_a_shopper(console: FlaskClient, here: Runtime) -> None:
    why(console, user_id="u", item_id="i1")

    assert ledger.pending(here.config.recsys.answers_dir) == 0


@pytest.mark.usefixtures("trained")
def test_the_newest_answers_stand_first_and_those_of_one_shopper_alone(
    console: FlaskClient, here: Runtime, shop: dict[str, str]
) -> None:
    first, second = (answered(console, shop, user_id=user, k=3) for user in ("anna", "ben"))
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))

    every = console.get("/console/answers").text
    of_anna = console.get("/console/answers?user_id=anna").text

    assert every.index(second) < every.index(first)
    assert first in of_anna
    assert second not in of_anna


@pytest.mark.usefixtures("trained")
def test_an_answer_is_looked_up_by_its_id_at_once(
    console: FlaskClient, shop: dict[str, str], text
) -> None:
    recommendation_id = answered(console, shop, user_id="anna", k=3, filter="price < 9")

    page = console.get(f"/console/answers?id={recommendation_id}", follow_redirects=True)

    words = text(page.text)
    assert "anna" in words
    assert "price < 9" in words
    assert "What was answered" in words


@pytest.mark.usefixtures("trained")
def test_an_answer_is_made_again_exactly(
    console: FlaskClient, shop: dict[str, str], send, text
) -> None:
    recommendation_id = answered(console, shop, user_id="anna", k=3)

    words = text(send(console, f"/console/answers/{recommendation_id}/replay").text)

    assert "Yes: the same items in the same order" in words
    assert "Made again" in words


def test_what_comes_out_otherwise_is_told(
    console: FlaskClient, here: Runtime, shop: dict[str, str], send, text, trained: ModelBundle
) -> None:
    saw(here, "anna", "i1", "i2")
    recommendation_id = answered(console, shop, user_id="anna", k=3)
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with writing(here.engine) as session:
        session.execute(
            store._TABLE.update().values(item_ids=["i9", "i1", "i2"], history_digest="0" * 16)
        )

    words = text(send(console, f"/console/answers/{recommendation_id}/replay").text)

    assert trained.version in words
    assert "No: it comes out otherwise now." in words
    assert "History" in words
    assert "was not there" in words


def test_an_answer_whose_model_is_gone_says_so(
    console: FlaskClient, here: Runtime, shop: dict[str, str], send, text, trained: ModelBundle
) -> None:
    recommendation_id = answered(console, shop, user_id="anna", k=3)
    ledger.drain(here.config.recsys.answers_dir, store.recorder(here.engine))
    with writing(here.engine) as session:
        session.execute(store._TABLE.update().values(model_version=f"{trained.version}x"))

    page = send(console, f"/console/answers/{recommendation_id}/replay")

    assert page.status_code == 200
    assert "no longer on disk" in text(page.text)


@pytest.mark.parametrize("recommendation_id", ["x", "0" * 36, "a" * 300])
def test_an_answer_that_is_not_kept_is_a_page_that_says_so(
    console: FlaskClient, recommendation_id: str
) -> None:
    page = console.get(
        "/console/answers", query_string={"id": recommendation_id}, follow_redirects=True
    )

    assert page.status_code == 404
    assert "no such answer is kept" in page.text


@pytest.mark.parametrize("recommendation_id", ["a/b", "%00", HOSTILE, "../users"])
def test_what_is_no_id_is_not_looked_up(console: FlaskClient, recommendation_id: str) -> None:
    page = console.get("/console/answers", query_string={"id": recommendation_id})

    assert page.status_code == 200
    assert "That is no id of an answer." in page.text
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "before", ["soon", "0001-01-01T00:00:00+14:00", "2026-01-01", "9999-12-31"]
)
def test_older_answers_are_asked_for_by_any_moment(console: FlaskClient, before: str) -> None:
    assert console.get("/console/answers", query_string={"before": before}).status_code == 200
