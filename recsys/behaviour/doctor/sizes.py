"""How much there is: what cannot be read, what is too little to learn from, what leaves no test."""

import numpy as np

from recsys.behaviour.doctor.clock import span
from recsys.behaviour.doctor.columns import DISMISS, Deeds
from recsys.behaviour.doctor.findings import Fault, Level, graded, many, well
from recsys.behaviour.doctor.leaks import HOLDOUT_SHARE

EVENTS_FAIL, EVENTS_WARN = 2, 1_000
LEARNERS_FAIL, LEARNERS_WARN = 2, 100  # shoppers with two items: one alone teaches no co-occurrence
ITEMS_FAIL, ITEMS_WARN = 2, 20
TESTED_WARN = 20  # shoppers in the hold-out: below it a comparison is chance
UNREAD_FAIL = 0.05  # of the lines: more is a wrong file, not a slip


def unreadable(deeds: Deeds) -> Fault:
    if not deeds.n_bad:
        return well("every line can be read")
    share = deeds.n_bad / (deeds.n_bad + len(deeds))
    why = deeds.bad[0][1] if deeds.bad else "unknown"
    return Fault(
        level=graded(share, warn=0, fail=UNREAD_FAIL),
        message=f"{many(deeds.n_bad, 'line')} cannot be read and would be left out; the first: {why}",
    )


def amount(deeds: Deeds) -> Fault:
    """Whether there is enough to split and to learn from."""
    wanted = deeds.kinds != DISMISS
    users, items = deeds.users[wanted].astype(np.int64), deeds.items[wanted]
    pairs = np.unique(users * max(len(deeds.item_ids), 1) + items) // max(len(deeds.item_ids), 1)
    _, sizes = np.unique(pairs, return_counts=True)
    learners, n_items = int((sizes >= 2).sum()), len(np.unique(items))  # noqa: PLR2004 a pair
    told = f"{len(users):,} events, {learners:,} shoppers with two items or more, {n_items:,} items"
    numbers = (len(users), learners, n_items)
    if any(n < least for n, least in zip(numbers, _FAIL, strict=True)):
        return Fault(level=Level.FAIL, message=f"{told}: too little to train; import more events")
    if any(n < least for n, least in zip(numbers, _WARN, strict=True)):
        return Fault(
            level=Level.WARN, message=f"{told}: a model will train, but expect little of it yet"
        )
    return well(told)


def window(deeds: Deeds) -> Fault:
    """Whether a cut in time leaves something to learn from and somebody to examine."""
    wanted = deeds.kinds != DISMISS
    at = deeds.at[wanted]
    if not len(at):
        return Fault(level=Level.FAIL, message="no event lies in this time; widen it")
    cut = np.sort(at)[min(int(len(at) * (1 - HOLDOUT_SHARE)), len(at) - 1)]
    before = at < cut
    if not before.any():
        return Fault(
            level=Level.FAIL,
            message=f"the events ({span(at)}) have no earlier and later part to train and test on; "
            "are all times the same?",
        )
    users = deeds.users[wanted]
    both = len(np.intersect1d(users[before], users[~before]))
    if both < TESTED_WARN:
        return Fault(
            level=Level.WARN,
            message=f"only {both} shoppers have events before and after the hold-out's cut; "
            "the gate cannot tell two models apart by so few",
        )
    return well(f"{span(at)}; {both:,} shoppers can be examined after the hold-out's cut")


_FAIL = (EVENTS_FAIL, LEARNERS_FAIL, ITEMS_FAIL)
_WARN = (EVENTS_WARN, LEARNERS_WARN, ITEMS_WARN)
