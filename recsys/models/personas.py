"""Groups of like-minded shoppers, found in the space that shoppers are searched in, and named in words.

    P groups   d searched dimensions, the last of which is 1 for everybody

A shopper belongs to the group whose centre lies in the nearest direction. How long a query is says
how much is known of a shopper and not what they like, so directions alone are compared; then the
shopper's own length changes nothing, and one product of (P, d - 1) with (d - 1,) decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.types import Persona

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Personas:
    """Several groups may go by the same words: those too small to be told apart do."""

    centres: Floats  # (P, d - 1) of length one
    words: tuple[Persona, ...]  # (P,)
    shoppers: tuple[int, ...]  # (P,) whom each was learnt from

    def of(self, query: Floats) -> Persona:
        """Whom a shopper (d,) is like."""
        return self.words[int((self.centres @ query[:-1]).argmax())]

    def groups(self, queries: Floats) -> NDArray[np.int64]:
        """The same of many (B, d), as numbers of groups (B,)."""
        return np.asarray((queries[:, :-1] @ self.centres.T).argmax(axis=1), np.int64)

    def as_json(self) -> list[dict[str, Any]]:
        """The words, as a manifest holds them."""
        return [
            {
                "categories": list(one.categories),
                "price_band": one.price_band,
                "recency": one.recency,
                "shoppers": shoppers,
            }
            for one, shoppers in zip(self.words, self.shoppers, strict=True)
        ]


def from_parts(centres: Floats, told: Sequence[Mapping[str, Any]], width: int) -> Personas:
    """Build from the centres and what `as_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: They do not fit each other, or the model.
    """
    if centres.shape != (len(told), width - 1) or centres.dtype != np.float32 or not len(told):
        raise ValueError(f"the personas' centres are {centres.dtype} {centres.shape}")
    if not np.isfinite(centres).all():
        raise ValueError("a persona lies nowhere")
    centres.setflags(write=False)
    return Personas(
        centres=centres,
        words=tuple(
            Persona(
                categories=tuple(str(part) for part in one["categories"]),
                price_band=str(one["price_band"]),
                recency=str(one["recency"]),
            )
            for one in told
        ),
        shoppers=tuple(int(one["shoppers"]) for one in told),
    )
