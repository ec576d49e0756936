"""The console's models: watched, compared, promoted."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from api.pages.comparison import comparison, in_pairs
from api.runtime import Runtime
from recsys.database import reading, writing
from recsys.learning import runs
from recsys.serving import registry

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABS = ("", "catalogue", "models", "campaigns", "privacy")


def test_a_run_is_kept_though_the_queue_is_away(console: FlaskClient, here: Runtime, send) -> None:
    answer = send(console, "/console/models/retrain")

    with reading(here.engine) as session:
        assert [run.status for run in runs.recent(session, 5)] == ["waiting"]
    assert "Waiting for a worker" in answer.text
    assert "The queue is away" in answer.text


def test_there_is_one_training_at_a_time(console: FlaskClient, send) -> None:
    send(console, "/console/models/retrain")

    assert "one at a time" in send(console, "/console/models/retrain").text


def test_a_waiting_run_can_be_cancelled(console: FlaskClient, here: Runtime, send, text) -> None:
    with writing(here.engine) as session:
        run_id = runs.start(session, trigger="test", now=NOW)

    answer = send(console, f"/console/models/runs/{run_id}/cancel")

    assert "cancelled" in text(answer.text)


def measured(here: Runtime, status: str = "done") -> str:
    figures = {"ndcg@100": 0.2, "recall@20": 0.1, "users": 50.0}
    with writing(here.engine) as session:
        run_id = runs.start(session, trigger="test", now=NOW)
        runs.claim(session, run_id, now=NOW, lease_seconds=60)
        curves = {"loss": [3.0, 2.0], "ndcg": [0.1, 0.2]}
        runs.beat(session, run_id, stage="fit", progress=0.4, curves=curves, now=NOW)
        if status != "running":
            runs.finish(
                session,
                run_id,
                status=status,
                metrics={
                    "candidate": figures,
                    "live": None,
                    "popularity": figures | {"ndcg@100": 0.05},
                    "itemknn": figures | {"ndcg@100": 0.4},
                },
                model_version="20261120T120000Z-abcdef",
                error=None,
                now=NOW,
            )
    return run_id


def test_a_running_training_is_watched(console: FlaskClient, here: Runtime) -> None:
    run_id = measured(here, "running")

    html = console.get(f"/console/models/runs/{run_id}").text

    assert f'hx-get="/console/models/runs/{run_id}"' in html
    assert 'value="36"' not in html
    assert 'value="40"' in html
    assert 'data-plot="[3.0, 2.0]"' in html


def test_a_finished_training_is_compared_on_the_same_hold_out(
    console: FlaskClient, here: Runtime
) -> None:
    measured(here)

    html = console.get("/console/models").text

    rows = re.findall(r'<th scope="row">([^<]+)</th><td class="number">([^<]+)</td>', html)
    assert rows == [("This candidate", "0.2000"), ("Popularity", "0.0500"), ("ItemKNN", "0.4000")]
    assert 'rect width="50.0"' in html
    assert "below 98 % of the live model" in html
    assert "/console/models/runs/" not in html  # what has ended is not asked for again


def test_the_first_training_says_that_nothing_was_live(console: FlaskClient, here: Runtime) -> None:
    measured(here)

    assert "No model was live then" in console.get("/console/models").text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "A training runs: 40 %. Watch it"),
        ("failed", "The last training failed. See why"),
        ("refused", "stays aside. Compare it"),
    ],
)
def test_the_overview_says_how_the_training_stands(
    console: FlaskClient, here: Runtime, status: str, said: str, text
) -> None:
    measured(here, status)

    assert said in text(console.get("/console/").text)


def test_a_running_training_says_how_long_it_may_still_take(
    console: FlaskClient, here: Runtime
) -> None:
    run_id = measured(here, "running")
    with writing(here.engine) as session:
        now = NOW + timedelta(seconds=40)
        runs.beat(session, run_id, stage="branches", progress=0.8, curves={}, now=now)

    html = console.get(f"/console/models/runs/{run_id}").text

    assert "about 10 s left" in html
    assert "weighing the other branches" in html


def _pair(name: str, low: float, high: float, n: int = 90, family: str = "knows") -> dict:
    return {
        "family": family,
        "name": name,
        "metric": "ndcg@20",
        "n": n,
        "difference": (low + high) / 2,
        "se": 0.01,
        "low": low,
        "high": high,
    }


def test_differences_are_shown_in_pairs_with_who_refused() -> None:
    shown = in_pairs(
        {
            "paired_with": "live",
            "gate": {"refused_by": ["told nothing"]},
            "paired": [
                _pair("everybody", 0.01, 0.03, family="all"),
                _pair("told nothing", -0.2, -0.1),
                _pair("few", -0.9, 0.9, n=12),
                {**_pair("everybody", 0, 1, family="all"), "metric": "recall@20"},
            ],
        }
    )

    assert shown["rival"] == "the live model"
    assert [(row["name"], row["tone"], row["refused"]) for row in shown["pairs"]] == [
        ("Everybody", "better", False),
        ("told nothing", "worse", True),
    ]
    assert all(0 <= row["low"] <= row["high"] <= 100 for row in shown["pairs"])


@pytest.mark.parametrize("metrics", [{}, {"paired": 3, "gate": 4}, {"paired": [None, {}]}])
def test_a_run_without_pairs_shows_none(metrics: dict) -> None:
    assert in_pairs(metrics)["pairs"] == []


def test_a_versions_report_is_a_page_that_loads_nothing(console: FlaskClient, trained) -> None:
    answer = console.get(f"/console/models/{trained.version}/report")

    assert answer.status_code == 200
    assert trained.version in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert f"/console/models/{trained.version}/report" in console.get("/console/models").text


@pytest.mark.parametrize("version", ["20200101T000000Z-aaaaaa", "..", "LIVE", "x"])
def test_only_a_version_that_is_there_has_a_report(console: FlaskClient, version: str) -> None:
    assert console.get(f"/console/models/{version}/report").status_code == 404


def test_nobody_reads_a_report_unless_logged_in(client: FlaskClient, trained) -> None:
    answer = client.get(f"/console/models/{trained.version}/report")

    assert answer.status_code == 303


def test_what_was_not_measured_is_not_compared() -> None:
    assert comparison({"candidate": None, "live": None, "passed": True})["rows"] == []


def test_a_live_model_that_has_seen_the_hold_out_is_said_so() -> None:
    figures = {"ndcg@100": 0.2}

    note = comparison({"candidate": figures, "live": figures, "live_has_seen_holdout": True})[
        "note"
    ]

    assert "flatters" in note


def test_an_older_model_is_rolled_back_to(
    console: FlaskClient, here: Runtime, trained, send
) -> None:
    root = here.config.recsys.artifacts_dir
    newer = "20261121T120000Z-abcdef"
    registry.publish(root, replace(trained, version=newer))
    registry.promote(root, newer)
    html = console.get("/console/models").text

    send(console, "/console/models/promote", version=trained.version)

    assert "Roll back" in html
    assert registry.live_version(root) == trained.version


@pytest.mark.parametrize(
    ("version", "status"), [("20200101T000000Z-aaaaaa", 404), ("../x", 404), ("", 422)]
)
def test_only_a_version_that_is_there_is_promoted(
    console: FlaskClient, version: str, status: int, send
) -> None:
    assert send(console, "/console/models/promote", version=version).status_code == status


def test_an_unknown_run_is_a_page_not_json(console: FlaskClient) -> None:
    answer = console.get("/console/models/runs/none")

    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
