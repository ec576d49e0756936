"""The floor under the sentence encoder: words and pieces of words, hashed into a fixed width.

Needs no package and no weights, and is about as quick as reading the text. Two texts are near when
they share words, or pieces of them: it knows that "cartridge" and "cartridges" are close, not that
"sofa" and "couch" are. A sum of hashed signs keeps inner products on average (Weinberger et al.
2009, arXiv 0902.2206); counts are dampened and frequent little words weigh less, as in TF-IDF, but
by their length, so that a vector depends on its own text alone.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from recsys.models.text import legible

WIDTH = 1024
CHARACTERS = 2_000  # what of a text is read
PIECE = 4  # letters in a piece of a word

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_WHOLE, _PART = 1.0, 0.35  # what a word, and each of its pieces, weighs
_LONG = 6  # from this length on a word says what a thing is; "the" and "of" do not


class HashedWords:
    """The encoder that is always there."""

    @property
    def fingerprint(self) -> str:
        return f"words-{WIDTH}-1"

    @property
    def width(self) -> int:
        return WIDTH

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts -> (B, 1024) rows of length 1; a text without a word gives a row of zeros."""
        found = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in enumerate(texts):
            counts = Counter(_features(legible(text)[:CHARACTERS].lower()))
            for (feature, weight), count in counts.items():
                code = crc32(feature.encode())
                sign = 1.0 if code & 1 else -1.0
                found[row, (code >> 1) % WIDTH] += sign * weight * (1 + np.log(count))
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        found /= np.where(norms > 0, norms, 1)
        return found


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(text):
        share = min(len(word), _LONG) / _LONG
        yield word, _WHOLE * share
        edged = f"<{word}>"
        for start in range(len(edged) - PIECE + 1):
            yield edged[start : start + PIECE], _PART * share
