"""Strategies that start from items: what goes with them, what a cart lacks, what is given or past."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from recsys.behaviour.rebuying import Rebuying
from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.models import neighbours
from recsys.models.neighbours import ItemLists
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates
from recsys.serving.strategies import STRATEGIES
from recsys.types import EventKind, Item, UserHistory

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BUY, VIEW, LIKE, DISMISS = (
    EventKind.PURCHASE,
    EventKind.VIEW,
    EventKind.LIKE,
    EventKind.DISMISS,
)
DAY = 86_400.0


def _it(n: int) -> str:
    return f"item-{n:03}"


def _history(*deeds: tuple[int, EventKind], days_ago: tuple[float, ...] = ()) -> UserHistory:
    return UserHistory(
        user_id="u",
        item_ids=tuple(_it(n) for n, _ in deeds),
        kinds=tuple(kind for _, kind in deeds),
        at=tuple(NOW.timestamp() - days * DAY for days in days_ago),
    )


def _lists(listed: Mapping[int, Mapping[int, float]], n: int = 40) -> ItemLists:
    best = [sorted(listed.get(row, {}).items(), key=lambda pair: -pair[1]) for row in range(n)]
    sizes = [len(one) for one in best]
    return ItemLists(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        indices=np.array([other for one in best for other, _ in one], np.int32),
        scores=np.array([score for one in best for _, score in one], np.float32),
    )


def _numbers(ask: Ask, found: Candidates) -> list[int]:
    return [int(ask.assortment.item_ids[place][-3:]) for place in found.places.tolist()]


def _causes(found: Candidates) -> list[str | None]:
    return [reason.item_id for reason in found.reasons(found.places)]


# similar


def test_similar_ones_are_the_neighbours_best_first(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    listed = replace(bundle, neighbours=_lists({4: {30: 0.9, 11: 0.5, 2: 0.7}}))
    ask = asking(listed, shelf, item_ids=("item-004",), k=3)

    found = STRATEGIES["similar"](ask, 20)

    assert _numbers(ask, found) == [30, 2, 11]
    assert found.reasons(found.places)[0].text == "Similar to Thing 004"


def test_an_item_without_neighbours_has_similar_ones_by_its_vector(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    lone = replace(bundle, neighbours=neighbours.empty(40))
    ask = asking(lone, shelf, item_ids=("item-004",), k=5)

    found = STRATEGIES["similar"](ask, 5)

    assert {n % 2 for n in _numbers(ask, found)} == {0}
    assert 4 not in _numbers(ask, found)


def test_what_neither_lists_nor_vectors_know_has_its_category(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    cup = Item(item_id="cup", title="Cup", category=("Board", "Odd"))
    ask = asking(bundle, shelf.changed([cup], revision=2), item_ids=("cup",), k=25)

    found = STRATEGIES["similar"](ask, 100)

    assert {n % 2 for n in _numbers(ask, found)[:20]} == {1}
    assert len(found) == 40
    texts = [reason.text for reason in found.reasons(found.places)]
    assert texts == ["Also in Odd"] * 20 + ["Also in Board"] * 20


def test_the_category_is_left_alone_where_the_lists_fill_the_slate(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    listed = replace(bundle, neighbours=_lists({4: {30: 0.9, 11: 0.5}}))
    ask = asking(listed, shelf, item_ids=("item-004",), k=2)

    assert _numbers(ask, STRATEGIES["similar"](ask, 100)) == [30, 11]


# bought together


def test_bought_together_is_what_the_baskets_say_and_nothing_else(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    counted = replace(bundle, together=_lists({4: {7: 3.0, 9: 8.0}}))
    ask = asking(counted, shelf, item_ids=("item-004",), k=20)

    found = STRATEGIES["bought_together"](ask, 20)

    assert _numbers(ask, found) == [9, 7]
    assert found.reasons(found.places)[0].text == "Often bought with Thing 004"
    none = asking(counted, shelf, item_ids=("item-005",), k=20)
    assert len(STRATEGIES["bought_together"](none, 20)) == 0


# complements of a cart


def test_what_several_items_of_the_cart_call_for_comes_first(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    counted = replace(
        bundle, together=_lists({0: {10: 5.0, 11: 3.0}, 1: {12: 5.0, 11: 3.0}, 2: {13: 1.0}})
    )
    ask = asking(counted, shelf, item_ids=("item-000", "item-001"), k=5)

    found = STRATEGIES["complements"](ask, 20)

    assert _numbers(ask, found) == [11, 10, 12]


def test_a_staple_with_large_numbers_has_one_voice_like_the_others(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    staple = {n: 1_000.0 - n for n in range(20, 30)}
    counted = replace(bundle, together=_lists({0: staple, 1: {12: 2.0, 25: 1.5}}))
    ask = asking(counted, shelf, item_ids=("item-000", "item-001"), k=5)

    found = STRATEGIES["complements"](ask, 20)

    assert _numbers(ask, found)[:3] == [25, 12, 20]
    assert found.scores[1] == found.scores[2] == 1


def test_what_is_in_the_cart_is_no_complement_of_it(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    counted = replace(bundle, together=_lists({0: {1: 9.0, 2: 8.0, 3: 1.0}, 1: {0: 9.0}}))
    ask = asking(
        counted, shelf, item_ids=("item-000",), in_cart=frozenset({"item-001", "item-002"}), k=5
    )

    assert _numbers(ask, STRATEGIES["complements"](ask, 20)) == [3]


def test_a_complement_names_the_item_that_calls_for_it_most(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    counted = replace(bundle, together=_lists({0: {10: 4.0, 11: 1.0}, 1: {12: 4.0, 11: 3.0}}))
    ask = asking(counted, shelf, item_ids=("item-000", "item-001"), k=5)

    found = STRATEGIES["complements"](ask, 20)

    assert dict(zip(_numbers(ask, found), _causes(found), strict=True)) == {
        11: "item-001",
        10: "item-000",
        12: "item-001",
    }


# a given list


def test_every_given_item_comes_back_in_the_shoppers_order(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    even = _history(*[(n, BUY) for n in (0, 2, 4, 6, 8)])
    given = ("item-031", "item-032", "item-033", "item-034", "brand-new", "no-such")
    ask = asking(bundle, shelf, history=even, item_ids=given)

    found = STRATEGIES["rerank"](ask, 100)

    ids = [ask.assortment.item_ids[place] for place in found.places.tolist()]
    assert set(ids) == set(given) - {"no-such"}
    assert set(ids[:2]) == {"item-032", "item-034"}
    assert ids[-1] == "brand-new"


def test_the_order_is_the_personal_one(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    even = _history(*[(n, BUY) for n in (0, 2, 4, 6, 8)])
    given = tuple(_it(n) for n in range(39, -1, -1))
    ask = asking(bundle, shelf, history=even, item_ids=given)

    found, personal = STRATEGIES["rerank"](ask, 100), STRATEGIES["personal"](ask, 100)

    assert found.places.tolist() == personal.places.tolist()


def test_for_a_stranger_the_given_order_stays(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    ask = asking(bundle, shelf, item_ids=("item-009", "brand-new", "item-001", "item-009"))

    found = STRATEGIES["rerank"](ask, 100)

    ids = [ask.assortment.item_ids[place] for place in found.places.tolist()]
    assert ids == ["item-009", "brand-new", "item-001"]


# the past


def test_the_last_seen_comes_first_and_nothing_twice(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    past = _history((1, VIEW), (2, VIEW), (3, LIKE), (1, BUY), (5, VIEW), (2, DISMISS))
    ask = asking(bundle, shelf, history=past)

    found = STRATEGIES["recently_viewed"](ask, 10)

    assert _numbers(ask, found) == [5, 1, 3]
    assert [reason.text for reason in found.reasons(found.places)] == [
        "You viewed this before",
        "You bought this before",
        "You liked this before",
    ]


@pytest.fixture
def weekly(bundle: ModelBundle) -> ModelBundle:
    """A shop where items 0-9 come back every week, 10-19 every quarter, and the others never."""
    seconds = np.repeat([7 * DAY, 90 * DAY, 3_650 * DAY], [10, 10, 20])
    shares = np.repeat([0.9, 0.9, 0.0], [10, 10, 20])
    learnt = Rebuying(
        seconds=np.append(seconds, 30 * DAY).astype(np.float32),
        shares=np.append(shares, 0.5).astype(np.float32),
        categories=(),
    )
    return replace(bundle, rebuying=learnt)


def test_what_is_due_comes_before_what_was_just_bought(
    asking, weekly: ModelBundle, shelf: Shelf
) -> None:
    past = _history((1, BUY), (11, BUY), (2, BUY), days_ago=(7, 7, 1))
    ask = asking(weekly, shelf, history=past)

    assert _numbers(ask, STRATEGIES["buy_again"](ask, 10)) == [1, 2, 11]


def test_what_nobody_buys_twice_is_not_offered_again(
    asking, weekly: ModelBundle, shelf: Shelf
) -> None:
    past = _history((30, BUY), (1, BUY), days_ago=(30, 7))
    ask = asking(weekly, shelf, history=past)

    assert _numbers(ask, STRATEGIES["buy_again"](ask, 10)) == [1]


def test_when_an_item_is_due_it_rises(asking, weekly: ModelBundle, shelf: Shelf) -> None:
    past = _history((1, BUY), (11, BUY), days_ago=(40, 80))

    now = asking(weekly, shelf, history=past, now=NOW)
    before = asking(weekly, shelf, history=past, now=NOW - timedelta(days=35))

    assert _numbers(now, STRATEGIES["buy_again"](now, 10))[0] == 11
    assert _numbers(before, STRATEGIES["buy_again"](before, 10))[0] == 1


def test_without_a_clock_the_most_bought_comes_first_then_the_last(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    past = _history((1, BUY), (2, BUY), (3, BUY), (1, BUY), (4, VIEW), (5, BUY), (5, DISMISS))
    ask = asking(bundle, shelf, history=past)

    found = STRATEGIES["buy_again"](ask, 10)

    assert _numbers(ask, found) == [1, 3, 2]
    assert [reason.text for reason in found.reasons(found.places)] == [
        "You bought this 2 times",
        "You bought this before",
        "You bought this before",
    ]


def test_ones_own_rhythm_counts_where_the_shop_has_none(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    unlearnt = replace(bundle, rebuying=Rebuying.nothing(40))
    past = _history((3, BUY), (1, BUY), (1, BUY), (1, BUY), days_ago=(60, 21, 14, 7))
    ask = asking(unlearnt, shelf, history=past)

    assert _numbers(ask, STRATEGIES["buy_again"](ask, 10)) == [1, 3]


def test_an_item_no_model_has_met_may_be_bought_again(
    asking, weekly: ModelBundle, shelf: Shelf
) -> None:
    past = UserHistory(item_ids=("brand-new",), kinds=(BUY,), at=(NOW.timestamp() - 30 * DAY,))
    ask = asking(weekly, shelf, history=past)

    assert len(STRATEGIES["buy_again"](ask, 10)) == 1
