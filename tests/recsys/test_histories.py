import numpy as np

from recsys.models import histories
from recsys.models.histories import Histories, InputWeights
from recsys.types import EventKind

KINDS = tuple(EventKind)
VIEW, CART, PURCHASE, LIKE, DISMISS = (KINDS.index(kind) for kind in EventKind)


def _deeds(*deeds: tuple[int, int, int], n_users: int = 3, n_items: int = 6) -> Histories:
    users, items, kinds = (np.array(column) for column in zip(*deeds, strict=True))
    return histories.from_deeds(users, items, kinds, n_users=n_users, n_items=n_items)


def _of(found: Histories, user: int) -> list[tuple[int, int, int]]:
    at = slice(found.indptr[user], found.indptr[user + 1])
    columns = (found.items[at], found.ages[at], found.kinds[at])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_items_stand_oldest_first_and_the_newest_has_age_zero() -> None:
    found = _deeds((0, 4, VIEW), (2, 1, VIEW), (0, 2, VIEW), (0, 5, VIEW))

    assert _of(found, 0) == [(4, 2, VIEW), (2, 1, VIEW), (5, 0, VIEW)]
    assert _of(found, 1) == []
    assert _of(found, 2) == [(1, 0, VIEW)]


def test_an_item_stands_where_it_was_last_touched_with_the_strongest_deed() -> None:
    found = _deeds((0, 4, PURCHASE), (0, 2, CART), (0, 4, VIEW))

    assert _of(found, 0) == [(2, 1, CART), (4, 0, PURCHASE)]


def test_a_dismissal_is_the_weakest_deed() -> None:
    assert _of(_deeds((0, 1, VIEW), (0, 1, DISMISS), (0, 2, DISMISS)), 0) == [
        (1, 1, VIEW),
        (2, 0, DISMISS),
    ]


def test_weights_are_the_kinds_times_the_decayed_age() -> None:
    found = _deeds((0, 4, VIEW), (0, 2, PURCHASE))

    weights = found.matrix(InputWeights(decay=0.5, kinds=(0.2, 1, 3, 1, 0))).toarray()

    np.testing.assert_allclose(weights[0], [0, 0, 3, 0, 0.1, 0], rtol=1e-6)


def test_taking_shoppers_keeps_the_order_asked_for() -> None:
    found = _deeds((0, 4, VIEW), (1, 2, CART), (1, 3, CART), (2, 0, LIKE))

    taken = found.take([2, 1])

    assert (_of(taken, 0), _of(taken, 1)) == (_of(found, 2), _of(found, 1))
    assert found.take(slice(0, 0)).shape == (0, 6)


def test_renaming_lets_go_of_what_the_other_does_not_know() -> None:
    found = _deeds((0, 0, VIEW), (0, 1, VIEW), (1, 1, VIEW))

    renamed = found.renamed(np.array([3, -1, 0, 0, 0, 0]), 4)

    assert (_of(renamed, 0), _of(renamed, 1)) == ([(3, 1, VIEW)], [])
    assert renamed.shape == (3, 4)


def test_nobody_did_anything() -> None:
    none = np.zeros(0, np.int64)

    found = histories.from_deeds(none, none, none, n_users=2, n_items=3)

    assert found.matrix().shape == (2, 3)
    assert found.matrix().nnz == 0
