"""Several processes fit one model: each takes its share of every batch, and all hold equal weights.

torchrun starts the processes and says who they are; `joined` makes them a team. The first leads:
it alone validates, reports and writes, and the others hear what it decided. Dense layers are
averaged by DistributedDataParallel; of a large catalogue's tables only the rows that the batch
touched travel. A process that was started alone is a team of one, and nothing is sent.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from recsys.learning.fitting.batches import Share

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def share(self) -> Share:
        return Share(rank=self.rank, size=self.size)

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model with gradients averaged over the team as they are made."""
        return model if self.size == 1 else DistributedDataParallel(model)

    def average(self, tensor: Tensor) -> Tensor:
        """The mean over the team, in place."""
        if self.size > 1:
            distributed.all_reduce(tensor)
            tensor /= self.size
        return tensor

    def hear(self, word: _T) -> _T:
        """What the leader says, for everybody."""
        if self.size == 1:
            return word
        words: list[_T] = [word]
        distributed.broadcast_object_list(words, src=0)
        return words[0]


def team() -> Team:
    """The team of this process: of one, unless `joined` made it part of a larger."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return Team()
    return Team(rank=distributed.get_rank(), size=distributed.get_world_size())


@contextmanager
def joined(environment: Mapping[str, str]) -> Iterator[Team]:
    """Join the processes that torchrun started; without torchrun's variables, a team of one."""
    if int(environment.get("WORLD_SIZE", "1")) == 1:
        yield Team()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(environment.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield team()
        # Whoever is done first would close what the others still talk through, and crash them.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
