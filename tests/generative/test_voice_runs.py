"""The ledger of voice runs, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from generative import voice_runs
from generative.brief import to_json
from generative.errors import UnknownVoiceRun, VoiceRunInProgress
from generative.tables import CampaignCreativeRow, CampaignRow, CreativeRow
from generative.types import Brief, ItemFacts
from recsys.database import reading, writing

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def started(engine: Engine) -> str:
    with writing(engine) as session:
        return voice_runs.start(session, trigger="tests", now=NOW)


def claimed(engine: Engine, run_id: str, *, at: datetime = NOW) -> bool:
    with writing(engine) as session:
        return voice_runs.claim(session, run_id, now=at, lease_seconds=60)


def test_one_voice_run_waits_or_runs(engine: Engine) -> None:
    run_id = started(engine)

    with writing(engine) as session, pytest.raises(VoiceRunInProgress, match=run_id):
        voice_runs.start(session, trigger="tests", now=NOW)
    with reading(engine) as session:
        assert voice_runs.waiting(session) == [run_id]
        assert [run.run_id for run in voice_runs.recent(session, 5)] == [run_id]


def test_a_voice_run_is_claimed_once_until_it_falls_silent(engine: Engine) -> None:
    run_id = started(engine)

    assert claimed(engine, run_id)
    assert not claimed(engine, run_id, at=NOW + timedelta(seconds=59))
    assert claimed(engine, run_id, at=NOW + timedelta(seconds=61))


def test_an_ended_voice_run_frees_the_slot_and_keeps_its_report(engine: Engine) -> None:
    run_id = started(engine)
    claimed(engine, run_id)
    with writing(engine) as session:
        voice_runs.beat(
            session, run_id, stage="training", progress=0.5, curves={"train": [2.0]}, now=NOW
        )
        halfway = voice_runs.get(session, run_id)
        voice_runs.finish(
            session, run_id, status="done", report={"pairs": 9}, voice="v", error=None, now=NOW
        )
        # A worker that was thought dead comes too late to change that.
        voice_runs.finish(
            session, run_id, status="failed", report={}, voice=None, error="late", now=NOW
        )
        done = voice_runs.get(session, run_id)

    assert (halfway.stage, halfway.progress, halfway.report) == (
        "training",
        0.5,
        {"curves": {"train": [2.0]}},
    )
    assert (done.status, done.voice, done.report, done.error) == ("done", "v", {"pairs": 9}, None)
    assert started(engine) != run_id


def test_a_cancelled_voice_run_hears_it_at_its_next_beat(engine: Engine) -> None:
    run_id = started(engine)
    claimed(engine, run_id)
    with writing(engine) as session:
        asked = voice_runs.cancel(session, run_id, now=NOW)
        goes_on = voice_runs.beat(
            session, run_id, stage="training", progress=0.1, curves={}, now=NOW
        )

    assert (asked.status, asked.cancel_requested, goes_on) == ("running", True, False)


def test_a_waiting_voice_run_is_cancelled_at_once(engine: Engine) -> None:
    run_id = started(engine)
    with writing(engine) as session:
        assert voice_runs.cancel(session, run_id, now=NOW).status == "cancelled"

    assert not claimed(engine, run_id)
    assert started(engine)


def test_silent_voice_runs_are_given_up(engine: Engine) -> None:
    run_id = started(engine)
    claimed(engine, run_id)
    with writing(engine) as session:
        early = voice_runs.expire(session, now=NOW + timedelta(seconds=59), lease_seconds=60)
        late = voice_runs.expire(session, now=NOW + timedelta(seconds=61), lease_seconds=60)
        run = voice_runs.get(session, run_id)

    assert (early, late, run.status) == ([], [run_id], "failed")
    assert "silent" in (run.error or "")


@pytest.mark.parametrize("run_id", ["", "no-such-run", "\0", "\ud800", "a" * 500])
def test_an_unknown_voice_run_is_said_to_be_unknown(engine: Engine, run_id: str) -> None:
    with reading(engine) as session, pytest.raises(UnknownVoiceRun):
        voice_runs.get(session, run_id)


def test_what_was_approved_teaches_and_nothing_else(engine: Engine) -> None:
    brief = Brief(item=ItemFacts(item_id="mug", title="Mug", description="A red mug for tea."))
    with writing(engine) as session:
        session.add(
            CampaignRow(
                campaign_id="c",
                name="c",
                status="done",
                sizes=[],
                audience={},
                items={},
                created_at=NOW,
            )
        )
        for place, approval in enumerate(("approved", "rejected", "none")):
            session.add(
                CreativeRow(
                    key=f"k{place}",
                    item_id="mug",
                    size="hero",
                    state="ready",
                    brief=to_json(brief),
                    copy={"headline": f"Mug {place}", "tagline": "For tea.", "action": "Shop now"},
                    created_at=NOW,
                )
            )
            session.add(
                CampaignCreativeRow(
                    campaign_id="c",
                    key=f"k{place}",
                    position=place,
                    item_id="mug",
                    brief=to_json(brief),
                    approval=approval,
                )
            )
    with reading(engine) as session:
        found = voice_runs.approved(session, 10)

    assert [(pair.headline, pair.tagline, pair.source) for pair in found] == [
        ("Mug 0", "For tea.", "approved")
    ]
    assert found[0].item.description == "A red mug for tea."
