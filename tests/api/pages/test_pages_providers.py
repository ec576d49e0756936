"""The console's providers: their health and money in words, and a switch that every process hears."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from api.config import ApiConfig
from api.runtime import Runtime
from generative.ledger import PURSE, SqlLedger
from generative.tables import ProviderDayRow
from recsys.database import writing


@pytest.fixture
def api_config(api_config: ApiConfig) -> ApiConfig:
    generative = replace(
        api_config.generative,
        copy_providers=("openai", "llama", "extractive", "template"),
        openai_url="http://127.0.0.1:9/v1",
        openai_model="some-model",
        openai_price_in=0.001,
        gguf_path="/nowhere/at-all.gguf",
    )
    return replace(api_config, generative=generative)


def day(here: Runtime, name: str, *, ago: int = 0, **counts: float) -> None:
    when = (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()
    empty = {
        "calls": 0,
        "failures": 0,
        "candidates": 0,
        "accepted": 0,
        "seconds": 0.0,
        "spent": 0.0,
    }
    with writing(here.engine) as session:
        session.add(ProviderDayRow(name=name, day=when, **empty | counts))


def test_a_provider_is_told_with_todays_book(console: FlaskClient, here: Runtime, text) -> None:
    day(here, "openai", calls=10, candidates=40, accepted=30, seconds=25.0, spent=0.25)
    day(here, PURSE, spent=0.25)

    said = text(console.get("/console/creatives/providers").text)

    assert "0.25 of 1.00 spent" in said
    assert "works answers Switch off openai 10 0 75 % 75 % of 40 lines 2.5 s 0.25" in said


def test_two_weeks_of_lines_are_added_up(console: FlaskClient, here: Runtime, text) -> None:
    day(here, "openai", candidates=10, accepted=10)
    day(here, "openai", ago=13, candidates=10, accepted=0)
    day(here, "openai", ago=14, candidates=1000, accepted=0)

    assert "50 % of 20 lines" in text(console.get("/console/creatives/providers").text)


def test_a_provider_that_cannot_run_says_why(console: FlaskClient, text) -> None:
    said = text(console.get("/console/creatives/providers").text)

    assert "cannot run" in said
    assert "missing" in said or "no language model is installed" in said


def test_a_provider_that_mostly_fails_is_failing(console: FlaskClient, here: Runtime, text) -> None:
    day(here, "openai", calls=10, failures=6)

    assert "failing 6 of 10 calls failed today" in text(
        console.get("/console/creatives/providers").text
    )


def test_a_spent_budget_is_told_where_it_stops_somebody(
    console: FlaskClient, here: Runtime, text
) -> None:
    day(here, PURSE, spent=1.0)
    day(here, "openai", calls=1, spent=1.0)

    said = text(console.get("/console/creatives/providers").text)

    assert "1.00 of 1.00 spent" in said
    assert "no money left" in said


def test_the_switch_is_heard_by_the_studios_ledger(
    console: FlaskClient, here: Runtime, send
) -> None:
    answer = send(console, "/console/creatives/providers/switch", name="openai", on="no")

    assert "openai is off" in answer.text
    ledger = SqlLedger(here.engine, daily_budget=1.0)
    assert ledger.allowed("openai") == "it is switched off"
    send(console, "/console/creatives/providers/switch", name="openai", on="yes")
    assert SqlLedger(here.engine, daily_budget=1.0).allowed("openai") == ""


@pytest.mark.parametrize("name", ["template", "extractive", "<b>", ""])
def test_what_has_no_switch_cannot_be_switched(console: FlaskClient, send, name: str) -> None:
    answer = send(console, "/console/creatives/providers/switch", name=name, on="no")

    assert answer.status_code == 404
    assert "<b>" not in answer.text


def test_a_switch_wants_the_forms_token(console: FlaskClient) -> None:
    answer = console.post(
        "/console/creatives/providers/switch", data={"name": "openai", "on": "no"}
    )

    assert answer.status_code == 403


def test_the_overview_says_that_the_budget_is_spent(
    console: FlaskClient, here: Runtime, text
) -> None:
    assert "budget for creatives" not in text(console.get("/console/").text)

    day(here, PURSE, spent=1.0)

    assert "budget for creatives is spent" in text(console.get("/console/").text)
