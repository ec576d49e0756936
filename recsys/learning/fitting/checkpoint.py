"""A fit that was killed goes on: everything it knew after its last whole epoch, in one file.

The file is written beside and renamed, so a reader finds an old one or a new one, never half. It
holds tensors, numbers and strings, and is read with `weights_only`: it cannot run code. It names
the fit it belongs to; one of other data, options or seed is left aside and a fresh fit begins.
No state of chance is kept: chance is a function of the seed and the epoch (`batches`).
"""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

from recsys.learning.fitting.distributed import Team
from recsys.learning.fitting.stepping import Course, Stepper
from recsys.models import encoder as encoders
from recsys.models.encoder import Encoder, Floats
from recsys.models.histories import Histories

FORMAT = 1

_Found = tuple[Encoder, Floats]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where one fit is kept. Without a path nothing is kept, and nothing is resumed."""

    path: Path | None
    of: str  # the fit it belongs to
    team: Team

    @classmethod
    def at(
        cls, path: Path | None, data: Sequence[Histories], settings: dict[str, Any], team: Team
    ) -> "Checkpoint":
        return cls(path=path, of=fingerprint(data, settings) if path else "", team=team)

    def save(self, stepper: Stepper, course: Course, best: _Found) -> None:
        """Keep a whole epoch, in place of the one before."""
        if self.path is None:
            return
        arrays = {name: _tensor(array) for name, array in best[0].arrays().items()}
        state = {
            "format": FORMAT,
            "of": self.of,
            "course": asdict(course),
            "steps": stepper.state(),
            "encoder": arrays,
            "vectors": _tensor(best[1]),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = _beside(self.path)
        with beside.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(self.path)

    def resume(self, stepper: Stepper, course: Course) -> _Found | None:
        """Bring both to where the fit was, and say its best so far; None where a fresh one begins."""
        state = self.team.hear(self._read() if self.team.leads else None)
        if state is None:
            return None
        stepper.restore(state["steps"])
        for name, value in state["course"].items():
            setattr(course, name, value)
        arrays = {name: tensor.numpy() for name, tensor in state["encoder"].items()}
        return encoders.from_arrays(arrays), state["vectors"].numpy()

    def _read(self) -> dict[str, Any] | None:
        if self.path is None or not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            whose = state["format"], state["of"]
        except (OSError, EOFError, RuntimeError, UnpicklingError, LookupError, TypeError) as error:
            _log.warning(
                "a checkpoint cannot be read: starting afresh",
                extra={"path": str(self.path), "why": str(error)},
            )
            return None
        if whose != (FORMAT, self.of):
            _log.warning(
                "a checkpoint is of another fit: starting afresh", extra={"path": str(self.path)}
            )
            return None
        return state


def fingerprint(data: Sequence[Histories], settings: dict[str, Any]) -> str:
    """What a fit depends on: change any of it, and a checkpoint is another fit's."""
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for histories in data:
        for array in (histories.indptr, histories.items, histories.ages, histories.kinds):
            digest.update(np.ascontiguousarray(array).data)
        digest.update(str(histories.n_items).encode())
    return digest.hexdigest()


def numbered(path: Path | None, number: int) -> Path | None:
    """Where one of several fits is kept."""
    return path and path.with_name(f"{path.name}.{number}")


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _tensor(array: Floats) -> torch.Tensor:
    return torch.from_numpy(np.array(array))  # a copy: a read-only array makes no tensor
