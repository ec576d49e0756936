"""Experiments in the console: defined, started, stopped, and what may be concluded of a shop whose truth is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient

from api.pages import findings
from api.pages.experiment_forms import of_definition
from api.runtime import Runtime
from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.outcomes import experiments
from recsys.outcomes.assignment import HOLDOUT, Experiment, Kind, Status, Variant
from recsys.outcomes.experiments import Definition
from recsys.types import Boost, Dials, Event, EventKind

HOSTILE = '<script>alert("x")</script>'
FORM: dict[str, Any] = {
    "experiment_id": "front",
    "name": "Trending instead",
    "kind": "split",
    "planned_users": "2000",
    "slice_from": "0",
    "slice_to": "50",
    "layer": "rank",
    "variant": ["as_is", "trending", "", ""],
    "weight": ["1", "3", "", ""],
    "place": ["home", "home", "home", "home"],
    "strategy": ["", "trending", "", ""],
    "filter": ["", "price > 1", "", ""],
    "more": ["", "", "", ""],
}


def kept(here: Runtime, experiment_id: str = "front") -> Definition | None:
    with reading(here.engine) as session:
        return experiments.find(session, experiment_id)


def written(here: Runtime, *variants: Variant, days: int = 20, **changes: Any) -> None:
    """An experiment that began a while ago."""
    made = Experiment(experiment_id="front", salt="s", variants=variants, **changes)
    with writing(here.engine) as session:
        began = datetime.now(UTC) - timedelta(days=days)
        experiments.put(session, made, name="Front", now=began, planned_users=400)
        experiments.start(session, "front", now=began)


def visited(here: Runtime, shares: dict[str, tuple[int, float]]) -> None:
    """For each variant so many users, of whom this part bought one item of the catalogue."""
    random = np.random.default_rng(5)
    answers, deeds = [], []
    at = datetime.now(UTC) - timedelta(days=10)
    for variant, (n, share) in shares.items():
        for number in range(n):
            user = f"{variant}-{number}"
            answers.append(
                Answer(
                    recommendation_id=f"r-{user}",
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
                    experiments={"front": variant},
                )
            )
            if random.random() < share:
                deeds.append(
                    Event(
                        event_id=f"p-{user}",
                        user_id=user,
                        item_id="i5",
                        kind=EventKind.PURCHASE,
                        at=at + timedelta(minutes=3),
                    )
                )
    with writing(here.engine) as session:
        store.record(session, answers)
        events.record(session, deeds)


def test_without_a_login_there_is_no_experiment(client: FlaskClient) -> None:
    for path in ("", "/form", "/of/front"):
        assert client.get(f"/console/experiments{path}").status_code == 303


def test_an_experiment_is_kept_as_it_was_typed(console: FlaskClient, here: Runtime, send) -> None:
    page = send(console, "/console/experiments", **FORM)

    assert "kept as a draft" in page.text
    found = kept(here)
    assert found is not None
    one = found.experiment
    assert [(variant.name, variant.weight) for variant in one.variants] == [
        ("as_is", 1),
        ("trending", 3),
    ]
    assert one.variants[1].placements == {"home": {"strategy": "trending", "filter": "price > 1"}}
    assert (one.layer, one.slice_to, found.planned_users) == ("rank", 50, 2000)


def test_what_a_form_was_filled_with_is_what_it_says(
    console: FlaskClient, here: Runtime, send
) -> None:
    send(console, "/console/experiments", **FORM)
    found = kept(here)
    assert found is not None

    rows = of_definition(found)["rows"]

    assert rows[1] == {
        "variant": "trending",
        "weight": "3",
        "place": "home",
        "strategy": "trending",
        "filter": "price > 1",
        "more": "",
    }


def test_dials_and_many_places_are_said_as_json(console: FlaskClient, here: Runtime, send) -> None:
    more = {"home": {"dials": {"novelty": 0.3}}, "email": {"strict": True}}

    send(
        console,
        "/console/experiments",
        **FORM | {"more": ["", orjson.dumps(more).decode(), "", ""]},
    )

    found = kept(here)
    assert found is not None
    placements = found.experiment.variants[1].placements
    assert placements["home"]["dials"] == Dials(novelty=0.3)
    assert placements["email"]["strict"] is True
    assert orjson.loads(of_definition(found)["rows"][1]["more"]).keys() == {"home", "email"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"variant": ["a", "a", "", ""]}, "two have the same name"),
        ({"experiment_id": "a b"}, "letters, digits"),
        ({"weight": ["1", "-1", "", ""]}, "greater than or equal to 0"),
        ({"weight": ["1", "much", "", ""]}, "valid number"),
        ({"filter": ["", "price <", "", ""]}, "at character 8"),
        ({"more": ["", "{", "", ""]}, "is no JSON"),
        ({"more": ["", '{"home": {"colour": 1}}', "", ""]}, "Extra inputs"),
        ({"more": ["", "[1]", "", ""]}, "valid dictionary"),
        ({"slice_to": "200"}, "less than or equal to 100"),
        ({"kind": "interleaved", "variant": ["a", "", "", ""], "strategy": [""] * 4,
          "weight": [""] * 4, "filter": [""] * 4}, "two are interleaved"),
        ({"variant": [""] * 4, "strategy": [""] * 4, "weight": [""] * 4, "filter": [""] * 4},
         "at least 1 item"),
    ],
)  # fmt: skip
def test_what_could_not_run_is_told_and_stays_typed(
    console: FlaskClient, here: Runtime, send, text, change: dict[str, Any], says: str
) -> None:
    page = send(console, "/console/experiments", **FORM | change)

    assert page.status_code == 422
    assert says in text(page.text)
    assert 'value="Trending instead"' in page.text
    assert kept(here) is None


def test_a_name_that_no_database_holds_is_told(console: FlaskClient, here: Runtime, send) -> None:
    page = send(console, "/console/experiments", **FORM | {"name": "a\x00b"})

    assert page.status_code == 422
    assert "must not contain control characters" in page.text
    assert kept(here) is None


def test_it_is_started_and_stopped_and_not_changed_between(
    console: FlaskClient, here: Runtime, send
) -> None:
    send(console, "/console/experiments", **FORM)

    started = send(console, "/console/experiments/of/front/start")
    changed = send(console, "/console/experiments", **FORM)
    stopped = send(console, "/console/experiments/of/front/stop")
    again = send(console, "/console/experiments/of/front/stop")

    assert "It runs" in started.text
    assert changed.status_code == 422
    assert "stop it before it is changed" in changed.text
    assert "It is stopped" in stopped.text
    assert "does not run" in again.text
    found = kept(here)
    assert found is not None
    assert found.status is Status.STOPPED


def test_the_holdout_is_a_share_of_all_users(
    console: FlaskClient, here: Runtime, send, text
) -> None:
    send(console, "/console/experiments/holdout", share="4", strategy="popular")

    found = kept(here, HOLDOUT)
    assert found is not None
    assert [(one.name, one.weight) for one in found.experiment.variants] == [
        ("held_out", 4),
        ("personalised", 96),
    ]
    assert "4 % of all users would see nothing personal" in text(
        console.get("/console/experiments").text
    )


@pytest.mark.parametrize("share", ["0", "100", "nan", "some", "-3", "1e999"])
def test_a_share_that_cannot_be_is_refused(
    console: FlaskClient, here: Runtime, send, share: str
) -> None:
    page = send(console, "/console/experiments/holdout", share=share)

    assert "Not kept" in page.text
    assert kept(here, HOLDOUT) is None


@pytest.mark.usefixtures("trained")
def test_a_variant_with_dials_and_boosts_answers(
    client: FlaskClient, here: Runtime, shop: dict[str, str]
) -> None:
    changes = {
        "dials": Dials(novelty=0.4),
        "boosts": (Boost(expression="price > 3", weight=0.5),),
        "filter": "price > 2",
    }
    written(here, Variant(name="new", placements={"home": changes}))

    answer = client.post("/recommend", json={"user_id": "u", "banner": "none"}, headers=shop)

    assert answer.status_code == 200
    assert answer.json["experiments"] == {"front": "new"}
    assert {"i0", "i1"}.isdisjoint(one["item_id"] for one in answer.json["items"])


@pytest.mark.usefixtures("stocked")
def test_a_real_difference_may_be_concluded(console: FlaskClient, here: Runtime, text) -> None:
    written(
        here,
        Variant(name="old"),
        Variant(name="new", placements={"home": {"strategy": "trending"}}),
    )
    visited(here, {"old": (400, 0.1), "new": (400, 0.6)})

    page = console.get("/console/experiments/of/front")

    words = text(page.text)
    assert "new has a higher conversion than old" in words
    assert "this may be concluded now" in words
    assert "Too little to say about click-through rate of new" in words
    assert "€0.00 was bought through slates of new; it caused €" in words
    assert '<svg class="forest better"' in page.text


@pytest.mark.usefixtures("stocked")
def test_no_difference_is_not_called_alike(console: FlaskClient, here: Runtime, text) -> None:
    written(
        here,
        Variant(name="old"),
        Variant(name="new", placements={"home": {"strategy": "trending"}}),
    )
    visited(here, {"old": (200, 0.3), "new": (200, 0.3)})

    words = text(console.get("/console/experiments/of/front").text)

    assert "nothing may be concluded yet, not even that they are alike" in words
    assert "this may be concluded now" not in words


@pytest.mark.usefixtures("stocked")
def test_users_in_the_wrong_shares_forbid_any_conclusion(
    console: FlaskClient, here: Runtime, text
) -> None:
    written(
        here,
        Variant(name="old"),
        Variant(name="new", placements={"home": {"strategy": "trending"}}),
    )
    visited(here, {"old": (400, 0.1), "new": (150, 0.6)})

    words = text(console.get("/console/experiments/of/front").text)

    assert "Trust nothing below" in words
    assert "Nothing may be concluded" in words
    assert "this may be concluded now" not in words


def test_an_interleaving_has_votes(console: FlaskClient, here: Runtime, text) -> None:
    other = Variant(name="b", placements={"home": {"strategy": "popular"}})
    written(here, Variant(name="a"), other, kind=Kind.INTERLEAVED)

    words = text(console.get("/console/experiments/of/front").text)

    assert "0 users clicked more of the first ranker" in words
    assert "Too few users have clicked" in words


def test_a_draft_has_no_report_and_hostile_names_stay_words(console: FlaskClient, send) -> None:
    page = send(console, "/console/experiments", **FORM | {"name": HOSTILE})

    assert "A draft has no report" in page.text
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("asked", ["days=0", "days=x", "window_days=1e9", "colour=red"])
def test_a_span_that_cannot_be_is_a_page_that_says_so(
    console: FlaskClient, here: Runtime, asked: str
) -> None:
    written(here, Variant(name="old"))

    assert console.get(f"/console/experiments/of/front?{asked}").status_code == 422


@pytest.mark.parametrize("path", ["of/nobody", "form?experiment_id=nobody", "of/a%F0%9F%9B%92"])
def test_what_nobody_has_written_is_a_404(console: FlaskClient, path: str) -> None:
    assert console.get(f"/console/experiments/{path}").status_code == 404


@pytest.mark.parametrize(
    ("words", "said"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_are_said_as_people_say_them(words: list[str], said: str) -> None:
    assert findings._list(words) == said
