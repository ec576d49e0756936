"""The whole path on a world with a known answer: the model must find it, and beat plain counts."""

import numpy as np
import pytest

from recsys.learning import split
from recsys.learning.bundle import ModelBundle
from recsys.learning.examining import evaluation
from recsys.learning.plan import Outcome
from recsys.learning.retraining import train_candidate


def test_the_model_beats_popularity_by_far(outcome: Outcome) -> None:
    found, plain = outcome.metrics["candidate"], outcome.metrics["popularity"]

    assert found["ndcg@20"] > 1.3 * plain["ndcg@20"]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_shopper_is_shown_the_right_colour_first(
    checkerboard, quick, plan, seed: int
) -> None:
    log = checkerboard(seed=seed)
    made = train_candidate(log, ModelBundle.empty(), quick, plan=plan).bundle
    cut = split.temporal(log, seed=quick.train_seed)
    score = evaluation.by_fused(made.fused)

    asked = split.HoldOut(fold_in=cut.train, targets=cut.train.matrix())
    ranked = evaluation.examine(score, asked).ranked[:, :5]

    colours = np.array([int(item_id[-3:]) % 2 for item_id in made.item_ids])
    own = colours[cut.train.items[cut.train.indptr[:-1]]]
    assert (colours[ranked] == own[:, None]).mean() > 0.95


def test_a_bundle_scored_over_other_items_equals_itself(checkerboard, bundle: ModelBundle) -> None:
    cut = split.temporal(checkerboard(), seed=3)
    shuffled = np.random.default_rng(0).permutation(len(bundle.item_ids))
    item_ids = tuple(bundle.item_ids[row] for row in shuffled)
    histories = cut.test.fold_in

    direct = evaluation.by_fused(bundle.fused)(histories)
    mapped = evaluation.by_bundle(bundle, item_ids)(
        histories.renamed(np.argsort(shuffled), len(shuffled))
    )

    assert np.abs(mapped - direct[:, shuffled]).max() < 1e-5


def test_what_a_model_has_never_met_it_cannot_recommend(checkerboard, bundle: ModelBundle) -> None:
    cut = split.temporal(checkerboard(), seed=3)
    item_ids = ("new-thing", *bundle.item_ids[1:])

    scores = evaluation.by_bundle(bundle, item_ids)(cut.test.fold_in)

    assert (scores[:, 0] == -np.inf).all()
    assert np.isfinite(scores[:, 1:]).all()


def test_an_empty_hold_out_is_measured_as_nothing(checkerboard, bundle: ModelBundle) -> None:
    cut = split.temporal(checkerboard(), seed=3)
    nobody = cut.test.batch(0, 0)

    found = evaluation.measure(evaluation.by_fused(bundle.fused), nobody)

    assert found["users"] == 0
    assert found["ndcg@20"] == 0


def test_coverage_is_the_share_of_the_catalogue_shown(checkerboard) -> None:
    cut = split.temporal(checkerboard(), seed=3)
    constant = evaluation.by_counts(np.arange(40, dtype=np.float32))

    found = evaluation.measure(constant, cut.test)

    assert 0.5 <= found["coverage@20"] < 1
