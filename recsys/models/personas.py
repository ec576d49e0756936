"""Groups of like-minded shoppers, named in words, and what each item says of which of them one is in.

    P groups   I items   B shoppers

Row i of `table` is how near the model sees somebody who has item i alone to each group's centre. A
shopper belongs to the group to which their distinct items come nearest in all. That is a sum of rows, the same for
one shopper and for many, and costs a request what counting costs; to ask the encoder would cost
ten times as much wherever ranking does not need it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.models.histories import Histories
from recsys.types import Persona

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Personas:
    """Several groups may go by the same words: those too small to be told apart do."""

    table: Floats  # (I, P)
    words: tuple[Persona, ...]  # (P,)
    shoppers: tuple[int, ...]  # (P,) whom each was learnt from

    def of(self, rows: Sequence[int]) -> Persona:
        """Whom a shopper is like who has the items in these rows, each once; there is at least one."""
        nearness = np.add.reduce(self.table.take(rows, axis=0), axis=0)
        return self.words[int(nearness.argmax())]

    def groups(self, shoppers: Histories) -> NDArray[np.int64]:
        """The same of many, as numbers of groups (B,)."""
        return groups(self.table, shoppers)

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


def groups(table: Floats, shoppers: Histories) -> NDArray[np.int64]:
    """Which group each shopper's items come nearest to (B,)."""
    ones = np.ones(len(shoppers.items), np.float32)
    bags = sparse.csr_array((ones, shoppers.items, shoppers.indptr), shape=shoppers.shape)
    return np.asarray((bags @ table).argmax(axis=1), np.int64)


def from_parts(table: Floats, told: Sequence[Mapping[str, Any]], n_items: int) -> Personas:
    """Build from the table and what `as_json` wrote.

    Raises:
        ValueError, KeyError, TypeError: They do not fit each other, or the model.
    """
    if table.shape != (n_items, len(told)) or table.dtype != np.float32 or not told:
        raise ValueError(f"the personas' table is {table.dtype} {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("an item is near to no persona and far from none")
    return Personas(
        table=table,
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
