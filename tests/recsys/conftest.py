"""A world with a provable answer: even shoppers take even items, odd ones odd items."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from scipy import sparse

from recsys.catalogue.shelf import Shelf
from recsys.config import RecsysConfig
from recsys.learning.blending.branches import BranchOptions
from recsys.learning.bundle import ModelBundle, assemble
from recsys.learning.fitting.training import TrainingOptions
from recsys.learning.indexing import IndexKind
from recsys.learning.plan import Outcome, Plan
from recsys.learning.retraining import train_candidate
from recsys.models.encoder import Encoder
from recsys.models.fusion import Fused
from recsys.models.histories import InputWeights
from recsys.models.linear import Linear
from recsys.models.neighbours import ItemLists, Neighbours
from recsys.serving import assortment as assortments
from recsys.serving.asking import Ask
from recsys.serving.assortment import Standing
from recsys.serving.eligibility import Allowed
from recsys.types import EventKind, EventLog, Item, Query, UserHistory

Checkerboard = Callable[..., EventLog]
Drawn = Callable[..., ModelBundle]
Asking = Callable[..., Ask]

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


@pytest.fixture(scope="session")
def drawn() -> Drawn:
    """Bundles of all three branches with random numbers, forgetting by age and weighing by kind.

    With `whole` numbers every score is exact in float32, so equal scores are equal to the bit.
    """

    def make(
        seed: int, *, n: int = 300, whole: bool = False, index_kind: IndexKind | None = None
    ) -> ModelBundle:
        draw = np.random.default_rng(seed)

        def numbers(*shape: int) -> np.ndarray:
            found = draw.integers(-2, 3, shape) if whole else draw.normal(size=shape)
            return found.astype(np.float32)

        by = InputWeights(decay=0.5, kinds=(1, 2, 4, 2, 0))
        near = sparse.random_array((n, n), density=8 / n, rng=draw, format="csr", dtype=np.float32)
        near.data = np.ceil(near.data * 4) if whole else near.data
        encoder = Encoder(
            embedding=numbers(n, 12),
            input_bias=numbers(12),
            blocks=((numbers(12, 12), numbers(12)),),
            norms=((numbers(12), numbers(12)), (numbers(12), numbers(12))),
            mean_weight=numbers(6, 12),
            mean_bias=numbers(6),
            input=InputWeights(decay=0.8, kinds=(0.5, 1, 1, 1, 0)),
        )
        fused = Fused(
            bias=numbers(n),
            encoder=None if whole else encoder,
            vectors=None if whole else numbers(n, 7),
            linear=Linear(
                project=numbers(n, 5), items=numbers(n, 5), input=by, norm=0.0 if whole else 0.5
            ),
            neighbours=Neighbours(lent=near, input=by, norm=0.0 if whole else 0.3),
            linear_weight=2.0,
            neighbour_weight=4.0,
        )
        best_first = [np.argsort(-near[[row]].toarray()[0], kind="stable")[:3] for row in range(n)]
        lists = ItemLists(
            indptr=np.arange(0, 3 * n + 1, 3),
            indices=np.concatenate(best_first).astype(np.int32),
            scores=np.ones(3 * n, np.float32),
        )
        return assemble(
            version="20260301T000000Z-aaaaaa",
            fused=fused,
            item_ids=tuple(f"i{row:04}" for row in range(n)),
            popularity=np.ones(n, np.float32),
            neighbours=lists,
            together=lists,
            manifest={},
            index_kind=index_kind,
        )

    return make


@pytest.fixture(scope="session")
def asking() -> Asking:
    """A request for candidates: whatever is no wish of its own is part of the query."""

    def make(
        bundle: ModelBundle,
        shelf: Shelf,
        *,
        history: UserHistory | None = None,
        members: tuple[UserHistory, ...] = (),
        drop: tuple[str, ...] = (),
        **wishes: object,
    ) -> Ask:
        one = assortments.of(bundle, shelf)
        query = Query(**{"now": datetime(2026, 3, 1, tzinfo=UTC), **wishes})
        pool = one.pool(Standing(in_stock=query.in_stock, now=query.now))
        return Ask(
            assortment=one,
            query=query,
            history=history or UserHistory(),
            allowed=Allowed(pool, {"exclude": one.place_of(drop)}),
            members=members,
        )

    return make
