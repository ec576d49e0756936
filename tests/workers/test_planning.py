"""What a campaign asks for becomes briefs; nobody can be told apart by one."""

from collections.abc import Callable

import pytest

from generative.types import CampaignSpec
from recsys.behaviour import erasure
from recsys.catalogue import items
from recsys.database import writing
from workers import planning
from workers.planning import EmptyPlan
from workers.runtime import Runtime

Fill = Callable[..., None]


def plan(runtime: Runtime, **spec: object) -> list[tuple[str, str, tuple[str, ...], str]]:
    """Key, item, audience and size of each brief."""
    planned = planning.plan(runtime, CampaignSpec(name="c", **spec), lambda: True)
    return [
        (key, brief.item.item_id, brief.audience.categories, brief.size) for key, brief in planned
    ]


def test_each_persona_gets_its_best_items_in_each_size(both: Runtime, fill: Fill) -> None:
    fill(both, aisles=2, shoppers=6)

    planned = plan(both, sizes=("hero", "rectangle"), items={"best": 2})

    audiences = {audience for _, _, audience, _ in planned}
    assert audiences == {("Aisle 0",), ("Aisle 1",)}
    assert len({key for key, *_ in planned}) == len(planned)
    assert {size for *_, size in planned} == {"hero", "rectangle"}


def test_a_persona_of_fewer_than_five_shoppers_gets_nothing(runtime: Runtime, fill: Fill) -> None:
    fill(runtime, aisles=1, shoppers=4)

    with pytest.raises(EmptyPlan, match="5 shoppers"):
        plan(runtime)


def test_personas_too_small_to_be_told_apart_are_merged(runtime: Runtime, fill: Fill) -> None:
    fill(runtime, aisles=2, shoppers=3)

    planned = plan(runtime, items={"item_ids": ["a0-1"]})

    assert [audience for _, _, audience, _ in planned] == [()]


def test_no_brief_carries_a_shopper(runtime: Runtime, fill: Fill) -> None:
    fill(runtime)
    spec = CampaignSpec(name="c", audience={"user_ids": ["u0-1", "u1-2"]}, items={"best": 1})

    planned = planning.plan(runtime, spec, lambda: True)

    assert planned
    assert "u0-1" not in repr(planned)
    assert "u1-2" not in repr(planned)


def test_shoppers_alike_share_a_creative(runtime: Runtime, fill: Fill) -> None:
    fill(runtime, aisles=1, shoppers=6, steps=8)

    one = plan(runtime, audience={"user_ids": ["u0-1"]}, items={"item_ids": ["a0-1"]})
    two = plan(runtime, audience={"user_ids": ["u0-1", "u0-2"]}, items={"item_ids": ["a0-1"]})

    assert one == two


def test_chosen_items_that_are_hidden_or_unknown_are_left_out(runtime: Runtime, fill: Fill) -> None:
    fill(runtime)
    with writing(runtime.engine) as session:
        items.patch(session, "a0-2", {"hidden": True})

    planned = plan(runtime, items={"item_ids": ["a0-1", "a0-2", "no-such-item"]})

    assert {item_id for _, item_id, _, _ in planned} == {"a0-1"}


def test_a_plan_without_any_item_says_so(runtime: Runtime, fill: Fill) -> None:
    fill(runtime)

    with pytest.raises(EmptyPlan, match="catalogue"):
        plan(runtime, items={"item_ids": ["no-such-item"]})


def test_a_shopper_deleted_before_the_plan_is_no_audience(runtime: Runtime, fill: Fill) -> None:
    fill(runtime)
    with writing(runtime.engine) as session:
        from datetime import UTC, datetime

        erasure.forget(session, "u0-1", at=datetime.now(UTC))

    with pytest.raises(EmptyPlan, match="deleted"):
        plan(runtime, audience={"user_ids": ["u0-1"]})


def test_a_plan_larger_than_a_campaign_may_be_is_refused(
    runtime: Runtime, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(runtime)
    monkeypatch.setattr(planning, "MAX_PLANNED", 3)

    with pytest.raises(EmptyPlan, match="more than 3"):
        plan(runtime, items={"best": 4})


def test_planning_stops_once_it_is_not_wanted(runtime: Runtime, fill: Fill) -> None:
    fill(runtime)

    assert planning.plan(runtime, CampaignSpec(name="c"), lambda: False) == []
