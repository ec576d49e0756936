"""How creatives do: hits, generations saved and cost per thousand, from the ledger and the record."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.pages.studio import served
from api.runtime import Runtime
from generative.tables import CreativeRow, ProviderDayRow
from recsys.answers.entry import new_id
from recsys.answers.tables import AnswerRow
from recsys.database import reading, writing

NOW = datetime.now(UTC)


def answered(engine: Engine, *keys: str | None, at: datetime) -> None:
    with writing(engine) as session:
        session.add(
            AnswerRow(
                recommendation_id=new_id(at),
                at=at,
                placement="home",
                strategy="personal",
                request={},
                model_version="m",
                catalogue_revision=1,
                rules_version=0,
                history_n=0,
                history_digest="",
                experiments={},
                item_ids=["i1"] * len(keys),
                sources=["vae"] * len(keys),
                scores=[1.0] * len(keys),
                propensities=[],
                creative_keys=list(keys),
                teams=[],
                degraded="",
            )
        )


def made(engine: Engine, key: str, provider: str, *, at: datetime) -> None:
    with writing(engine) as session:
        session.add(
            CreativeRow(
                key=key,
                item_id="i1",
                size="hero",
                state="ready",
                brief={},
                copy={},
                provenance={"provider": provider},
                checks={},
                created_at=at,
            )
        )


def count(engine: Engine) -> served.Served:
    with reading(engine) as session:
        return served.count(session, since=NOW - timedelta(days=2), until=NOW)


def test_what_was_made_before_the_answer_is_a_hit(engine: Engine) -> None:
    made(engine, "early", "llama", at=NOW - timedelta(hours=9))
    made(engine, "late", "llama", at=NOW - timedelta(hours=1))
    answered(engine, "early", "late", "never", None, at=NOW - timedelta(hours=5))

    found = count(engine)

    assert found.shown == 3
    assert found.hit_rate == pytest.approx(1 / 3)
    assert found.by_maker == {served.PLAIN: 2, "llama": 1}


def test_a_generation_is_saved_by_every_hit_after_the_first(engine: Engine) -> None:
    made(engine, "k", "extractive", at=NOW - timedelta(hours=9))
    for hour in range(4):
        answered(engine, "k", at=NOW - timedelta(hours=hour + 1))

    assert count(engine).saved == 3


def test_money_is_spread_over_what_was_shown(engine: Engine) -> None:
    answered(engine, *["k"] * 50, at=NOW - timedelta(minutes=1))
    counts = {"calls": 4, "failures": 0, "candidates": 8, "accepted": 6, "seconds": 5.0}
    with writing(engine) as session:
        for name in ("openai", "*"):
            today = NOW.date().isoformat()
            session.add(ProviderDayRow(name=name, day=today, spent=0.5, **counts))

    found = count(engine)

    assert found.per_thousand(found.spent) == pytest.approx(10.0)
    assert found.per_thousand(found.seconds) == pytest.approx(100.0)


def test_of_many_answers_the_newest_stand_for_all(engine: Engine, monkeypatch) -> None:
    monkeypatch.setattr(served, "MOST_ANSWERS", 2)
    made(engine, "k", "llama", at=NOW - timedelta(hours=9))
    for minute in range(1, 5):
        answered(engine, "k", "never", at=NOW - timedelta(minutes=minute))

    found = count(engine)

    assert (found.answers, found.read) == (4, 2)
    assert (found.shown, found.hits) == (8, 4)


def test_the_page_says_hit_rate_savings_and_cost(console: FlaskClient, here: Runtime, text) -> None:
    made(here.engine, "k", "llama", at=NOW - timedelta(hours=9))
    answered(here.engine, "k", "k", at=NOW - timedelta(minutes=1))

    said = text(console.get("/console/creatives?days=7").text)

    assert "Shown 2 in 1 answers" in said
    assert "Hit rate 100.0 %" in said
    assert "Generations saved 1" in said
    assert "Cost per thousand 0.00" in said


def test_a_shop_without_answers_has_no_rates(console: FlaskClient, text) -> None:
    said = text(console.get("/console/creatives?days=1").text)

    assert "Hit rate -" in said
    assert "No creative was shown in these days" in said


def test_prometheus_reads_the_providers_book_and_the_lookups(
    client: FlaskClient, here: Runtime, admin: dict[str, str]
) -> None:
    here.metrics.looked_up(hits=3, misses=1)
    with writing(here.engine) as session:
        session.add(
            ProviderDayRow(
                name="openai",
                day=NOW.date().isoformat(),
                calls=7,
                failures=1,
                candidates=20,
                accepted=15,
                seconds=3.5,
                spent=0.25,
            )
        )

    page = client.get("/metrics", headers=admin).text

    assert 'vitrine_creative_lookups_total{result="hit"} 3.0' in page
    assert 'vitrine_creative_provider_accepted{provider="openai"} 15.0' in page
    assert 'vitrine_creative_provider_spent{provider="openai"} 0.25' in page
    assert 'vitrine_creative_provider_enabled{provider="extractive"} 1.0' in page
    assert "vitrine_creative_budget 1.0" in page
