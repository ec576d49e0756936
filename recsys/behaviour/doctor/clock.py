"""When it happened: clocks that are wrong, zones that jump, days that are missing."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from recsys.behaviour.doctor.columns import DAY, HOUR, NO_ZONE, SECOND, Deeds, Ints
from recsys.behaviour.doctor.findings import Fault, Level, many, percent, well

SKEW = 5 * 60 * SECOND  # ahead of our clock: what the HTTP route forgives too
OLDEST = int(datetime(1995, 1, 1, tzinfo=UTC).timestamp()) * SECOND  # before the first web shops
OLD_FAIL = 0.01  # of the events; a few zeros are a slip, more is a column that was not filled
ROUND_SHARE = 0.2  # of the moments at one time of day: people spread over 86,400 seconds
ROUND_LEAST, ROUND_DAYS = 50, 3  # moments and days below which a habit is not to be seen
BACK = HOUR  # a queue may deliver late by minutes, a clock that was set back jumps
BACK_SHARE = 0.01  # of the lines; more of them is a file sorted by something else
BUSY = 20  # events on such a weekday, at the median: by chance none comes e^-20 of the time
HOLIDAYS = frozenset({(12, 25), (1, 1)})  # shops close; that is no fault
WEEK_LEAST = 500  # events that show at what hours a week's shoppers are awake
SHIFT_HOURS = 2  # summer time moves a day by one hour; a wrong zone mostly by more
SHIFT_BETTER = 0.15  # in correlation: as much better must the shifted week fit the others


def future(deeds: Deeds, *, now: datetime) -> Fault:
    rows = np.flatnonzero(deeds.at > int(now.timestamp()) * SECOND + SKEW)
    if not len(rows):
        return well("no event lies in the future")
    newest = _day(int(deeds.at[rows].max()))
    return Fault(
        level=Level.FAIL,
        message=f"{many(len(rows), 'event')} in the future, up to {newest}: all hold-out, and the "
        "newest in popularity; mend the sender's clock or drop them",
        positions=rows,
    )


def ancient(deeds: Deeds) -> Fault:
    rows = np.flatnonzero(deeds.at < OLDEST)
    if not len(rows):
        return well("no event is older than the first web shops")
    share = len(rows) / len(deeds)
    return Fault(
        level=Level.FAIL if share >= OLD_FAIL else Level.WARN,
        message=f"{many(len(rows), 'event')} ({percent(share)}) before 1995, the oldest of "
        f"{_day(int(deeds.at.min()))}; a time of 0 or seconds read as milliseconds look like this",
        positions=rows,
    )


def rounded(deeds: Deeds) -> Fault:
    """Times of which only the day is true: then the order within a day is chance."""
    second = deeds.at // SECOND
    least, length = int(second.min()), int(np.ptp(second)) + 1
    moments = np.unique(deeds.users.astype(np.int64) * length + (second - least))
    of_day = (moments % length + least) % (DAY // SECOND)
    if len(moments) < ROUND_LEAST or len(np.unique(deeds.at // DAY)) < ROUND_DAYS:
        return well("too few moments to see whether times are rounded to days")
    most = int(np.bincount(of_day).argmax())
    share = float(np.mean(of_day == most))
    if share < ROUND_SHARE:
        return well("times are spread over the day")
    clock = f"{most // 3600:02}:{most // 60 % 60:02}:{most % 60:02}"
    return Fault(
        level=Level.WARN,
        message=f"{percent(share)} of the moments are at {clock} UTC, so only the day is known; "
        "the order within a day is lost, send the time of day",
        positions=np.flatnonzero(second % (DAY // SECOND) == most),
    )


def backwards(deeds: Deeds) -> Fault:
    """A file in order of time, but for a few lines that jump back."""
    if not deeds.in_given_order:
        return well("events are read in order of time")
    latest = np.maximum.accumulate(deeds.at)
    rows = np.flatnonzero(np.diff(deeds.at, prepend=deeds.at[0]) < -BACK)
    if not len(rows):
        return well("times never go back by more than an hour")
    if len(rows) > BACK_SHARE * len(deeds):
        return well("the file is not in order of time, so nothing is told by its order")
    worst = int((latest[rows] - deeds.at[rows]).max())
    return Fault(
        level=Level.WARN,
        message=f"time goes back by more than an hour at {many(len(rows), 'line')}, by up to "
        f"{worst / HOUR:,.0f} hours; look for a clock that was set, or files that were joined",
        positions=rows,
    )


def zones(deeds: Deeds) -> Fault:
    """A zone that changes: in the text of a file, or in the hours at which shoppers are awake."""
    if deeds.zones is not None:
        told = np.unique(deeds.zones[deeds.zones != NO_ZONE])
        if len(told) > 2:  # noqa: PLR2004 summer and winter
            shown = ", ".join(f"{minutes / 60:+.3g} h" for minutes in told[:8])
            return Fault(
                level=Level.WARN,
                message=f"times are written in {len(told)} zones ({shown}); check that each sender "
                "means the zone that it writes, or send UTC",
            )
    weeks, hours = deeds.at // (7 * DAY), deeds.at // HOUR % 24
    first = int(weeks.min()) if len(weeks) else 0
    span = int(weeks.max()) - first + 1 if len(weeks) else 0
    if span > 10_000:  # noqa: PLR2004 200 years: the clock is wrong, which other checks say
        return well("the times are too far apart to compare the weeks")
    table = np.bincount((weeks - first) * 24 + hours, minlength=span * 24).reshape(span, 24)
    busy = np.flatnonzero(table.sum(axis=1) >= WEEK_LEAST)
    shifted = _shifted(table[busy].astype(np.float64)) if len(busy) > 2 else {}  # noqa: PLR2004 a majority
    if not shifted:
        return well("shoppers are awake at the same hours in every week")
    wrong = np.isin(weeks - first, busy[list(shifted)])
    when = ", ".join(_day((first + int(busy[n])) * 7 * DAY) for n in list(shifted)[:3])
    by = next(iter(shifted.values()))
    return Fault(
        level=Level.WARN,
        message=f"in {len(shifted)} of {len(busy)} weeks (from {when}) shoppers are awake "
        f"{by:+d} hours from the others; look for a time that was written in the wrong zone",
        positions=np.flatnonzero(wrong),
    )


def silent_days(deeds: Deeds) -> Fault:
    """A day without any event, in a log that has plenty on every other such weekday."""
    # Without the ends: one event of 2099 would make a century of silent days.
    begin, end = np.quantile(deeds.at, (0.001, 0.999))
    days = deeds.at[(deeds.at >= max(int(begin), OLDEST)) & (deeds.at <= end)] // DAY
    if not len(days):
        return well("no day to compare")
    first = int(days.min())
    number = np.bincount(days - first)
    weekdays = np.arange(len(number)) % 7
    usual = np.array([np.median(number[weekdays == day]) for day in range(min(7, len(number)))])
    silent = np.flatnonzero((number == 0) & (usual[weekdays] >= BUSY))
    closed = [_date((first + int(day)) * DAY) in HOLIDAYS for day in silent]
    silent = silent[~np.array(closed, np.bool_)]
    if not len(silent):
        return well("no busy weekday is ever without events")
    when = ", ".join(_day((first + int(day)) * DAY) for day in silent[:5])
    after = np.searchsorted(np.sort(deeds.at), (first + silent + 1) * DAY)
    by_time = np.argsort(deeds.at, kind="stable")
    return Fault(
        level=Level.WARN,
        message=f"no event at all on {many(len(silent), 'day')} ({when}{', …' if len(silent) > 5 else ''}"  # noqa: PLR2004 five are an example
        "); if the shop was open, events were lost on the way",
        positions=np.unique(by_time[np.minimum(after, len(deeds) - 1)]),
    )


def _shifted(table: NDArray[np.float64]) -> dict[int, int]:
    """Of (W, 24) counts, the weeks that fit the typical day better when turned by some hours."""
    shares = table / table.sum(axis=1, keepdims=True)
    typical = np.median(shares, axis=0)
    typical = typical - typical.mean()
    shares = shares - shares.mean(axis=1, keepdims=True)
    turned = np.stack([np.roll(typical, by) for by in range(24)])  # (24, 24)
    norm = np.linalg.norm(shares, axis=1, keepdims=True) * np.linalg.norm(typical)
    fit = shares @ turned.T / np.maximum(norm, 1e-12)  # (W, 24)
    best = fit.argmax(axis=1)
    hours = np.where(best > 12, best - 24, best)  # noqa: PLR2004 half a day
    found = (np.abs(hours) >= SHIFT_HOURS) & (fit.max(axis=1) - fit[:, 0] >= SHIFT_BETTER)
    found &= fit.max(axis=1) >= 0.7  # noqa: PLR2004 else the week is odd in another way
    return {int(week): int(hours[week]) for week in np.flatnonzero(found)}


def _day(at: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at / SECOND, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return "a year that no calendar has"


def _date(at: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(at / SECOND, UTC)
    return moment.month, moment.day


def span(at: Ints) -> str:
    return f"{_day(int(at.min()))} to {_day(int(at.max()))}"
