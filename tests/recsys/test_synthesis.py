from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from recsys.behaviour import rhythm
from recsys.learning.fitting import training
from recsys.learning.imitating import imitation, likeness, synthesis
from recsys.learning.imitating.imitation import World
from recsys.learning.imitating.synthesis import Latent, Sampler
from recsys.models import histories
from recsys.models.histories import Histories


@pytest.fixture(scope="module")
def world(checkerboard) -> World:
    return imitation.divide(checkerboard(n_users=300), seed=3)


@pytest.fixture(scope="module")
def made(world: World, small) -> Sampler:
    fitted = training.fit(
        world.train, validation=world.validation, options=small, epochs=20, seed=3
    )
    return synthesis.sampler(fitted.encoder, fitted.vectors, world.train)


def colours(found: Histories, world: World) -> np.ndarray:
    """The share of each shopper's items that have the colour of the first."""
    colour = np.array([int(item_id[-3:]) % 2 for item_id in world.log.item_ids])[found.items]
    first = colour[found.indptr[:-1]][found.owners]
    return np.bincount(found.owners, colour == first) / found.sizes


def random_histories(n: int, *, size: int, n_items: int, seed: int) -> Histories:
    draw = np.random.default_rng(seed)
    rows = np.stack([draw.choice(n_items, size, replace=False) for _ in range(n)])
    dense = np.zeros((n, n_items), np.float32)
    dense[np.arange(n)[:, None], rows] = 1
    return histories.from_matrix(sparse.csr_array(dense))


def test_nobody_unseen_is_learnt_from(world: World) -> None:
    assert len(world.train) + len(world.unseen) + len(world.reference) == 300
    assert likeness.nearest(world.train, world.unseen).min() > 0
    assert len(np.unique(world.log.user_rows)) == len(world.train)


def test_made_up_shoppers_take_one_colour(made: Sampler, world: World) -> None:
    found = synthesis.sample(replace(made, temperature=0.5), 200, seed=1)

    assert colours(found, world).mean() > 0.9
    assert colours(random_histories(200, size=10, n_items=40, seed=0), world).mean() < 0.7


def test_a_history_holds_an_item_once_and_is_as_long_as_real_ones(made: Sampler) -> None:
    found = synthesis.sample(replace(made, latent=Latent.PRIOR), 100, seed=1)

    assert (found.sizes == 10).all()
    for shopper in range(100):
        items = found.items[found.indptr[shopper] : found.indptr[shopper + 1]]
        assert len(set(items.tolist())) == 10


def test_without_temperature_the_likeliest_items_are_drawn(made: Sampler) -> None:
    cold = replace(made, temperature=1e-6, deviation=np.zeros_like(made.deviation))
    alone = replace(cold, real=made.real.take([5]))

    found = synthesis.sample(alone, 1, seed=0)

    mean = made.encoder.encode_weighted(made.real.take([5]))
    logits = mean @ made.vectors[:, :-1].T + made.vectors[:, -1]
    assert found.items.tolist() == np.argsort(-logits[0])[:10].tolist()


def test_the_same_seed_draws_the_same_shoppers(made: Sampler) -> None:
    first, again = (synthesis.sample(made, 50, seed=4).items for _ in range(2))

    assert (first == again).all()
    assert (first != synthesis.sample(made, 50, seed=5).items).any()


def test_a_shopper_who_took_everything_can_be_imitated(made: Sampler) -> None:
    everything = histories.from_matrix(sparse.csr_array(np.ones((1, 40), np.float32)))

    found = synthesis.sample(replace(made, real=everything), 3, seed=0)

    assert found.sizes.tolist() == [40, 40, 40]


def test_the_temperature_is_the_one_that_deceives_best(made: Sampler) -> None:
    found = synthesis.tuned(made, seed=0, temperatures=(0.05, 0.8, 20.0))

    assert found.temperature == 0.8


def test_copies_are_found_out(world: World) -> None:
    copied = likeness.leak(world.train, world.unseen, world.train.take(slice(0, 100)))
    fresh = likeness.leak(world.train, world.unseen, world.reference)

    assert copied.copies == 1
    assert copied.memorised
    assert not fresh.memorised
    assert fresh.copies == 0


def test_copies_among_many_are_found_out(world: World) -> None:
    mostly = synthesis.joined(world.reference, world.train.take(slice(0, 20)))

    assert likeness.leak(world.train, world.unseen, mostly).memorised


def test_the_vae_learns_no_history_by_heart(made: Sampler, world: World) -> None:
    drawn = synthesis.sample(replace(made, temperature=0.8), 200, seed=1)

    assert not likeness.leak(world.train, world.unseen, drawn).memorised


def test_the_nearest_neighbour_is_the_nearest() -> None:
    train = random_histories(30, size=6, n_items=20, seed=1)
    shoppers = random_histories(8, size=5, n_items=20, seed=2)

    found = likeness.nearest(train, shoppers)

    a, b = (histories_.matrix().toarray() > 0 for histories_ in (shoppers, train))
    shared = (a[:, None] & b[None]).sum(axis=2)
    expected = 1 - (shared / (a[:, None] | b[None]).sum(axis=2)).max(axis=1)
    assert np.allclose(found, expected)


def test_real_shoppers_cannot_be_told_from_real_ones(world: World) -> None:
    alike = likeness.told_apart(world.unseen, world.train, reference=world.reference, seed=0)
    random = random_histories(100, size=10, n_items=40, seed=0)

    assert alike < 0.65
    assert likeness.told_apart(world.unseen, random, reference=world.reference, seed=0) > 0.9


def test_a_report_against_oneself_is_perfect(world: World) -> None:
    categories = np.arange(40) % 4

    found = likeness.report(
        world.unseen, world.unseen, reference=world.reference, seed=0, categories=categories
    )

    assert found.popularity_correlation == pytest.approx(1)
    assert found.pair_correlation == pytest.approx(1)
    assert found.length_ks == 0
    assert found.category_distance == 0
    assert found.popularity_gini == found.real_gini


def test_gini_and_auc_are_those_of_the_textbook() -> None:
    assert likeness.gini(np.array([3, 3, 3])) == 0
    assert likeness.gini(np.array([0, 0, 0, 8])) == 0.75
    assert likeness.gini(np.zeros(3)) == 0
    assert likeness.auc(np.array([1.0, 2, 3, 4]), np.array([False, False, True, True])) == 1
    assert likeness.auc(np.ones(4), np.array([False, False, True, True])) == 0.5


def test_made_up_shoppers_teach_what_real_ones_teach(made: Sampler, world: World) -> None:
    drawn = synthesis.sample(replace(made, temperature=0.6), len(world.train), seed=1)

    taught = likeness.taught_by(drawn, world.exam)

    known = likeness.taught_by(world.train, world.exam)
    assert set(taught) == {"itemknn", "ease"}
    assert all(taught[teacher] > 0.85 * known[teacher] for teacher in taught)


def test_the_table_has_a_column_for_each_source(made: Sampler, world: World) -> None:
    sources = {
        "vae": synthesis.sample(made, 100, seed=1),
        "baskets": imitation.histories_of(imitation.from_baskets(world, 100, seed=1)),
    }

    rows = imitation.judge(world, sources, seed=0)

    assert [row["from"] for row in rows] == ["real", "vae", "baskets"]
    assert rows[0]["classifier_auc"] < rows[1]["classifier_auc"] + 0.2
    table = imitation.table(rows)
    assert table.splitlines()[0].split() == ["real", "vae", "baskets"]
    assert "memorised" in table


def test_drawn_shoppers_become_a_log_of_the_same_items(made: Sampler, world: World) -> None:
    log = imitation.from_vae(world, made, 40, seed=1)

    drawn = synthesis.sample(made, 40, seed=1)
    pairs = {(u, i) for u, i in zip(drawn.owners.tolist(), drawn.items.tolist(), strict=True)}
    assert {*zip(log.user_rows.tolist(), log.item_rows.tolist(), strict=True)} == pairs
    assert imitation.histories_of(log).sizes.tolist() == drawn.sizes.tolist()
    real, _ = rhythm.fit(world.log)
    assert log.at.min() >= real.first


def test_augmentation_keeps_what_validation_prefers(world: World, small) -> None:
    found = synthesis.augment(
        world.train, validation=world.validation, options=small, epochs=4, seed=3, shares=(0.5,)
    )

    assert set(found.ndcgs) == {0.0, 0.5}
    assert found.ndcgs[found.share] == max(found.ndcgs.values())
    assert max(found.fitted.ndcgs) == found.ndcgs[found.share]


def test_shoppers_of_two_catalogues_do_not_join() -> None:
    first, second = (random_histories(2, size=2, n_items=n, seed=0) for n in (5, 6))

    with pytest.raises(ValueError, match="over 5 and over 6 items"):
        synthesis.joined(first, second)
