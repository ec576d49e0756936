from dataclasses import replace

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.serving import assortment as assortments
from recsys.serving import ranking
from recsys.serving.assortment import Assortment
from recsys.serving.newcomers import Newcomers
from recsys.types import EventKind, Hide, Item, Query, Slate, Source, UserHistory

VIEW = EventKind.VIEW
PAST = UserHistory(item_ids=("i0003", "i0008"), kinds=(EventKind.PURCHASE, VIEW))


@pytest.fixture(scope="module")
def model(drawn) -> ModelBundle:
    return drawn(9)


@pytest.fixture(scope="module")
def shelf(model: ModelBundle) -> Shelf:
    known = [Item(item_id=item_id, title=item_id, category=("Old",)) for item_id in model.item_ids]
    new = [Item(item_id=f"new{n}", title=f"New {n}", category=("New",)) for n in range(3)]
    return Shelf.of([*known, *new])


@pytest.fixture(scope="module")
def newcomers(model: ModelBundle, shelf: Shelf) -> Newcomers:
    """Three that lie exactly where the shopper's second, fifth and last items lie."""
    ranked = _ids(ranking.recommend(replace_lent(model), shelf, PAST, Query(k=300, hide=Hide.NONE)))
    twins = [model.item_rows[ranked[place]] for place in (1, 4, 299)]
    one = np.ones(1, np.float32)
    return Newcomers(
        item_ids=("new0", "new1", "new2"),
        vectors=model.vectors[twins],
        stand_ins={f"new{n}": (np.array([row]), one) for n, row in enumerate(twins)},
    )


def replace_lent(model: ModelBundle) -> ModelBundle:
    """The model without neighbours: a newcomer has none either, so its twin's score is its own."""
    return replace(model, fused=replace(model.fused, neighbours=None))


def _ids(slate: Slate) -> list[str]:
    return [pick.item_id for pick in slate.recommendations]


def _serve(model: ModelBundle, shelf: Shelf, newcomers: Newcomers, query: Query) -> Slate:
    return ranking.recommend(replace_lent(model), shelf, PAST, query, newcomers)


def test_newcomers_are_ranked_by_their_scores_among_the_known(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers
) -> None:
    query = Query(k=8, hide=Hide.NONE)
    plain = _ids(ranking.recommend(replace_lent(model), shelf, PAST, query))

    slate = _serve(model, shelf, newcomers, query)

    expected = [*plain[:2], "new0", *plain[2:5], "new1", plain[5]]
    assert _ids(slate) == expected
    assert {pick.source for pick in slate.recommendations} == {Source.PERSONAL}
    assert [pick.rank for pick in slate.recommendations] == list(range(1, 9))


@pytest.mark.parametrize("k", [1, 2, 3, 6, 7])
def test_a_short_slate_with_newcomers_is_the_head_of_a_long_one(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers, k: int
) -> None:
    long = _serve(model, shelf, newcomers, Query(k=20, hide=Hide.NONE))

    short = _serve(model, shelf, newcomers, Query(k=k, hide=Hide.NONE))

    assert _ids(short) == _ids(long)[:k]


def test_a_newcomer_has_a_true_reason(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers
) -> None:
    slate = _serve(model, shelf, newcomers, Query(k=8, hide=Hide.NONE))

    pick = next(pick for pick in slate.recommendations if pick.item_id == "new0")
    twin = slate.recommendations[pick.rank - 2]
    assert pick.reasons[0] == twin.reasons[0] or twin.item_id in PAST.item_ids


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({"hidden": True}, Query(k=20)),
        ({"stock": 0}, Query(k=20)),
        ({}, Query(k=20, exclude=frozenset({"new0"}))),
        ({}, Query(k=20, category=("Old",))),
    ],
)
def test_newcomers_obey_the_rules(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers, changes, query: Query
) -> None:
    changed = shelf.changed([replace(shelf.items["new0"], **changes)], revision=1)

    assert "new0" in _ids(_serve(model, shelf, newcomers, Query(k=20)))
    assert "new0" not in _ids(_serve(model, changed, newcomers, query))


def test_a_newcomer_that_left_the_shelf_is_not_shown(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers
) -> None:
    fewer = Shelf.of(item for item in shelf.items.values() if item.item_id != "new0")

    assert "new0" not in _ids(_serve(model, fewer, newcomers, Query(k=20)))


def test_a_filter_that_only_newcomers_pass_is_filled_with_them(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers
) -> None:
    slate = _serve(model, shelf, newcomers, Query(k=5, category=("New",)))

    assert _ids(slate) == ["new0", "new1", "new2"]
    assert slate.recommendations[0].source is Source.PERSONAL


def test_a_click_on_a_newcomer_is_the_next_answers_reason(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers
) -> None:
    clicked = UserHistory(item_ids=("new1",), kinds=(VIEW,))

    slate = ranking.recommend(model, shelf, clicked, Query(k=10), newcomers)

    assert {pick.source for pick in slate.recommendations} == {Source.PERSONAL}
    assert "Because you viewed New 1" in {p.reasons[0].text for p in slate.recommendations}


def test_without_newcomers_a_click_on_one_tells_nothing(model: ModelBundle, shelf: Shelf) -> None:
    clicked = UserHistory(item_ids=("new1",), kinds=(VIEW,))

    slate = ranking.recommend(model, shelf, clicked, Query(k=10))

    assert {pick.source for pick in slate.recommendations} == {Source.POPULAR}


def test_similar_to_a_newcomer_is_what_lies_near_it(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers
) -> None:
    twin = model.item_ids[newcomers.stand_ins["new0"][0][0]]

    slate = ranking.similar(model, shelf, "new0", k=3, newcomers=newcomers)

    assert slate.recommendations[0].item_id == twin
    assert slate.recommendations[0].source is Source.SIMILAR
    assert slate.recommendations[0].score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("revisions", [0, 1], ids=["same shelf", "next revision"])
def test_who_arrived_is_told_of_these_newcomers_not_of_those_before(
    model: ModelBundle, shelf: Shelf, newcomers: Newcomers, revisions: int
) -> None:
    first = assortments.of(model, shelf, _first(newcomers, 1))
    assert _arrived(first) == ["new0"]
    later = shelf.changed([], revision=shelf.revision + 1) if revisions else shelf

    more = assortments.of(model, later, newcomers, before=first)
    fewer = assortments.of(model, later, _first(newcomers, 2), before=more)

    assert _arrived(more) == ["new0", "new1", "new2"]
    assert _arrived(fewer) == ["new0", "new1"]
    query = model.vectors[0]
    anew = assortments.of(model, later, newcomers)
    assert more.arrived_scores(query).tolist() == anew.arrived_scores(query).tolist()


def _first(newcomers: Newcomers, n: int) -> Newcomers:
    return replace(newcomers, item_ids=newcomers.item_ids[:n], vectors=newcomers.vectors[:n])


def _arrived(one: Assortment) -> list[str]:
    return [one.item_ids[place] for place in one.arrived]
