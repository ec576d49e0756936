import json
from dataclasses import replace

import numpy as np
import pytest

from recsys.errors import Cancelled, NotEnoughData
from recsys.learning import bundle as bundles
from recsys.learning.blending.branches import BranchOptions
from recsys.learning.bundle import ModelBundle
from recsys.learning.plan import Outcome, Plan, SplitBy
from recsys.learning.retraining import train_candidate
from recsys.models.fusion import Fused
from recsys.types import EventLog


def _train(log: EventLog, live: ModelBundle, config, plan, **more) -> Outcome:
    return train_candidate(log, live, config, plan=plan, **more)


def _turned_round(bundle: ModelBundle) -> ModelBundle:
    """A model that likes best what it should like least."""
    fused = Fused(
        bias=-bundle.fused.bias, encoder=bundle.fused.encoder, vectors=-bundle.fused.vectors
    )
    return bundles.assemble(
        version=bundle.version,
        fused=fused,
        item_ids=bundle.item_ids,
        popularity=bundle.popularity,
        neighbours=bundle.neighbours,
        together=bundle.together,
        manifest=bundle.manifest,
    )


def test_the_first_candidate_passes_and_is_compared_with_plain_counts(outcome: Outcome) -> None:
    assert outcome.passed
    assert outcome.metrics["live"] is None
    assert outcome.metrics["candidate"]["ndcg@20"] > outcome.metrics["popularity"]["ndcg@20"]
    assert 0 < outcome.metrics["itemknn"]["ndcg@20"] <= 1
    assert outcome.metrics["paired_with"] in {"popularity", "itemknn"}


def test_every_branch_is_measured_alone_with_its_weight(outcome: Outcome) -> None:
    used = {name for name, weight in outcome.metrics["branches"]["weights"].items() if weight}

    assert {"dense"} | (used & {"linear", "neighbours"}) <= set(outcome.metrics)
    assert outcome.metrics["dense"]["ndcg@20"] > outcome.metrics["popularity"]["ndcg@20"]


def test_segments_name_their_shoppers_and_hold_the_comparison(
    checkerboard, bundle: ModelBundle, quick, plan
) -> None:
    log = checkerboard()
    paths = {item_id: ("Board", str(int(item_id[-3:]) % 2)) for item_id in log.item_ids}

    metrics = _train(log, bundle, quick, replace(plan, paths=paths)).metrics

    families = {row["family"] for row in metrics["segments"]}
    assert families == {"history", "knows", "taste", "category"}
    assert {row["name"] for row in metrics["segments"] if row["family"] == "category"} == {"0", "1"}
    assert metrics["paired_with"] == "live"
    assert all(row["difference"] == 0 for row in metrics["paired"])  # the same model again
    assert metrics["candidate"]["calibration@20"] < metrics["popularity"]["calibration@20"]
    json.dumps(metrics, allow_nan=False)


def test_held_out_shoppers_are_ranked_by_a_model_that_never_met_them(
    checkerboard, quick, plan
) -> None:
    judged = _train(
        checkerboard(), ModelBundle.empty(), quick, replace(plan, split_by=SplitBy.USERS)
    )

    assert judged.metrics["split"] == "users"
    assert judged.bundle.manifest["data"]["users"] < 120
    assert judged.metrics["candidate"]["ndcg@20"] > judged.metrics["popularity"]["ndcg@20"]


def test_curves_hold_one_finite_number_an_epoch(outcome: Outcome) -> None:
    assert len(outcome.curves["loss"]) == len(outcome.curves["ndcg"]) > 0
    assert np.isfinite(outcome.curves["loss"] + outcome.curves["ndcg"]).all()


def test_the_same_data_and_seed_give_the_same_version_digest(
    checkerboard, outcome: Outcome, quick, plan
) -> None:
    again = _train(checkerboard(), ModelBundle.empty(), quick, plan)

    assert again.bundle.version[-6:] == outcome.bundle.version[-6:]


def test_an_equal_live_model_is_matched(checkerboard, bundle: ModelBundle, quick, plan) -> None:
    again = _train(checkerboard(), bundle, quick, plan)

    assert again.passed
    assert again.metrics["live"] == again.metrics["candidate"]
    assert not again.metrics["live_has_seen_holdout"]


def test_a_candidate_below_the_live_model_is_refused(
    checkerboard, bundle: ModelBundle, quick, plan
) -> None:
    hopeless = Plan(
        options=replace(plan.options, learning_rate=1e-12),
        branches=BranchOptions(linear=None, neighbours=None),
    )

    judged = _train(checkerboard(), bundle, replace(quick, train_epochs=1), hopeless)

    assert not judged.passed
    assert "below" in judged.verdict


def test_a_bad_live_model_is_beaten(checkerboard, bundle: ModelBundle, quick, plan) -> None:
    judged = _train(checkerboard(), _turned_round(bundle), quick, plan)

    assert judged.passed
    assert judged.metrics["live"]["ndcg@20"] < judged.metrics["candidate"]["ndcg@20"]


def test_a_live_model_that_knows_other_items_is_measured_on_what_it_knows(
    checkerboard, bundle: ModelBundle, quick, plan
) -> None:
    log = checkerboard()
    renamed = tuple(
        f"new-{item_id}" if n < 10 else item_id for n, item_id in enumerate(log.item_ids)
    )

    judged = _train(replace(log, item_ids=renamed), bundle, quick, plan)

    assert judged.metrics["live"]["ndcg@20"] < judged.metrics["candidate"]["ndcg@20"]


def test_a_live_model_trained_later_is_said_to_have_seen_the_hold_out(
    checkerboard, bundle: ModelBundle, quick, plan
) -> None:
    later = replace(bundle, manifest={"data": {"cut_at": 2**40}})

    judged = _train(checkerboard(), later, quick, plan)

    assert judged.metrics["live_has_seen_holdout"]


def test_a_fit_that_diverged_is_refused(checkerboard, quick, plan) -> None:
    wild = replace(plan, options=replace(plan.options, learning_rate=1e30, warmup_steps=1))

    judged = _train(checkerboard(), ModelBundle.empty(), quick, wild)

    assert not judged.passed
    assert "diverged" in judged.verdict
    assert bundles.is_finite(judged.bundle)


def test_without_a_hold_out_a_first_model_passes_and_a_second_does_not(
    checkerboard, bundle: ModelBundle, quick, plan
) -> None:
    log = checkerboard()
    last = int(0.9 * len(log))
    strangers = np.arange(len(log)) >= last
    users = np.where(strangers, len(log.user_ids), log.user_rows).astype(np.int32)
    log = replace(log, user_rows=users, user_ids=(*log.user_ids, "stranger"))

    first = _train(log, ModelBundle.empty(), quick, plan)
    second = _train(log, bundle, quick, plan)

    assert (first.passed, second.passed) == (True, False)
    assert first.metrics["candidate"] is None


def test_stages_run_in_order_and_progress_never_falls(checkerboard, quick, plan) -> None:
    seen: list[tuple[str, float]] = []

    def note(stage: str, progress: float, _curves: dict[str, list[float]]) -> bool:
        seen.append((stage, progress))
        return True

    train_candidate(checkerboard(), ModelBundle.empty(), quick, note, plan=plan)

    assert list(dict(seen)) == ["split", "fit", "branches", "evaluate"]
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)
    assert seen[-1] == ("evaluate", 1.0)


@pytest.mark.parametrize("at_stage", ["split", "fit", "branches", "evaluate"])
def test_it_can_be_stopped_at_every_stage(checkerboard, quick, plan, at_stage: str) -> None:
    with pytest.raises(Cancelled):
        train_candidate(
            checkerboard(),
            ModelBundle.empty(),
            quick,
            lambda stage, _progress, _curves: stage != at_stage,
            plan=plan,
        )


def test_too_little_data_is_said_before_anything_is_fitted(checkerboard, quick, plan) -> None:
    with pytest.raises(NotEnoughData):
        _train(checkerboard(n_users=1), ModelBundle.empty(), quick, plan)


def test_what_sells_since_the_cut_is_popular_now(checkerboard, quick, plan) -> None:
    log = checkerboard()
    late = np.arange(len(log)) >= int(0.95 * len(log))
    log = replace(log, item_rows=np.where(late, 7, log.item_rows).astype(np.int32))

    made = _train(log, ModelBundle.empty(), quick, plan).bundle

    assert made.item_ids[int(made.popularity.argmax())] == "item-007"
