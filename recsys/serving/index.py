"""Exact search over `[W, b]`: the best items for a shopper are the decoder's own ranking."""

import faiss
import numpy as np
from numpy.typing import NDArray

from recsys.learning.bundle import ModelBundle
from recsys.models.encoder import user_vectors


def search(
    bundle: ModelBundle, mean: NDArray[np.float32], k: int, allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best `k` allowed item rows for one shopper, best first, with their logits.

    Equal logits go to the lower row, so that the answer does not depend on the heap's order.
    """
    k = min(k, int(np.count_nonzero(allowed)))
    if k == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    bits = np.packbits(allowed, bitorder="little")
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]  # stubs are of the C++ signature
    params = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # as above
    scores, rows = bundle.index.search(user_vectors(mean[None, :]), k, params=params)
    order = np.lexsort((rows[0], -scores[0]))
    return rows[0][order], scores[0][order]
