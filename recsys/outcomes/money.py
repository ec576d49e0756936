"""What purchases came to, in the one currency that most of them are in [SQL].

What a purchase itself says was paid goes first. Where it says nothing, or says it in another
currency, the catalogue's price of today stands in.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from recsys.catalogue import items
from recsys.outcomes.attribution import NOTHING, Floats, Ints
from recsys.tables import ItemRow

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """Purchases as columns; a price is that of one piece."""

    items: Ints  # (P,) into the item ids
    quantities: Floats  # (P,)
    prices: Floats  # (P,) NaN where none was said
    currencies: Ints  # (P,) into currency_names; -1 where none was said
    currency_names: tuple[str, ...]


class Revenue(NamedTuple):
    """What purchases came to; `odd` of them say ten times the catalogue's price, or a tenth."""

    money: Floats  # (P,) NaN where no price is known in the currency
    currency: str
    odd: int


def revenue(session: Session, item_ids: Sequence[str], bought: Bought) -> Revenue:
    """The money of each purchase, in the currency of most."""
    listed = _listed(session, item_ids, np.unique(bought.items))
    names = list(bought.currency_names)
    catalogue = np.full(len(item_ids), np.nan)
    of_item = np.full(len(item_ids), NOTHING, np.int64)
    for row, (price, currency) in listed.items():
        if currency not in names:
            names.append(currency)
        catalogue[row], of_item[row] = price, names.index(currency)
    theirs = of_item[bought.items]
    said = ~np.isnan(bought.prices)
    own = np.where(bought.currencies == NOTHING, theirs, bought.currencies)
    counts = Counter(np.where(said, own, theirs).tolist())
    known = [(-count, names[one]) for one, count in counts.items() if one != NOTHING]
    usual = min(known)[1] if known else ""
    row = names.index(usual) if known else NOTHING
    # where neither purchase nor catalogue names a currency, a price is in the usual one
    fits = said & ((own == row) | (own == NOTHING))
    asked = np.where(theirs == row, catalogue[bought.items], np.nan)
    prices = np.where(fits, bought.prices, asked)
    known_twice = fits & (asked > 0) & (bought.prices > 0)
    ratios = np.log10(bought.prices[known_twice] / asked[known_twice])
    return Revenue(prices * bought.quantities, usual, int((np.abs(ratios) >= 1).sum()))


def _listed(
    session: Session, item_ids: Sequence[str], wanted: Ints
) -> dict[int, tuple[float, str]]:
    """The catalogue's price and currency of each of these items that has one."""
    found: dict[int, tuple[float, str]] = {}
    now = items.price_at(datetime.now(UTC))
    for start in range(0, len(wanted), _CHUNK):
        rows = {item_ids[row]: int(row) for row in wanted[start : start + _CHUNK]}
        statement = select(ItemRow.item_id, now, ItemRow.currency).where(
            ItemRow.item_id.in_(list(rows)), now.is_not(None)
        )
        for item_id, price, currency in session.execute(statement):
            found[rows[item_id]] = (float(price), currency)
    return found
