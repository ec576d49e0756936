"""Who wants an item: those with whom it stands furthest above the rest of the shop."""

from dataclasses import replace

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.serving import assortment as assortments
from recsys.serving import shopper
from recsys.serving.strategies.audience import audience
from recsys.types import EventKind, Item, UserHistory

BUY, VIEW, DISMISS = EventKind.PURCHASE, EventKind.VIEW, EventKind.DISMISS


def _history(*numbers: int, user_id: str = "u") -> UserHistory:
    return UserHistory(
        user_id=user_id,
        item_ids=tuple(f"item-{n:03}" for n in numbers),
        kinds=(BUY,) * len(numbers),
    )


VISITOR = _history(0, 2, 4, 6, 8)


def test_who_wants_an_even_item_are_those_of_even_items(bundle: ModelBundle, shelf: Shelf) -> None:
    draw = np.random.default_rng(4)
    shoppers = [
        _history(*(2 * draw.choice(10, 4, replace=False) + n % 2), user_id=f"u{n:03}")
        for n in range(60)
    ]

    found = audience(assortments.of(bundle, shelf), "item-030", shoppers, 30)

    assert {one.user_id for one in found} == {f"u{n:03}" for n in range(0, 60, 2)}
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)


def test_a_long_history_does_not_shout(bundle: ModelBundle, shelf: Shelf) -> None:
    long = _history(*range(1, 39, 2), 0, user_id="long")
    short = _history(0, 2, user_id="short")

    found = audience(assortments.of(bundle, shelf), "item-030", [long, short], 2)

    assert [one.user_id for one in found] == ["short", "long"]


def test_who_bought_or_dismissed_the_item_or_is_unknown_is_left_out(
    bundle: ModelBundle, shelf: Shelf
) -> None:
    one = assortments.of(bundle, shelf)
    shoppers = [
        _history(0, 30, user_id="buyer"),
        replace(_history(0, 30, user_id="not-this"), kinds=(BUY, DISMISS)),
        UserHistory(user_id="nobody"),
        replace(VISITOR, user_id=None),
        replace(_history(0, 30, user_id="viewer"), kinds=(BUY, VIEW)),
    ]

    assert [who.user_id for who in audience(one, "item-030", shoppers, 9)] == ["viewer"]
    both = audience(one, "item-030", shoppers, 9, buyers=True)
    assert {who.user_id for who in both} == {"buyer", "viewer"}


def test_nobody_wants_what_all_of_them_bought(bundle: ModelBundle, shelf: Shelf) -> None:
    buyers = [_history(0, 30, user_id=name) for name in ("one", "other")]

    assert audience(assortments.of(bundle, shelf), "item-030", buyers, 9) == []


def test_batches_change_nothing(
    bundle: ModelBundle, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = assortments.of(bundle, shelf)
    shoppers = [_history(n, (n + 2) % 20, user_id=f"u{n:02}") for n in range(20)]
    whole = audience(one, "item-030", iter(shoppers), 7)

    monkeypatch.setattr("recsys.serving.strategies.audience.BATCH", 3)
    parts = audience(one, "item-030", iter(shoppers), 7)

    assert [who.user_id for who in parts] == [who.user_id for who in whole]
    assert np.allclose([who.score for who in parts], [who.score for who in whole], atol=1e-5)


def test_the_score_is_of_all_branches(drawn) -> None:
    made = drawn(3, n=50)
    shelf = Shelf.of([Item(item_id=item_id, title="It") for item_id in made.item_ids])
    past = UserHistory(user_id="u", item_ids=("i0003", "i0007"), kinds=(BUY, VIEW))

    (found,) = audience(assortments.of(made, shelf), "i0011", [past], 1)

    scores = made.fused.scores(shopper.histories(made, [past]))[0]
    others = np.delete(scores, 11)
    assert found.score == pytest.approx((scores[11] - others.mean()) / others.std(), rel=1e-4)


@pytest.mark.parametrize("item_id", ["no-such", "brand-new", ""])
def test_an_item_that_nobody_can_place_has_no_audience(
    bundle: ModelBundle, shelf: Shelf, item_id: str
) -> None:
    assert audience(assortments.of(bundle, shelf), item_id, [VISITOR], 5) == []
    assert audience(assortments.of(ModelBundle.empty(), shelf), item_id, [VISITOR], 5) == []


def test_nobody_asked_or_none_wanted_is_nobody(bundle: ModelBundle, shelf: Shelf) -> None:
    one = assortments.of(bundle, shelf)

    assert audience(one, "item-030", [], 5) == []
    assert audience(one, "item-030", [VISITOR], 0) == []
