"""A world with a provable answer: even shoppers take even items, odd ones odd items."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.config import RecsysConfig
from recsys.learning.branches import BranchOptions
from recsys.learning.bundle import ModelBundle
from recsys.learning.retraining import Outcome, Plan, train_candidate
from recsys.learning.training import TrainingOptions
from recsys.types import EventKind, EventLog, Item

Checkerboard = Callable[..., EventLog]

START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
SMALL = TrainingOptions(hidden=32, latent=8, batch=32, learning_rate=5e-3)
# The settings of the other branches as they are: tuning them is another test's matter.
PLAN = Plan(options=SMALL, branches=BranchOptions(linear_grid=(), neighbour_grid=()))


@pytest.fixture(scope="session")
def checkerboard() -> Checkerboard:
    def make(*, n_users: int = 120, n_items: int = 40, deeds: int = 10, seed: int = 7) -> EventLog:
        draw = np.random.default_rng(seed)
        colours = np.repeat(np.arange(n_users) % 2, deeds)
        own = [draw.choice(n_items // 2, deeds, replace=False) for _ in range(n_users)]
        item_rows = np.concatenate(own) * 2 + colours
        order = draw.permutation(n_users * deeds)
        basket = np.repeat(np.arange(n_users), deeds) * 4 + np.tile(np.arange(deeds) % 4, n_users)
        purchase = tuple(EventKind).index(EventKind.PURCHASE)
        return EventLog(
            user_rows=np.repeat(np.arange(n_users), deeds)[order].astype(np.int32),
            item_rows=item_rows[order].astype(np.int32),
            kinds=np.full(n_users * deeds, purchase, np.int8),
            at=START + np.arange(n_users * deeds, dtype=np.int64) * 3600,
            order_rows=basket[order].astype(np.int32),
            user_ids=tuple(f"user-{n:03}" for n in range(n_users)),
            item_ids=tuple(f"item-{n:03}" for n in range(n_items)),
        )

    return make


@pytest.fixture(scope="session")
def small() -> TrainingOptions:
    return SMALL


@pytest.fixture(scope="session")
def plan() -> Plan:
    return PLAN


@pytest.fixture(scope="session")
def quick() -> RecsysConfig:
    return RecsysConfig(train_epochs=30, train_threads=1, train_seed=3)


@pytest.fixture(scope="session")
def outcome(checkerboard: Checkerboard, quick: RecsysConfig) -> Outcome:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return train_candidate(checkerboard(), ModelBundle.empty(), quick, plan=PLAN, now=now)


@pytest.fixture(scope="session")
def bundle(outcome: Outcome) -> ModelBundle:
    return outcome.bundle


@pytest.fixture
def shelf(bundle: ModelBundle) -> Shelf:
    """Every item of the model, priced by its number, and one that no model has met."""
    created = datetime(2026, 1, 1, tzinfo=UTC)
    known = [
        Item(
            item_id=item_id,
            title=f"Thing {item_id[-3:]}",
            category=("Board", "Even" if int(item_id[-3:]) % 2 == 0 else "Odd"),
            price=Decimal(int(item_id[-3:]) + 1),
            created_at=created,
        )
        for item_id in bundle.item_ids
    ]
    new = Item(
        item_id="brand-new",
        title="Brand new",
        category=("Fresh",),
        created_at=datetime(2026, 2, 1, tzinfo=UTC),
    )
    return Shelf.of([*known, new])
