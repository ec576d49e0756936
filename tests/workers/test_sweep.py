"""What the janitor finds and frees."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from generative.campaigning import campaigns
from generative.types import CampaignSpec
from recsys.behaviour import erasure, events, recording, spool
from recsys.database import reading, writing
from recsys.learning import runs
from recsys.tables import ErasedEventRow
from recsys.types import Event, EventKind
from workers import sweep
from workers.runtime import Runtime


def now() -> datetime:
    return datetime.now(UTC)


def test_spooled_events_are_stored_once(both: Runtime) -> None:
    event = Event(
        event_id="e", user_id="u", item_id="i", kind=EventKind.VIEW, at=now() - timedelta(minutes=1)
    )
    spool.append(both.config.recsys.spool_dir, [event])
    spool.append(both.config.recsys.spool_dir, [event])

    sweep.run(both)
    sweep.run(both)

    with reading(both.engine) as session:
        assert events.count(session).total == 1
        assert events.history(session, "u").item_ids == ("i",)


def test_what_an_erasure_keeps_of_events_is_dropped_in_time(both: Runtime) -> None:
    moments = [now() - erasure.RETRIED - timedelta(days=1), now()]
    with writing(both.engine) as session:
        for user_id, at in zip(("old", "new"), moments, strict=True):
            event = Event(
                event_id=user_id, user_id=user_id, item_id="i", kind=EventKind.VIEW, at=at
            )
            events.record(session, [event])
            erasure.forget(session, user_id, at=at)

    sweep.run(both)

    with reading(both.engine) as session:
        kept = session.scalars(select(ErasedEventRow.event_hash)).all()
    assert kept == [recording.event_hash("new", "new")]


def test_a_waiting_run_is_rung_for_again(both: Runtime) -> None:
    with writing(both.engine) as session:
        run_id = runs.start(session, trigger="admin", now=now())

    assert sweep.run(both).run_ids == (run_id,)


def test_a_silent_run_is_given_up_and_frees_the_slot(both: Runtime) -> None:
    long_ago = now() - timedelta(seconds=both.config.lease_seconds + 1)
    with writing(both.engine) as session:
        silent = runs.start(session, trigger="admin", now=long_ago)
        assert runs.claim(session, silent, now=long_ago, lease_seconds=1)

    assert sweep.run(both).run_ids == ()

    with writing(both.engine) as session:
        assert runs.get(session, silent).status == "failed"
        assert "silent" in (runs.get(session, silent).error or "")
        assert runs.start(session, trigger="admin", now=now()) != silent


def test_a_run_that_beats_is_left_alone(both: Runtime) -> None:
    with writing(both.engine) as session:
        run_id = runs.start(session, trigger="admin", now=now())
        assert runs.claim(session, run_id, now=now(), lease_seconds=60)

    assert sweep.run(both).run_ids == ()

    with reading(both.engine) as session:
        assert runs.get(session, run_id).status == "running"


@pytest.mark.parametrize("seconds_left", [-1, 60])
def test_a_campaign_is_rung_for_when_nobody_holds_it(both: Runtime, seconds_left: int) -> None:
    with writing(both.engine) as session:
        campaign_id = campaigns.create(session, CampaignSpec(name="c"), now=now())
        then = now() + timedelta(seconds=seconds_left - 60)
        assert campaigns.claim(session, campaign_id, now=then, lease_seconds=60)

    assert (campaign_id in sweep.run(both).campaign_ids) == (seconds_left < 0)
