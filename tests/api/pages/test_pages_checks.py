"""The data doctor over HTTP: as JSON for an admin, and beside the retrain button."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from api import checkup
from api.runtime import Runtime
from api.schemas import ChecksOut
from recsys.behaviour import events
from recsys.database import writing
from recsys.types import Event, EventKind

BEGAN = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def busy_till(here: Runtime, stocked) -> None:
    """40 shoppers with a little each, and a till that has most."""
    deeds = [
        Event(
            event_id=f"e{n}",
            user_id="till" if n % 2 else f"u{n % 40}",
            item_id=stocked[n // 2 % 12].item_id,
            kind=EventKind.PURCHASE,
            at=BEGAN + timedelta(hours=n, minutes=n % 50, seconds=n % 60),
        )
        for n in range(1_200)
    ]
    with writing(here.engine) as session:
        events.record(session, deeds)


@pytest.mark.usefixtures("busy_till")
def test_an_admin_reads_the_findings_with_event_ids(client, admin) -> None:
    answer = client.get("/admin/checks", headers=admin)

    told = ChecksOut.model_validate(answer.json)
    till = next(one for one in told.findings if one.name == "one shopper")
    assert (told.worst, told.events) == ("FAIL", 1_200)
    assert (till.level, till.count, till.rows[0], len(till.rows)) == ("FAIL", 600, "e1", 20)


def test_a_storefront_key_may_not_ask(client, shop) -> None:
    assert client.get("/admin/checks", headers=shop).status_code == 403


@pytest.mark.usefixtures("stocked")
def test_a_shop_without_events_is_told_to_import(client, admin) -> None:
    told = client.get("/admin/checks", headers=admin).json

    assert told["worst"] == "FAIL"
    assert "import" in next(one["message"] for one in told["findings"] if one["name"] == "amount")


@pytest.mark.usefixtures("stocked")
def test_an_answer_is_remembered(client, admin, here: Runtime) -> None:
    first = client.get("/admin/checks", headers=admin).json
    _record(here, "late")

    assert client.get("/admin/checks", headers=admin).json == first


def _record(here: Runtime, event_id: str) -> None:
    event = Event(event_id=event_id, user_id="u", item_id="i1", kind=EventKind.LIKE, at=BEGAN)
    with writing(here.engine) as session:
        events.record(session, [event])


@pytest.mark.usefixtures("stocked")
def test_a_shopkeeper_may_have_it_looked_at_again(
    console: FlaskClient, here: Runtime, monkeypatch, text
) -> None:
    monkeypatch.setattr(checkup, "AGAIN_SECONDS", -1.0)
    console.get("/console/models/checks")
    _record(here, "late")

    assert "0 events, " in text(console.get("/console/models/checks").text)
    assert "1 events, " in text(console.get("/console/models/checks?fresh=1").text)


@pytest.mark.usefixtures("busy_till")
def test_the_models_page_fetches_the_findings(console: FlaskClient, text) -> None:
    assert 'hx-get="/console/models/checks"' in console.get("/console/models").text

    part = console.get("/console/models/checks", headers={"HX-Request": "true"}).text

    assert part.lstrip().startswith('<div id="checks"')
    assert "Mend this before the next training." in text(part)
    assert "'till' has 50.0 % of all events" in text(part)
    assert "and 580 more" in text(part)


@pytest.mark.usefixtures("busy_till")
def test_without_scripts_it_is_a_page_of_its_own(console: FlaskClient) -> None:
    html = console.get("/console/models/checks").text

    assert "<title>" in html
    assert "checks passed" in html


@pytest.mark.usefixtures("stocked")
def test_only_the_newest_events_are_read(client, admin, here: Runtime, monkeypatch) -> None:
    monkeypatch.setattr(checkup, "NEWEST", 3)
    for n in range(5):
        _record(here, f"e{n}")

    assert client.get("/admin/checks", headers=admin).json["events"] == 3
