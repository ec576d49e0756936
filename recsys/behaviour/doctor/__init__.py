"""The data doctor: what is wrong with a log before a model learns it.

Every check is a pure function of columns in the file of its question; this one runs them in the
order of a conversation (can it be read, is it enough, who, when, with what, does it leak). The
thresholds stand beside the checks, each with its reason.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from recsys.behaviour.doctor import clock, goods, leaks, shoppers, sizes
from recsys.behaviour.doctor.columns import Deeds, Goods, of_items, of_log
from recsys.behaviour.doctor.findings import ROWS_SHOWN, Fault, Finding, Level, plain

__all__ = ["Deeds", "Finding", "Goods", "Level", "check", "of_items", "of_log", "plain", "worst"]

_NOTHING = of_items(())


def check(
    deeds: Deeds, items: Goods | None = None, *, now: datetime | None = None
) -> list[Finding]:
    """All findings, in the order of the checks; what passed is told too.

    Without `items` nothing is said of the catalogue; an empty one is a finding.
    """
    shop = _NOTHING if items is None else items
    findings = [_named(deeds, shop, name, run) for name, run in _of_events(deeds, now)]
    if len(deeds) and items is not None:
        findings += [_named(deeds, shop, name, run) for name, run in _of_both(deeds, shop)]
    if items is not None:
        findings += [_named(deeds, shop, name, run) for name, run in _of_goods(shop)]
    return findings


def worst(findings: Sequence[Finding]) -> Level:
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.FAIL, Level.WARN) if level in levels), Level.PASS)


_Checks = Iterator[tuple[str, Callable[[], Fault]]]


def _of_events(deeds: Deeds, now: datetime | None) -> _Checks:
    yield "readable", lambda: sizes.unreadable(deeds)
    yield "amount", lambda: sizes.amount(deeds)
    yield "window", lambda: sizes.window(deeds)
    if not len(deeds):
        return
    yield "bots", lambda: shoppers.bots(deeds)
    yield "one shopper", lambda: shoppers.dominance(deeds)
    yield "duplicates", lambda: shoppers.duplicates(deeds)
    yield "bursts", lambda: shoppers.bursts(deeds)
    yield "future", lambda: clock.future(deeds, now=now or datetime.now(UTC))
    yield "ancient", lambda: clock.ancient(deeds)
    yield "time of day", lambda: clock.rounded(deeds)
    yield "order of time", lambda: clock.backwards(deeds)
    yield "time zones", lambda: clock.zones(deeds)
    yield "silent days", lambda: clock.silent_days(deeds)
    yield "bought before seen", lambda: leaks.bought_first(deeds)
    yield "repeats", lambda: leaks.repeats(deeds)


def _of_both(deeds: Deeds, shop: Goods) -> _Checks:
    yield "unknown items", lambda: goods.unknown(deeds, shop)
    yield "untouched items", lambda: goods.untouched(deeds, shop)
    yield "before its item", lambda: leaks.before_birth(deeds, shop)


def _of_goods(shop: Goods) -> _Checks:
    yield "missing prices", lambda: goods.missing_prices(shop)
    yield "price units", lambda: goods.units(shop)
    yield "currencies", lambda: goods.currencies(shop)


def _named(deeds: Deeds, shop: Goods, name: str, run: Callable[[], Fault]) -> Finding:
    fault = run()
    if name == "readable":
        rows = tuple(f"{where}: {why}" for where, why in deeds.bad[:ROWS_SHOWN])
        return Finding(
            level=fault.level, name=name, message=fault.message, count=deeds.n_bad, rows=rows
        )
    positions = np.empty(0, np.int64) if fault.positions is None else fault.positions
    shown = positions[:ROWS_SHOWN]
    rows = tuple(shop.item_ids[n] for n in shown) if fault.of_items else ()
    if len(shown) and not fault.of_items:
        rows = deeds.rows_named(shown)
    return Finding(
        level=fault.level, name=name, message=fault.message, count=len(positions), rows=rows
    )
