"""What tells the future: deeds before their item existed, orders written before their views."""

import numpy as np
from numpy.typing import NDArray

from recsys.behaviour.doctor.columns import (
    CART,
    DAY,
    DISMISS,
    PURCHASE,
    VIEW,
    Deeds,
    Goods,
    Ints,
    rows_in,
)
from recsys.behaviour.doctor.findings import Fault, Level, graded, many, percent, well

BORN_LATE = DAY  # a feed that only knows the day is not wrong
IMPORT_TIME = 0.5  # of the items: then `created_at` says when they were imported, not put on sale
BORN_WARN, BORN_FAIL = 0.001, 0.05  # of the events
ORDER_LEAST = 20  # pairs of a look and a purchase below which an order says nothing
ORDER_WARN, ORDER_FAIL = 0.5, 0.9  # of the pairs: people look first
HOLDOUT_SHARE = 0.1  # as training cuts
REPEAT_WARN = 0.9  # of the pairs after the cut: what is left is too little to examine a model by


def before_birth(deeds: Deeds, goods: Goods) -> Fault:
    """Deeds with an item before its `created_at`: a reused id, or a wrong date."""
    rows = rows_in(deeds, goods)
    if not len(goods):
        return well("no catalogue to compare with")
    created = np.where(rows >= 0, goods.created[rows], np.nan)  # (items of the log,)
    early = deeds.at < created[deeds.items] - BORN_LATE  # False where it is not known
    known = np.flatnonzero(~np.isnan(created))
    with_early = np.unique(deeds.items[early])
    if len(known) and len(with_early) > IMPORT_TIME * len(known):
        return well(
            f"created_at is later than the first event of {percent(len(with_early) / len(known))} "
            "of the items: it says when they were imported, so nothing is told by it"
        )
    positions = np.flatnonzero(early)
    share = len(positions) / len(deeds)
    level = graded(share, warn=BORN_WARN, fail=BORN_FAIL)
    if level is Level.PASS:
        return well(f"{many(len(positions), 'event')} came before their item existed")
    return Fault(
        level=level,
        message=f"{many(len(positions), 'event')} with {many(len(with_early), 'item')} came before the item's "
        "created_at; mend the date, or give a reused id a new one",
        positions=positions,
    )


def bought_first(deeds: Deeds) -> Fault:
    """Purchases that come before the first look at the same item, as a rule and not by chance."""
    n_items = max(len(deeds.item_ids), 1)
    pairs = deeds.users.astype(np.int64) * n_items + deeds.items
    looks = np.isin(deeds.kinds, (VIEW, CART))
    looked, looked_at, _ = _first(pairs[looks], deeds.at[looks])
    buys = np.flatnonzero(deeds.kinds == PURCHASE)
    bought, bought_at, where = _first(pairs[buys], deeds.at[buys])
    _, in_looked, in_bought = np.intersect1d(
        looked, bought, assume_unique=True, return_indices=True
    )
    if len(in_looked) < ORDER_LEAST:
        return well("too few purchases follow a view to say in which order they are written")
    early = bought_at[in_bought] < looked_at[in_looked]
    share = float(early.mean())
    level = graded(share, warn=ORDER_WARN, fail=ORDER_FAIL)
    if level is Level.PASS:
        return well(f"{percent(1 - share)} of the purchases come with or after the first look")
    return Fault(
        level=level,
        message=f"in {percent(share)} of {len(early):,} pairs the purchase is recorded before the "
        "first view or cart; a view would give the purchase away, check which time is written",
        positions=np.sort(buys[where[in_bought[early]]]),
    )


def repeats(deeds: Deeds) -> Fault:
    """Pairs of shopper and item on both sides of the hold-out's cut."""
    wanted = np.flatnonzero(deeds.kinds != DISMISS)
    if not len(wanted):
        return well("no deed but dismissals; nothing to hold out")
    at = deeds.at[wanted]
    cut = np.sort(at)[min(int(len(at) * (1 - HOLDOUT_SHARE)), len(at) - 1)]
    pairs = deeds.users[wanted].astype(np.int64) * len(deeds.item_ids) + deeds.items[wanted]
    later = at >= cut
    after = np.unique(pairs[later])
    known = after[np.isin(after, pairs[~later])]
    share = len(known) / max(len(after), 1)
    if share < REPEAT_WARN:
        return well(f"{percent(share)} of the pairs after the hold-out's cut were there before it")
    again = later & np.isin(pairs, known)
    return Fault(
        level=Level.WARN,
        message=f"{percent(share)} of what shoppers do after the hold-out's cut, they did before "
        "it; only what is new is examined, so little is left (was a log imported twice?)",
        positions=wanted[again],
    )


def _first(pairs: Ints, at: Ints) -> tuple[Ints, Ints, NDArray[np.int64]]:
    """Each pair once, its earliest time, and where that is."""
    order = np.lexsort((at, pairs))
    found, first = np.unique(pairs[order], return_index=True)
    return found, at[order[first]], order[first]
