import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.serving import assortment as assortments
from recsys.serving import explain, ranking, shopper
from recsys.types import EventKind, Hide, Item, Query, UserHistory

BUY, VIEW, CART, LIKE = EventKind.PURCHASE, EventKind.VIEW, EventKind.CART, EventKind.LIKE


def _history(*deeds: tuple[str, EventKind]) -> UserHistory:
    return UserHistory(
        item_ids=tuple(item_id for item_id, _ in deeds), kinds=tuple(kind for _, kind in deeds)
    )


MIXED = _history(*[(f"item-{n:03}", BUY) for n in (0, 2, 4, 1, 3)])


def _score(bundle: ModelBundle, history: UserHistory, wanted: str) -> float:
    scores = bundle.fused.scores(shopper.histories(bundle, [history]))
    return float(scores[0, bundle.item_rows[wanted]])


def _without(history: UserHistory, past: str) -> UserHistory:
    pairs = zip(history.item_ids, history.kinds, strict=True)
    return _history(*[(item_id, kind) for item_id, kind in pairs if item_id != past])


def test_removing_the_named_item_lowers_the_score_most(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, MIXED, Query(k=10))
    checked = 0
    for pick in slate.recommendations:
        named = pick.reasons[0].item_id
        if named is None:
            continue
        falls = {
            past: _score(bundle, MIXED, pick.item_id)
            - _score(bundle, _without(MIXED, past), pick.item_id)
            for past in MIXED.item_ids
        }
        assert falls[named] > 0
        assert falls[named] == pytest.approx(max(falls.values()), abs=1e-4)
        checked += 1
    assert checked >= 5


@pytest.mark.parametrize("seed", range(4))
def test_without_its_reason_an_item_scores_less_in_all_branches_together(drawn, seed: int) -> None:
    model = drawn(seed)
    draw = np.random.default_rng(seed)
    kinds = [BUY, VIEW, CART, LIKE]
    past = _history(
        *[(f"i{row:04}", kinds[draw.integers(4)]) for row in draw.choice(300, 9, replace=False)]
    )
    everything = Shelf.of(Item(item_id=item_id, title=item_id) for item_id in model.item_ids)

    slate = ranking.recommend(model, everything, past, Query(k=15, hide=Hide.SEEN))

    checked = 0
    for pick in slate.recommendations:
        named = pick.reasons[0].item_id
        falls = {
            item_id: _score(model, past, pick.item_id)
            - _score(model, _without(past, item_id), pick.item_id)
            for item_id in past.item_ids
        }
        if named is not None:
            assert falls[named] > 0
            assert falls[named] == pytest.approx(max(falls.values()), abs=1e-3)
            checked += 1
    assert checked >= 10


def test_an_item_no_deed_speaks_for_gets_no_because(bundle: ModelBundle, shelf: Shelf) -> None:
    understood = shopper.understand(bundle, MIXED)
    assert understood is not None
    shorter = [_without(MIXED, past) for past in understood.left_out]
    scores = bundle.fused.scores(shopper.histories(bundle, [MIXED, *shorter]))
    falls = (scores[:1] - scores[1:]).max(axis=0)

    found = explain.causes(
        assortments.of(bundle, shelf), understood, np.arange(len(bundle.item_ids))
    )

    clear = np.abs(falls) > 1e-4
    assert clear.sum() > 20
    assert [cause is None for cause in np.array(found)[clear]] == (falls <= 0)[clear].tolist()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (BUY, "Because you bought Thing 002"),
        (VIEW, "Because you viewed Thing 002"),
        (CART, "Because you added Thing 002"),
        (LIKE, "Because you liked Thing 002"),
    ],
)
def test_the_reason_says_what_was_done(
    bundle: ModelBundle, shelf: Shelf, kind: EventKind, expected: str
) -> None:
    slate = ranking.recommend(bundle, shelf, _history(("item-002", kind)), Query(k=5))

    reason = slate.recommendations[0].reasons[0]
    assert (reason.text, reason.item_id) == (expected, "item-002")
    assert reason.kind == f"because_{expected.split()[2]}"


def test_the_strongest_deed_names_the_reason() -> None:
    history = _history(("a", VIEW), ("a", BUY), ("a", VIEW), ("b", VIEW), ("b", LIKE))

    assert explain.strongest_deeds(history) == {"a": BUY, "b": LIKE}


def test_what_was_bought_before_says_so(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, MIXED, Query(k=40, hide=Hide.NONE))

    again = {p.item_id for p in slate.recommendations if p.reasons[0].kind == "buy_again"}
    assert again == set(MIXED.item_ids)


def test_only_the_newest_deeds_are_left_out(bundle: ModelBundle) -> None:
    long = _history(*[(item_id, VIEW) for item_id in bundle.item_ids])

    understood = shopper.understand(bundle, long)

    assert understood is not None
    assert understood.left_out == bundle.item_ids[-20:]


def test_a_deed_done_again_becomes_the_newest(bundle: ModelBundle) -> None:
    understood = shopper.understand(
        bundle, _history(("item-001", VIEW), ("item-002", VIEW), ("item-001", BUY))
    )

    assert understood is not None
    assert understood.left_out == ("item-002", "item-001")


def test_a_history_the_model_knows_nothing_of_cannot_be_understood(bundle: ModelBundle) -> None:
    assert shopper.understand(bundle, _history(("no-such", VIEW))) is None
    assert shopper.understand(bundle, _history(("item-001", EventKind.DISMISS))) is None


def test_every_recommendation_has_a_reason(bundle: ModelBundle, shelf: Shelf) -> None:
    slate = ranking.recommend(bundle, shelf, MIXED, Query(k=100))

    assert all(pick.reasons[0].text for pick in slate.recommendations)
    assert slate.recommendations[-1].reasons[0].kind == "newest"


def test_what_was_only_viewed_is_never_its_own_reason(bundle: ModelBundle, shelf: Shelf) -> None:
    viewed = _history(*[(f"item-{n:03}", VIEW) for n in (0, 2, 4)])

    slate = ranking.recommend(bundle, shelf, viewed, Query(k=20, hide=Hide.NONE))

    reasons = {pick.item_id: pick.reasons[0] for pick in slate.recommendations}
    again = set(viewed.item_ids) & set(reasons)
    assert again
    assert {(reasons[i].kind, reasons[i].text) for i in again} == {
        ("look_again", "You viewed this before")
    }
    assert all(reason.item_id != i for i, reason in reasons.items() if i not in again)
