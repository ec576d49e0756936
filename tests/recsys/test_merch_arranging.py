"""Slots filled under rules: the promises hold for any candidates, and the best slate is found."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.merchandising.arranging import (
    Arranged,
    adjust,
    arrange,
    costs,
)
from recsys.merchandising.types import CapBy, Rule, RuleKind


def rule(kind: str, rule_id: str = "r", **fields: Any) -> Rule:
    if kind == "cap":
        fields.setdefault("by", CapBy.BRAND)
    return Rule(rule_id=rule_id, kind=RuleKind(kind), **fields)


class Shop:
    """Candidates of known brands; an expression is the name of a set of them."""

    def __init__(self, relevance: Any, brands: Any = (), **sets: Any) -> None:
        self.relevance = np.asarray(relevance, np.float64)
        n = len(self.relevance)
        self.codes = np.asarray(brands if len(brands) else np.full(n, -1), np.int64)
        self.sets = {name: np.isin(np.arange(n), list(found)) for name, found in sets.items()}
        self.positions = {f"i{index}": index for index in range(n)}

    def matches(self, where: str) -> np.ndarray:
        return self.sets[where]

    def groups(self, by: str) -> np.ndarray:
        assert by == "brand"
        return self.codes

    def arrange(self, *rules: Rule, k: int, **more: Any) -> Arranged:
        turned = adjust(self.relevance, rules, self.matches)
        more.setdefault("positions", self.positions)
        return arrange(turned, rules, k, self.matches, self.groups, **more)

    def slots(self, *rules: Rule, k: int, **more: Any) -> list[int]:
        return self.arrange(*rules, k=k, **more).order.tolist()

    def costs(self, *rules: Rule, k: int) -> dict[str, float]:
        return costs(self.relevance, rules, k, self.matches, self.groups, positions=self.positions)


FIVE = Shop([0.9, 0.8, 0.7, 0.6, 0.5], [0, 0, 0, 1, 1], red={3, 4}, none=set(), first={0})


def test_without_rules_the_order_is_that_of_relevance() -> None:
    assert Shop([0.2, 0.9, 0.2, 0.5]).slots(k=3) == [1, 3, 0]


def test_without_rules_a_given_order_is_kept() -> None:
    assert FIVE.slots(k=3, order=np.asarray([4, 2, 0, 1, 3])) == [4, 2, 0]


def test_a_pin_takes_its_slot_and_the_others_move_down() -> None:
    found = FIVE.arrange(rule("pin", item_id="i4", slot=2), k=4)

    assert found.order.tolist() == [0, 4, 1, 2]
    assert found.placed_by == {4: "r"}


def test_a_pin_by_expression_takes_the_best_that_it_holds_for() -> None:
    assert FIVE.slots(rule("pin", where="red", slot=1), k=3) == [3, 0, 1]


def test_a_pin_whose_item_may_not_appear_is_reported() -> None:
    found = FIVE.arrange(rule("pin", item_id="gone", slot=1), k=3)

    assert found.order.tolist() == [0, 1, 2]
    assert [(lost.rule_id, lost.to) for lost in found.lost] == [("r", None)]


def test_a_pin_below_the_last_slot_is_reported() -> None:
    assert [lost.reason for lost in FIVE.arrange(rule("pin", item_id="i4", slot=9), k=3).lost] == [
        "there are only 3 slots"
    ]


def test_two_pins_of_a_slot_go_to_the_higher_priority_and_name_the_winner() -> None:
    low = rule("pin", "a", item_id="i3", slot=1, priority=1)
    high = rule("pin", "b", item_id="i4", slot=1, priority=2)

    found = FIVE.arrange(low, high, k=3)

    assert found.order.tolist() == [4, 0, 1]
    assert [(lost.rule_id, lost.to) for lost in found.lost] == [("a", "b")]


def test_one_item_pinned_twice_stands_once() -> None:
    rules = [rule("pin", name, item_id="i4", slot=slot) for name, slot in (("a", 2), ("b", 1))]

    found = FIVE.arrange(*rules, k=3)

    assert found.order.tolist() == [0, 4, 1]
    assert [(lost.rule_id, lost.to) for lost in found.lost] == [("b", "a")]


def test_where_items_run_out_before_its_slot_a_pin_moves_up() -> None:
    assert Shop([0.9, 0.1]).slots(rule("pin", item_id="i0", slot=8), k=10) == [1, 0]


def test_a_share_brings_in_the_best_of_its_own_and_says_which() -> None:
    found = FIVE.arrange(rule("share", where="red", value=0.5), k=4)

    assert found.order.tolist() == [0, 1, 3, 4]
    assert found.placed_by == {4: "r"}


def test_half_a_slot_of_a_share_is_a_slot() -> None:
    assert FIVE.slots(rule("share", where="red", value=0.5), k=1) == [3]


def test_a_share_of_too_few_takes_all_there_are_and_is_reported() -> None:
    found = FIVE.arrange(rule("share", where="red", value=1.0), k=4)

    assert found.order.tolist() == [0, 1, 3, 4]
    assert [lost.reason for lost in found.lost] == ["2 of 4 slots could not be filled"]


def test_a_cap_closes_a_brand_and_leaves_items_without_one_alone() -> None:
    shop = Shop([0.9, 0.8, 0.7, 0.6], [0, 0, -1, -1])

    assert shop.slots(rule("cap", value=1), k=4) == [0, 2, 3]


def test_a_cap_counts_only_what_its_expression_holds_for() -> None:
    assert FIVE.slots(rule("cap", value=0, where="first"), k=4) == [1, 2, 3, 4]


def test_a_pin_before_a_cap_stands_and_the_cap_is_reported() -> None:
    pins = [rule("pin", f"p{n}", item_id=f"i{n}", slot=n + 1, priority=2) for n in (0, 1)]

    found = FIVE.arrange(*pins, rule("cap", "c", value=1, priority=1), k=3)

    assert found.order.tolist() == [0, 1, 3]
    assert [(lost.rule_id, lost.to) for lost in found.lost] == [("c", "p0")]


def test_a_cap_before_a_pin_keeps_it_out() -> None:
    pins = [rule("pin", f"p{n}", item_id=f"i{n}", slot=n + 1, priority=1) for n in (0, 1)]

    found = FIVE.arrange(*pins, rule("cap", "c", value=1, priority=2), k=3)

    assert found.order.tolist() == [0, 3]
    assert [(lost.rule_id, lost.to) for lost in found.lost] == [("p1", "c")]


def test_a_share_behind_a_cap_gets_what_the_cap_leaves() -> None:
    cap, share = rule("cap", "c", value=1, priority=2), rule("share", "s", where="red", value=0.5)

    found = FIVE.arrange(cap, share, k=4)

    assert found.order.tolist() == [0, 3]
    assert [(lost.rule_id, lost.to) for lost in found.lost] == [("s", "c")]


def test_a_pin_behind_shares_of_every_slot_is_reported() -> None:
    share = rule("share", "s", where="red", value=1.0, priority=1)
    pin = rule("pin", "p", item_id="i0", slot=1)

    found = FIVE.arrange(share, pin, k=2)

    assert found.order.tolist() == [3, 4]
    assert [(lost.rule_id, lost.to) for lost in found.lost] == [("p", "s")]


def test_a_rule_takes_the_best_and_leaves_luck_the_rest() -> None:
    drawn = np.array([4, 3, 2, 1, 0])
    pin = rule("pin", "p", where="red", slot=1)
    share = rule("share", "s", where="black", value=0.34)
    shop = Shop(FIVE.relevance, red={1, 4}, black={0, 2})

    assert shop.slots(pin, k=3, drawn=drawn) == [1, 4, 3]
    assert shop.slots(share, k=3, drawn=drawn) == [4, 3, 0]


def test_what_could_have_stood_in_a_slot_is_told_given_the_slots_above() -> None:
    drawn = np.array([3, 4, 0, 1, 2])
    pin, cap = rule("pin", "p", item_id="i2", slot=2), rule("cap", "c", value=1)

    found = FIVE.arrange(pin, cap, k=3, drawn=drawn)

    assert found.order.tolist() == [3, 2]  # the pin is brand 0's one item, and 3 is the other's
    assert found.possible is not None
    assert [np.flatnonzero(row).tolist() for row in found.possible] == [[3, 4], [2]]


def test_boosts_and_buries_add_up_to_one_span_at_most() -> None:
    twice = [rule("boost", name, where="red", value=0.8) for name in "ab"]
    bury = rule("bury", "c", where="first", value=0.5)

    found = adjust(FIVE.relevance, [*twice, bury], FIVE.matches)

    assert found.tolist() == pytest.approx([0.4, 0.8, 0.7, 1.6, 1.5])


def test_the_cost_of_a_pin_is_the_discounted_relevance_it_displaces() -> None:
    shop = Shop([1.0, 0.0])

    assert shop.costs(rule("pin", item_id="i1", slot=1), k=1) == {"r": 1.0}
    assert shop.costs(rule("pin", item_id="i1", slot=1), k=2)["r"] == pytest.approx(
        1 - 1 / np.log2(3)
    )


def test_the_cost_of_an_exclude_is_what_it_keeps_out() -> None:
    assert Shop([0.5, 0.25], a={0}).costs(rule("exclude", where="a"), k=1) == {"r": 0.5}


def test_a_rule_that_changes_nothing_costs_nothing() -> None:
    assert FIVE.costs(rule("pin", item_id="i0", slot=1), rule("cap", "c", value=9), k=3) == {
        "r": 0.0,
        "c": 0.0,
    }


def test_costs_are_nought_where_nothing_is_relevant() -> None:
    assert Shop([0.0, 0.0], a={0}).costs(rule("bury", where="a", value=1), k=1) == {"r": 0.0}


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    n = draw(st.integers(0, 12))
    relevance = draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))
    brands = draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n))
    sets = {
        name: draw(st.sets(st.integers(0, max(n - 1, 0)), max_size=n)) for name in ("red", "blue")
    }
    return Shop(np.asarray(relevance) / 8, brands, **sets)


@st.composite
def rules_of_any_kind(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(RuleKind)) -> Rule:
    kind = draw(st.sampled_from(kinds))
    where = draw(st.sampled_from(["red", "blue"]))
    value = draw(st.integers(0, 4)) / 4
    fields: dict[str, Any] = {"where": where, "value": value}
    if kind == "pin":
        fields = {"slot": draw(st.integers(1, 6))}
        fields |= (
            {"item_id": f"i{draw(st.integers(0, 12))}"} if draw(st.booleans()) else {"where": where}
        )
    if kind == "cap":
        fields = {"value": draw(st.integers(0, 3)), "where": where}
    name = f"r{draw(st.integers(0, 10**6))}"
    return rule(kind, name, priority=draw(st.integers(0, 2)), **fields)


RULES = st.lists(rules_of_any_kind(), max_size=6, unique_by=lambda one: one.rule_id)


@given(shop=shops(), rules=RULES, k=st.integers(0, 6))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_any_slate_is_distinct_and_as_long_as_caps_allow(
    shop: Shop, rules: list[Rule], k: int
) -> None:
    slots = shop.slots(*rules, k=k)

    assert len(slots) == len(set(slots)) <= k
    if not any(one.kind is RuleKind.CAP for one in rules):
        assert len(slots) == min(k, len(shop.relevance))


@given(shop=shops(), rules=RULES, k=st.integers(0, 6))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_a_rule_that_is_not_reported_is_met(shop: Shop, rules: list[Rule], k: int) -> None:
    found = shop.arrange(*rules, k=k)
    slots, lost = found.order.tolist(), {one.rule_id for one in found.lost}

    for one in rules:
        if one.rule_id in lost:
            continue
        if one.kind is RuleKind.PIN and len(slots) == k:
            at = slots[one.slot - 1]
            assert at == shop.positions[one.item_id] if one.item_id else shop.sets[one.where][at]
        if one.kind is RuleKind.SHARE:
            there = sum(bool(shop.sets[one.where][index]) for index in slots)
            assert there >= int(one.value * k + 0.5)
        if one.kind is RuleKind.CAP:
            counted = [
                shop.codes[i] for i in slots if shop.sets[one.where][i] and shop.codes[i] >= 0
            ]
            assert all(counted.count(code) <= one.value for code in counted)


@given(shop=shops(), rules=RULES, k=st.integers(0, 6))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_what_wins_over_a_loser_is_a_rule_that_was_asked(
    shop: Shop, rules: list[Rule], k: int
) -> None:
    found = shop.arrange(*rules, k=k)

    named = {one.to for one in found.lost if one.to} | set(found.placed_by.values())
    assert named <= {one.rule_id for one in rules}


@given(shop=shops(), one=rules_of_any_kind(), k=st.integers(0, 6))
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_a_single_rule_costs_nothing_or_something(shop: Shop, one: Rule, k: int) -> None:
    assert -1e-12 <= shop.costs(one, k=k)[one.rule_id] <= 1


@given(shop=shops(), one=rules_of_any_kind(("share", "cap")), k=st.integers(1, 4))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_no_other_slate_that_keeps_the_rule_is_worth_more(shop: Shop, one: Rule, k: int) -> None:
    if len(shop.relevance) > 7:
        shop = Shop(shop.relevance[:7], shop.codes[:7], red={1, 4}, blue={0, 2, 3})
    found = shop.arrange(one, k=k)

    def worth(slots: tuple[int, ...]) -> float:
        return float(sum(shop.relevance[i] / np.log2(rank + 2) for rank, i in enumerate(slots)))

    def keeps(slots: tuple[int, ...]) -> bool:
        held = [i for i in slots if shop.sets[one.where][i]]
        if one.kind is RuleKind.SHARE:
            wanted = min(int(one.value * k + 0.5), int(shop.sets[one.where].sum()))
            return len(held) >= wanted
        codes = [shop.codes[i] for i in held if shop.codes[i] >= 0]
        return all(codes.count(code) <= one.value for code in codes)

    n = min(k, len(shop.relevance))
    every = (s for m in range(n + 1) for s in permutations(range(len(shop.relevance)), m))
    best = max(worth(slots) for slots in every if not slots or keeps(slots))
    assert worth(tuple(found.order.tolist())) == pytest.approx(best)
