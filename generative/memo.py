"""Words that passed their checks, kept apart from pictures: a new price needs no new words.

What is kept is a candidate, never a verdict: whoever takes it out judges it again, so that a fact
that has changed, or a check that has grown stricter, is not slept through.
"""

from typing import Protocol

from generative.copy.candidate import Candidate


class Words(Protocol):
    """Candidates under `brief.copy_key`. May forget; an error of the store counts as that."""

    def get(self, copy_key: str) -> Candidate | None: ...

    def put(self, copy_key: str, item_id: str, candidate: Candidate) -> None: ...


class MemoryWords:
    """The words of one process, for tools and tests."""

    def __init__(self) -> None:
        self._kept: dict[str, Candidate] = {}

    def get(self, copy_key: str) -> Candidate | None:
        return self._kept.get(copy_key)

    def put(self, copy_key: str, item_id: str, candidate: Candidate) -> None:  # noqa: ARG002 the protocol's
        self._kept[copy_key] = candidate
