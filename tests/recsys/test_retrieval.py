"""Served lists must be what scoring every item would give: masks, seen items, ties and all."""

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.learning.indexing import IndexKind
from recsys.serving import index, ranking, retrieval, shopper
from recsys.serving.eligibility import Allowed, Pool
from recsys.types import EventKind, Hide, Item, Query, Source, UserHistory

KINDS = tuple(EventKind)


def _histories(seed: int, n_items: int, n_shoppers: int = 12) -> list[UserHistory]:
    draw = np.random.default_rng(seed)
    found = []
    for n_deeds in draw.integers(1, 10, n_shoppers):
        rows, kinds = draw.choice(n_items, n_deeds), draw.choice(5, n_deeds)
        found.append(
            UserHistory(
                item_ids=tuple(f"i{row:04}" for row in rows),
                kinds=tuple(KINDS[kind] for kind in kinds),
            )
        )
    return found


@pytest.fixture(params=[True, False], ids=["search and union", "all scored"])
def searched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a catalogue this small is searched as a large one is."""
    if request.param:
        monkeypatch.setattr(index, "FEW", 0)
    return bool(request.param)


def _split(draw: np.random.Generator, allowed: np.ndarray) -> Allowed:
    """The same mask as a wider pool without some places, as a request has it."""
    dropped = np.flatnonzero(~allowed & (draw.random(len(allowed)) < 0.05))
    pool = allowed.copy()
    pool[dropped] = True
    return Allowed(Pool(pool, len(pool)), {"seen": dropped.tolist()})


def _brute(scores: np.ndarray, allowed: np.ndarray, k: int) -> np.ndarray:
    rows = np.flatnonzero(allowed)
    return rows[np.lexsort((rows, -scores[rows]))][:k]


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize("kind", [IndexKind.FLAT, IndexKind.HALF])
@pytest.mark.parametrize("seed", range(6))
def test_served_rows_are_those_of_scoring_everything(drawn, seed: int, kind: IndexKind) -> None:
    model: ModelBundle = drawn(seed, whole=True, index_kind=kind)
    draw = np.random.default_rng(seed)
    past = _histories(seed, 300)
    scores = model.fused.scores(shopper.histories(model, past))

    for one, history in zip(scores, past, strict=True):
        read = shopper.understand(model, history)
        if read is None:
            continue
        allowed = draw.random(300) < draw.choice([0.02, 0.3, 1.0])
        k = int(draw.choice([1, 5, 20, 299, 400]))

        rows, found = retrieval.best(model, read, k, _split(draw, allowed))

        assert rows.tolist() == _brute(one, allowed, k).tolist()
        assert (found == one[rows]).all()


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize("seed", range(4))
def test_fractions_change_no_more_than_roundings(drawn, seed: int) -> None:
    model: ModelBundle = drawn(seed)
    past = _histories(seed, 300)
    scores = model.fused.scores(shopper.histories(model, past))
    everything = np.ones(300, np.bool_)

    for one, history in zip(scores, past, strict=True):
        read = shopper.understand(model, history)
        if read is not None:
            rows, found = retrieval.best(model, read, 20, Allowed.of_mask(everything))

            assert np.abs(found - one[_brute(one, everything, 20)]).max() < 1e-3
            assert np.abs(found - one[rows]).max() < 1e-3


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("hide", list(Hide))
def test_a_slate_is_the_brute_force_list_under_the_rules(drawn, seed: int, hide: Hide) -> None:
    model: ModelBundle = drawn(seed, whole=True)
    draw = np.random.default_rng(seed)
    state = draw.integers(0, 4, 300)
    shelf = Shelf.of(
        Item(item_id=item_id, title=item_id, hidden=one == 1, stock=0 if one == 2 else None)
        for item_id, one in zip(model.item_ids, state.tolist(), strict=True)
    )

    for history in _histories(seed, 300, n_shoppers=6):
        kinds = {EventKind.DISMISS} | (
            {EventKind.PURCHASE} if hide in {Hide.PURCHASED, Hide.UNTIL_DUE} else set()
        )
        kept = {
            item_id
            for item_id, kind in zip(history.item_ids, history.kinds, strict=True)
            if kind in kinds or hide is Hide.SEEN
        }
        allowed = (state != 1) & (state != 2)
        allowed &= np.array([item_id not in kept for item_id in model.item_ids])
        scores = model.fused.scores(shopper.histories(model, [history]))[0]

        slate = ranking.recommend(model, shelf, history, Query(k=25, hide=hide))

        personal = [p for p in slate.recommendations if p.source is Source.PERSONAL]
        if shopper.understand(model, history) is not None:
            expected = [model.item_ids[row] for row in _brute(scores, allowed, 25)]
            assert [pick.item_id for pick in personal] == expected


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("seed", range(3))
def test_of_many_neighbours_nobody_is_missed(
    drawn, monkeypatch: pytest.MonkeyPatch, seed: int, share: float
) -> None:
    monkeypatch.setattr(index, "FEW", 0)
    model: ModelBundle = drawn(seed, n=3_000)
    long = tuple(model.item_ids[seed : 900 + seed])
    past = [UserHistory(item_ids=long, kinds=(EventKind.VIEW,) * 900), *_histories(seed, 3_000, 6)]
    scores = model.fused.scores(shopper.histories(model, past))
    allowed = np.random.default_rng(seed).random(3_000) < share

    for one, history in zip(scores, past, strict=True):
        read = shopper.understand(model, history)
        if read is not None:
            rows, found = retrieval.best(model, read, 5, Allowed.of_mask(allowed))

            assert np.abs(found - one[_brute(one, allowed, 5)]).max() < 1e-3
            assert np.abs(found - one[rows]).max() < 1e-3


@pytest.mark.usefixtures("searched")
def test_an_item_and_its_twin_come_in_the_order_of_rows(drawn) -> None:
    model: ModelBundle = drawn(1, whole=True)
    read = shopper.understand(model, _histories(1, 300)[0])
    assert read is not None
    lone = shopper.Shopper(queries=read.queries * 0, left_out=read.left_out, lent=None)

    rows, _ = retrieval.best(model, lone, 50, Allowed.of_mask(np.ones(300, np.bool_)))

    assert rows.tolist() == list(range(50))


def test_nearest_points_the_same_way(drawn) -> None:
    model: ModelBundle = drawn(2)
    vector = model.vectors[17]
    others = np.ones(300, np.bool_)
    others[17] = False

    rows, cosines = retrieval.nearest(model, vector, 10, Allowed.of_mask(others))

    ways = model.vectors[:, :-1] / np.linalg.norm(model.vectors[:, :-1], axis=1, keepdims=True)
    expected = np.argsort(-(ways @ ways[17]), kind="stable")[1:11]
    assert rows.tolist() == expected.tolist()
    assert (cosines > 0.3).all()


def test_nothing_points_the_way_of_nothing(drawn) -> None:
    model: ModelBundle = drawn(2)
    nothing = np.zeros(model.vectors.shape[1], np.float32)

    assert (
        len(retrieval.nearest(model, nothing, 10, Allowed.of_mask(np.ones(300, np.bool_)))[0]) == 0
    )
