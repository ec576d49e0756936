"""What a log says beside its items: how large, how often, when and how; and made-up logs with it.

    U shoppers   E events   K baskets   M deeds (an item in a basket)

`fit` reads a log into deeds and a `Rhythm`; `stamp` gives any deeds times, kinds and orders of
that rhythm, whoever chose the items, and `write_csv` makes them a file that `import events` reads.
A basket is an order; where there is none, deeds of one shopper less than half an hour apart.
"""

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsys.errors import NotEnoughData
from recsys.types import EventKind, EventLog

COLUMNS = ("event_id", "user_id", "item_id", "kind", "at", "quantity", "order_id")
LONGEST = 2_000  # deeds a made-up shopper may have: a robot's million is not worth imitating

_SITTING_SECONDS = 1_800
_DAY, _HOUR = 86_400, 3_600
_LOOK_SECONDS = 25  # between two items of a sitting
_ROWS = 20_000  # lines written at a time
_KINDS = tuple(EventKind)
_PURCHASE = _KINDS.index(EventKind.PURCHASE)
# Seconds after the look at an item; what is bought is paid for when the sitting ends.
_DELAYS = {EventKind.DISMISS: 3, EventKind.LIKE: 6, EventKind.CART: 12}

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """Which shopper put which item into which of the own baskets, each once.

    Sorted by shopper and basket; a shopper's baskets are numbered 0, 1, ... in time.
    """

    users: Ints  # (M,)
    baskets: Ints  # (M,)
    items: Ints  # (M,)
    n_users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """A log without its items. The first three belong together, sorted by `distinct`."""

    distinct: Ints  # (U,) different items of a shopper
    baskets: Ints  # (U,)
    deeds: Ints  # (U,)
    gaps: tuple[Ints, ...]  # seconds between baskets of shoppers with 0-1, 2-3, 4-7, 8-15, ...
    hours: NDArray[np.float64]  # (24,) shares of baskets
    patterns: NDArray[np.float64]  # (32,) shares of the sets of kinds done to an item in a basket
    first: int  # seconds since the epoch, as `last`
    last: int
    has_orders: bool


def fit(log: EventLog) -> tuple[Rhythm, Deeds]:
    """Read a log as deeds, and as all that they leave out.

    Raises:
        NotEnoughData: There is no event at all.
    """
    if not len(log):
        raise NotEnoughData("there is no event to learn shoppers from; import some events")
    when = _placed(log)
    order = np.lexsort((log.order_rows, when, log.user_rows))
    users, at = log.user_rows[order].astype(np.int64), when[order]
    new = _opens(users, at, log.order_rows[order])
    basket = np.cumsum(new) - 1  # (E,): of the whole log
    n_items = max(len(log.item_ids), 1)
    found, first, where = np.unique(
        basket * n_items + log.item_rows[order], return_index=True, return_inverse=True
    )
    done = np.zeros(len(found), np.int64)
    np.bitwise_or.at(done, where, 1 << log.kinds[order].astype(np.int64))
    buyers, begins = users[new], at[new]  # (K,)
    _, rows = np.unique(users, return_inverse=True)
    n_users = int(rows.max()) + 1
    n_baskets = np.bincount(rows[new], minlength=n_users)
    deeds = Deeds(
        users=rows[first],
        baskets=basket[first] - (starts_of(n_baskets)[rows[first]]),
        items=found % n_items,
        n_users=n_users,
    )
    pairs = np.unique(deeds.users * n_items + deeds.items)
    distinct = np.bincount(pairs // n_items, minlength=n_users)
    by_size = np.argsort(distinct, kind="stable")
    hours = np.bincount(begins % _DAY // _HOUR, minlength=24)
    rhythm = Rhythm(
        distinct=distinct[by_size],
        baskets=n_baskets[by_size],
        deeds=np.bincount(deeds.users, minlength=n_users)[by_size],
        gaps=_gaps(buyers, begins, n_baskets[rows[new]]),
        hours=hours / hours.sum(),
        patterns=np.bincount(done, minlength=1 << len(_KINDS)) / len(done),
        first=int(at.min()),
        last=int(at.max()),
        has_orders=bool((log.order_rows >= 0).any()),
    )
    return rhythm, deeds


def spread(owners: Ints, items: Ints, *, n_users: int, rhythm: Rhythm, seed: int) -> Deeds:
    """Lay histories of distinct items, each shopper's most typical first, out over baskets.

    `owners` (N,) ascend. A shopper repeats as many deeds, in as many baskets, as real ones with as
    many items do; the items named first are repeated most.
    """
    draw = np.random.default_rng(seed)
    n = np.bincount(owners, minlength=n_users)
    low, high = (np.searchsorted(rhythm.distinct, n, side=side) for side in ("left", "right"))
    like = np.minimum(low + below(np.maximum(high - low, 1), draw), len(rhythm.distinct) - 1)
    scale = n / rhythm.distinct[like]
    more = np.round(rhythm.deeds[like] * scale).astype(np.int64) - n
    more = np.clip(more, 0, np.maximum(LONGEST - n, 0)) * (n > 0)
    n_baskets = np.clip(np.round(rhythm.baskets[like] * scale).astype(np.int64), 1, n + more + 1)
    buyers = np.repeat(np.arange(n_users), more)
    place = (n[buyers] * draw.random(len(buyers)) ** 2).astype(np.int64)
    users = np.concatenate([owners, buyers])
    order = np.argsort(users, kind="stable")
    users = users[order]
    taken = np.concatenate([items, items[starts_of(n)[buyers] + place]])[order]
    return tidy(users, parted(users, n_baskets, draw), taken, n_users=n_users)


def parted(users: Ints, n_baskets: Ints, draw: np.random.Generator) -> Ints:
    """A basket for each deed of users (M,) ascending: none stays empty, the rest is chance."""
    turn = np.arange(len(users)) - starts_of(np.bincount(users, minlength=len(n_baskets)))[users]
    return np.where(turn < n_baskets[users], turn, below(n_baskets[users], draw))


def tidy(users: Ints, baskets: Ints, items: Ints, *, n_users: int) -> Deeds:
    """Sort deeds, let an item lie in a basket once, and number each shopper's baskets anew."""
    order = np.lexsort((items, baskets, users))
    users, baskets, items = users[order], baskets[order], items[order]
    here = np.diff(users) == 0
    same_basket = here & (np.diff(baskets) == 0)
    keep = np.concatenate([[True], ~(same_basket & (np.diff(items) == 0))])[: len(users)]
    new = np.concatenate([[0], ~same_basket]).astype(np.int64)[: len(users)].cumsum()
    before = np.zeros(n_users, np.int64)
    before[users[::-1]] = new[::-1]  # each shopper's first basket, in the count of all
    return Deeds(
        users=users[keep],
        baskets=(new - before[users])[keep],
        items=items[keep],
        n_users=n_users,
    )


def stamp(deeds: Deeds, *, rhythm: Rhythm, item_ids: tuple[str, ...], seed: int) -> EventLog:
    """Give deeds their times of day, their kinds and their orders."""
    draw = np.random.default_rng(seed)
    n = len(deeds.users)
    opens = np.ones(n, np.bool_)
    opens[1:] = (np.diff(deeds.users) != 0) | (np.diff(deeds.baskets) != 0)
    basket = np.cumsum(opens) - 1  # (M,)
    begins = _times(deeds.users[opens], deeds.n_users, rhythm, draw)
    size = np.bincount(basket)
    place = np.arange(n) - np.repeat(starts_of(size), size)
    kinds_done = draw.choice(len(rhythm.patterns), p=rhythm.patterns, size=n)
    # Where nothing but purchases is recorded, an order has one time, as it has at the till.
    looked = bool(np.delete(rhythm.patterns, 1 << _PURCHASE).any())
    rows, kinds, at = [], [], []
    for kind, name in enumerate(_KINDS):
        those = np.flatnonzero(kinds_done >> kind & 1)
        looks = size[basket[those]] if kind == _PURCHASE else place[those]
        after = looks * _LOOK_SECONDS + _DELAYS.get(name, 0)
        rows.append(those)
        kinds.append(np.full(len(those), kind, np.int8))
        at.append(begins[basket[those]] + after * looked)
    row, when = np.concatenate(rows), np.concatenate(at)
    order = np.lexsort((row, when))
    row, kind_of = row[order], np.concatenate(kinds)[order]
    paid = (kind_of == _PURCHASE) & rhythm.has_orders
    width = len(str(max(deeds.n_users - 1, 1)))
    return EventLog(
        user_rows=deeds.users[row].astype(np.int32),
        item_rows=deeds.items[row].astype(np.int32),
        kinds=kind_of,
        at=when[order].astype(np.int64),
        order_rows=np.where(paid, basket[row], -1).astype(np.int32),
        user_ids=tuple(f"synthetic-{number:0{width}}" for number in range(deeds.n_users)),
        item_ids=item_ids,
    )


def write_csv(log: EventLog, path: Path, *, prefix: str = "synthetic") -> None:
    """Write what `import events` reads; a name that ends in .gz is packed.

    `prefix` begins every id of a shopper, an event and an order: another seed's file needs another.
    """
    with path.open("wb") as file:
        if path.suffix == ".gz":  # no name and no time inside: the same log gives the same bytes
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                packed.writelines(_lines(log, prefix))
        else:
            file.writelines(_lines(log, prefix))


def starts_of(sizes: Ints) -> Ints:
    """Where each of several runs begins when they are laid end to end."""
    return np.asarray(np.cumsum(sizes) - sizes, np.int64)


def below(limits: Ints, draw: np.random.Generator) -> Ints:
    """A whole number from 0 to just under each limit."""
    return np.asarray((draw.random(len(limits)) * limits).astype(np.int64))


def _placed(log: EventLog) -> Ints:
    """The time of each event, or of the first event of its order."""
    paid = np.flatnonzero(log.order_rows >= 0)
    first = np.full(int(log.order_rows.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, log.order_rows[paid], log.at[paid])
    at = log.at.copy()
    at[paid] = first[log.order_rows[paid]]
    return at


def _opens(users: Ints, at: Ints, orders: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which events, sorted by shopper and time, begin a basket."""
    moved = np.diff(users) != 0
    both = (orders[1:] >= 0) & (orders[:-1] >= 0)
    apart = np.where(both, np.diff(orders) != 0, np.diff(at) > _SITTING_SECONDS)
    return np.concatenate([[True], moved | apart])


def _gaps(buyers: Ints, begins: Ints, n_baskets: Ints) -> tuple[Ints, ...]:
    """Pauses between baskets, apart for shoppers who come often and who come rarely."""
    gap, stays = np.diff(begins), np.diff(buyers) == 0
    group = _octave(n_baskets[1:])
    return tuple(
        gap[stays & (group == octave)] for octave in range(int(_octave(n_baskets).max()) + 1)
    )


def _times(users: Ints, n_users: int, rhythm: Rhythm, draw: np.random.Generator) -> Ints:
    """When each basket begins, users (K,) ascending: real pauses, inside the log's own span."""
    n_baskets = np.bincount(users, minlength=n_users)
    group = np.minimum(_octave(n_baskets[users]), len(rhythm.gaps) - 1)
    pause = np.zeros(len(users), np.float64)
    for octave, gaps in enumerate(rhythm.gaps):
        those = np.flatnonzero(group == octave)
        if len(gaps):
            pause[those] = gaps[draw.integers(len(gaps), size=len(those))]
    opens = np.ones(len(users), np.bool_)
    opens[1:] = np.diff(users) != 0
    pause[opens] = 0
    since = np.cumsum(pause)
    since -= since[opens][np.cumsum(opens) - 1]  # each shopper's own clock
    length = np.zeros(n_users)
    np.maximum.at(length, users, since)
    span = max(rhythm.last - rhythm.first, 1)
    fits = np.minimum(1, span / np.maximum(length, 1))  # a life longer than the log is hurried
    starts = draw.random(n_users) * (span - length * fits)
    day = (rhythm.first + starts[users] + since * fits[users]) // _DAY
    hour = draw.choice(24, p=rhythm.hours, size=len(users))
    at = day * _DAY + hour * _HOUR + draw.integers(_HOUR, size=len(users))
    at = at + _DAY * (at < rhythm.first) - _DAY * (at > rhythm.last)
    at = np.clip(at, rhythm.first, rhythm.last).astype(np.int64)  # where the log is but a day
    return np.asarray(at[np.lexsort((at, users))])  # two baskets of a day: the earlier hour first


def _octave(counts: Ints) -> Ints:
    return np.asarray(np.log2(np.maximum(counts, 1)).astype(np.int64))


def _lines(log: EventLog, prefix: str) -> Iterator[bytes]:
    yield (",".join(COLUMNS) + "\n").encode()
    for start in range(0, len(log), _ROWS):
        stop = min(start + _ROWS, len(log))
        when = np.datetime_as_string(log.at[start:stop].astype("datetime64[s]"))
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        for n, at in zip(range(start, stop), when, strict=True):
            order = f"{prefix}-order-{log.order_rows[n]}" if log.order_rows[n] >= 0 else ""
            user = log.user_ids[log.user_rows[n]].replace("synthetic", prefix, 1)
            item, kind = log.item_ids[log.item_rows[n]], _KINDS[log.kinds[n]].value
            table.writerow((f"{prefix}-{n}", user, item, kind, f"{at}Z", 1, order))
        yield text.getvalue().encode()
