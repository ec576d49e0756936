"""A shop's first model, before there is anybody to learn from."""

from datetime import UTC, datetime

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.catalogue.text_vectors import ItemVectors
from recsys.config import RecsysConfig
from recsys.errors import NotEnoughData
from recsys.learning.bundle import ModelBundle
from recsys.learning.plan import Plan
from recsys.learning.retraining import train_candidate
from recsys.learning.unvisited import is_unvisited
from recsys.models.words import HashedWords
from recsys.serving import ranking
from recsys.types import EventKind, EventLog, Item, Query, Source, UserHistory

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TITLES = {
    "kettle-1": "Electric kettle steel",
    "kettle-2": "Electric kettle glass",
    "boots-1": "Leather hiking boots",
    "boots-2": "Leather hiking boots brown",
}
SHELF = Shelf.of([Item(item_id=item_id, title=title) for item_id, title in TITLES.items()])


def a_log(*item_ids: str) -> EventLog:
    """One shopper's purchases: too few for any split."""
    n = len(item_ids)
    return EventLog(
        user_rows=np.zeros(n, np.int32),
        item_rows=np.arange(n, dtype=np.int32),
        kinds=np.full(n, tuple(EventKind).index(EventKind.PURCHASE), np.int8),
        at=np.arange(n, dtype=np.int64) + 1_700_000_000,
        order_rows=np.full(n, -1, np.int32),
        user_ids=("one",) if n else (),
        item_ids=item_ids,
    )


@pytest.fixture(scope="module")
def plan() -> Plan:
    words = HashedWords()
    vectors = words.encode(list(TITLES.values()))
    found = ItemVectors(encoder=words.fingerprint, item_ids=tuple(TITLES), vectors=vectors)
    return Plan(vectors=found)


def first(log: EventLog, plan: Plan, quick: RecsysConfig) -> ModelBundle:
    outcome = train_candidate(log, ModelBundle.empty(), quick, plan=plan, now=NOW)
    assert outcome.passed
    return outcome.bundle


def test_a_shop_without_an_event_recommends_what_reads_alike(
    plan: Plan, quick: RecsysConfig
) -> None:
    bundle = first(a_log(), plan, quick)

    seen = UserHistory(item_ids=("boots-1",), kinds=(EventKind.VIEW,))
    slate = ranking.recommend(bundle, SHELF, seen, Query(k=2))

    assert {one.item_id for one in slate.recommendations} == {"boots-1", "boots-2"}
    assert {one.source for one in slate.recommendations} == {Source.PERSONAL}
    assert is_unvisited(bundle)


def test_few_deeds_say_what_is_popular(plan: Plan, quick: RecsysConfig) -> None:
    bundle = first(a_log("kettle-2", "gone-from-the-shop"), plan, quick)

    slate = ranking.recommend(bundle, SHELF, UserHistory(), Query(k=1))

    assert [(one.item_id, one.source) for one in slate.recommendations] == [
        ("kettle-2", Source.POPULAR)
    ]


def test_it_may_be_made_again_while_nobody_came(plan: Plan, quick: RecsysConfig) -> None:
    live = first(a_log(), plan, quick)

    outcome = train_candidate(a_log("boots-1"), live, quick, plan=plan, now=NOW)

    assert outcome.passed


def test_it_never_takes_the_place_of_a_model_that_has_learnt(
    plan: Plan, quick: RecsysConfig, bundle: ModelBundle
) -> None:
    with pytest.raises(NotEnoughData):
        train_candidate(a_log(), bundle, quick, plan=plan, now=NOW)


def test_without_words_too_few_deeds_are_an_error(quick: RecsysConfig) -> None:
    with pytest.raises(NotEnoughData):
        train_candidate(a_log(), ModelBundle.empty(), quick, plan=Plan(), now=NOW)
