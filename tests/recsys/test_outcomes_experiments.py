"""Experiments in both databases: written, started, drawn from, stopped."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recsys.database import looking, writing
from recsys.errors import ExperimentConflict, InvalidExperiment, UnknownExperiment
from recsys.merchandising.types import Placement
from recsys.outcomes import experiments, report
from recsys.outcomes.assignment import (
    HELD_OUT,
    HOLDOUT,
    PERSONALISED,
    Experiment,
    Experiments,
    Kind,
    Status,
    Variant,
)
from recsys.types import Boost, Dials

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TRENDING = {
    "home": {
        "strategy": "trending",
        "filter": "price < 20",
        "boosts": (Boost(expression="discount", weight=0.5),),
        "dials": Dials(novelty=0.25),
        "strict": True,
    }
}
POPULAR = {"*": {"strategy": "popular"}}


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as opened:
        yield opened


def changed(**changes: object) -> tuple[Variant, ...]:
    return (Variant(name="a"), Variant(name="b", placements={"home": changes}))


def an(experiment_id: str = "one", **changes: object) -> Experiment:
    variants = (Variant(name="as_is"), Variant(name="trending", placements=TRENDING))
    made = Experiment(experiment_id=experiment_id, variants=variants, salt="")
    return replace(made, **changes)


def written(session: Session, experiment: Experiment) -> experiments.Definition:
    return experiments.put(session, experiment, name="A name", now=NOW)[0]


def test_what_is_written_reads_back_with_a_salt_of_its_own(session: Session) -> None:
    found, is_new = experiments.put(session, an(), name="Größer?", now=NOW, planned_users=500)

    assert is_new
    assert found == experiments.get(session, "one")
    assert found.experiment == an(salt=found.experiment.salt)
    assert (found.name, found.status, found.planned_users) == ("Größer?", Status.DRAFT, 500)
    assert len(found.experiment.salt) == 32


def test_a_draft_is_written_over_and_keeps_its_salt(session: Session) -> None:
    first = written(session, an())
    again, is_new = experiments.put(session, an(slice_to=50.0), name="B", now=LATER)

    assert not is_new
    assert again.experiment.salt == first.experiment.salt
    assert again.experiment.slice_to == 50.0
    assert again.created_at == NOW
    assert experiments.put(session, an(salt="mine"), name="B", now=NOW)[0].experiment.salt == "mine"


def test_only_what_runs_is_drawn_from(session: Session) -> None:
    written(session, an())
    empty = experiments.refresh(session, Experiments())
    experiments.start(session, "one", now=NOW)
    running = experiments.refresh(session, empty)
    experiments.stop(session, "one", now=LATER)
    stopped = experiments.refresh(session, running)

    assert list(empty.running) == []
    assert list(running.running) == ["one"]
    assert running.assign("u", "home").keys() == {"one"}
    assert running.assign("u", "cart") == {}
    assert list(stopped.running) == []
    assert experiments.get(session, "one").stopped_at == LATER


def test_a_snapshot_is_read_again_only_after_a_start_or_a_stop(engine: Engine) -> None:
    with writing(engine) as session:
        written(session, an())
        experiments.start(session, "one", now=NOW)
    with looking(engine) as reader:
        snapshot = experiments.refresh(reader, Experiments())
    with writing(engine) as session:
        written(session, an("two"))
    with looking(engine) as reader:
        assert experiments.refresh(reader, snapshot) is snapshot
    with writing(engine) as session:
        experiments.start(session, "two", now=NOW)
    with looking(engine) as reader:
        assert experiments.refresh(reader, snapshot).running.keys() == {"one", "two"}


def test_what_runs_is_not_changed_and_what_is_stopped_may_be(session: Session) -> None:
    written(session, an())
    experiments.start(session, "one", now=NOW)

    with pytest.raises(ExperimentConflict, match="running"):
        written(session, an())

    experiments.stop(session, "one", now=LATER)
    assert written(session, an()).status is Status.DRAFT


def test_what_a_variant_changes_is_ready_for_the_placement(session: Session) -> None:
    written(session, an())
    experiments.start(session, "one", now=NOW)

    found = experiments.refresh(session, Experiments())

    placement = replace(Placement(name="home"), **found.changes({"one": "trending"}, "home"))
    assert placement == Placement(name="home", **TRENDING["home"])


def test_starting_twice_keeps_the_first_start(session: Session) -> None:
    written(session, an())
    experiments.start(session, "one", now=NOW)

    assert experiments.start(session, "one", now=LATER).started_at == NOW


def test_the_past_of_what_ran_before_ends_before_its_first_run(session: Session) -> None:
    written(session, an())
    experiments.start(session, "one", now=NOW)
    experiments.stop(session, "one", now=LATER)
    experiments.put(session, an(slice_to=50.0), name="B", now=LATER)

    again = experiments.start(session, "one", now=LATER)

    assert report.past(again) == (NOW - timedelta(days=28), NOW)


def test_what_does_not_run_cannot_be_stopped(session: Session) -> None:
    written(session, an())

    with pytest.raises(ExperimentConflict, match="does not run"):
        experiments.stop(session, "one", now=NOW)


@pytest.mark.parametrize("name", ["nobody", "no\x00body", "x" * 1_000])
@pytest.mark.parametrize("verb", [experiments.start, experiments.stop])
def test_what_nobody_has_written_cannot_run(session: Session, verb: object, name: str) -> None:
    with pytest.raises(UnknownExperiment, match="no experiment"):
        verb(session, name, now=NOW)


def test_slices_of_a_layer_may_touch_but_not_overlap(session: Session) -> None:
    written(session, an("one", layer="ranking", slice_to=40.0))
    written(session, an("two", layer="ranking", slice_from=40.0))
    written(session, an("three", layer="ranking", slice_from=39.0, slice_to=41.0))
    written(session, an("four", layer="looks", slice_to=40.0))
    for name in ("one", "two", "four"):
        experiments.start(session, name, now=NOW)

    with pytest.raises(ExperimentConflict, match="layer 'ranking'"):
        experiments.start(session, "three", now=NOW)


def test_of_two_that_want_the_same_slice_at_once_one_gets_it(engine: Engine) -> None:
    with writing(engine) as session:
        for name in ("one", "two"):
            written(session, an(name, layer="ranking"))

    def start(name: str) -> str:
        try:
            with writing(engine) as session:
                experiments.start(session, name, now=NOW)
        except ExperimentConflict:
            return "refused"
        return "started"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(start, ["one", "two"])) == ["refused", "started"]


def test_the_newest_is_listed_first(session: Session) -> None:
    written(session, an("one"))
    experiments.put(session, an("two"), name="later", now=LATER)

    assert [one.experiment.experiment_id for one in experiments.every(session)] == ["two", "one"]
    assert experiments.find(session, "three") is None


def test_a_holdout_is_an_experiment_like_others(session: Session) -> None:
    variants = (
        Variant(name=HELD_OUT, weight=5, placements=POPULAR),
        Variant(name=PERSONALISED, weight=95),
    )
    written(session, an(HOLDOUT, variants=variants))
    experiments.start(session, HOLDOUT, now=NOW)

    found = experiments.refresh(session, Experiments())

    drawn = [found.assign(f"user-{n}", "home")[HOLDOUT] for n in range(2_000)]
    assert 60 < drawn.count(HELD_OUT) < 140


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"variants": ()}, "variants"),
        ({"variants": (Variant(name="a"), Variant(name="a"))}, "variants"),
        ({"variants": (Variant(name="a", weight=0.0),)}, "variants"),
        ({"variants": (Variant(name="a", weight=-1.0), Variant(name="b", weight=3.0))}, "variants"),
        ({"variants": (Variant(name="a", weight=float("nan")),)}, "variants"),
        ({"variants": tuple(Variant(name=f"v{n}") for n in range(16))}, "variants"),
        ({"variants": (Variant(name="interleaved"),)}, "variants"),
        ({"variants": (Variant(name="a"),), "kind": Kind.INTERLEAVED}, "variants"),
        ({"slice_from": 50.0, "slice_to": 50.0}, "slice_to"),
        ({"slice_to": 101.0}, "slice_to"),
        ({"experiment_id": HOLDOUT}, "variants"),
        (
            {
                "experiment_id": HOLDOUT,
                "variants": (Variant(name=HELD_OUT), Variant(name=PERSONALISED)),
            },
            "variants",
        ),
        ({"variants": changed(filter="price <")}, "variants.1.placements.home.filter"),
        ({"variants": changed(k=5)}, "variants.1.placements.home.k"),
        ({"variants": changed(strategy="a b")}, "variants.1.placements.home.strategy"),
        (
            {"variants": (Variant(name="a", placements={"a b": {}}),)},
            "variants.0.placements.a b.name",
        ),
    ],
)
def test_what_could_not_be_drawn_from_is_refused(
    session: Session, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidExperiment) as refused:
        written(session, an(**changes))

    assert refused.value.field == field
