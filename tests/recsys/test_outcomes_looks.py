"""What came of drawn looks: whose slates count, and estimates that hold whatever the chances followed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.outcomes import looks
from recsys.outcomes import reading as outcomes
from recsys.outcomes.looks import Trials
from recsys.outcomes.reading import Look
from recsys.types import Event, EventKind

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def answer(number: int, **changes: Any) -> Answer:
    draw = {
        "size": "hero",
        "persona": "everyone",
        "variant": "bold",
        "among": ["bold", "type"],
        "chance": 0.5,
        "ready": 4,
    }
    told: dict[str, Any] = {
        "recommendation_id": f"answer-{number}",
        "at": START,
        "user_id": f"u{number}",
        "placement": "home",
        "strategy": "personal",
        "request": {},
        "model_version": "m",
        "catalogue_revision": 1,
        "item_ids": ["i0", "i1", "i2", "i3"],
        "sources": ["personal"] * 4,
        "scores": [1.0] * 4,
        "creative_keys": ["k0", "k1", "k2", "k3"],
    }
    drawn = changes.pop("draw", {})
    told["creative_draw"] = None if drawn is None else draw | drawn
    return Answer(**told | changes)


def click(number: int, item_id: str) -> Event:
    return Event(
        event_id=f"e{number}-{item_id}",
        user_id=f"u{number}",
        item_id=item_id,
        kind=EventKind.VIEW,
        at=START + timedelta(minutes=5),
        recommendation_id=f"answer-{number}",
    )


def tallied(engine: Engine, answers: list[Answer], deeds: list[Event], **span: Any) -> Any:
    with writing(engine) as session:
        store.record(session, answers)
        events.record(session, deeds)
    with reading(engine) as session:
        log = outcomes.read(session, since=START - HOUR, until=START + HOUR)
    return looks.tallies(looks.trials(log, **span))


def test_a_slate_is_won_by_a_click_on_what_leads_and_counts_once(engine: Engine) -> None:
    answers = [answer(1), answer(2), answer(3)]
    deeds = [click(1, "i0"), click(1, "i2"), click(2, "i3")]

    assert tallied(engine, answers, deeds) == {("hero", "everyone", "bold"): (3, 1)}


def test_a_slate_whose_banners_were_still_being_made_says_nothing(engine: Engine) -> None:
    answers = [answer(1, draw={"ready": 2}), answer(2, draw={"ready": 3})]

    found = tallied(engine, answers, [click(1, "i0")])

    assert found == {("hero", "everyone", "bold"): (1, 0)}


def test_a_slate_of_one_counts_when_that_one_is_ready(engine: Engine) -> None:
    one = answer(1, item_ids=["i0"], sources=["personal"], scores=[1.0], creative_keys=["k0"])

    assert tallied(engine, [one], [click(1, "i0")]) == {("hero", "everyone", "bold"): (1, 1)}


def test_an_answer_without_a_draw_is_no_trial(engine: Engine) -> None:
    assert tallied(engine, [answer(1, draw=None)], [click(1, "i0")]) == {}


def test_slates_past_the_end_keep_their_clicks_and_are_not_counted(engine: Engine) -> None:
    late = answer(1, recommendation_id="later", at=START + timedelta(minutes=4))
    unnamed = Event(
        event_id="e",
        user_id="u1",
        item_id="i0",
        kind=EventKind.VIEW,
        at=START + timedelta(minutes=5),
    )
    until = (START + timedelta(minutes=2)).timestamp()

    found = tallied(engine, [answer(1), late], [unnamed], until=until)

    assert found == {("hero", "everyone", "bold"): (1, 0)}


def test_a_draw_that_this_release_cannot_read_is_none(engine: Engine) -> None:
    strange = answer(1)
    strange = Answer(**{**_fields(strange), "creative_draw": {"look": "bold"}})

    assert tallied(engine, [strange], []) == {}


def _fields(one: Answer) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Answer.__slots__}


def adaptive(rng: np.random.Generator, n: int = 3_000) -> Trials:
    """Two looks, 10 % and 4 %; the chances follow what was seen, which biases plain rates."""
    names = (
        Look("hero", "p", "good", ("bad", "good")),
        Look("hero", "p", "bad", ("bad", "good")),
    )
    rates = np.array([0.10, 0.04])
    seen = np.ones((2, 2))
    drawn, won, chances = np.zeros(n, np.int64), np.zeros(n), np.zeros(n)
    for row in range(n):
        better = int(seen[1, 0] / seen[0, 0] < seen[1, 1] / seen[0, 1])
        chance = np.array([0.9, 0.1]) if better == 0 else np.array([0.1, 0.9])
        look = int(rng.random() > chance[0])
        win = float(rng.random() < rates[look])
        seen[0, look] += 1
        seen[1, look] += win
        drawn[row], won[row], chances[row] = look, win, chance[look]
    return Trials(
        looks=drawn, won=won, chances=chances, users=np.arange(n, dtype=np.int64), names=names
    )


def test_an_even_choice_is_estimated_without_bias_and_within_its_interval() -> None:
    rng = np.random.default_rng(5)
    runs = [looks.even(adaptive(rng)) for _ in range(60)]

    for row, name in enumerate(("ips", "snips", "dr")):
        found = [run[row] for run in runs]
        assert found[0].estimator == name
        assert np.mean([one.value for one in found]) == pytest.approx(0.07, abs=0.004)
        assert np.mean([one.low <= 0.07 <= one.high for one in found]) >= 0.85


def test_the_gain_over_an_even_choice_is_seen_and_its_sign_is_right() -> None:
    worth = looks.worth(adaptive(np.random.default_rng(6), 12_000))[0]

    assert worth.gain is not None
    assert 0 < worth.gain.low < worth.drawn - 0.07 < worth.gain.high


def test_each_looks_worth_holds_its_rate_however_rarely_it_was_drawn() -> None:
    worth = looks.worth(adaptive(np.random.default_rng(7), 12_000))[0]

    rates = {one.variant: one.value for one in worth.looks}
    assert rates["good"] is not None
    assert rates["bad"] is not None
    assert rates["good"].low < 0.10 < rates["good"].high
    assert rates["bad"].low < 0.04 < rates["bad"].high


def test_nothing_is_said_where_hardly_anything_was_clicked() -> None:
    few = adaptive(np.random.default_rng(8), 60)

    worth = looks.worth(few)[0]

    assert worth.gain is None
    assert all(one.value is None for one in worth.looks)
