from dataclasses import replace

import numpy as np
import torch

from recsys.learning.fitting import batches
from recsys.learning.fitting.batches import Recipe, Share
from recsys.models.histories import Histories, InputWeights

RECIPE = Recipe(
    batch=4,
    latent=3,
    dropout=0.0,
    user_power=0.5,
    input=InputWeights(),
    future=False,
    n_sampled=0,
)


def _histories(*sizes: int, n_items: int = 50) -> Histories:
    draw = np.random.default_rng(1)
    items = [draw.choice(n_items, size, replace=False) for size in sizes]
    ages = [np.arange(size)[::-1] for size in sizes]
    return Histories(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        items=np.concatenate(items).astype(np.int32),
        ages=np.concatenate(ages).astype(np.int32),
        kinds=np.full(sum(sizes), 2, np.int8),
        n_items=n_items,
    )


def _chance(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_an_epoch_takes_every_shopper_once() -> None:
    train = _histories(*range(1, 11))

    taken = [
        drawn.targets.offsets.diff() for drawn in batches.of_epoch(train, RECIPE, seed=1, epoch=0)
    ]

    assert [len(sizes) for sizes in taken] == [4, 4, 2]
    assert sorted(torch.cat(taken).tolist()) == list(range(1, 11))


def test_the_same_epoch_draws_the_same_and_another_does_not() -> None:
    train = _histories(*[5] * 4)

    first, again, other = (
        next(batches.of_epoch(train, RECIPE, seed=1, epoch=epoch)) for epoch in (2, 2, 3)
    )

    assert torch.equal(first.noise, again.noise)
    assert torch.equal(first.inputs.items, again.inputs.items)
    assert not torch.equal(first.noise, other.noise)


def test_dropout_hides_items_from_the_input_and_keeps_its_mean() -> None:
    train = _histories(*[40] * 200)

    drawn = batches.draw(train, replace(RECIPE, dropout=0.5), _chance())

    assert 0.45 < len(drawn.inputs.items) / 8000 < 0.55
    assert torch.allclose(drawn.inputs.weights, torch.tensor(2 / 40**0.5))
    assert len(drawn.targets.items) == 8000


def test_the_shares_of_a_team_are_the_whole_batch() -> None:
    train = _histories(3, 9, 1, 4, 7, n_items=5000)
    recipe = replace(RECIPE, dropout=0.3, n_sampled=10)
    whole = batches.draw(train, recipe, _chance())

    parts = [batches.draw(train, recipe, _chance(), Share(rank=rank, size=3)) for rank in range(3)]

    for of in ("items", "weights"):
        joined = torch.cat([getattr(part.inputs, of) for part in parts])
        assert torch.equal(joined, getattr(whole.inputs, of))
    assert torch.equal(torch.cat([part.noise for part in parts]), whole.noise)
    assert torch.allclose(torch.cat([part.scale for part in parts]), whole.scale * 3)
    assert all(torch.equal(part.scored, whole.scored) for part in parts)


def test_touched_rows_name_the_same_items() -> None:
    train = _histories(3, 9, 1)
    plain = batches.draw(train, RECIPE, _chance())

    drawn = batches.draw(train, replace(RECIPE, n_sampled=5), _chance())

    assert torch.equal(drawn.rows[drawn.inputs.items], plain.inputs.items)
    assert torch.equal(drawn.scored[drawn.targets.items], plain.targets.items)
    assert len(torch.unique(drawn.rows)) == len(drawn.rows)


def test_the_future_follows_the_past_and_ages_are_those_of_the_cut() -> None:
    train = _histories(6, 1, 2, 30)

    past, following = batches.parted(train, _chance())

    for row in range(len(train)):
        before, after, all_of_it = (h.take([row]) for h in (past, following, train))
        assert before.items.tolist() + after.items.tolist() == all_of_it.items.tolist()
        assert before.ages.tolist() == list(range(len(before.items)))[::-1]
        assert len(before.items) >= 1
    assert following.sizes[[0, 2, 3]].min() >= 1
    assert following.sizes[1] == 0  # nothing can follow one item


def test_every_cut_is_as_likely() -> None:
    train = _histories(*[4] * 3000)

    past, _ = batches.parted(train, _chance())

    assert np.abs(np.bincount(past.sizes)[1:] - 1000).max() < 120


def test_future_inputs_are_weighed_by_their_age_at_the_cut() -> None:
    train = _histories(2)
    recipe = replace(RECIPE, future=True, input=InputWeights(decay=0.5))

    drawn = batches.draw(train, recipe, _chance())

    assert drawn.inputs.items.tolist() == train.items[:1].tolist()
    assert drawn.inputs.weights.tolist() == [1.0]
    assert drawn.targets.items.tolist() == train.items[1:].tolist()
