"""One shopper read for a request must be what the model reads in a batch: whole, and one deed short."""

import numpy as np
import pytest

from recsys.learning.bundle import ModelBundle
from recsys.serving import shopper
from recsys.serving.eligibility import Allowed
from recsys.serving.lent import Lent
from recsys.serving.newcomers import Newcomers
from recsys.types import EventKind, UserHistory

KINDS = tuple(EventKind)
BUY, VIEW, CART, DISMISS = (
    EventKind.PURCHASE,
    EventKind.VIEW,
    EventKind.CART,
    EventKind.DISMISS,
)


def _history(*deeds: tuple[str, EventKind]) -> UserHistory:
    return UserHistory(
        item_ids=tuple(item_id for item_id, _ in deeds), kinds=tuple(kind for _, kind in deeds)
    )


def _random(seed: int, n_deeds: int) -> UserHistory:
    draw = np.random.default_rng(seed)
    rows, kinds = draw.choice(310, n_deeds), draw.choice(5, n_deeds, p=[0.5, 0.2, 0.1, 0.1, 0.1])
    pairs = zip(rows.tolist(), kinds.tolist(), strict=True)
    return _history(*[(f"i{row:04}", KINDS[kind]) for row, kind in pairs])


def _without(history: UserHistory, item_id: str) -> UserHistory:
    pairs = zip(history.item_ids, history.kinds, strict=True)
    return _history(*[(other, kind) for other, kind in pairs if other != item_id])


def _added(lent: Lent) -> np.ndarray:
    return lent.at(np.arange(300))[:, 0]


def _best(model: ModelBundle, read: shopper.Shopper) -> np.ndarray:
    """What everybody scores, by the way that a search takes."""
    found = np.arange(300), np.zeros(300, np.float32)
    assert read.lent is not None
    nobody = Allowed.of_mask(np.ones(300, np.bool_))
    rows, scores = read.lent.best(model, read.query, found, 300, nobody)
    return scores[np.argsort(rows)]


@pytest.fixture(scope="module")
def model(drawn) -> ModelBundle:
    return drawn(5)


@pytest.mark.parametrize("n_deeds", [1, 2, 7, 90])
def test_the_query_is_the_models_own_whole_and_without_each_deed(
    model: ModelBundle, n_deeds: int
) -> None:
    history = _random(n_deeds + 2, n_deeds)
    read = shopper.understand(model, history)
    assert read is not None
    shorter = [_without(history, item_id) for item_id in read.left_out]

    expected = model.fused.users(shopper.histories(model, [history, *shorter]))

    assert np.abs(read.queries - expected).max() < 1e-4
    assert len(read.left_out) == min(20, len(shopper.histories(model, [history]).items))


@pytest.mark.parametrize("n_deeds", [1, 2, 7, 90])
def test_what_is_lent_is_the_models_own_whole_and_without_each_deed(
    model: ModelBundle, n_deeds: int
) -> None:
    history = _random(n_deeds + 2, n_deeds)
    read = shopper.understand(model, history)
    assert read is not None
    assert read.lent is not None
    shorter = [_without(history, item_id) for item_id in read.left_out]

    expected = model.fused.sparse(shopper.histories(model, [history, *shorter])).toarray()

    added = _added(read.lent)
    assert np.flatnonzero(added).tolist() == np.flatnonzero(expected[0]).tolist()
    assert np.abs(added - expected[0]).max() < 1e-4
    assert np.abs(_best(model, read) - expected[0]).max() < 1e-4
    asked = np.random.default_rng(0).permutation(300)[:40]
    assert np.abs(read.lent.at(asked) - expected[:, asked].T).max() < 1e-4


def test_one_shopper_leaves_nothing_behind_for_the_next(model: ModelBundle) -> None:
    read = [shopper.understand(model, _random(seed, 40)) for seed in (3, 4)]
    one, other = (each for each in read if each is not None and each.lent is not None)
    expected = _best(model, other)

    _best(model, one)
    one.lent.at(np.arange(50))

    assert (_best(model, other) == expected).all()


def test_an_item_stands_at_its_last_deed_with_its_strongest(model: ModelBundle) -> None:
    history = _history(("i0001", BUY), ("i0002", VIEW), ("i0001", VIEW), ("gone", BUY))

    read = shopper.histories(model, [history, UserHistory(), _history(("i0007", CART))])

    assert read.indptr.tolist() == [0, 2, 2, 3]
    assert read.items.tolist() == [2, 1, 7]
    assert read.ages.tolist() == [1, 0, 0]
    assert [KINDS[kind] for kind in read.kinds] == [VIEW, BUY, CART]


def test_nobody_at_once_reads_as_no_histories(model: ModelBundle) -> None:
    read = shopper.histories(model, [])

    assert len(read) == 0
    assert len(read.items) == 0


def test_what_was_dismissed_tells_nothing(model: ModelBundle) -> None:
    plain = _history(("i0001", BUY), ("i0002", VIEW))
    dismissed = _history(("i0009", VIEW), ("i0001", BUY), ("i0009", DISMISS), ("i0002", VIEW))

    one, other = shopper.understand(model, plain), shopper.understand(model, dismissed)

    assert one is not None
    assert other is not None
    assert (one.queries == other.queries).all()


def test_a_newcomer_counts_as_those_who_stand_for_it(model: ModelBundle) -> None:
    alone = {"new": (np.array([4]), np.ones(1, np.float32))}
    newcomers = Newcomers(item_ids=(), vectors=np.zeros((0, 12), np.float32), stand_ins=alone)

    new = shopper.understand(model, _history(("i0002", BUY), ("new", VIEW)), newcomers)
    known = shopper.understand(model, _history(("i0002", BUY), ("i0004", VIEW)))

    assert new is not None
    assert known is not None
    assert new.left_out == ("i0002", "new")
    assert np.abs(new.queries - known.queries).max() < 1e-5
    assert new.lent is not None
    assert known.lent is not None
    assert np.abs(_added(new.lent) - _added(known.lent)).max() < 1e-5


def test_several_stand_for_a_newcomer_by_their_shares(drawn) -> None:
    model = drawn(6, whole=True)
    shares = {"new": (np.array([4, 9]), np.array([0.75, 0.25], np.float32))}
    newcomers = Newcomers(item_ids=(), vectors=np.zeros((0, 6), np.float32), stand_ins=shares)
    once = [shopper.understand(model, _history((item, VIEW))) for item in ("i0004", "i0009")]

    new = shopper.understand(model, _history(("new", VIEW)), newcomers)

    assert new is not None
    expected = 0.75 * once[0].query[:-1] + 0.25 * once[1].query[:-1]
    assert np.abs(new.query[:-1] - expected).max() < 1e-5
    assert new.query[-1] == 1


def test_a_history_of_nothing_known_cannot_be_understood(model: ModelBundle) -> None:
    assert shopper.understand(model, UserHistory()) is None
    assert shopper.understand(model, _history(("no-such", VIEW))) is None
    assert shopper.understand(ModelBundle.empty(), _history(("i0001", VIEW))) is None
