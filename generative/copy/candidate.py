"""What a copy provider hands over: words with where they came from, not yet checked."""

from dataclasses import dataclass
from typing import Protocol

from generative.types import Brief, Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`seed` makes it again; `model` is the sha256 of the weights that wrote it, if any did."""

    copy: Copy
    provider: str
    seed: int = 0
    model: str = ""
    at_limit: bool = False

    @property
    def ai_generated(self) -> bool:
        return bool(self.model)


class CopyProvider(Protocol):
    """Writes candidates for a cleaned brief, or raises ProviderUnavailable."""

    name: str

    def write(self, brief: Brief, *, seed: int) -> list[Candidate]: ...
