"""A campaign chunk by chunk: resumed, cancelled, contested, and never made twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from generative.campaigning import campaigns, showing
from generative.tables import CampaignRow, CreativeRow
from generative.types import Brief, CampaignSpec, Creative, Progress
from recsys.catalogue import items
from recsys.database import reading, writing
from workers import campaign
from workers.runtime import Runtime

Fill = Callable[..., None]


@pytest.fixture
def runtime(new_runtime: Callable[..., Runtime], sqlite_url: str, fill: Fill) -> Runtime:
    runtime = new_runtime(sqlite_url, campaign_chunk=2)
    fill(runtime)
    return runtime


def ask(runtime: Runtime, *item_ids: str, **spec: object) -> str:
    wanted = {"item_ids": list(item_ids)} if item_ids else {"best": 2}
    with writing(runtime.engine) as session:
        asked = CampaignSpec(name="c", items=wanted, **spec)
        return campaigns.create(session, asked, now=datetime.now(UTC))


def progress(runtime: Runtime, campaign_id: str) -> Progress:
    with reading(runtime.engine) as session:
        return campaigns.progress(session, campaign_id)


def status(runtime: Runtime, campaign_id: str) -> str:
    with reading(runtime.engine) as session:
        return campaigns.get(session, campaign_id).status


def run_to_the_end(runtime: Runtime, campaign_id: str) -> int:
    lease, chunks = campaign.run(runtime, campaign_id), 1
    while lease is not None:
        lease, chunks = campaign.run(runtime, campaign_id, lease), chunks + 1
    return chunks


def count_makings(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    studio = type(runtime.studio)
    make = studio.make

    def counted(self: object, brief: Brief, **options: object) -> Creative:
        made.append(brief.item.item_id)
        return make(self, brief, **options)

    monkeypatch.setattr(studio, "make", counted)
    return made


def test_a_campaign_is_made_in_chunks_until_it_is_done(runtime: Runtime) -> None:
    campaign_id = ask(runtime, "a0-1", "a0-2", "a0-3")

    chunks = run_to_the_end(runtime, campaign_id)

    found = progress(runtime, campaign_id)
    assert (found.total, found.made, found.failed, found.planned) == (6, 6, 0, 0)
    assert status(runtime, campaign_id) == "done"
    assert chunks == 3
    with reading(runtime.engine) as session:
        assert session.scalar(select(func.count()).select_from(CreativeRow)) == 6


def test_a_second_ring_leaves_a_held_campaign_alone(runtime: Runtime) -> None:
    campaign_id = ask(runtime, "a0-1", "a0-2", "a0-3")
    held = campaign.run(runtime, campaign_id)
    assert held is not None
    before = progress(runtime, campaign_id)

    assert campaign.run(runtime, campaign_id) is None
    assert campaign.run(runtime, campaign_id, "2020-01-01T00:00:00+00:00") is None

    assert progress(runtime, campaign_id) == before
    assert campaign.run(runtime, campaign_id, held) is not None


def test_a_campaign_whose_worker_died_goes_on_where_it_was(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count_makings(runtime, monkeypatch)
    campaign_id = ask(runtime, "a0-1", "a0-2", "a0-3")
    campaign.run(runtime, campaign_id)
    with writing(runtime.engine) as session:  # as time would
        lapsed = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(CampaignRow).values(lease_until=lapsed))

    run_to_the_end(runtime, campaign_id)

    assert progress(runtime, campaign_id).made == 6
    assert len(made) == 6


def test_two_campaigns_share_what_is_alike(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count_makings(runtime, monkeypatch)

    for _ in range(2):
        run_to_the_end(runtime, ask(runtime, "a0-1"))

    assert len(made) == 2  # one item for two personas, once


def test_a_cancel_is_honoured_between_two_creatives(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = ask(runtime, "a0-1", "a0-2", "a0-3")
    make = campaign._make

    def make_then_cancel(*args: object) -> None:
        make(*args)
        with writing(runtime.engine) as session:
            campaigns.cancel(session, campaign_id, now=datetime.now(UTC))

    monkeypatch.setattr(campaign, "_make", make_then_cancel)

    assert campaign.run(runtime, campaign_id) is None
    assert progress(runtime, campaign_id).made == 1
    assert status(runtime, campaign_id) == "cancelled"


def test_an_item_that_changed_since_the_plan_fails_with_a_reason(runtime: Runtime) -> None:
    campaign_id = ask(runtime, "a0-1", "a0-2", "a0-3", audience={"user_ids": ["u0-0"]})
    lease = campaign.run(runtime, campaign_id)
    with writing(runtime.engine) as session:
        items.patch(session, "a0-3", {"price": Decimal("99.00")})

    campaign.run(runtime, campaign_id, lease)

    with reading(runtime.engine) as session:
        last = showing.gallery(session, campaign_id)[-1]
    assert (last.item_id, last.status) == ("a0-3", "failed")
    assert "changed" in (last.error or "")
    assert status(runtime, campaign_id) == "done"


def test_one_creative_that_cannot_be_made_does_not_stop_the_others(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = type(runtime.studio)
    make = studio.make

    def fail_for_one(self: object, brief: Brief, **options: object) -> Creative:
        if brief.item.item_id == "a0-2":
            raise RuntimeError("the renderer broke")
        return make(self, brief, **options)

    monkeypatch.setattr(studio, "make", fail_for_one)
    campaign_id = ask(runtime, "a0-1", "a0-2", "a0-3", audience={"user_ids": ["u0-0"]})

    run_to_the_end(runtime, campaign_id)

    found = progress(runtime, campaign_id)
    assert (found.made, found.failed) == (2, 1)
    with reading(runtime.engine) as session:
        broken = [one for one in showing.gallery(session, campaign_id) if one.error]
    assert "the renderer broke" in (broken[0].error or "")


def test_a_campaign_with_nothing_to_make_fails_and_says_why(runtime: Runtime) -> None:
    campaign_id = ask(runtime, "no-such-item")

    assert campaign.run(runtime, campaign_id) is None

    with reading(runtime.engine) as session:
        found = campaigns.get(session, campaign_id)
    assert found.status == "failed"
    assert "catalogue" in (found.error or "")


def test_a_campaign_for_each_personas_best_runs_without_a_model(runtime: Runtime) -> None:
    campaign_id = ask(runtime)

    run_to_the_end(runtime, campaign_id)

    assert progress(runtime, campaign_id).made == 4


def test_a_worker_that_slept_through_its_lease_leaves_the_campaign_to_its_successor(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = ask(runtime, "a0-1", "a0-2", "a0-3")
    make = campaign._make

    def make_slowly(*args: object) -> None:
        make(*args)
        monkeypatch.setattr(campaign, "_make", make)
        with writing(runtime.engine) as session:  # as time would
            lapsed = datetime.now(UTC) - timedelta(seconds=1)
            session.execute(update(CampaignRow).values(lease_until=lapsed))
        assert campaign.run(runtime, campaign_id) is not None  # another worker takes over

    monkeypatch.setattr(campaign, "_make", make_slowly)

    assert campaign.run(runtime, campaign_id) is None
    assert progress(runtime, campaign_id).made == 3  # one by the sleeper, two by its successor


def test_a_campaign_of_alike_items_does_not_say_one_thing_of_all(runtime: Runtime) -> None:
    campaign_id = ask(runtime, *(f"a0-{number}" for number in range(8)), sizes=("hero",))

    run_to_the_end(runtime, campaign_id)

    with reading(runtime.engine) as session:
        said = dict(campaigns.lines(session, campaign_id))
        assert campaigns.n_items(session, campaign_id) == len(said) == 8
    assert len(set(said.values())) == 8
