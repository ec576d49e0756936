"""Shares as weighted, nobody moved without need, experiments that do not see each other."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from recsys.outcomes.assignment import (
    HELD_OUT,
    HOLDOUT,
    PERSONALISED,
    Duel,
    Experiment,
    Experiments,
    Kind,
    Variant,
)

USERS = [f"user-{number}" for number in range(20_000)]
UNLIKELY = 1e-4


def experiment(name: str = "one", *weights: float, **changes: object) -> Experiment:
    variants = tuple(Variant(name=f"v{n}", weight=w) for n, w in enumerate(weights or (1.0, 1.0)))
    made = Experiment(experiment_id=name, salt=f"salt of {name}", variants=variants)
    return replace(made, **changes)


def holdout(share: float) -> Experiment:
    variants = (
        Variant(name=HELD_OUT, weight=share),
        Variant(name=PERSONALISED, weight=1 - share),
    )
    return Experiment(experiment_id=HOLDOUT, salt="held", variants=variants)


def drawn(*running: Experiment, placement: str = "home") -> list[dict[str, str]]:
    found = Experiments.of(running)
    return [found.assign(user, placement) for user in USERS]


def variants_of(name: str, *running: Experiment) -> np.ndarray:
    return np.array([assigned.get(name, "") for assigned in drawn(*running)])


@pytest.mark.parametrize("weights", [(1, 1), (1, 3), (5, 3, 2), (0.9, 0.05, 0.05)])
def test_variants_come_in_the_shares_of_their_weights(weights: tuple[float, ...]) -> None:
    found = variants_of("one", experiment("one", *weights))

    counts = [(found == f"v{n}").sum() for n in range(len(weights))]
    expected = np.array(weights) / sum(weights) * len(USERS)
    assert stats.chisquare(counts, expected).pvalue > UNLIKELY


def test_a_user_sees_the_same_variant_in_every_process_and_forever() -> None:
    found = Experiments.of([experiment("one", 1, 1, 1)])

    assert [found.assign(f"user-{n}", "home")["one"] for n in range(12)] == [
        found.assign(f"user-{n}", "cart")["one"] for n in range(12)
    ]
    # Written down once: a new hash would move every shopper in every running experiment.
    assert "".join(found.assign(f"user-{n}", "home")["one"][1] for n in range(12)) == PINNED


PINNED = "221020020111"


def test_two_experiments_are_independent() -> None:
    both = drawn(experiment("one", 1, 1), experiment("two", 1, 2, 1))

    table = stats.contingency.crosstab(
        [assigned["one"] for assigned in both], [assigned["two"] for assigned in both]
    ).count
    assert stats.chi2_contingency(table).pvalue > UNLIKELY


def test_a_growing_weight_draws_users_in_and_moves_nobody_else() -> None:
    before = variants_of("one", experiment("one", 1, 1, 1))
    after = variants_of("one", experiment("one", 1, 3, 1))

    moved = before != after
    assert set(after[moved]) == {"v1"}
    assert 0.2 < moved.mean() < 0.33  # 3/5 - 1/3 = 0.27: no more than must


def test_a_new_variant_takes_from_the_others_only_what_it_gets() -> None:
    before = variants_of("one", experiment("one", 1, 1))
    after = variants_of("one", experiment("one", 1, 1, 1))

    assert set(after[before != after]) == {"v2"}


def test_a_weight_of_nought_gets_nobody() -> None:
    assert set(variants_of("one", experiment("one", 1, 0, 1))) == {"v0", "v2"}


def test_who_is_held_out_takes_part_in_nothing_else() -> None:
    found = drawn(holdout(0.1), experiment("one"))

    out = [assigned for assigned in found if assigned[HOLDOUT] == HELD_OUT]
    assert all(assigned == {HOLDOUT: HELD_OUT} for assigned in out)
    assert stats.binomtest(len(out), len(USERS), 0.1).pvalue > UNLIKELY
    assert all(("one" in assigned) == (assigned[HOLDOUT] == PERSONALISED) for assigned in found)


def test_a_growing_holdout_keeps_whom_it_held() -> None:
    small = variants_of(HOLDOUT, holdout(0.05)) == HELD_OUT
    large = variants_of(HOLDOUT, holdout(0.1)) == HELD_OUT

    assert (large[small]).all()
    assert large.sum() > small.sum()


def test_experiments_of_one_layer_never_meet() -> None:
    first = experiment("one", layer="ranking", slice_to=40.0)
    second = experiment("two", layer="ranking", slice_from=40.0, slice_to=90.0)

    found = drawn(first, second)

    shares = [sum(name in assigned for assigned in found) for name in ("one", "two")]
    assert not any(len(assigned) == 2 for assigned in found)
    assert stats.binomtest(shares[0], len(USERS), 0.4).pvalue > UNLIKELY
    assert stats.binomtest(shares[1], len(USERS), 0.5).pvalue > UNLIKELY


def test_a_slice_says_nothing_about_the_variant() -> None:
    found = drawn(experiment("one", 1, 1, slice_to=30.0))

    inside = [assigned["one"] for assigned in found if assigned]
    assert stats.binomtest(len(inside), len(USERS), 0.3).pvalue > UNLIKELY
    assert stats.binomtest(inside.count("v0"), len(inside), 0.5).pvalue > UNLIKELY


def test_an_experiment_counts_only_where_it_changes_something() -> None:
    variants = (
        Variant(name="as_is"),
        Variant(name="trending", placements={"home": {"strategy": "trending"}}),
    )
    found = Experiments.of([experiment("one", variants=variants)])

    assert found.assign("u", "home").keys() == {"one"}
    assert found.assign("u", "cart") == {}


def test_what_a_variant_asks_for_here_covers_what_it_asks_for_everywhere() -> None:
    asked = {"*": {"strategy": "trending", "novelty": 0.5}, "home": {"strategy": "popular"}}
    found = Experiments.of([experiment("one", variants=(Variant(name="a", placements=asked),))])

    assert found.changes({"one": "a"}, "home") == {"strategy": "popular", "novelty": 0.5}
    assert found.changes({"one": "a"}, "cart") == {"strategy": "trending", "novelty": 0.5}
    assert found.changes({"gone": "a", "one": "unknown"}, "home") == {}


def test_an_interleaved_experiment_shows_both_to_everyone() -> None:
    variants = (
        Variant(name="a", placements={"home": {"strategy": "personal"}}),
        Variant(name="b", placements={"home": {"strategy": "session"}}),
    )
    found = Experiments.of([experiment("one", variants=variants, kind=Kind.INTERLEAVED)])
    assigned = found.assign("anyone", "home")

    assert assigned == {"one": "interleaved"}
    assert found.changes(assigned, "home") == {}
    assert found.interleaved(assigned, "home") == Duel(
        experiment_id="one",
        teams=("a", "b"),
        changes=({"strategy": "personal"}, {"strategy": "session"}),
    )
    assert found.interleaved({}, "home") is None


@pytest.mark.parametrize("user", ["", "\x00", "ü" * 5_000, "\ud800", "a,b\n'; --"])
def test_any_text_can_be_a_user(user: str) -> None:
    found = Experiments.of([experiment("one", 1, 1)])

    assert found.assign(user, "home")["one"] in {"v0", "v1"}


def test_no_experiment_assigns_nothing() -> None:
    assert Experiments().assign("u", "home") == {}
