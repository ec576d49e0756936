"""Which rules count, in which order, and what they ask of the candidates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recsys.merchandising.arranging import in_force, pinned, sought
from recsys.merchandising.types import Rule, RuleKind

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()


def rule(kind: str, rule_id: str = "r", **fields: Any) -> Rule:
    return Rule(rule_id=rule_id, kind=RuleKind(kind), **fields)


def test_pinned_names_slots_and_items() -> None:
    rules = [rule("pin", item_id="x", slot=3), rule("pin", where="red", slot=1)]

    assert pinned(rules) == ((3, "x"),)


def test_sought_says_how_many_of_which_shares_and_pins_need() -> None:
    rules = [
        rule("share", "a", where="red", value=0.5),
        rule("share", "b", where="red", value=0.25),
        rule("pin", "c", where="blue", slot=1),
        rule("pin", "d", where="blue", slot=2),
        rule("pin", "e", item_id="i1", slot=3),
        rule("share", "f", where="none", value=0.01),
        rule("boost", "g", where="first", value=1),
    ]

    assert sought(rules, 8) == (("red", 4), ("blue", 2))


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"placements": ("home", "cart")}, True),
        ({"placements": ("cart",)}, False),
        ({"audience": ("new", "vip")}, True),
        ({"audience": ("vip",)}, False),
        ({"starts_at": NOW}, True),
        ({"starts_at": NOW + timedelta(microseconds=1)}, False),
        ({"ends_at": NOW}, False),
        ({"ends_at": NOW + timedelta(microseconds=1)}, True),
        ({"starts_at": NOW - timedelta(1), "ends_at": NOW + timedelta(1)}, True),
    ],
)
def test_a_rule_counts_where_when_and_for_whom_it_says(fields: Any, *, counts: bool) -> None:
    one = rule("cap", **fields)

    found = in_force([one], placement="home", audience=frozenset({"new"}), now=NOW)

    assert found == ((one,) if counts else ())


def test_rules_come_highest_priority_first_and_pins_before_caps_before_shares() -> None:
    rules = [rule(kind, kind) for kind in ("share", "boost", "cap", "pin")]
    urgent = rule("boost", "urgent", priority=9)

    found = in_force([*rules, urgent], placement="home", audience=NOBODY, now=NOW)

    assert [one.rule_id for one in found] == ["urgent", "pin", "cap", "share", "boost"]
