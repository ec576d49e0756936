import numpy as np
import pytest
import torch
from torch.nn import functional

from recsys.models import softmax

OWNERS = torch.tensor([0, 0, 1, 3])  # nothing is expected of shopper 2
PLACES = torch.tensor([1, 4, 0, 5])
AMOUNTS = torch.tensor([1.0, 2.0, 1.0, 0.5], dtype=torch.float64)
SCALE = torch.tensor([0.7, 0.2, 0.4, 1.3], dtype=torch.float64)


def _inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(5)
    shapes = (4, 3), (6, 3), (6,)
    z, weight, bias = (torch.randn(s, generator=draw, dtype=torch.float64) for s in shapes)
    return z.requires_grad_(), weight.requires_grad_(), bias.requires_grad_()


def _head(*inputs: torch.Tensor, low: torch.dtype | None = None) -> torch.Tensor:
    targets = OWNERS, PLACES, AMOUNTS.to(inputs[0].dtype)
    return softmax.cross_entropy(*inputs, targets, SCALE.to(inputs[0].dtype), low=low)


def _plain(z: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    logp = functional.log_softmax(z @ weight.T + bias, dim=1)
    return -(SCALE[OWNERS] * AMOUNTS * logp[OWNERS, PLACES]).sum()


def test_value_and_gradients_equal_autograds() -> None:
    ours, theirs = _inputs(), _inputs()

    found, expected = _head(*ours) * 3, _plain(*theirs) * 3
    found.backward()
    expected.backward()

    assert torch.allclose(found, expected, atol=1e-12)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.allclose(mine.grad, other.grad, atol=1e-12)


def test_a_room_gets_the_gradient_of_the_weights_over_what_it_held() -> None:
    ours, theirs = _inputs(), _inputs()
    room = softmax.Room(
        weight=torch.full((6, 3), 9.0, dtype=torch.float64),
        logits=torch.full((5, 6), 9.0, dtype=torch.float64),
    )

    found = softmax.cross_entropy(*ours, (OWNERS, PLACES, AMOUNTS), SCALE, room=room) * 3
    found.backward()
    (_plain(*theirs) * 3).backward()

    assert torch.allclose(room.weight, theirs[1].grad, atol=1e-12)
    assert torch.allclose(ours[0].grad, theirs[0].grad, atol=1e-12)
    assert ours[1].grad is None


def test_gradients_equal_finite_differences() -> None:
    assert torch.autograd.gradcheck(_head, _inputs())


def test_bf16_gradients_are_those_of_float32_but_for_rounding() -> None:
    exact = [tensor.detach().float().requires_grad_() for tensor in _inputs()]
    rounded = [tensor.detach().float().requires_grad_() for tensor in _inputs()]

    _head(*exact).backward()
    _head(*rounded, low=torch.bfloat16).backward()

    for mine, other in zip(rounded, exact, strict=True):
        assert mine.grad.dtype == torch.float32
        assert (mine.grad - other.grad).abs().max() < 0.02 * other.grad.abs().max()


def test_a_logit_far_below_the_best_has_a_finite_likelihood() -> None:
    z, weight = torch.ones(1, 1), torch.tensor([[0.0], [500.0]])
    only = torch.tensor([0])

    found = softmax.cross_entropy(
        z, weight, torch.zeros(2), (only, only, torch.ones(1)), torch.ones(1)
    )

    assert 80 < found < 100


def test_when_all_items_are_sampled_nothing_is_corrected() -> None:
    positives = np.array([2, 5, 7])

    rows, correction = softmax.candidates(positives, 10, 10, np.random.default_rng(1))

    assert rows[:3].tolist() == [2, 5, 7]
    assert sorted(rows) == list(range(10))
    assert (correction == 0).all()


def test_candidates_are_distinct_and_hold_the_positives_once() -> None:
    positives = np.arange(0, 300, 3)

    rows, _ = softmax.candidates(positives, 1_000, 200, np.random.default_rng(1))

    assert len(np.unique(rows)) == len(rows)
    assert rows[:100].tolist() == positives.tolist()
    assert 100 < len(rows) <= 300


def test_the_sampled_partition_is_right_on_average() -> None:
    chance = np.random.default_rng(3)
    logits = chance.standard_normal(500)
    positives = np.array([3, 4, 99])

    drawn = [softmax.candidates(positives, 500, 60, chance) for _ in range(4_000)]

    found = np.array([np.exp(logits[rows] + correction).sum() for rows, correction in drawn])
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - np.exp(logits).sum()) < 4 * error


def test_a_catalogue_of_nothing_but_positives_is_scored_whole() -> None:
    rows, correction = softmax.candidates(np.arange(4), 4, 2, np.random.default_rng(1))

    assert rows.tolist() == [0, 1, 2, 3]
    assert correction.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("n_sampled", [1, 20, 400])
def test_a_gradient_through_a_sample_pulls_the_target_up(n_sampled: int) -> None:
    rows, correction = softmax.candidates(np.array([7]), 400, n_sampled, np.random.default_rng(2))
    bias = torch.zeros(len(rows), requires_grad=True)
    of = torch.tensor([0])

    softmax.cross_entropy(
        torch.zeros(1, 2),
        torch.zeros(len(rows), 2),
        bias + torch.from_numpy(correction),
        (of, of, torch.ones(1)),
        torch.ones(1),
    ).backward()

    assert torch.allclose(bias.grad[0], torch.tensor(1 / 400 - 1), atol=1e-6)  # exact at any size
