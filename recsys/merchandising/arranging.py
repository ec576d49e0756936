"""From scored candidates and the rules in force to an order of slots, and what each rule costs.

    C candidates   k slots   R rules

Rules are met one after the other, the highest priority first, and none may break what one before
it has settled: a pin takes its slot, a cap closes a group, a share reserves its best items. What
cannot be met is reported with the rule that stood in its way. The slots left go to the best items
that no cap forbids. Relevance is 0..1 over the candidates; O(C (k + R)), nothing without rules.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from recsys.merchandising.slots import (
    Arranged,
    Groups,
    Lost,
    Matches,
    Order,
    Slots,
    at_least,
)
from recsys.merchandising.types import Rule, RuleKind

__all__ = [
    "Arranged",
    "Lost",
    "adjust",
    "arrange",
    "costs",
    "in_force",
    "pinned",
    "sought",
]

Floats = NDArray[np.floating]

_NOBODY: Mapping[str, int] = MappingProxyType({})
_FIRST = {RuleKind.PIN: 0, RuleKind.CAP: 1, RuleKind.SHARE: 2}  # among equal priorities


def in_force(
    rules: Sequence[Rule], *, placement: str, audience: frozenset[str], now: datetime
) -> tuple[Rule, ...]:
    """The rules that count for this request, in the order in which they are met."""
    if not rules:
        return ()
    found = [rule for rule in rules if _counts(rule, placement, audience, now)]
    return tuple(sorted(found, key=_rank))


def pinned(rules: Sequence[Rule]) -> tuple[tuple[int, str], ...]:
    """(slot, item id) of the pins that name an item, so that it can join the candidates."""
    return tuple((rule.slot, rule.item_id) for rule in rules if _names_item(rule))


def sought(rules: Sequence[Rule], k: int) -> tuple[tuple[str, int], ...]:
    """(expression, how many) that shares and pins need among the candidates.

    A strategy proposes what is best for the shopper, and may propose none of a small set: whoever
    finds fewer than that many can look for more of them before the slots are filled.
    """
    wanted: dict[str, int] = {}
    for rule in rules:
        if rule.kind is RuleKind.SHARE:
            wanted[rule.where] = max(wanted.get(rule.where, 0), at_least(rule.value, k))
        elif rule.kind is RuleKind.PIN and rule.where:
            wanted[rule.where] = wanted.get(rule.where, 0) + 1
    return tuple((where, n) for where, n in wanted.items() if n)


def adjust(relevance: Floats, rules: Sequence[Rule], matches: Matches) -> NDArray[np.float64]:
    """Relevance (C,) with boosts added and buries taken away: at most one span either way."""
    turned = np.asarray(relevance, np.float64)
    added = np.zeros(len(turned))
    for rule in rules:
        if rule.kind is RuleKind.BOOST:
            added += rule.value * matches(rule.where)
        elif rule.kind is RuleKind.BURY:
            added -= rule.value * matches(rule.where)
    return turned + np.clip(added, -1.0, 1.0)


def arrange(
    relevance: Floats,
    rules: Sequence[Rule],
    k: int,
    matches: Matches,
    groups: Groups,
    *,
    order: Order | None = None,
    drawn: Order | None = None,
    positions: Mapping[str, int] = _NOBODY,
) -> Arranged:
    """Fill at most `k` slots.

    Args:
        relevance: (C,) as `adjust` leaves it.
        rules: Those in force; boosts, buries, includes and excludes are passed over here.
        k: The number of slots.
        matches: Asked once for each expression of a rule.
        groups: Asked only where there is a cap.
        order: (C,) the order without rules, where it is not that of relevance (diversity, say).
        drawn: (C,) the same with luck in it, where there is any: pins and shares take the best
            all the same, and what they leave is filled from here.
        positions: Where the items that pins name stand among the candidates.
    """
    if order is None:
        order = np.argsort(-np.asarray(relevance), kind="stable")
    wishes = sorted((rule for rule in rules if rule.kind in _FIRST), key=_rank)
    if not wishes:
        return Arranged(order=np.asarray((order if drawn is None else drawn)[:k], np.int64))
    luck = None if drawn is None else drawn.tolist()
    slate = Slots(order.tolist(), luck, k, matches, groups, positions)
    for rule in wishes:
        slate.meet(rule)
    return slate.arranged()


def costs(
    relevance: Floats,
    rules: Sequence[Rule],
    k: int,
    matches: Matches,
    groups: Groups,
    *,
    positions: Mapping[str, int] = _NOBODY,
) -> dict[str, float]:
    """What each rule costs: discounted relevance without it, less with it, in parts of the best slate.

    `relevance` (C,) is the prediction before any rule, not negative, and the candidates are those
    before any filter, so that what an exclude or include keeps out is counted. Alone, a rule
    costs 0 to 1; beside others it may be negative, where it mends what another one spoils.
    """
    predicted = np.asarray(relevance, np.float64)
    best = _discounted(np.sort(predicted)[::-1][:k])

    def worth(of: Sequence[Rule]) -> float:
        mask = _kept(of, len(predicted), matches)
        kept, now_at = np.flatnonzero(mask), np.cumsum(mask) - 1
        there = {one: int(now_at[index]) for one, index in positions.items() if mask[index]}
        may = _narrowed(matches, kept)
        codes = _narrowed(groups, kept)
        turned = adjust(predicted[kept], of, may)
        shown = arrange(turned, of, k, may, codes, positions=there)
        return _discounted(predicted[kept][shown.order])

    if best <= 0:
        return dict.fromkeys((rule.rule_id for rule in rules), 0.0)
    with_all = worth(rules)
    return {
        rule.rule_id: (worth([one for one in rules if one is not rule]) - with_all) / best
        for rule in rules
    }


def _counts(rule: Rule, placement: str, audience: frozenset[str], now: datetime) -> bool:
    return (
        rule.enabled
        and (not rule.placements or placement in rule.placements)
        and (not rule.audience or not audience.isdisjoint(rule.audience))
        and (rule.starts_at is None or rule.starts_at <= now)
        and (rule.ends_at is None or now < rule.ends_at)
    )


def _rank(rule: Rule) -> tuple[int, int, str]:
    return (-rule.priority, _FIRST.get(rule.kind, len(_FIRST)), rule.rule_id)


def _names_item(rule: Rule) -> bool:
    return rule.kind is RuleKind.PIN and bool(rule.item_id)


def _kept(rules: Sequence[Rule], n: int, matches: Matches) -> NDArray[np.bool_]:
    kept = np.ones(n, np.bool_)
    for rule in rules:
        if rule.kind is RuleKind.INCLUDE:
            kept &= matches(rule.where)
        elif rule.kind is RuleKind.EXCLUDE:
            kept &= ~matches(rule.where)
    return kept


def _narrowed(ask: Callable[[str], NDArray], kept: Order) -> Callable[[str], NDArray]:  # type: ignore[type-arg] # masks and codes alike
    return lambda text: ask(text)[kept]


def _discounted(relevance: Floats) -> float:
    """Sum of relevance / log2(rank + 1), ranks from 1 (Jarvelin and Kekalainen, 2002)."""
    return float(np.sum(relevance / np.log2(np.arange(len(relevance)) + 2)))
