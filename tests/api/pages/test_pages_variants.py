"""The console's looks: allowed a size, drawn by what came of them, and what drawing was worth."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from api.pages.studio import variants as page_of
from api.runtime import Runtime
from generative import variant_store
from generative.types import Approval
from generative.variants import Cell, Tally
from recsys.database import reading, writing

PAGE = "/console/creatives/variants"
NOW = datetime.now(UTC)


def counted(here: Runtime, counts: dict[tuple[str, str], tuple[int, int]]) -> None:
    """Two looks of a hero, and what came of them by (persona, look)."""
    with writing(here.engine) as session:
        for name in ("editorial", "bold"):
            variant_store.decide(session, "hero", name, Approval.APPROVED, now=NOW - timedelta(1))
        variant_store.count(
            session,
            {Cell("hero", who, look): Tally(*tally) for (who, look), tally in counts.items()},
            since=variant_store.read(session).counted_until,
            until=NOW,
            half_life_seconds=1e9,
            now=NOW,
        )


def test_a_look_is_allowed_and_taken_back(console: FlaskClient, here: Runtime, send) -> None:
    form = {"size": "hero", "variant": "bold"}

    html = send(console, PAGE, approval="approved", **form).text

    with reading(here.engine) as session:
        assert variant_store.known(session).approved == {"hero": ["bold"]}
    assert "Bold may be shown as hero" in html
    assert 'id="look-hero-bold" class="small" aria-pressed="true"' in html
    assert "always this one" in html
    send(console, PAGE, approval="none", **form)
    with reading(here.engine) as session:
        assert variant_store.known(session).approved == {}


@pytest.mark.parametrize(
    "form",
    [
        {"size": "poster", "variant": "bold", "approval": "approved"},
        {"size": "hero", "variant": "<script>", "approval": "approved"},
        {"size": "hero", "variant": "bold", "approval": "maybe"},
    ],
)
def test_a_look_that_is_none_is_refused(console: FlaskClient, send, form: dict[str, str]) -> None:
    answer = send(console, PAGE, **form)

    assert answer.status_code == 422
    assert "<script>" not in answer.text


def test_arms_are_shown_with_share_and_interval(console: FlaskClient, here: Runtime, text) -> None:
    counted(here, {("Bags, value", "editorial"): (900, 90), ("Bags, value", "bold"): (900, 72)})

    html = console.get(PAGE).text

    said = text(html)
    assert "one of 2 is drawn" in said
    assert "Editorial" in said
    assert "95 % interval" in said
    assert "1 persona with results of their own" in said
    assert html.index(">Editorial<", html.index("How they do</h2>")) > 0


def test_what_falls_behind_rests(console: FlaskClient, here: Runtime, text) -> None:
    counted(here, {("", "editorial"): (3000, 300), ("", "bold"): (3000, 30)})

    assert "Bold rests 0 %" in text(console.get(PAGE).text)


def test_nothing_is_drawn_of_one_look(console: FlaskClient, text) -> None:
    assert "Nothing is drawn yet" in text(console.get(PAGE).text)
    assert "No look was drawn in these days" in text(console.get(PAGE).text)


@pytest.mark.parametrize(
    ("low", "value", "high", "said"),
    [
        (0.01, 0.02, 0.03, "more than an even choice"),
        (-0.03, -0.02, -0.01, "less than an even choice"),
        (-0.01, 0.01, 0.03, "no difference"),
    ],
)
def test_a_gain_is_only_told_where_its_interval_holds_no_nought(
    low: float, value: float, high: float, said: str
) -> None:
    told = page_of._gain({"low": low, "value": value, "high": high, "p": 0.1})

    assert said in told["words"]
