"""An experiment's report for people: figures beside the base, intervals drawn, and what may be concluded."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from api.pages import tiles
from recsys.outcomes.report import (
    CARTS,
    CONVERSION,
    CTR,
    REVENUE,
    TOUCHED,
    AtPlacement,
    Metric,
    OfVariant,
    Report,
)
from recsys.outcomes.sequential import LEAST_SEEN, LEAST_USERS, MISMATCH, Interval

_NAMES = {
    REVENUE: "Revenue per user",
    CONVERSION: "Conversion",
    CARTS: "Users with a cart",
    CTR: "Click-through rate",
    TOUCHED: "Touched revenue per user",
}
_SHARES = frozenset({CTR, CARTS, CONVERSION})
_DECIDE = (REVENUE, CONVERSION, CTR)
_WARNINGS = {
    "sample_ratio_mismatch": (
        "Trust nothing below: users came in other shares than the weights say. "
        "Something loses users of one variant; find it first."
    ),
    "users_in_two_variants": "Many users were seen in two variants (ids that change hands); they are left out.",
    "purchases_without_a_price": (
        "Some purchases have no price, or one in another currency; they count as nothing."
    ),
    "prices_in_another_unit": (
        "Some purchases say ten times what the catalogue asks today, or a tenth: are prices sent "
        "in another unit, such as cents? Money below counts them as they were sent."
    ),
    "nobody_watched_long_enough": "Nobody has been watched for the whole window yet.",
}


def told(report: Report) -> dict[str, Any]:
    """Everything the template shows."""
    found = [one for one in report.variants if one.users]
    return {
        "warnings": [_WARNINGS.get(word, word) for word in report.warnings],
        "sentences": list(conclusions(report)),
        "confidence": f"{100 * (1 - report.level):g} %",
        "facts": _facts(report),
        "money": [_money_row(one, report) for one in report.variants],
        "metrics": [_metric(name, report) for name in _NAMES] if found else [],
        "placements": list(_placements(report)),
        "preference": _preference(report),
    }


def conclusions(report: Report) -> Iterable[str]:
    """What may be concluded, and what may not, in sentences."""
    if report.mismatch < MISMATCH:
        yield "Nothing may be concluded: the users did not come in the shares that the weights say."
        return
    users = sum(one.users for one in report.variants)
    yield (
        f"{users:,} of {report.planned_users:,} planned users have been watched to the end of their "
        f"{report.window_days:g} days; {report.users_waiting:,} still are."
    )
    base = next((one for one in report.variants if one.is_base), None)
    for one in report.variants:
        if base is None or one.is_base:
            continue
        unknown = []
        for name in _DECIDE:
            metric = _of(one.metrics, name)
            if metric.lift is None:
                unknown.append(_NAMES[name].lower())
            else:
                yield _compared(one.name, base.name, name, metric.lift)
        if unknown:
            yield (
                f"Too little to say about {_list(unknown)} of {one.name}: an interval needs "
                f"{LEAST_USERS} users in each variant, and {LEAST_SEEN} of them with anything but zero."
            )
        yield from _worth(one, base, report)
    if report.preference is not None:
        yield _voted(report)


def _compared(name: str, base: str, metric: str, lift: Interval) -> str:
    what = _NAMES[metric].lower()
    low, high = _signed(lift.low), _signed(lift.high)
    if lift.low > 0:
        return f"{name} has a higher {what} than {base}, by {low} to {high}: this may be concluded now."
    if lift.high < 0:
        return (
            f"{name} has a lower {what} than {base}, by {high} to {low}: this may be concluded now."
        )
    return (
        f"The {what} of {name} lies {low} to {high} from that of {base}: "
        "nothing may be concluded yet, not even that they are alike."
    )


def _worth(one: OfVariant, base: OfVariant, report: Report) -> Iterable[str]:
    """Touched beside caused, which is the difference that matters."""
    touched = _money(one.touched, report)
    if one.caused is None:
        if one.touched:
            yield f"{touched} was bought through slates of {one.name}; what it caused cannot be told yet."
        return
    low, high = (_money(value, report) for value in (one.caused.low, one.caused.high))
    said = f"{touched} was bought through slates of {one.name}; it caused {low} to {high} beside {base.name}"
    if one.caused.low > 0:
        yield f"{said}."
    elif one.caused.high < 0:
        yield f"{said}: it cost sales, whatever passed through it."
    else:
        yield f"{said}, which may be nothing: people are shown what they would have bought anyway."


def _voted(report: Report) -> str:
    votes = report.preference
    if votes is None or votes.interval is None:
        return (
            f"Too few users have clicked to say which ranker they prefer (at least {LEAST_USERS})."
        )
    if votes.interval.low > 0:
        return "Users click more of the second ranker: this may be concluded now."
    if votes.interval.high < 0:
        return "Users click more of the first ranker: this may be concluded now."
    return "Users show no preference yet: nothing may be concluded."


def _facts(report: Report) -> list[tuple[str, str]]:
    return [
        ("Counted from", f"{report.since:%Y-%m-%d %H:%M} UTC"),
        ("Until", f"{report.until:%Y-%m-%d %H:%M} UTC"),
        ("Each user is watched", f"{report.window_days:g} days"),
        ("Still being watched", f"{report.users_waiting:,} users"),
        ("Left out, seen in two variants", f"{report.users_crossed:,} users"),
        ("Chance of shares as uneven as these", f"{report.mismatch:.3f}"),
    ]


def _money_row(one: OfVariant, report: Report) -> dict[str, Any]:
    return {
        "name": one.name,
        "is_base": one.is_base,
        "users": f"{one.users:,}",
        "impressions": f"{one.impressions:,}",
        "clicks": f"{one.clicks:,}",
        "revenue": _money(one.revenue, report),
        "touched": _money(one.touched, report),
        "caused": _caused(one, report),
    }


def _caused(one: OfVariant, report: Report) -> str:
    if one.is_base:
        return "the base"
    if one.caused is None:
        return "too little to say"
    low, high = (_money(value, report) for value in (one.caused.low, one.caused.high))
    return f"{_money(one.caused.value, report)} ({low} to {high})"


def _metric(name: str, report: Report) -> dict[str, Any]:
    rows = [(one, _of(one.metrics, name)) for one in report.variants]
    reach = _reach([metric.lift for _, metric in rows])
    return {
        "name": _NAMES[name],
        "decides": name in _DECIDE,
        "rows": [
            {"name": one.name, "is_base": one.is_base, "value": _value(name, metric.value, report)}
            | _drawn(metric.lift, reach)
            for one, metric in rows
        ],
    }


def _placements(report: Report) -> Iterable[dict[str, Any]]:
    names = dict.fromkeys(at.placement for one in report.variants for at in one.placements)
    for placement in names:
        rows = [
            (one, at)
            for one in report.variants
            for at in one.placements
            if at.placement == placement
        ]
        reach = _reach([at.ctr.lift for _, at in rows])
        yield {"name": placement, "rows": [_there(one, at, reach, report) for one, at in rows]}


def _there(one: OfVariant, at: AtPlacement, reach: float, report: Report) -> dict[str, Any]:
    return {
        "name": one.name,
        "is_base": one.is_base,
        "users": f"{at.users:,}",
        "impressions": f"{at.impressions:,}",
        "clicks": f"{at.clicks:,}",
        "touched": _money(at.touched, report),
        "value": _value(CTR, at.ctr.value, report),
    } | _drawn(at.ctr.lift, reach)


def _preference(report: Report) -> dict[str, Any] | None:
    votes = report.preference
    if votes is None:
        return None
    interval = votes.interval
    reach = _reach([interval])
    return {
        "users": f"{votes.users:,}",
        "first": f"{votes.first:,}",
        "second": f"{votes.second:,}",
        "ties": f"{votes.ties:,}",
    } | _drawn(interval, reach)


def _drawn(interval: Interval | None, reach: float) -> dict[str, Any]:
    """A dot with its bar around the middle of 100; nothing where there is no interval."""
    if interval is None:
        return {"words": "", "drawn": False}
    tone = "better" if interval.low > 0 else ("worse" if interval.high < 0 else "same")
    low, middle, high = (
        round(50 + 48 * max(-1.0, min(1.0, value / reach)), 1)
        for value in (interval.low, interval.value, interval.high)
    )
    words = f"{_signed(interval.value)} ({_signed(interval.low)} to {_signed(interval.high)})"
    return {"words": words, "drawn": True, "tone": tone, "low": low, "middle": middle, "high": high}


def _reach(intervals: Sequence[Interval | None]) -> float:
    ends = [abs(end) for one in intervals if one is not None for end in (one.low, one.high)]
    return max(ends, default=0.0) or 1.0


def _of(metrics: Sequence[Metric], name: str) -> Metric:
    return next(one for one in metrics if one.name == name)


def _value(name: str, value: float, report: Report) -> str:
    return f"{100 * value:.2f} %" if name in _SHARES else _money(value, report)


def _money(value: float, report: Report) -> str:
    words = tiles.money(Decimal(f"{abs(value):.2f}"), report.currency)
    return f"-{words}" if value < 0 else words


def _signed(share: float) -> str:
    return f"{100 * share:+.1f} %"


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
