"""What came of drawn looks is counted once, when it has settled, and the next draws follow it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from generative import variant_store
from generative.types import Approval
from generative.variants import Cell, Tally
from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.types import Event
from workers import variants
from workers.runtime import Runtime

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEGUN = NOW - timedelta(hours=9)  # more than one read
BOLD, TYPE = Cell("hero", "everyone", "bold"), Cell("hero", "everyone", "type")


@pytest.fixture
def drawing(
    both: Runtime, drawn: Callable[..., Answer], clicked: Callable[[Answer], Event]
) -> Runtime:
    """Two looks of the hero, of which one is clicked by every shopper and the other by none."""
    with writing(both.engine) as session:
        for name in ("bold", "type"):
            variant_store.decide(session, "hero", name, Approval.APPROVED, now=BEGUN)
        answers = [  # the last one a moment ago
            drawn(
                number,
                BEGUN + timedelta(minutes=4.5 * number),
                variant="bold" if number % 2 else "type",
                chance=0.5,
            )
            for number in range(120)
        ]
        store.record(session, answers)
        events.record(session, [clicked(one) for one in answers[1::2]])
    return both


def tallies(runtime: Runtime) -> dict[Cell, Tally]:
    with reading(runtime.engine) as session:
        return dict(variant_store.known(session).tallies)


def test_settled_slates_are_counted_once_and_the_rest_later(drawing: Runtime) -> None:
    first = variants.run(drawing, now=NOW)
    again = variants.run(drawing, now=NOW)
    rest = variants.run(drawing, now=NOW + timedelta(minutes=40))

    assert (first, again, rest) == (114, 0, 6)
    assert tallies(drawing)[BOLD].shown == pytest.approx(60, rel=0.03)
    assert tallies(drawing)[BOLD].clicked == pytest.approx(tallies(drawing)[BOLD].shown)
    assert tallies(drawing)[TYPE].clicked == 0


def test_the_look_that_is_clicked_is_drawn_most_from_then_on(drawing: Runtime) -> None:
    variants.run(drawing, now=NOW)

    with reading(drawing.engine) as session:
        table = variant_store.read(session).table
    chances = {share.variant: share.chance for share in table["hero"]["everyone"]}
    assert chances["bold"] == pytest.approx(0.95, abs=0.001)
    assert chances["type"] == pytest.approx(0.05, abs=0.001)


def test_where_nothing_is_drawn_nothing_is_read(both: Runtime) -> None:
    assert variants.run(both, now=NOW) == 0
