"""What holds for every strategy, whatever it proposes; and those that need nothing but counts."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates
from recsys.serving.strategies import DESCRIPTIONS, OWN_PAST, STRATEGIES
from recsys.types import EventKind, Item, Reason, UserHistory

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BUY, VIEW, DISMISS = EventKind.PURCHASE, EventKind.VIEW, EventKind.DISMISS
ODD_TEXT = "\x00\ud800 '; DROP TABLE items; -- %_ 🛒 " + "word " * 500


def _history(*deeds: tuple[str, EventKind]) -> UserHistory:
    return UserHistory(
        user_id="u",
        item_ids=tuple(item_id for item_id, _ in deeds),
        kinds=tuple(kind for _, kind in deeds),
    )


def _ids(ask: Ask, found: Candidates) -> list[str]:
    return [ask.assortment.item_ids[place] for place in found.places.tolist()]


EVEN = _history(*[(f"item-{n:03}", BUY) for n in (0, 2, 4, 6, 8)])
WISHES = {
    "item_ids": ("item-004", "item-010", "item-012"),
    "in_cart": frozenset({"item-002"}),
    "text": "thing 016",
    "liked": ("item-014",),
    "disliked": ("item-001",),
    "members": (EVEN, _history(("item-001", VIEW))),
}
ODD_WISHES = {
    "item_ids": ("no-such", "item-004", "item-004", "\x00", "🛒" * 1_000),
    "in_cart": frozenset({"no-such", ""}),
    "text": ODD_TEXT,
    "liked": ("no-such", "item-004", "item-004"),
    "disliked": ("item-004", "\ud800"),
    "members": (UserHistory(), _history(("no-such", BUY)), _history(("item-001", DISMISS))),
}


@pytest.fixture
def trendy(bundle: ModelBundle) -> ModelBundle:
    """The model with three trends, the strongest of the last item."""
    trends = np.zeros(len(bundle.item_ids), np.float32)
    trends[[3, 7, 39]] = 0.5, 1.5, 2.5
    return replace(bundle, trends=trends)


def test_every_strategy_is_described() -> None:
    assert list(STRATEGIES) == list(DESCRIPTIONS)
    assert all(text.endswith(".") for text in DESCRIPTIONS.values())
    assert STRATEGIES.keys() > OWN_PAST


def test_every_strategy_is_on_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(STRATEGIES)


def _is_whole(ask: Ask, found: Candidates, n: int) -> None:
    places, scores = found.places, found.scores
    assert len(places) == len(scores) <= n
    assert len(set(places.tolist())) == len(places)
    assert ask.allowed.keeps(places).all()
    assert np.isfinite(scores).all()
    assert (np.diff(scores) <= 0).all()
    reasons = found.reasons(places)
    assert len(reasons) == len(places)
    assert all(isinstance(reason, Reason) and reason.kind and reason.text for reason in reasons)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("n", [1, 7, 10_000])
def test_candidates_are_distinct_allowed_ordered_and_have_reasons(
    asking, trendy: ModelBundle, shelf: Shelf, name: str, n: int
) -> None:
    ask = asking(trendy, shelf, history=EVEN, k=10, **WISHES)

    found = STRATEGIES[name](ask, n)

    _is_whole(ask, found, n)
    assert len(found)


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_may_not_appear_is_never_proposed(
    asking, trendy: ModelBundle, shelf: Shelf, name: str
) -> None:
    free = asking(trendy, shelf, history=EVEN, k=10, **WISHES)
    first = _ids(free, STRATEGIES[name](free, 10_000))[::2]
    hidden = shelf.changed(
        [replace(shelf.items[item_id], hidden=True) for item_id in first[:1]], revision=2
    )
    ask = asking(trendy, hidden, history=EVEN, k=10, drop=tuple(first[1:]), **WISHES)

    found = STRATEGIES[name](ask, 10_000)

    assert first
    assert set(_ids(ask, found)).isdisjoint(first)
    _is_whole(ask, found, 10_000)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("history", [UserHistory(), EVEN], ids=["nobody", "somebody"])
@pytest.mark.parametrize("wishes", [{}, WISHES, ODD_WISHES], ids=["plain", "full", "odd"])
@pytest.mark.parametrize("model", ["trained", "none"])
def test_nothing_known_and_odd_input_break_no_strategy(
    asking,
    bundle: ModelBundle,
    shelf: Shelf,
    name: str,
    history: UserHistory,
    wishes: dict,
    model: str,
) -> None:
    served = bundle if model == "trained" else ModelBundle.empty()
    asks = [asking(served, of, history=history, **wishes) for of in (shelf, Shelf.of([]))]

    found = [STRATEGIES[name](ask, 20) for ask in asks]

    for ask, proposed in zip(asks, found, strict=True):
        _is_whole(ask, proposed, 20)
    assert len(found[1]) == 0  # there is nothing on the shelf


@pytest.mark.parametrize("name", STRATEGIES)
def test_where_nothing_may_appear_nothing_is_proposed(
    asking, trendy: ModelBundle, shelf: Shelf, name: str
) -> None:
    ask = asking(trendy, shelf, history=EVEN, drop=tuple(shelf.items), **WISHES)

    assert len(STRATEGIES[name](ask, 20)) == 0


def test_popular_is_what_sells_most(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    ask = asking(bundle, shelf)

    found = STRATEGIES["popular"](ask, 3)

    best = (-bundle.popularity).argsort(kind="stable")[:3]
    assert found.places.tolist() == best.tolist()
    assert found.scores.tolist() == bundle.popularity[best].tolist()


def test_what_never_sold_is_not_popular(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    none = replace(bundle, popularity=np.zeros_like(bundle.popularity))

    assert len(STRATEGIES["popular"](asking(none, shelf), 3)) == 0


def test_the_newest_item_comes_first_even_if_no_model_has_met_it(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    ask = asking(bundle, shelf)

    assert _ids(ask, STRATEGIES["newest"](ask, 3)) == ["brand-new", "item-000", "item-001"]


def test_an_order_is_walked_until_enough_may_appear(asking) -> None:
    items = [
        Item(item_id=f"i{n:05}", title="It", created_at=datetime(2026, 1, 1, tzinfo=UTC))
        for n in range(6_000)
    ]
    ask = asking(ModelBundle.empty(), Shelf.of(items), drop=tuple(f"i{n:05}" for n in range(5_990)))

    found = STRATEGIES["newest"](ask, 4)

    assert _ids(ask, found) == ["i05990", "i05991", "i05992", "i05993"]


def test_trending_is_what_grew_and_nothing_else(asking, trendy: ModelBundle, shelf: Shelf) -> None:
    ask = asking(trendy, shelf)

    found = STRATEGIES["trending"](ask, 20)

    assert _ids(ask, found) == ["item-039", "item-007", "item-003"]
    assert {reason.kind for reason in found.reasons(found.places)} == {"trending"}


def test_a_group_gets_something_for_everybody(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    odd = _history(*[(f"item-{n:03}", BUY) for n in (1, 3, 5, 7, 9)])
    mine = tuple({*EVEN.item_ids, *odd.item_ids})
    ask = asking(bundle, shelf, members=(EVEN, odd), k=10, drop=mine)

    found = STRATEGIES["group"](ask, 40)

    colours = [int(item_id[-3:]) % 2 for item_id in _ids(ask, found)[:10] if item_id[-1].isdigit()]
    assert 3 <= sum(colours) <= 7
    assert len(found) == 30
    told = {reason.text for reason in found.reasons(found.places)}
    assert "For 1 of 2 of you" in told


def test_a_group_of_one_is_that_shopper(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    ask = asking(bundle, shelf, members=(EVEN,))
    alone = asking(bundle, shelf, history=EVEN)

    found, own = STRATEGIES["group"](ask, 20), STRATEGIES["personal"](alone, 20)

    assert found.places.tolist() == own.places.tolist()


def test_this_visit_decides_whatever_the_history_was(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    ask = asking(bundle, shelf, history=EVEN, item_ids=("item-001", "item-003", "item-005"))

    found = STRATEGIES["session"](ask, 10)

    assert {int(item_id[-3:]) % 2 for item_id in _ids(ask, found)} == {1}
    assert not {"item-001", "item-003", "item-005"} & set(_ids(ask, found))
    causes = {reason.item_id for reason in found.reasons(found.places)}
    assert causes <= {"item-001", "item-003", "item-005"}


def test_without_named_items_the_last_stretch_is_the_visit(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    now = NOW.timestamp()
    odd = ("item-001", "item-003", "item-005")
    both = UserHistory(
        item_ids=EVEN.item_ids + odd,
        kinds=EVEN.kinds + (VIEW,) * 3,
        at=(*[now - 86_400] * 5, now - 600, now - 300, now - 10),
    )
    alone = asking(bundle, shelf, item_ids=odd)
    ask = asking(bundle, shelf, history=both)

    found = STRATEGIES["session"](ask, 10)

    assert found.places.tolist() == STRATEGIES["session"](alone, 10).places.tolist()


def test_a_visit_that_is_over_is_none(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    yesterday = NOW.timestamp() - 86_400
    history = replace(EVEN, at=(yesterday,) * 5)

    assert len(STRATEGIES["session"](asking(bundle, shelf, history=history), 10)) == 0
