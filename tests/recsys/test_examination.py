"""Scorers with a known flaw, examined on shoppers whose next item is known."""

import numpy as np
import pytest
from scipy import sparse

from recsys.learning.examining import evaluation, examination, market
from recsys.learning.examining.evaluation import Score
from recsys.learning.examining.market import Market
from recsys.learning.split import HoldOut
from recsys.models import histories
from recsys.models.histories import Histories

N_ITEMS, N_SHOPPERS = 60, 240


@pytest.fixture(scope="module")
def holdout() -> HoldOut:
    """Shopper b had four items in a row and takes the next one round the circle."""
    first = np.arange(N_SHOPPERS) * 7 % N_ITEMS
    items = (first[:, None] + np.arange(4)) % N_ITEMS
    fold_in = histories.from_deeds(
        np.repeat(np.arange(N_SHOPPERS), 4),
        items.ravel(),
        np.zeros(4 * N_SHOPPERS, np.int8),
        n_users=N_SHOPPERS,
        n_items=N_ITEMS,
    )
    wanted = (first + 4) % N_ITEMS
    targets = sparse.csr_array(
        (np.ones(N_SHOPPERS, np.float32), (np.arange(N_SHOPPERS), wanted)),
        shape=(N_SHOPPERS, N_ITEMS),
    )
    return HoldOut(fold_in=fold_in, targets=targets)


@pytest.fixture(scope="module")
def bazaar(holdout: HoldOut) -> Market:
    return market.of(holdout.fold_in, [f"i{n}" for n in range(N_ITEMS)])


def _follows(place: int, *, least: int = 0) -> Score:
    """Puts what follows the newest item at this place; shoppers of fewer items get row order."""

    def score(told: Histories) -> np.ndarray:
        found = np.repeat(-np.arange(N_ITEMS, dtype=np.float32)[None, :], len(told), axis=0)
        for row in np.flatnonzero(told.sizes > least):
            newest = int(told.items[told.indptr[row + 1] - 1])
            order = (newest + 1 + np.arange(N_ITEMS)) % N_ITEMS
            order[[0, place]] = order[[place, 0]]
            found[row, order] = -np.arange(N_ITEMS)
        return found

    return score


def test_better_on_average_but_broken_for_one_event_shoppers_is_refused(
    holdout: HoldOut, bazaar: Market
) -> None:
    scorers = {"candidate": _follows(0, least=1), "live": _follows(2)}

    metrics, verdict = examination.examine(scorers, holdout, bazaar, ratio=0.98)

    assert metrics["candidate"]["ndcg@20"] == 1.0
    assert metrics["live"]["ndcg@20"] == pytest.approx(0.5)
    assert not verdict.passed
    assert verdict.refused_by == ("told only the newest item",)
    assert "told only the newest item" in verdict.sentence
    assert metrics["gate"]["refused_by"] == ["told only the newest item"]


def test_the_same_gain_without_the_flaw_goes_live(holdout: HoldOut, bazaar: Market) -> None:
    scorers = {"candidate": _follows(0), "live": _follows(2)}

    metrics, verdict = examination.examine(scorers, holdout, bazaar, ratio=0.98)

    assert verdict.passed
    overall = metrics["paired"][0]
    assert (overall["name"], overall["difference"]) == ("everybody", pytest.approx(0.5))


def test_everybody_shown_the_same_is_refused_by_coverage(
    holdout: HoldOut, bazaar: Market, monkeypatch
) -> None:
    monkeypatch.setattr(examination, "COVERAGE_FLOOR", 0.5)
    constant = evaluation.by_counts(np.arange(N_ITEMS, dtype=np.float32))

    _, verdict = examination.examine({"candidate": constant}, holdout, bazaar, ratio=0.0)

    assert not verdict.passed
    assert verdict.refused_by == ("coverage",)


def test_without_a_live_model_the_better_plain_count_is_the_rival(
    holdout: HoldOut, bazaar: Market
) -> None:
    scorers = {
        "candidate": _follows(0),
        "popularity": evaluation.by_counts(np.zeros(N_ITEMS, np.float32)),
        "itemknn": _follows(5),
    }

    metrics, verdict = examination.examine(scorers, holdout, bazaar, ratio=0.98)

    assert metrics["paired_with"] == "itemknn"
    assert verdict.sentence == "the first model: NDCG@20 1.0000"


def test_the_sampled_number_stands_beside_the_full_one_and_is_higher(
    holdout: HoldOut, bazaar: Market
) -> None:
    metrics, _ = examination.examine({"candidate": _follows(15)}, holdout, bazaar, ratio=0.98)

    figures = metrics["candidate"]
    assert figures["hit@10"] == 0.0
    assert figures["sampled_hit@10"] >= figures["hit@10"]


def test_the_same_seed_draws_the_same_negatives(holdout: HoldOut, bazaar: Market) -> None:
    scorers = {"candidate": _follows(12)}

    first, second = (
        examination.examine(scorers, holdout, bazaar, ratio=1, seed=4)[0] for _ in range(2)
    )

    assert first == second


def test_figures_say_what_lists_are_like(holdout: HoldOut, bazaar: Market) -> None:
    vectors = np.eye(N_ITEMS, dtype=np.float32)

    metrics, _ = examination.examine(
        {"candidate": _follows(0)}, holdout, bazaar, ratio=1, vectors=vectors
    )

    figures = metrics["candidate"]
    assert figures["coverage@20"] == 1.0
    assert figures["diversity@20"] == pytest.approx(1.0)
    assert figures["gini@20"] == pytest.approx(0.0, abs=0.02)
    assert figures["popularity@20"] == pytest.approx(0.5, abs=0.1)
    assert figures["novelty@20"] == pytest.approx(np.log2(241 / 17), abs=0.1)
