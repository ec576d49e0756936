"""A world in which the words say everything: shoppers keep to one of two kinds of things."""

from collections.abc import Sequence

import numpy as np
import pytest

from recsys.catalogue.text_vectors import ItemVectors
from recsys.learning.blending import texts
from recsys.learning.split import HoldOut, matrix
from recsys.models import histories, linear
from recsys.models.fusion import Fused
from recsys.models.histories import Histories
from recsys.models.words import HashedWords

N_ITEMS = 60
KINDS = ("leather hiking boots", "electric water kettle")
WORDS = HashedWords()
WIDTH = 96  # of the 1024 hashed numbers: enough for two kinds of things, and quick


def title(row: int) -> str:
    return f"{KINDS[row % 2]} {row}"


def read(titles: Sequence[str]) -> np.ndarray:
    return np.ascontiguousarray(WORDS.encode(titles)[:, :WIDTH])


def vectors(rows: Sequence[int]) -> ItemVectors:
    return ItemVectors(
        encoder="words-narrow",
        item_ids=tuple(f"i{row}" for row in rows),
        vectors=read([title(row) for row in rows]),
    )


def of(sequences: list[list[int]], n_items: int = N_ITEMS) -> Histories:
    owners = np.repeat(np.arange(len(sequences)), [len(one) for one in sequences])
    rows = np.array([row for one in sequences for row in one], np.int64)
    return histories.from_matrix(matrix(owners, rows, shape=(len(sequences), n_items)))


@pytest.fixture(scope="module")
def world() -> tuple[Histories, HoldOut]:
    """200 shoppers who teach, 60 who choose: three items of a kind, then two more of it."""
    draw = np.random.default_rng(5)
    own = [(draw.choice(N_ITEMS // 2, 5, replace=False) * 2 + n % 2).tolist() for n in range(260)]
    asked = [one[3:] for one in own[200:]]
    owners = np.repeat(np.arange(60), 2)
    targets = matrix(owners, np.array(asked).ravel(), shape=(60, N_ITEMS))
    return of(own[:200]), HoldOut(fold_in=of([one[:3] for one in own[200:]]), targets=targets)


@pytest.fixture(scope="module")
def fused(world: tuple[Histories, HoldOut]) -> Fused:
    branch = linear.ease(world[0], penalty=20, rank=16)
    return Fused(bias=np.zeros(N_ITEMS, np.float32), linear=branch)


IDS = tuple(f"i{row}" for row in range(N_ITEMS))


def test_newcomers_go_to_those_who_like_their_kind(
    world: tuple[Histories, HoldOut], fused: Fused
) -> None:
    train, validation = world

    joined, text_map, report = texts.join(
        fused, vectors(range(N_ITEMS)), item_ids=IDS, train=train, validation=validation
    )

    assert text_map is not None
    new = text_map.rows(read([title(1000), title(1001)]))
    assert new.shape == (2, joined.width)
    users = joined.users(of([[0, 2, 4], [1, 3, 5]]))
    scores = users @ new.T
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]
    assert report["items"] == N_ITEMS


def test_known_items_keep_their_scores_where_words_gain_nothing(
    world: tuple[Histories, HoldOut], fused: Fused
) -> None:
    train, validation = world
    never = texts.TextOptions(worth=1e9)

    joined, _, report = texts.join(
        fused, vectors(range(N_ITEMS)), item_ids=IDS, train=train, validation=validation,
        options=never,
    )  # fmt: skip

    assert report["weight"] == 0
    shoppers = validation.fold_in
    np.testing.assert_allclose(joined.scores(shoppers), fused.scores(shoppers), atol=1e-5)


def test_words_never_cost_the_validation_shoppers_anything(
    world: tuple[Histories, HoldOut], fused: Fused
) -> None:
    train, validation = world

    _, _, report = texts.join(
        fused, vectors(range(N_ITEMS)), item_ids=IDS, train=train, validation=validation
    )

    assert report["ndcg"]["with"] >= report["ndcg"]["without"]


def test_a_model_without_a_linear_branch_gets_the_text_columns_alone(
    world: tuple[Histories, HoldOut],
) -> None:
    train, validation = world
    plain = Fused(bias=np.zeros(N_ITEMS, np.float32))

    joined, text_map, report = texts.join(
        plain, vectors(range(N_ITEMS)), item_ids=IDS, train=train, validation=validation
    )

    assert text_map is not None
    assert report["weight"] > 0
    assert text_map.weight.shape[1] == joined.width == text_map.columns.shape[1] + 1
    scores = joined.scores(of([[0, 2, 4]]))[0]
    assert scores[6::2].min() > scores[7::2].max()


@pytest.mark.parametrize("found", [None, vectors([]), vectors([3])])
def test_without_words_the_model_comes_back_as_it_was(
    world: tuple[Histories, HoldOut], fused: Fused, found: ItemVectors | None
) -> None:
    train, validation = world

    joined, text_map, _ = texts.join(fused, found, item_ids=IDS, train=train, validation=validation)

    assert joined is fused
    assert text_map is None


def test_items_whose_words_nobody_has_read_yet_stay_where_they_were(
    world: tuple[Histories, HoldOut], fused: Fused
) -> None:
    train, validation = world

    joined, text_map, report = texts.join(
        fused, vectors(range(0, N_ITEMS, 2)), item_ids=IDS, train=train, validation=validation
    )

    assert text_map is not None
    assert report["items"] == N_ITEMS // 2
    assert not text_map.known[1::2].any()
    alone = of([[1, 3, 5]])
    np.testing.assert_allclose(joined.scores(alone), fused.scores(alone), atol=1e-5)


def test_where_nobody_validates_known_items_stay_and_newcomers_are_placed(
    world: tuple[Histories, HoldOut], fused: Fused
) -> None:
    nobody = HoldOut(
        fold_in=of([]), targets=matrix(np.zeros(0, int), np.zeros(0, int), shape=(0, N_ITEMS))
    )

    joined, text_map, report = texts.join(
        fused, vectors(range(N_ITEMS)), item_ids=IDS, train=world[0], validation=nobody
    )

    assert report["weight"] == 0
    assert text_map is not None
    new = text_map.rows(read([title(1000), title(1001)]))
    scores = joined.users(of([[0, 2, 4]])) @ new.T
    assert scores[0, 0] > scores[0, 1]


def test_the_same_shop_joins_the_same_way_twice(
    world: tuple[Histories, HoldOut], fused: Fused
) -> None:
    train, validation = world
    made = [
        texts.join(fused, vectors(range(N_ITEMS)), item_ids=IDS, train=train, validation=validation)
        for _ in range(2)
    ]

    np.testing.assert_array_equal(made[0][0].items(), made[1][0].items())
    assert made[0][2] == made[1][2]


def test_words_alone_answer_with_what_reads_alike() -> None:
    made = texts.alone(vectors(range(10)))

    assert made is not None
    fused, text_map = made
    scores = fused.scores(of([[0]], 10))[0]
    assert scores[0::2].min() > scores[1::2].max()
    np.testing.assert_allclose(text_map.rows(vectors(range(10)).vectors), fused.items(), atol=1e-5)


@pytest.mark.parametrize("found", [vectors([]), vectors([1])])
def test_too_few_words_make_no_model(found: ItemVectors) -> None:
    assert texts.alone(found) is None
