import pytest
import torch

from recsys.learning.fitting.optimisers import DenseAdam, RowAdam, learning_rate


def _gradients(n: int, *shape: int) -> torch.Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(4))


def test_the_dense_one_is_torchs_own() -> None:
    mine = [torch.ones(6, 3), torch.ones(5)]
    theirs = [torch.nn.Parameter(weight.clone()) for weight in mine]
    ours, plain = DenseAdam(mine), torch.optim.Adam(theirs, lr=0.1, fused=True)

    for first, second in zip(_gradients(20, 6, 3), _gradients(20, 5), strict=True):
        ours.step([first, second], 0.1)
        theirs[0].grad, theirs[1].grad = first, second
        plain.step()

    assert all(torch.equal(weight, other) for weight, other in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("shape", [(6, 3), (6,)])
def test_it_is_adam_when_every_row_is_touched_every_time(shape: tuple[int, ...]) -> None:
    mine, theirs = torch.ones(shape), torch.nn.Parameter(torch.ones(shape))
    rows_of, plain = RowAdam(mine), torch.optim.Adam([theirs], lr=0.1)

    for gradient in _gradients(20, *shape):
        rows_of.step(torch.arange(6), gradient, 0.1)
        theirs.grad = gradient
        plain.step()

    assert torch.allclose(mine, theirs, atol=1e-6)


def test_rows_that_are_not_touched_do_not_change() -> None:
    table = torch.ones(6, 3)
    adam = RowAdam(table)

    for gradient in _gradients(5, 2, 3):
        adam.step(torch.tensor([4, 1]), gradient, 0.1)

    assert (table[[0, 2, 3, 5]] == 1).all()
    assert (adam.moments[0][[0, 2, 3, 5]] == 0).all()
    assert adam.steps.tolist() == [0, 5, 0, 0, 5, 0]


def test_a_row_first_touched_late_moves_as_far_as_one_touched_first() -> None:
    table = torch.zeros(2, 1)
    adam = RowAdam(table)
    for _ in range(50):
        adam.step(torch.tensor([0]), torch.zeros(1, 1), 0.1)

    adam.step(torch.tensor([1]), torch.full((1, 1), 3.0), 0.1)

    assert torch.allclose(table[1], torch.tensor([-0.1]))


def test_its_state_goes_on_where_it_was() -> None:
    whole, first, second = (torch.ones(4, 2) for _ in range(3))
    adams = [RowAdam(table) for table in (whole, first, second)]
    steps = list(_gradients(6, 4, 2))
    rows = torch.tensor([3, 0, 1, 2])

    for gradient in steps:
        adams[0].step(rows, gradient, 0.1)
    for gradient in steps[:3]:
        adams[1].step(rows, gradient, 0.1)
    second.copy_(first)
    adams[2].load_state_dict(adams[1].state_dict())
    for gradient in steps[3:]:
        adams[2].step(rows, gradient, 0.1)

    assert (second == whole).all()


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    rates = [learning_rate(step, 100, peak=2.0, warmup_steps=10) for step in range(101)]

    assert rates[0] == 0.2
    assert max(rates) == max(rates[9:12])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == 0
