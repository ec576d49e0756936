"""Who did it: bots, one shopper who is a tenth of the shop, and deeds that were sent twice."""

import numpy as np
from numpy.typing import NDArray

from recsys.behaviour.doctor.columns import HOUR, PURCHASE, SECOND, Deeds, Ints, by_shopper
from recsys.behaviour.doctor.findings import Fault, Level, graded, many, percent, well

BOT_LEAST = 50  # deeds; below it neither a rate nor a rhythm says anything
BOT_AN_HOUR = 500  # one every seven seconds for an hour: nobody looks at products like that
BOT_FAST_SHARE = 0.5  # of the gaps: a person opens two pages a second by accident, not as a habit
BOT_RHYTHM = 0.1  # standard deviation of the gaps by their mean; people are far above 1
BOT_LONGEST_GAP = HOUR  # a gap between two visits says nothing of a rhythm
BOTS_WARN, BOTS_FAIL = 0.0, 0.1  # of the events: a tenth outvotes the shoppers of most items
ONE_WARN, ONE_FAIL = 0.1, 0.3  # of the events; a loss summed over events would be theirs
ONE_FAIR = 3  # times an equal part: of ten shoppers one may well have a fifth
TWICE_WARN, TWICE_FAIL = 0.005, 0.2  # tills do book one article on two lines now and then
BURST_LEAST = 5  # different items at one second: two equal ones by chance do not happen
BURST_WITHIN = HOUR  # the same order a week later is a habit, a minute later it is a retry
_LAST = 1 << 42  # milliseconds: the year 2109


def bots(deeds: Deeds) -> Fault:
    """Shoppers who never buy and are faster, or more regular, than a person can be."""
    order = by_shopper(deeds)
    order = order[deeds.kinds[order] != PURCHASE]  # a basket is one moment by nature
    # Clipped, so that a time of the year 9999 cannot overflow a key below.
    users, at = deeds.users[order], np.clip(deeds.at[order], 0, _LAST)
    n_users = len(deeds.user_ids)
    number = np.bincount(users, minlength=n_users)
    candidates = number >= BOT_LEAST
    bought = np.bincount(deeds.users[deeds.kinds == PURCHASE], minlength=n_users)
    if bought.any():  # a shop that records no purchases cannot tell anybody by them
        candidates &= bought == 0
    kept = candidates[users]
    users, at = users[kept], at[kept]
    found = np.zeros(n_users, np.bool_)
    if len(at):
        found[users] = _hasty(users, at, n_users)[users] | _regular(users, at, n_users)[users]
    rows = np.flatnonzero(found[deeds.users])
    share = len(rows) / max(len(deeds), 1)
    if not len(rows):
        return well("no shopper is faster or more regular than a person can be")
    return Fault(
        level=Level.FAIL if share >= BOTS_FAIL else Level.WARN,
        message=f"{_shoppers(deeds, found)} never buy and click like a machine, with "
        f"{percent(share)} of the events; leave them out (DELETE /users/ID) before training",
        positions=rows,
    )


def dominance(deeds: Deeds) -> Fault:
    """One id with a large share of the log: a till, a test account, a default value."""
    number = np.bincount(deeds.users, minlength=len(deeds.user_ids))
    most = int(number.argmax())
    share = float(number[most]) / len(deeds)
    n_users = int(np.count_nonzero(number))
    level = graded(
        share,
        warn=max(ONE_WARN, min(1.0, ONE_FAIR / n_users)),
        fail=max(ONE_FAIL, min(1.0, ONE_FAIR / n_users)),
    )
    if level is Level.PASS:
        return well(f"the busiest shopper has {percent(share)} of the events")
    return Fault(
        level=level,
        message=f"shopper {deeds.user_ids[most]!r} has {percent(share)} of all events; if it is a "
        "till, a test or 'nobody', leave it out before training",
        positions=np.flatnonzero(deeds.users == most),
    )


def duplicates(deeds: Deeds) -> Fault:
    """The same shopper, item, kind and second under different event ids."""
    second = deeds.at // SECOND
    order = np.lexsort((second, deeds.kinds, deeds.items, deeds.users))
    again = np.ones(max(len(order) - 1, 0), np.bool_)
    for column in (deeds.users, deeds.items, deeds.kinds, second):
        again &= column[order][1:] == column[order][:-1]
    rows = np.sort(order[1:][again])
    if deeds.ids is not None and len(rows):  # the same id twice is a retry, and does no harm
        rows = rows[~_known_ids(deeds.ids)[rows]]
    share = len(rows) / len(deeds)
    level = graded(share, warn=TWICE_WARN, fail=TWICE_FAIL)
    if level is Level.PASS:
        some = f"only {many(len(rows), 'event')} repeat" if len(rows) else "no event repeats"
        return well(f"{some} another's shopper, item, kind and second")
    return Fault(
        level=level,
        message=f"{many(len(rows), 'event')} ({percent(share)}) repeat another's shopper, item, kind and "
        "second under a new event_id; let the sender keep the id when it tries again",
        positions=rows,
    )


def bursts(deeds: Deeds) -> Fault:
    """A whole basket that comes again within the hour, or under another shopper's name."""
    second = deeds.at // SECOND
    order = np.lexsort((deeds.items, deeds.kinds, second, deeds.users))
    users, items, kinds, when = (
        column[order] for column in (deeds.users, deeds.items, deeds.kinds, second)
    )
    new = (np.diff(users, prepend=-1) != 0) | (np.diff(when, prepend=when[0] - 1) != 0)
    # One line said twice is the business of `duplicates`; here a set of items is compared.
    double = ~new & (np.diff(items, prepend=-1) == 0) & (np.diff(kinds, prepend=-1) == 0)
    starts = np.flatnonzero(new)
    weight = np.where(
        double, np.uint64(0), _mixed(items.astype(np.uint64) * 8 + kinds.astype(np.uint64))
    )
    keys = np.add.reduceat(weight, starts)  # the sum of a set does not know its order
    sizes = np.add.reduceat((~double).astype(np.int64), starts)
    large = np.flatnonzero(sizes >= BURST_LEAST)
    if not len(large):
        return well("no basket was recorded twice")
    owner, moment, key = users[starts[large]], when[starts[large]], keys[large]
    ranked = np.lexsort((moment, key))
    gap = np.diff(moment[ranked]) * SECOND
    same = np.diff(owner[ranked]) == 0
    again = (np.diff(key[ranked]) == 0) & np.where(same, gap <= BURST_WITHIN, gap == 0)
    copies = np.zeros(len(starts), np.bool_)
    copies[large[ranked[1:][again]]] = True
    rows = np.sort(order[copies[np.cumsum(new) - 1]])
    if not copies.any():
        return well("no basket was recorded twice")
    share = len(rows) / len(deeds)
    return Fault(
        level=Level.FAIL if share >= TWICE_FAIL else Level.WARN,
        message=f"{many(int(copies.sum()), 'basket')} ({percent(share)} of the events) repeat another "
        "one whole within the hour or under another shopper; look for a job that ran twice",
        positions=rows,
    )


def _hasty(users: NDArray[np.int32], at: Ints, n_users: int) -> NDArray[np.bool_]:
    """Whose busiest hour, or whose share of gaps below a second, is not a person's: (U,)."""
    starts = np.flatnonzero(np.diff(users, prepend=-1))
    key = (at - at.min()) + users.astype(np.int64) * (int(np.ptp(at)) + 2 * HOUR)
    busiest = np.zeros(n_users, np.int64)
    in_hour = np.searchsorted(key, key + HOUR) - np.arange(len(key))
    busiest[users[starts]] = np.maximum.reduceat(in_hour, starts)
    inside = np.diff(users) == 0
    gaps, owner = np.diff(at)[inside], users[1:][inside]
    total = np.bincount(owner, minlength=n_users)
    fast = np.bincount(owner[gaps < SECOND], minlength=n_users)
    return (busiest > BOT_AN_HOUR) | (fast > BOT_FAST_SHARE * np.maximum(total, 1))


def _regular(users: NDArray[np.int32], at: Ints, n_users: int) -> NDArray[np.bool_]:
    """Who clicks like a clock: (U,)."""
    gaps = np.diff(at)
    inside = (np.diff(users) == 0) & (gaps <= BOT_LONGEST_GAP) & (gaps > 0)
    gaps, owner = gaps[inside].astype(np.float64), users[1:][inside]
    number = np.bincount(owner, minlength=n_users)
    mean = np.bincount(owner, gaps, n_users) / np.maximum(number, 1)
    spread = np.bincount(owner, (gaps - mean[owner]) ** 2, n_users) / np.maximum(number, 1)
    found: NDArray[np.bool_] = (number >= BOT_LEAST - 1) & (np.sqrt(spread) < BOT_RHYTHM * mean)
    return found


def _known_ids(ids: Ints) -> NDArray[np.bool_]:
    """Which event ids were met before in the log: (E,)."""
    _, first = np.unique(ids, return_index=True)
    known = np.ones(len(ids), np.bool_)
    known[first] = False
    return known


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele et al. 2014): sums of what it gives collide by chance only."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = keys ^ (keys >> np.uint64(31))
    return mixed


def _shoppers(deeds: Deeds, found: NDArray[np.bool_]) -> str:
    names = [deeds.user_ids[row] for row in np.flatnonzero(found)]
    shown = ", ".join(repr(name) for name in names[:3])
    return f"{many(len(names), 'shopper')} ({shown}{', …' if len(names) > 3 else ''})"  # noqa: PLR2004 three are an example
