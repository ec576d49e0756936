"""Adam for a model's dense layers, and for single rows of a great catalogue's tables.

    R rows touched   I rows of a table   D its width

Of a million items a batch touches some thousands. Dense gradients and Adam over every row would
then cost more than the model: here a row that no shopper of the batch met is not read or written.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class DenseAdam:
    """Kingma and Ba's Adam (ICLR 2015) over whole tensors, one pass over each.

    torch's own class loads its compiler at the first step: two CPU seconds, which is a third of a
    small shop's fit. The kernel beneath is the same.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = [weight.detach() for weight in weights]  # share memory with the model's
        self.moments = tuple([torch.zeros_like(w) for w in self.weights] for _ in range(2))
        self.steps = [torch.zeros((), device=w.device) for w in self.weights]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Move every weight against its gradient."""
        for taken in self.steps:
            taken.add_(1)
        torch.ops.aten._fused_adam_(  # what torch.optim.Adam(fused=True) calls
            self.weights,
            list(gradients),
            *self.moments,
            [],
            self.steps,
            lr=rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def state_dict(self) -> dict[str, list[Tensor]]:
        return {"first": self.moments[0], "second": self.moments[1], "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, mine in self.state_dict().items():
            for tensor, held in zip(mine, state[name], strict=True):
                tensor.copy_(held)


class RowAdam:
    """Adam in which a row ages only when it is touched.

    Each row counts its own steps, so the first one corrects for the zeros that its moments start
    from. If every row is touched every time this is Adam exactly.
    """

    def __init__(self, table: Tensor) -> None:
        self.table = table.detach()  # (I, D), written in place
        self.moments = torch.zeros_like(self.table), torch.zeros_like(self.table)
        self.steps = torch.zeros(len(self.table), dtype=torch.int32, device=self.table.device)

    @torch.no_grad()
    def step(self, rows: Tensor, gradient: Tensor, rate: float) -> None:
        """Move `rows` (R,), each of which occurs once, against their gradients (R, D)."""
        self.steps[rows] += 1
        shape = (-1,) + (1,) * (self.table.dim() - 1)
        taken = self.steps[rows].to(self.table.dtype).view(shape)  # (R, 1)
        first = self.moments[0].index_select(0, rows).lerp_(gradient, 1 - BETAS[0])
        second = self.moments[1].index_select(0, rows)
        second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        self.moments[0].index_copy_(0, rows, first)
        self.moments[1].index_copy_(0, rows, second)
        second.sqrt_().div_(_share_seen(BETAS[1], taken).sqrt_()).add_(EPSILON)
        move = first.div_(second).div_(_share_seen(BETAS[0], taken))
        self.table.index_add_(0, rows, move, alpha=-rate)

    def state_dict(self) -> dict[str, Tensor]:
        return {"first": self.moments[0], "second": self.moments[1], "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for mine, theirs in zip(
            (*self.moments, self.steps), (state[name] for name in self.state_dict()), strict=True
        ):
            mine.copy_(theirs)


def learning_rate(step: int, steps: int, *, peak: float, warmup_steps: int) -> float:
    """Linear warm-up, then a cosine to zero."""
    warm = min(1.0, (step + 1) / warmup_steps)
    return peak * warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def _share_seen(beta: float, steps: Tensor) -> Tensor:
    """1 - beta^steps, which float32 would round away if it were computed as it is written."""
    return -torch.expm1(steps * math.log(beta))
