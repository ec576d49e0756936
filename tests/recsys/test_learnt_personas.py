"""Personas learnt from shoppers: found where they are, named by what sets them apart, kept by a retrain."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from recsys.catalogue.shelf import Shelf
from recsys.errors import CorruptArtifact
from recsys.learning import bundle as bundles
from recsys.learning import personas
from recsys.learning.bundle import ModelBundle
from recsys.learning.personas import MIN_SHOPPERS, Goods, goods_of
from recsys.models import encoder as encoders
from recsys.models import neighbours as lists
from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.personas import Personas
from recsys.serving import assortment as assortments
from recsys.serving.personas import counted, persona_of
from recsys.types import EventKind, Item, Persona, UserHistory

AISLES = ("Bread", "Dairy", "Fruit")
EACH = 8  # items of an aisle, the first half cheap
ITEM_IDS = tuple(f"{aisle}-{number}" for aisle in AISLES for number in range(EACH))
PATHS = {item_id: ("Grocery", item_id.split("-")[0]) for item_id in ITEM_IDS}
PRICES = {item_id: 1.0 + 10 * (int(item_id.split("-")[1]) >= EACH // 2) for item_id in ITEM_IDS}
DAY = 86_400
VERSION = "20261120T120000Z-abcdef"


def world(*, turned: bool = False) -> Fused:
    """A model in which the items of an aisle lie together; turned, the same in another space."""
    random = np.random.default_rng(3)
    width = 6
    aisles = np.repeat(np.eye(len(AISLES), width), EACH, axis=0)
    embedding = (aisles + 0.05 * random.normal(size=aisles.shape)).astype(np.float32)
    if turned:
        embedding = np.ascontiguousarray(embedding[:, ::-1] * 2)
    one, nought = np.ones(width, np.float32), np.zeros(width, np.float32)
    encoder = encoders.Encoder(
        embedding=embedding,
        input_bias=nought,
        blocks=(),
        norms=((one, nought),),
        mean_weight=np.eye(width, dtype=np.float32),
        mean_bias=nought,
    )
    vectors = encoders.item_vectors(embedding, np.zeros(len(ITEM_IDS), np.float32))
    return Fused(bias=np.zeros(len(ITEM_IDS), np.float32), encoder=encoder, vectors=vectors)


def shoppers(each: Mapping[str, int], *, cheap: str = "", items: int = 4) -> Histories:
    """So many shoppers of each aisle, who take nothing else; of `cheap` only its cheap half."""
    random = np.random.default_rng(11)
    rows = []
    for aisle, n in each.items():
        start = AISLES.index(aisle) * EACH
        pool = EACH // 2 if aisle == cheap else EACH
        rows += [start + random.choice(pool, min(items, pool), replace=False) for _ in range(n)]
    sizes = [len(row) for row in rows]
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        items=np.concatenate(rows).astype(np.int32),
        ages=np.zeros(sum(sizes), np.int32),
        kinds=np.zeros(sum(sizes), np.int8),
        n_items=len(ITEM_IDS),
    )


GOODS: Goods = goods_of(ITEM_IDS, PATHS, PRICES)


def learnt(
    of: Histories,
    *,
    fused: Fused | None = None,
    at: np.ndarray | None = None,
    live: ModelBundle | None = None,
) -> Personas | None:
    return personas.fit(
        fused or world(),
        of,
        GOODS,
        np.zeros(len(of), np.int64) if at is None else at,
        live=live or ModelBundle.empty(),
        item_ids=ITEM_IDS,
        seed=1,
    )


def bundled(found: Personas | None, fused: Fused | None = None) -> ModelBundle:
    return bundles.assemble(
        version=VERSION,
        fused=fused or world(),
        item_ids=ITEM_IDS,
        popularity=np.ones(len(ITEM_IDS), np.float32),
        neighbours=lists.empty(len(ITEM_IDS)),
        together=lists.empty(len(ITEM_IDS)),
        personas=found,
        manifest={"created_at": "2026-11-20T12:00:00+00:00"},
    )


def words(found: Personas, of: Histories) -> list[Persona]:
    return [found.words[group] for group in found.groups(of)]


def test_shoppers_of_an_aisle_are_named_after_it() -> None:
    crowd = shoppers({"Bread": 40, "Dairy": 40, "Fruit": 40})
    found = learnt(crowd)

    assert found is not None
    named = [one.categories for one in words(found, crowd)]
    assert named == [(aisle,) for aisle in AISLES for _ in range(40)]


def test_who_takes_the_cheap_half_is_said_to() -> None:
    crowd = shoppers({"Bread": 40, "Dairy": 40, "Fruit": 40})
    cheap = shoppers({"Bread": 40}, cheap="Bread")
    both = joined(crowd, cheap)

    found = learnt(both, fused=split_by_price())

    assert found is not None
    named = words(found, cheap)
    assert {one.price_band for one in named} == {"value"}


def split_by_price() -> Fused:
    """A space in which the cheap breads lie apart from the dear ones."""
    fused = world()
    assert fused.encoder is not None
    embedding = fused.encoder.embedding.copy()
    embedding[: EACH // 2, 4] += 2
    return replace(fused, encoder=replace(fused.encoder, embedding=embedding))


def joined(one: Histories, other: Histories) -> Histories:
    return Histories(
        indptr=np.concatenate([one.indptr, other.indptr[1:] + one.indptr[-1]]),
        items=np.concatenate([one.items, other.items]),
        ages=np.concatenate([one.ages, other.ages]),
        kinds=np.concatenate([one.kinds, other.kinds]),
        n_items=one.n_items,
    )


def test_who_came_last_long_ago_is_said_to() -> None:
    crowd = shoppers({"Bread": 40, "Dairy": 40, "Fruit": 40})
    at = np.repeat([0, 50 * DAY, 100 * DAY], 40)

    found = learnt(crowd, at=at)

    assert found is not None
    named = words(found, crowd)
    assert {one.recency for one in named[:40]} == {"lapsed"}
    assert {one.recency for one in named[80:]} == {"recent"}
    assert named[0].label == "Bread, any, lapsed"


def test_fewer_than_the_least_are_no_group_of_their_own() -> None:
    crowd = shoppers({"Bread": 60, "Dairy": 60, "Fruit": MIN_SHOPPERS - 1})

    found = learnt(crowd)

    assert found is not None
    counts = {one: words(found, crowd).count(one) for one in set(found.words)}
    assert all(n >= MIN_SHOPPERS for one, n in counts.items() if one != Persona())
    assert ("Fruit",) not in {one.categories for one in found.words}


def test_too_small_a_group_is_merged_into_its_department_first() -> None:
    dear = Persona(categories=("Fruit",), price_band="premium")
    plain = Persona(categories=("Fruit",))
    groups = np.repeat([0, 1, 2], [3, 9, 8])

    merged = personas._merged((dear, plain, Persona(categories=("Bread",))), groups)

    assert merged == (plain, plain, Persona(categories=("Bread",)))


def test_a_shop_of_few_shoppers_has_departments_and_everyone() -> None:
    crowd = shoppers({"Bread": 10, "Dairy": MIN_SHOPPERS - 1})
    found = learnt(crowd)

    assert found is not None
    assert words(found, crowd) == [Persona(categories=("Bread",))] * 10 + [Persona()] * 4


def test_a_shop_that_nobody_came_to_has_none() -> None:
    assert learnt(shoppers({"Bread": 1}).take([])) is None


def test_items_without_a_shelf_make_no_persona() -> None:
    crowd = shoppers({"Bread": 40, "Dairy": 40})
    bare = goods_of(ITEM_IDS, {}, {})
    at = np.zeros(len(crowd), np.int64)

    found = personas.fit(
        world(), crowd, bare, at, live=ModelBundle.empty(), item_ids=ITEM_IDS, seed=1
    )

    assert found is None


def test_a_retrain_in_another_space_keeps_the_words() -> None:
    crowd = shoppers({"Bread": 60, "Dairy": 40, "Fruit": 25})
    first = learnt(crowd)
    assert first is not None
    before = words(first, crowd)

    again = learnt(crowd, fused=world(turned=True), live=bundled(first))

    assert again is not None
    same = [one == other for one, other in zip(words(again, crowd), before, strict=True)]
    assert np.mean(same) >= 0.95


def test_a_matched_group_goes_on_under_words_that_are_still_true() -> None:
    crowd = shoppers({"Bread": 60, "Dairy": 60, "Fruit": 60})
    first = learnt(crowd)
    assert first is not None
    called = tuple(replace(one, price_band="premium") for one in first.words)

    again = learnt(crowd, live=bundled(replace(first, words=called)))

    assert again is not None
    assert {one.price_band for one in again.words} == {"premium"}


def test_words_that_are_not_true_of_a_group_any_more_are_dropped() -> None:
    crowd = shoppers({"Bread": 60, "Dairy": 60, "Fruit": 60})
    first = learnt(crowd)
    assert first is not None
    wrong = tuple(Persona(categories=("Dairy",)) for _ in first.words)

    again = learnt(crowd, live=bundled(replace(first, words=wrong)))

    assert again is not None
    assert [one.categories for one in words(again, crowd)] == [
        (aisle,) for aisle in AISLES for _ in range(60)
    ]


def test_a_bundle_keeps_its_personas(tmp_path: Path) -> None:
    found = learnt(shoppers({"Bread": 60, "Dairy": 60, "Fruit": 60}))
    bundles.save(bundled(found), tmp_path / VERSION)

    read = bundles.load(tmp_path / VERSION).personas

    assert read is not None
    assert found is not None
    assert (read.words, read.shoppers) == (found.words, found.shoppers)
    np.testing.assert_array_equal(read.table, found.table)


def test_a_bundle_without_personas_is_read_as_such(tmp_path: Path) -> None:
    bundles.save(bundled(None), tmp_path / VERSION)

    assert bundles.load(tmp_path / VERSION).personas is None


def test_personas_that_do_not_fit_their_model_are_corrupt(tmp_path: Path) -> None:
    found = learnt(shoppers({"Bread": 60, "Dairy": 60, "Fruit": 60}))
    bundles.save(bundled(found), tmp_path / VERSION)
    manifest = tmp_path / VERSION / bundles.MANIFEST
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "personas": told["personas"][:-1]}))

    with pytest.raises(CorruptArtifact, match="table"):
        bundles.load(tmp_path / VERSION)


def shelf() -> Shelf:
    return Shelf.of(
        [
            Item(
                item_id=item_id,
                title=item_id,
                category=PATHS[item_id],
                price=Decimal(PRICES[item_id]),
                created_at=datetime(2026, 11, 1, tzinfo=UTC),
            )
            for item_id in ITEM_IDS
        ]
    )


def viewed(*item_ids: str) -> UserHistory:
    return UserHistory(item_ids=item_ids, kinds=(EventKind.VIEW,) * len(item_ids))


def test_serving_says_the_learnt_words_and_counts_where_the_model_knows_nothing() -> None:
    found = learnt(shoppers({"Bread": 60, "Dairy": 60, "Fruit": 60}))
    one = assortments.of(bundled(found), shelf())

    assert persona_of(one, viewed("Bread-1")) == Persona(categories=("Bread",))
    assert counted(one, viewed("Bread-1")).price_band != "any"
    assert persona_of(one, viewed("never heard of")) == Persona()
    assert persona_of(one, UserHistory()) == Persona()


def test_without_learnt_groups_deeds_are_counted() -> None:
    one = assortments.of(bundled(None), shelf())

    assert persona_of(one, viewed("Bread-1")) == counted(one, viewed("Bread-1"))


def test_one_shopper_is_in_the_group_in_which_many_at_once_are() -> None:
    crowd = shoppers({"Bread": 60, "Dairy": 60, "Fruit": 60})
    found = learnt(crowd)
    one = assortments.of(bundled(found), shelf())

    for row, said in list(enumerate(words(found, crowd)))[::9]:
        items = crowd.items[crowd.indptr[row] : crowd.indptr[row + 1]]
        assert persona_of(one, viewed(*(ITEM_IDS[item] for item in items))) == said


def test_an_item_counts_once_and_what_was_dismissed_not_at_all() -> None:
    one = assortments.of(bundled(learnt(shoppers(dict.fromkeys(AISLES, 60)))), shelf())
    often = viewed(*["Bread-1"] * 9, "Dairy-1", "Dairy-2")
    disliked = UserHistory(
        item_ids=("Bread-1", "Bread-2", "Dairy-1"),
        kinds=(EventKind.DISMISS, EventKind.DISMISS, EventKind.VIEW),
    )

    assert persona_of(one, often).categories == ("Dairy",)
    assert persona_of(one, disliked).categories == ("Dairy",)
