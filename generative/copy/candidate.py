"""What a copy provider hands over: words with where they came from, not yet checked."""

from dataclasses import dataclass
from typing import Protocol

from generative.types import Brief, Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`seed` makes it again; `model` names the weights that wrote it (sha256, or a remote name)."""

    copy: Copy
    provider: str
    seed: int = 0
    model: str = ""
    at_limit: bool = False
    adapter: str = ""  # sha256 of the fine-tuned adapter on those weights, if any
    problems: tuple[str, ...] = ()  # what its own provider finds wrong with it: it is refused
    cost: float = 0.0  # money, in the unit of the budget; 0 on the shop's own machine

    @property
    def ai_generated(self) -> bool:
        return bool(self.model)


class CopyProvider(Protocol):
    """Writes candidates for a cleaned brief, or raises ProviderUnavailable.

    No tagline of a model should open with a word of `avoid`, which are in lower case.
    """

    name: str

    def write(
        self, brief: Brief, *, seed: int, avoid: frozenset[str] = frozenset()
    ) -> list[Candidate]: ...
