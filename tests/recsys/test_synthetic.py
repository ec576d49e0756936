import csv
import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recsys.behaviour import rhythm, synthetic, vocabulary
from recsys.errors import NotEnoughData
from recsys.types import EventKind, EventLog

KINDS = tuple(EventKind)


def log_of(rows: list[tuple[int, int, EventKind, int, int]]) -> EventLog:
    """Events as (user, item, kind, at, order), in the order of time."""
    users, items, kinds, at, orders = zip(*rows, strict=True) if rows else ((),) * 5
    n_users, n_items = max(users, default=-1) + 1, max(items, default=-1) + 1
    return EventLog(
        user_rows=np.array(users, np.int32),
        item_rows=np.array(items, np.int32),
        kinds=np.array([KINDS.index(kind) for kind in kinds], np.int8),
        at=np.array(at, np.int64),
        order_rows=np.array(orders, np.int32),
        user_ids=tuple(f"u{n}" for n in range(n_users)),
        item_ids=tuple(f"i{n}" for n in range(n_items)),
    )


def test_a_made_up_log_is_as_busy_as_the_real_one(checkerboard) -> None:
    real = checkerboard()

    made = synthetic.sample_log(synthetic.fit_baskets(real), 600, seed=1)

    assert len(made.user_ids) == 600
    assert abs(len(made) / 600 - len(real) / 120) < 1
    assert made.item_ids == real.item_ids
    assert (np.diff(made.at) >= 0).all()
    assert made.at.min() >= real.at.min()
    assert made.at.max() <= real.at.max()


def test_what_never_shared_a_basket_shares_none(checkerboard) -> None:
    model = replace(synthetic.fit_baskets(checkerboard(deeds=16)), follows=1.0, again=0.0)

    made = synthetic.sample_deeds(model, 300, seed=2)

    colours = made.items % 2
    same = (np.diff(made.users) == 0) & (np.diff(made.baskets) == 0)
    alike = colours[1:] == colours[:-1]
    assert same.sum() > 100
    assert alike[same].all()


def test_what_goes_together_is_found_out(checkerboard) -> None:
    board, draw = checkerboard(n_users=2000, deeds=8), np.random.default_rng(0)
    shuffled = replace(board, item_rows=draw.permutation(board.item_rows))

    assert synthetic.fit_baskets(board).follows > 0.9
    assert synthetic.fit_baskets(shuffled).follows < 0.5


def test_repeats_are_as_frequent_as_they_were() -> None:
    draw = np.random.default_rng(3)
    # Each of 100 shoppers buys one of the own two items on each of ten days.
    rows = [
        (user, 2 * user + int(draw.integers(2)), EventKind.PURCHASE, 90_000 * day, 100 * day + user)
        for day in range(10)
        for user in range(100)
    ]
    real = log_of(rows)

    made = synthetic.sample_deeds(synthetic.fit_baskets(real), 500, seed=4)

    def repeated(deeds: rhythm.Deeds) -> float:
        pairs = np.unique(deeds.users * 1000 + deeds.items)
        return 1 - len(pairs) / len(deeds.items)

    assert abs(repeated(made) - repeated(rhythm.fit(real)[1])) < 0.05


def test_the_same_seed_gives_the_same_file(checkerboard, tmp_path: Path) -> None:
    model = synthetic.fit_baskets(checkerboard())
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made = synthetic.sample_log(model, 50, seed=seed)
        rhythm.write_csv(made, tmp_path / f"{name}.csv.gz")

    a, b, c = ((tmp_path / f"{name}.csv.gz").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_the_file_is_what_import_reads(checkerboard, tmp_path: Path) -> None:
    made = synthetic.sample_log(synthetic.fit_baskets(checkerboard()), 20, seed=1)

    rhythm.write_csv(made, tmp_path / "made.csv.gz", prefix="load")

    with gzip.open(tmp_path / "made.csv.gz", "rt") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["quantity"] = int(row["quantity"])
    now = datetime(2027, 1, 1, tzinfo=UTC)
    read = [event for row in rows for event in vocabulary.parse_event(row, received_at=now)]
    assert [int(event.at.timestamp()) for event in read] == made.at.tolist()
    assert len({event.event_id for event in read}) == len(made)
    assert all(event.user_id.startswith("load-") for event in read)
    assert all((event.order_id or "").startswith("load-order-") for event in read)


def test_what_was_looked_at_first_is_bought_later() -> None:
    view, cart, purchase = EventKind.VIEW, EventKind.CART, EventKind.PURCHASE
    rows = []
    for user in range(40):
        start = 7_000 * user
        rows += [(user, user % 5, view, start, -1), (user, user % 5, cart, start + 9, -1)]
        rows += [(user, user % 5, purchase, start + 60, user), (user, 5, view, start + 70, -1)]

    made = synthetic.sample_log(synthetic.fit_baskets(log_of(rows)), 200, seed=5)

    bought = made.kinds == KINDS.index(purchase)
    first_look: dict[tuple[int, int], int] = {}
    looks = made.kinds == KINDS.index(view)
    for user, item, at in zip(
        made.user_rows[looks], made.item_rows[looks], made.at[looks], strict=True
    ):
        first_look.setdefault((user, item), at)
    assert bought.any()
    assert (made.order_rows[bought] >= 0).all()
    assert (made.order_rows[~bought] == -1).all()
    for user, item, at in zip(
        made.user_rows[bought], made.item_rows[bought], made.at[bought], strict=True
    ):
        assert first_look[user, item] < at


def test_a_pause_begins_a_new_sitting_where_there_are_no_orders() -> None:
    hours = 3_600
    real = log_of([(0, n, EventKind.VIEW, at, -1) for n, at in enumerate([0, 60, 9 * hours])])

    found, deeds = rhythm.fit(real)

    assert found.baskets.tolist() == [2]
    assert deeds.baskets.tolist() == [0, 0, 1]
    assert found.hours[[0, 9]].tolist() == [0.5, 0.5]


def test_spread_keeps_every_item_and_adds_no_other(checkerboard) -> None:
    found, _ = rhythm.fit(checkerboard())
    owners, items = np.array([0, 0, 2, 2, 2]), np.array([4, 1, 9, 8, 7])

    deeds = rhythm.spread(owners, items, n_users=3, rhythm=found, seed=0)

    pairs = {(int(u), int(i)) for u, i in zip(deeds.users, deeds.items, strict=True)}
    assert pairs == {(0, 4), (0, 1), (2, 9), (2, 8), (2, 7)}


def test_a_log_of_one_event_can_be_imitated() -> None:
    made = synthetic.sample_log(
        synthetic.fit_baskets(log_of([(0, 0, EventKind.PURCHASE, 5, 0)])), 3, seed=0
    )

    assert made.user_rows.tolist() == [0, 1, 2]
    assert made.at.tolist() == [5, 5, 5]


def test_a_robot_is_not_imitated_to_the_end() -> None:
    rows = [(0, n % 50, EventKind.VIEW, n, -1) for n in range(20_000)]
    rows += [(1, 1, EventKind.VIEW, 20_000, -1)]

    made = synthetic.sample_log(synthetic.fit_baskets(log_of(rows)), 10, seed=0)

    assert np.bincount(made.user_rows).max() <= rhythm.LONGEST


def test_an_empty_log_cannot_be_imitated() -> None:
    with pytest.raises(NotEnoughData, match="no event to learn"):
        synthetic.fit_baskets(log_of([]))


def test_nobody_is_a_log_too(checkerboard) -> None:
    made = synthetic.sample_log(synthetic.fit_baskets(checkerboard()), 0, seed=0)

    assert len(made) == 0
