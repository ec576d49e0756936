"""With what: items that nobody knows, items that nobody touched, prices in another unit."""

import numpy as np

from recsys.behaviour.doctor.columns import Deeds, Goods, Ints, rows_in
from recsys.behaviour.doctor.findings import Fault, Level, graded, many, percent, well

UNKNOWN_WARN, UNKNOWN_FAIL = 0.01, 0.2  # of the events: some items always left the catalogue
UNTOUCHED_WARN = 0.5  # of the items: then most of the shop rests on text and popularity
PRICELESS_WARN, PRICELESS_FAIL = 0.02, 0.5  # of the items: no price band, no creative with a price
CATEGORY_LEAST = 8  # priced items whose median is a yardstick
UNIT_LOG10 = 1.5  # about 30 times: cents for euros are 100, and a category spreads less
UNIT_SPREAD = 5.0  # robust standard deviations, for the categories that do spread
UNIT_FAIL = 0.05  # of the priced items
_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, for a normal law


def unknown(deeds: Deeds, goods: Goods) -> Fault:
    if not len(goods):
        return Fault(
            level=Level.WARN,
            message="the catalogue is empty, so no item can be shown; import the items too",
        )
    rows = np.flatnonzero(rows_in(deeds, goods)[deeds.items] < 0)
    share = len(rows) / len(deeds)
    level = graded(share, warn=UNKNOWN_WARN, fail=UNKNOWN_FAIL)
    if level is Level.PASS:
        return well(
            f"{many(len(rows), 'event')} ({percent(share)}) name items outside the catalogue"
        )
    number = len(np.unique(deeds.items[rows]))
    return Fault(
        level=level,
        message=f"{many(len(rows), 'event')} ({percent(share)}) name {many(number, 'item')} that the catalogue "
        "does not hold; import those items, or check that both use the same ids",
        positions=rows,
    )


def untouched(deeds: Deeds, goods: Goods) -> Fault:
    if not len(goods):
        return well("no catalogue to compare with")
    rows = rows_in(deeds, goods)
    touched = np.zeros(len(goods), np.bool_)
    touched[rows[rows >= 0]] = True
    alone = np.flatnonzero(~touched)
    share = len(alone) / len(goods)
    if share < UNTOUCHED_WARN:
        return well(f"{len(alone):,} of {len(goods):,} items ({percent(share)}) have no event yet")
    return Fault(
        level=Level.WARN,
        message=f"{len(alone):,} of {len(goods):,} items ({percent(share)}) have no event; they are "
        "placed by their texts only, so check that events and items use the same ids",
        positions=alone,
        of_items=True,
    )


def missing_prices(goods: Goods) -> Fault:
    """Items without a price, or for nothing."""
    if not len(goods):
        return well("no catalogue to look at")
    rows = np.flatnonzero(~(goods.prices > 0))
    share = len(rows) / len(goods)
    level = graded(share, warn=PRICELESS_WARN, fail=PRICELESS_FAIL)
    if level is Level.PASS:
        return well(f"{len(rows):,} of {len(goods):,} items have no price, or 0")
    return Fault(
        level=level,
        message=f"{len(rows):,} of {len(goods):,} items ({percent(share)}) have no price, or 0; "
        "fill the price, for bands and creatives use it",
        positions=rows,
        of_items=True,
    )


def units(goods: Goods) -> Fault:
    """Prices about 100 times their category's median: cents where others are in euros."""
    rows = np.flatnonzero(goods.prices > 0)
    away = _from_median(goods, rows)
    wrong = rows[away > 0]
    if not len(wrong):
        return well("no price is far from its category's median")
    share = len(wrong) / len(rows)
    return Fault(
        level=Level.FAIL if share >= UNIT_FAIL else Level.WARN,
        message=f"{many(len(wrong), 'price')} ({percent(share)}), about {10 ** np.median(away[away > 0]):,.0f}"
        " times above or below their category's median; look for cents written as euros",
        positions=wrong,
        of_items=True,
    )


def currencies(goods: Goods) -> Fault:
    priced = np.flatnonzero(goods.prices > 0)
    number = np.bincount(goods.currencies[priced], minlength=len(goods.currency_names))
    if np.count_nonzero(number) < 2:  # noqa: PLR2004 a mixture
        return well("all prices are in one currency")
    told = ", ".join(f"{goods.currency_names[n]} {number[n]:,}" for n in np.argsort(-number)[:5])
    usual = int(number.argmax())
    return Fault(
        level=Level.WARN,
        message=f"prices are in {np.count_nonzero(number)} currencies ({told}); price bands compare "
        "the plain numbers, so sell one currency a shop",
        positions=priced[goods.currencies[priced] != usual],
        of_items=True,
    )


def _from_median(goods: Goods, rows: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """How many powers of ten each price is from its category's median; 0 where it may well be."""
    logs = np.log10(goods.prices[rows])
    away = np.zeros(len(rows))
    # Of the same currency: a hundred yen are no unit error.
    key = goods.categories[rows].astype(np.int64) * len(goods.currency_names)
    key = key + goods.currencies[rows]
    order = np.argsort(key, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
        if len(group) < CATEGORY_LEAST:
            continue
        off = np.abs(logs[group] - np.median(logs[group]))
        limit = max(UNIT_LOG10, UNIT_SPREAD * _TO_SIGMA * float(np.median(off)))
        away[group] = np.where(off >= limit, off, 0)
    return away
