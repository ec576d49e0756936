"""Distinct texts of a column and the codes that stand for them: a text is looked at once, not per item.

A items   V distinct texts
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Codes = NDArray[np.int32]
UNKNOWN = 0  # the code of a missing text
_TESTS_KEPT = 16  # requests choose them; a test of a million titles is remembered in 1 MB


class Words:
    """Distinct texts, numbered from 1; 0 is missing. It only grows, so versions of a column share it."""

    def __init__(self) -> None:
        self._codes = {"": UNKNOWN}
        self._texts = [""]
        self._tested: dict[object, Bools] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, code: int) -> str:
        return self._texts[code]

    def code(self, text: str) -> int:
        """The text's number; 0 where nothing has it."""
        return self._codes.get(text, UNKNOWN)

    def coded(self, texts: Iterable[str]) -> Codes:
        """The numbers of texts, giving one to each that is new."""
        with self._lock:
            codes = self._codes
            found = [codes.setdefault(text, len(codes)) for text in texts]
            new = list(islice(reversed(codes), len(codes) - len(self._texts)))
            self._texts.extend(reversed(new))
        return np.array(found, np.int32)

    def tested(self, key: object, test: Callable[[str], bool]) -> Bools:
        """For which texts a test holds, (V,); remembered under `key`, and only new texts are tested."""
        with self._lock:
            known = self._tested.pop(key, np.zeros(1, np.bool_))  # nothing holds for a missing one
            new = [test(text) for text in self._texts[len(known) :]]
            holds = np.append(known, np.array(new, np.bool_)) if new else known
            self._tested[key] = holds
            if len(self._tested) > _TESTS_KEPT:
                del self._tested[next(iter(self._tested))]
        return holds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Texts:
    codes: Codes  # (A,)
    words: Words

    def where(self, key: object, test: Callable[[str], bool]) -> Bools:
        """A table over codes, (V,): for which of these items' texts a test holds."""
        n = len(self.words)
        if 2 * len(self.codes) >= n:
            return self.words.tested(key, test)
        used = np.unique(self.codes)  # a few items of a long column: only their texts are read
        holds = np.zeros(n, np.bool_)
        holds[used] = [code != UNKNOWN and test(self.words[code]) for code in used.tolist()]
        return holds

    def listed(self, texts: Iterable[str]) -> Bools:
        """A table over codes, (V,): which texts are among these."""
        holds = np.zeros(len(self.words), np.bool_)
        holds[[self.words.code(text) for text in texts]] = True
        holds[UNKNOWN] = False
        return holds
