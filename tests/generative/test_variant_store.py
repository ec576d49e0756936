"""Decisions, counts and the chances that follow from them, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from generative import variant_store
from generative.types import Approval
from generative.variants import Cell, Tally
from recsys.database import looking, reading, writing

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HALF_LIFE = 14 * 86_400.0
GOOD, BAD = Cell("hero", "everyone", "bold"), Cell("hero", "everyone", "type")


def decide(engine: Engine, variant: str, approval: Approval = Approval.APPROVED) -> None:
    with writing(engine) as session:
        variant_store.decide(session, "hero", variant, approval, now=NOW)


def count(
    engine: Engine, found: dict[Cell, Tally], *, since: datetime | None, until: datetime
) -> bool:
    with writing(engine) as session:
        return variant_store.count(
            session,
            found,
            since=since,
            until=until,
            half_life_seconds=HALF_LIFE,
            now=until,
        )


def chosen(engine: Engine) -> variant_store.Chosen:
    with reading(engine) as session:
        return variant_store.read(session)


def test_nothing_is_worn_before_a_look_is_approved_and_again_when_none_is(engine: Engine) -> None:
    assert not chosen(engine).choices
    decide(engine, "bold")
    assert chosen(engine).choices

    decide(engine, "bold", Approval.NONE)
    assert not chosen(engine).choices


def test_a_persona_whose_name_is_longer_than_its_column_is_counted_on(engine: Engine) -> None:
    long = GOOD._replace(persona=f"{'Hats, ' * 50}value")
    alike = GOOD._replace(persona=f"{'Hats, ' * 50}premium")
    decide(engine, "bold")

    for hours in (1, 2):
        until = NOW + timedelta(hours=hours)
        found = {long: Tally(100, 9), alike: Tally(10, 1)}
        assert count(engine, found, since=until - timedelta(hours=1), until=until)

    with reading(engine) as session:
        ((cell, tally),) = variant_store.known(session).tallies.items()
    assert (cell.persona, round(tally.shown)) == (long.persona[:200], 220)


def test_a_look_turned_down_is_out_of_the_draw_at_once_and_its_results_are_kept(
    engine: Engine,
) -> None:
    for name in ("bold", "type", "frame"):
        decide(engine, name)
    count(engine, {GOOD: Tally(100, 9), BAD: Tally(100, 8)}, since=NOW, until=NOW)
    decide(engine, "type", Approval.REJECTED)

    after = chosen(engine)
    draw = after.choices.draw("hero", "everyone", 0.999)

    assert draw is not None
    assert draw.among == ("bold", "frame")
    with reading(engine) as session:
        assert variant_store.known(session).tallies[BAD] == Tally(100, 8)


def test_results_add_up_and_fade_by_half_in_a_half_life(engine: Engine) -> None:
    decide(engine, "bold")
    decide(engine, "type")
    later = NOW + timedelta(seconds=HALF_LIFE)
    count(engine, {GOOD: Tally(100, 10)}, since=NOW, until=NOW)

    count(engine, {GOOD: Tally(40, 4), BAD: Tally(8, 1)}, since=NOW, until=later)

    with reading(engine) as session:
        assert variant_store.known(session).tallies == {GOOD: Tally(90, 9), BAD: Tally(8, 1)}
    assert chosen(engine).counted_until == later


def test_what_another_worker_counted_meanwhile_is_not_counted_again(engine: Engine) -> None:
    decide(engine, "bold")
    decide(engine, "type")
    later = NOW + timedelta(hours=1)
    assert count(engine, {GOOD: Tally(10, 1)}, since=NOW, until=later)

    assert not count(engine, {GOOD: Tally(10, 1)}, since=NOW, until=later)
    with reading(engine) as session:
        assert variant_store.known(session).tallies[GOOD].shown == pytest.approx(10)


def test_a_loser_rests_in_the_table_that_is_drawn_from(engine: Engine) -> None:
    decide(engine, "bold")
    decide(engine, "type")

    count(engine, {GOOD: Tally(900, 120), BAD: Tally(900, 20)}, since=NOW, until=NOW)

    table = chosen(engine).table
    assert {share.variant: share.retired for share in table["hero"]["everyone"]} == {
        "bold": False,
        "type": True,
    }


def test_refresh_reads_a_table_only_when_there_is_another(engine: Engine) -> None:
    decide(engine, "bold")
    decide(engine, "type")
    with looking(engine) as reader:
        known = variant_store.refresh(reader, variant_store.Chosen())
        assert variant_store.refresh(reader, known) is known
    decide(engine, "frame")
    with looking(engine) as reader:
        assert variant_store.refresh(reader, known).revision == known.revision + 1


def test_counting_begins_when_drawing_does(engine: Engine) -> None:
    decide(engine, "bold", Approval.REJECTED)
    with writing(engine) as session:
        later = NOW + timedelta(days=30)
        variant_store.decide(session, "hero", "type", Approval.APPROVED, now=later)

    assert chosen(engine).counted_until == later


@pytest.mark.parametrize(("size", "variant"), [("poster", "bold"), ("hero", "neon")])
def test_an_unknown_size_or_look_is_refused(engine: Engine, size: str, variant: str) -> None:
    with writing(engine) as session, pytest.raises(ValueError, match=r"size|variant"):
        variant_store.decide(session, size, variant, Approval.APPROVED, now=NOW)
