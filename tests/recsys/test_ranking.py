from dataclasses import replace

import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.models import neighbours
from recsys.serving import ranking, shopper
from recsys.types import EventKind, Hide, Query, Slate, Source, UserHistory

BUY, VIEW, DISMISS = EventKind.PURCHASE, EventKind.VIEW, EventKind.DISMISS


def _history(*deeds: tuple[str, EventKind]) -> UserHistory:
    return UserHistory(
        user_id="u",
        item_ids=tuple(item_id for item_id, _ in deeds),
        kinds=tuple(kind for _, kind in deeds),
    )


def _ids(slate: Slate) -> list[str]:
    return [pick.item_id for pick in slate.recommendations]


def _sources(slate: Slate) -> list[Source]:
    return [pick.source for pick in slate.recommendations]


def _with(shelf: Shelf, item_id: str, **changes: object) -> Shelf:
    return shelf.changed([replace(shelf.items[item_id], **changes)], revision=shelf.revision + 1)


EVEN = _history(*[(f"item-{n:03}", BUY) for n in (0, 2, 4, 6, 8)])


def test_a_shopper_of_even_items_gets_even_items(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, EVEN, Query(k=10))

    assert {int(item_id[-3:]) % 2 for item_id in _ids(slate)} == {0}
    assert set(_sources(slate)) == {Source.PERSONAL}
    assert [pick.rank for pick in slate.recommendations] == list(range(1, 11))
    scores = [pick.score for pick in slate.recommendations]
    assert scores == sorted(scores, reverse=True)


def test_the_order_is_the_models_own(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, EVEN, Query(k=35))

    scores = bundle.fused.scores(shopper.histories(bundle, [EVEN]))[0]
    ranked = [bundle.item_ids[row] for row in (-scores).argsort(kind="stable")]
    expected = [item_id for item_id in ranked if item_id not in EVEN.item_ids]
    assert _ids(slate) == expected


def test_a_stranger_gets_what_is_popular(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, UserHistory(), Query(k=3))

    best = (-bundle.popularity).argsort(kind="stable")[:3]
    assert _ids(slate) == [bundle.item_ids[row] for row in best]
    assert _sources(slate) == [Source.POPULAR] * 3


def test_no_model_gives_the_newest(shelf: Shelf) -> None:
    slate = ranking.recommend(ModelBundle.empty(), shelf, EVEN, Query(k=2, hide=Hide.NONE))

    assert _ids(slate) == ["brand-new", "item-000"]
    assert _sources(slate) == [Source.NEWEST] * 2
    assert slate.model_version == "none"


def test_an_empty_shelf_gives_an_empty_slate(bundle: ModelBundle) -> None:
    assert ranking.recommend(bundle, Shelf.empty(), EVEN, Query(k=5)).recommendations == ()


def test_the_ladder_ends_with_what_no_model_has_met(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, EVEN, Query(k=500))

    assert _ids(slate)[-1] == "brand-new"
    assert len(slate.recommendations) == 36
    assert len(set(_ids(slate))) == 36


def test_a_category_no_model_has_met_falls_to_the_newest(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, EVEN, Query(k=5, category=("Fresh",)))

    assert _ids(slate) == ["brand-new"]
    assert slate.excluded == {"filter": 40}


@pytest.mark.parametrize("history", [EVEN, UserHistory()], ids=["personal", "popular"])
@pytest.mark.parametrize("model", ["trained", "none"])
@pytest.mark.parametrize(
    ("changes", "query", "rule"),
    [
        ({"hidden": True}, Query(k=100), "hidden"),
        ({"stock": 0}, Query(k=100), "out_of_stock"),
        ({"category": ("Else",)}, Query(k=100, category=("Board",)), "filter"),
        ({}, Query(k=100, exclude=frozenset({"item-010"})), "exclude"),
    ],
)
def test_what_a_rule_forbids_never_appears(
    bundle: ModelBundle, shelf: Shelf, history, model, changes, query, rule
) -> None:
    served = bundle if model == "trained" else ModelBundle.empty()

    slate = ranking.recommend(served, _with(shelf, "item-010", **changes), history, query)

    assert "item-010" not in _ids(slate)
    assert len(slate.recommendations) > 20
    if model == "trained":
        assert slate.excluded[rule] >= 1


def test_sold_out_items_may_be_asked_for(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(
        bundle, _with(shelf, "item-010", stock=0), EVEN, Query(k=100, in_stock=False)
    )

    assert "item-010" in _ids(slate)


@pytest.mark.parametrize(
    ("hide", "kept_out"),
    [
        (Hide.NONE, {"item-003"}),
        (Hide.PURCHASED, {"item-001", "item-003"}),
        (Hide.SEEN, {"item-001", "item-002", "item-003"}),
    ],
)
def test_the_hide_policy_keeps_the_past_out_and_dismissed_always(
    bundle: ModelBundle, shelf: Shelf, hide: Hide, kept_out: set[str]
) -> None:
    history = _history(("item-001", BUY), ("item-002", VIEW), ("item-003", DISMISS))

    slate = ranking.recommend(bundle, shelf, history, Query(k=100, hide=hide))

    assert {"item-001", "item-002", "item-003"} - set(_ids(slate)) == kept_out
    assert slate.excluded == {"seen": len(kept_out)}


def test_a_dismissed_item_tells_the_model_nothing(bundle: ModelBundle, shelf: Shelf) -> None:
    with_dismissed = _history(*zip(EVEN.item_ids, EVEN.kinds, strict=True), ("item-021", DISMISS))

    plain = ranking.recommend(bundle, shelf, EVEN, Query(k=10))

    assert _ids(ranking.recommend(bundle, shelf, with_dismissed, Query(k=10))) == _ids(plain)


def test_the_next_deed_changes_the_next_answer(bundle: ModelBundle, shelf: Shelf) -> None:
    odd = _history(*[(f"item-{n:03}", VIEW) for n in (1, 3, 5, 7, 9)])

    before, after = (ranking.recommend(bundle, shelf, h, Query(k=5)) for h in (EVEN, odd))

    assert {int(item_id[-3:]) % 2 for item_id in _ids(after)} == {1}
    assert _ids(before) != _ids(after)


def test_unknown_ids_are_reported_and_harmless(bundle: ModelBundle, shelf: Shelf) -> None:
    history = _history(("no-such", VIEW), ("item-002", VIEW))
    query = Query(k=3, exclude=frozenset({"🛒/…", "item-004"}))

    slate = ranking.recommend(bundle, shelf, history, query)

    assert slate.missing_ids == ("no-such", "🛒/…")
    assert len(slate.recommendations) == 3


def test_an_item_that_left_the_catalogue_is_not_recommended(
    bundle: ModelBundle, shelf: Shelf
) -> None:
    fewer = Shelf.of(item for item in shelf.items.values() if item.item_id != "item-010")

    assert "item-010" not in _ids(ranking.recommend(bundle, fewer, EVEN, Query(k=100)))


def test_popular_obeys_category_and_exclude(bundle: ModelBundle, shelf: Shelf) -> None:
    query = Query(k=50, category=("Board", "Odd"), exclude=frozenset({"item-001"}))

    slate = ranking.popular(bundle, shelf, query)

    assert set(_ids(slate)) == {f"item-{n:03}" for n in range(3, 40, 2)}


def test_similar_items_are_of_the_same_colour(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.similar(bundle, shelf, "item-004", k=8)

    assert "item-004" not in _ids(slate)
    assert {int(item_id[-3:]) % 2 for item_id in _ids(slate)} == {0}
    assert slate.recommendations[0].source is Source.SIMILAR
    assert slate.recommendations[0].reasons[0].text == "Similar to Thing 004"


def test_an_item_without_neighbours_has_similar_ones_by_its_vector(
    bundle: ModelBundle, shelf: Shelf
) -> None:
    lone = replace(bundle, neighbours=neighbours.empty(len(bundle.item_ids)))

    slate = ranking.similar(lone, shelf, "item-004", k=8)

    assert "item-004" not in _ids(slate)
    assert {int(item_id[-3:]) % 2 for item_id in _ids(slate)} == {0}
    assert slate.recommendations[0].source is Source.SIMILAR
    cosines = [p.score for p in slate.recommendations if p.source is Source.SIMILAR]
    assert cosines == sorted(cosines, reverse=True)


@pytest.mark.parametrize("item_id", ["item-006", "item-011"])
def test_one_click_is_a_session(bundle: ModelBundle, shelf: Shelf, item_id: str) -> None:
    clicked = UserHistory(item_ids=(item_id,), kinds=(VIEW,))

    slate = ranking.recommend(bundle, shelf, clicked, Query(k=8, hide=Hide.SEEN))

    assert set(_sources(slate)) == {Source.PERSONAL}
    assert {int(other[-3:]) % 2 for other in _ids(slate)} == {int(item_id[-3:]) % 2}
    assert {pick.reasons[0].item_id for pick in slate.recommendations} == {item_id}


def test_similar_falls_back_to_the_nearest_category(shelf: Shelf) -> None:
    slate = ranking.similar(ModelBundle.empty(), shelf, "item-004", k=25)

    assert {int(item_id[-3:]) % 2 for item_id in _ids(slate)[:19]} == {0}
    assert "brand-new" not in _ids(slate)
    assert len(slate.recommendations) == 25


def test_similar_to_an_unknown_item_is_not_an_error(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.similar(bundle, shelf, "no-such", k=3)

    assert len(slate.recommendations) == 3
    assert slate.missing_ids == ("no-such",)


def test_similar_obeys_hidden_and_exclude(bundle: ModelBundle, shelf: Shelf) -> None:
    hidden = _with(shelf, "item-006", hidden=True)

    slate = ranking.similar(bundle, hidden, "item-004", k=100, exclude=frozenset({"item-008"}))

    assert not {"item-004", "item-006", "item-008"} & set(_ids(slate))


def test_bought_together_is_rather_none_than_random(bundle: ModelBundle, shelf: Shelf) -> None:
    assert ranking.bought_together(bundle, shelf, "no-such", k=4).recommendations == ()
    assert ranking.bought_together(bundle, shelf, "brand-new", k=4).recommendations == ()


def test_bought_together_names_its_item_and_hides_the_sold_out(
    bundle: ModelBundle, shelf: Shelf
) -> None:
    item_id = next(
        item_id
        for row, item_id in enumerate(bundle.item_ids)
        if len(bundle.together.of(row)[0]) > 1
    )
    found = ranking.bought_together(bundle, shelf, item_id, k=9)
    sold_out = _with(shelf, _ids(found)[0], stock=0)

    fewer = ranking.bought_together(bundle, sold_out, item_id, k=9)

    assert _ids(fewer) == _ids(found)[1:]
    assert fewer.recommendations[0].source is Source.TOGETHER
    assert fewer.recommendations[0].reasons[0].item_id == item_id


@pytest.mark.parametrize("strategy", ["personal", "session"])
def test_few_candidates_are_the_first_of_many(
    bundle: ModelBundle, shelf: Shelf, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(k=7, strategy=strategy)

    few = ranking.recommend(bundle, shelf, EVEN, query)
    monkeypatch.setattr(ranking, "_NESTED", frozenset())
    many = ranking.recommend(bundle, shelf, EVEN, query)

    assert few == many
