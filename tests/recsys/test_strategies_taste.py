"""Likes, dislikes and words added up; search in the shopper's order."""

import gc
import weakref
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from scipy import sparse

from recsys.catalogue.shelf import Shelf
from recsys.catalogue.text_vectors import ItemVectors, words_of
from recsys.learning import unvisited
from recsys.learning.bundle import ModelBundle, assemble
from recsys.models import neighbours
from recsys.models.fusion import Fused
from recsys.models.neighbours import Neighbours
from recsys.models.words import HashedWords
from recsys.serving import assortment as assortments
from recsys.serving.asking import Ask
from recsys.serving.candidates import Candidates
from recsys.serving.strategies import STRATEGIES, searching, tasting
from recsys.types import EventKind, Item, UserHistory


def _history(*numbers: int) -> UserHistory:
    return UserHistory(
        user_id="u",
        item_ids=tuple(f"item-{n:03}" for n in numbers),
        kinds=(EventKind.PURCHASE,) * len(numbers),
    )


EVEN, ODD = _history(0, 2, 4, 6, 8), _history(1, 3, 5, 7, 9)


def _ids(ask: Ask, found: Candidates) -> list[str]:
    return [ask.assortment.item_ids[place] for place in found.places.tolist()]


def _evens(ids: list[str]) -> int:
    return sum(item_id[-1] in "02468" for item_id in ids)


def _rank(ask: Ask, found: Candidates, item_ids: list[str]) -> float:
    """The mean place of some items in a list."""
    ids = _ids(ask, found)
    return float(np.mean([ids.index(item_id) for item_id in item_ids]))


# taste


def test_a_stranger_who_likes_even_items_gets_even_items(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    ask = asking(bundle, shelf, liked=("item-000", "item-002", "item-004"))

    found = STRATEGIES["taste"](ask, 10)

    assert _evens(_ids(ask, found)) == 10
    assert not {"item-000", "item-002", "item-004"} & set(_ids(ask, found))
    reasons = {reason.kind for reason in found.reasons(found.places)}
    assert "because_liked" in reasons


def test_a_dislike_lowers_what_is_like_it(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    mixed = _history(0, 2, 4, 1, 3, 5)
    evens = [f"item-{n:03}" for n in range(10, 40, 2)]
    plain = asking(bundle, shelf, history=mixed, liked=("item-006",))
    turned = asking(bundle, shelf, history=mixed, liked=("item-006",), disliked=("item-008",))

    before, after = (STRATEGIES["taste"](ask, 100) for ask in (plain, turned))

    assert "item-008" not in _ids(turned, after)
    assert _rank(turned, after, evens) > _rank(plain, before, evens) + 2


def test_dislikes_alone_turn_a_stranger_away(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    ask = asking(bundle, shelf, disliked=("item-000", "item-002"))

    found = STRATEGIES["taste"](ask, 10)

    assert _evens(_ids(ask, found)) <= 1


def test_a_dislike_sinks_neighbours_where_the_model_is_neighbours_alone(
    asking, shelf: Shelf
) -> None:
    n = 6
    lent = sparse.csr_array(
        np.array(
            [[0, 3, 2, 1, 0, 0], *[[0.0] * n] * 5],
            np.float32,
        )
    )
    listed = neighbours.ItemLists(
        indptr=np.array([0, 0, 0, 0, 0, 1, 1]),
        indices=np.array([1], np.int32),
        scores=np.array([9], np.float32),
    )
    lone = assemble(
        version="v",
        fused=Fused(bias=np.zeros(n, np.float32), neighbours=Neighbours(lent=lent)),
        item_ids=tuple(f"item-{row:03}" for row in range(n)),
        popularity=np.ones(n, np.float32),
        neighbours=listed,
        together=neighbours.empty(n),
        manifest={},
    )
    wishes = {"history": _history(0), "drop": ("item-000", "item-005")}
    plain = asking(lone, shelf, **wishes)
    turned = asking(lone, shelf, disliked=("item-004",), **wishes)

    before, after = (_ids(ask, STRATEGIES["taste"](ask, 10)) for ask in (plain, turned))

    assert before[:3] == ["item-001", "item-002", "item-003"]
    assert after[:2] == ["item-002", "item-001"]


def test_likes_and_dislikes_that_nobody_knows_change_nothing(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    plain = asking(bundle, shelf, history=EVEN)
    turned = asking(bundle, shelf, history=EVEN, liked=("no-such",), disliked=("\x00",))

    before, after = (STRATEGIES["taste"](ask, 20) for ask in (plain, turned))

    assert before.places.tolist() == after.places.tolist()
    assert before.scores.tolist() == after.scores.tolist()


def test_nothing_wished_for_is_the_personal_list(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    ask = asking(bundle, shelf, history=EVEN)

    found, own = STRATEGIES["taste"](ask, 20), STRATEGIES["personal"](ask, 20)

    assert found.places.tolist() == own.places.tolist()


def test_the_turn_lowers_an_item_by_what_it_shares_with_the_disliked(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    ask = asking(bundle, shelf, history=EVEN)
    assert ask.shopper is not None

    turn = tasting.turning(ask, ask.shopper, disliked=("item-008",))

    middle = bundle.vectors[:, :-1].mean(axis=0)
    about = bundle.vectors[:, :-1] - middle
    shared, moved = about @ about[8], bundle.vectors @ turn
    assert np.corrcoef(shared, moved)[0, 1] == pytest.approx(-1, abs=1e-4)
    assert moved[8] == moved.min()


@pytest.fixture
def worded() -> tuple[ModelBundle, Shelf]:
    """Wines, teas and tools that no shopper has touched: the model knows their words alone."""
    kinds = {"wine": ("Drinks", "Wine"), "tea": ("Drinks", "Tea"), "drill": ("Tools", "Drills")}
    items = [
        Item(
            item_id=f"{kind}-{n:02}",
            title=f"{kind.title()} {word} bottle number {n}",
            category=path,
            price=Decimal(n + 1),
        )
        for kind, path in kinds.items()
        for n, word in enumerate(["merlot", "riesling", "green", "black", "cordless"] * 4)
    ]
    words = HashedWords()
    texts = [words_of(title=item.title, category=item.category) for item in items]
    vectors = ItemVectors(
        encoder=words.fingerprint,
        item_ids=tuple(item.item_id for item in items),
        vectors=words.encode(texts),
    )
    outcome = unvisited.by_words(vectors, datetime(2026, 3, 1, tzinfo=UTC))
    assert outcome is not None
    return outcome.bundle, Shelf.of(items)


def test_free_words_lead_to_items_that_read_like_them(asking, worded) -> None:
    ask = asking(*worded, text="a bottle of wine")

    found = STRATEGIES["taste"](ask, 10)

    assert all(item_id.startswith("wine") for item_id in _ids(ask, found))
    assert found.reasons(found.places)[0].text == 'Near to "a bottle of wine"'


def test_words_whose_encoder_is_not_here_lead_to_items_that_hold_them(asking, worded) -> None:
    bundle, shelf = worded
    away = replace(bundle, text=replace(bundle.text, encoder="another-1"))
    ask = asking(away, shelf, text="drill cordless")

    found = STRATEGIES["taste"](ask, 5)

    assert all(item_id.startswith("drill") for item_id in _ids(ask, found))


def test_what_holds_the_words_comes_before_what_everybody_buys(asking, worded) -> None:
    bundle, shelf = worded
    bias = np.linspace(0, 30, len(bundle.item_ids), dtype=np.float32)
    vectors = np.array(bundle.vectors)
    vectors[:, -1] = bias
    sold = replace(bundle, fused=replace(bundle.fused, vectors=vectors, bias=bias))
    ask = asking(sold, shelf, text="drill cordless")

    found = STRATEGIES["taste"](ask, 12)

    assert {*_ids(ask, found)[:4]} == {"drill-04", "drill-09", "drill-14", "drill-19"}
    told = [one.text for one in found.reasons(found.places)]
    assert told[:4] == ['Near to "drill cordless"'] * 4


def test_what_is_named_is_not_proposed_though_it_holds_the_words(asking, worded) -> None:
    ask = asking(*worded, text="drill cordless", liked=("drill-04",), disliked=("drill-09",))

    found = _ids(ask, STRATEGIES["taste"](ask, 20))

    assert not {"drill-04", "drill-09"} & set(found)
    assert {*found[:2]} == {"drill-14", "drill-19"}


def test_words_nobody_can_read_say_nothing(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    ask = asking(bundle, shelf, text="\x00 🛒 xyzzyxyzzy")

    assert len(STRATEGIES["taste"](ask, 5)) == 0


# search


def test_search_finds_the_words_and_nothing_else(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    ask = asking(bundle, shelf, text="brand new")

    found = STRATEGIES["search"](ask, 10)

    assert _ids(ask, found) == ["brand-new"]
    assert found.reasons(found.places)[0].text == 'Found for "brand new"'


@pytest.mark.parametrize(("history", "colour"), [(EVEN, "02468"), (ODD, "13579")])
def test_among_equal_texts_the_shoppers_taste_decides(
    asking, bundle: ModelBundle, shelf: Shelf, history: UserHistory, colour: str
) -> None:
    ask = asking(bundle, shelf, history=history, text="thing")

    ids = _ids(ask, STRATEGIES["search"](ask, 10))

    assert all(item_id[-1] in colour for item_id in ids)


def test_a_stranger_finds_the_bestseller_first(asking, bundle: ModelBundle, shelf: Shelf) -> None:
    sold = replace(bundle, popularity=np.arange(40, dtype=np.float32))
    ask = asking(sold, shelf, text="thing")

    assert _ids(ask, STRATEGIES["search"](ask, 3)) == ["item-039", "item-038", "item-037"]


def test_the_better_text_leads_whatever_the_taste() -> None:
    texts = np.array([10, 5], np.float32)

    found = searching.fused(texts, np.array([-9, 9], np.float32), np.zeros(2, np.float32))

    assert found[0] > found[1]


def test_fusing_keeps_the_order_of_each_where_the_other_ties() -> None:
    ones, rising = np.ones(5, np.float32), np.arange(5, dtype=np.float32)
    nothing = np.zeros(5, np.float32)

    assert (np.diff(searching.fused(rising + 1, ones, nothing)) > 0).all()
    assert (np.diff(searching.fused(ones, rising, nothing)) > 0).all()
    assert (np.diff(searching.fused(ones, nothing, rising)) > 0).all()
    assert len(searching.fused(nothing[:0], nothing[:0], nothing[:0])) == 0


def test_a_renamed_item_is_found_by_its_new_name_at_once(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    before = asking(bundle, shelf, text="samovar")
    renamed = replace(shelf.items["item-007"], title="Samovar")
    after = asking(bundle, shelf.changed([renamed], revision=2), text="samovar")

    assert _ids(before, STRATEGIES["search"](before, 5)) == []
    assert _ids(after, STRATEGIES["search"](after, 5)) == ["item-007"]
    assert _ids(before, STRATEGIES["search"](before, 5)) == []


def test_a_page_without_a_shopper_lists_what_is_visible(bundle: ModelBundle, shelf: Shelf) -> None:
    sold = replace(bundle, popularity=np.arange(40, dtype=np.float32))
    hidden = shelf.changed([replace(shelf.items["item-038"], hidden=True)], revision=2)

    found = searching.listed(assortments.of(sold, hidden), "thing", 3)

    assert found == ["item-039", "item-037", "item-036"]
    assert searching.listed(assortments.of(sold, hidden), "  ", 3) == found


def test_what_is_read_before_it_is_asked_answers_the_same(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    ask = asking(bundle, shelf, text="brand new")

    searching.warm(ask.assortment)

    assert _ids(ask, STRATEGIES["search"](ask, 10)) == ["brand-new"]


def test_another_shop_after_this_one_is_searched_on_its_own(
    asking, bundle: ModelBundle, shelf: Shelf
) -> None:
    other = Shelf.of([Item(item_id="item-001", title="Tea"), Item(item_id="cup", title="Cup")])

    for _ in range(2):
        here, there = (asking(bundle, one, text="thing 001") for one in (shelf, other))
        assert _ids(here, STRATEGIES["search"](here, 5)) == ["item-001"]
        assert _ids(there, STRATEGIES["search"](there, 5)) == []
    tea = asking(bundle, other, text="tea")
    assert _ids(tea, STRATEGIES["search"](tea, 5)) == ["item-001"]


def test_search_needs_no_model(asking, shelf: Shelf) -> None:
    ask = asking(ModelBundle.empty(), shelf, text="new brand")

    assert _ids(ask, STRATEGIES["search"](ask, 5)) == ["brand-new"]


class Watched(Item):
    """An item that tells when nobody holds it any more."""

    __slots__ = ("__weakref__",)


def test_what_was_read_for_a_search_keeps_no_former_item(
    bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_KEPT", searching._Kept())
    watched = Watched(item_id="item-000", title="A thing that has its price changed")
    sold = Shelf.of([watched])
    searching.warm(assortments.of(bundle, sold))
    left = weakref.ref(watched)

    changed = sold.changed([Item(item_id="item-000", title=watched.title)], revision=1)
    del sold, watched
    for number in range(64):  # as many changes as a shelf remembers
        changed = changed.changed([changed.items["item-000"]], revision=number)
    gc.collect()

    assert left() is None
