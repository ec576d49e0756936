"""Team draft: a fair game between equals, and a sharp one between unequals."""

from collections import Counter

import numpy as np

from recsys.outcomes import interleaving
from recsys.outcomes.interleaving import FIRST, SECOND, preference, team_draft
from recsys.outcomes.sequential import LEAST_USERS, Look


def test_the_same_seed_drafts_the_same_slate() -> None:
    first, second = range(30), range(60, 0, -2)

    drafts = {team_draft(first, second, 10, seed=seed) for seed in [7] * 20}

    assert len(drafts) == 1
    assert len({team_draft(first, second, 10, seed=seed) for seed in range(20)}) > 10


def test_every_item_stands_once_and_both_teams_are_as_large() -> None:
    for seed in range(50):
        found = team_draft(range(20), range(10, 40), 12, seed=seed)

        assert len(found.order) == len(set(found.order)) == 12
        assert Counter(found.teams) == {FIRST: 6, SECOND: 6}


def test_a_team_brings_its_own_items_in_its_own_order() -> None:
    first, second = [1, 2, 3, 4, 5], [9, 2, 8, 1, 7]

    found = team_draft(first, second, 5, seed=3)

    for team, order in ((FIRST, first), (SECOND, second)):
        own = [item for item, by in zip(found.order, found.teams, strict=True) if by == team]
        assert own == sorted(own, key=order.index)


def test_a_ranker_that_has_run_out_lets_the_other_go_on() -> None:
    found = team_draft([1], [1, 2, 3, 4], 4, seed=0)

    assert sorted(found.order) == [1, 2, 3, 4]
    assert team_draft([], [5, 6], 4, seed=0).order == (5, 6)
    assert team_draft([], [], 4, seed=0).order == ()
    assert team_draft([1, 2], [2, 1], 0, seed=0).order == ()
    assert set(team_draft([1, 1, 2], [2, 2, 1], 5, seed=1).order) == {1, 2}


def test_equal_rankers_put_each_item_in_either_team_as_often() -> None:
    counts = np.zeros(6)
    for seed in range(4_000):
        found = team_draft(range(6), range(6), 6, seed=seed)
        for item, team in zip(found.order, found.teams, strict=True):
            counts[item] += team

    assert np.abs(counts / 4_000 - 0.5).max() < 0.03  # four standard errors


def played(
    second: list[int], clicked: list[float], n_users: int = 3_000
) -> interleaving.Preference:
    """Everyone clicks item i with chance clicked[i], wherever it stands."""
    random = np.random.default_rng(4)
    users, teams = [], []
    for user in range(n_users):
        found = team_draft(range(10), second, 6, seed=user)
        for item, team in zip(found.order, found.teams, strict=True):
            if random.random() < clicked[item]:
                users.append(user)
                teams.append(team)
    return preference(np.array(users), np.array(teams), Look(planned=3_000))


def test_equal_rankers_show_no_preference() -> None:
    found = played(list(range(10)), [0.3, 0.25, 0.2, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])

    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high
    assert found.first + found.second + found.ties == found.users


def test_the_ranker_that_puts_the_wanted_first_is_preferred() -> None:
    wanted = [0.1] * 5 + [0.3] * 5

    found = played([5, 6, 7, 8, 9, 0, 1, 2, 3, 4], wanted)

    assert found.interval is not None
    assert found.interval.low > 0
    assert found.second > found.first


def test_a_few_clicks_say_nothing_yet() -> None:
    n = LEAST_USERS - 1

    found = preference(np.arange(n), np.ones(n, np.int64), Look())

    assert (found.users, found.second, found.interval) == (n, n, None)
    assert preference(np.zeros(0, np.int64), np.zeros(0, np.int64), Look()).users == 0
