"""The snapshot, what may be written into it, and what is said of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from recsys.errors import InvalidSteering
from recsys.expressions import condition
from recsys.merchandising.checking import check
from recsys.merchandising.plain import from_plain, to_plain
from recsys.merchandising.steering import Notice, Steering, key_of, notices, with_draft
from recsys.merchandising.types import (
    CapBy,
    Placement,
    Rule,
    RuleKind,
    Steered,
    StrategyPreset,
    Subject,
)
from recsys.serving.titles import title
from recsys.types import Boost, Dials, Hide

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OF_ANY_KIND = {
    RuleKind.PIN: Rule(rule_id="r", kind=RuleKind.PIN, item_id="a/b ä", slot=1),
    RuleKind.BOOST: Rule(rule_id="r", kind=RuleKind.BOOST, where="price < 5", value=1.0),
    RuleKind.BURY: Rule(rule_id="r", kind=RuleKind.BURY, where="price < 5", value=0.0),
    RuleKind.INCLUDE: Rule(rule_id="r", kind=RuleKind.INCLUDE, where="price < 5"),
    RuleKind.EXCLUDE: Rule(rule_id="r", kind=RuleKind.EXCLUDE, where="price < 5"),
    RuleKind.SHARE: Rule(rule_id="r", kind=RuleKind.SHARE, where="price < 5", value=0.25),
    RuleKind.CAP: Rule(rule_id="r", kind=RuleKind.CAP, value=2.0, by=CapBy.BRAND),
}
PLACEMENT = Placement(name="p", boosts=(Boost(expression="discount", weight=-1.0),), hide=Hide.SEEN)
PRESET = StrategyPreset(name="s", base="personal", filter="price < item.price")


@pytest.mark.parametrize("thing", [*OF_ANY_KIND.values(), PLACEMENT, PRESET])
def test_a_thing_becomes_json_and_comes_back(thing: Steered) -> None:
    told = json.loads(json.dumps(to_plain(thing)))

    assert from_plain(key_of(thing)[0], told) == thing


def test_a_log_of_another_release_is_read_with_defaults() -> None:
    told = {"rule_id": "r", "kind": "boost", "where": "price < 5", "of_tomorrow": 1}

    assert from_plain(Subject.RULE, told) == replace(OF_ANY_KIND[RuleKind.BOOST], value=0.0)


@pytest.mark.parametrize("thing", [*OF_ANY_KIND.values(), PLACEMENT, PRESET])
def test_what_is_sound_passes(thing: Steered) -> None:
    check(thing)


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        (RuleKind.BOOST, {"where": ""}, "where"),
        (RuleKind.BOOST, {"where": "price <"}, "where"),
        (RuleKind.BOOST, {"where": "price"}, "where"),  # a number, not a condition
        (RuleKind.BOOST, {"where": "x" * 100_000}, "where"),
        (RuleKind.BOOST, {"where": 'title == "\x00"'}, "where"),
        (RuleKind.BOOST, {"where": 'title == "\ud800"'}, "where"),
        (RuleKind.EXCLUDE, {"where": "(" * 5_000}, "where"),
        (RuleKind.BOOST, {"value": float("nan")}, "value"),
        (RuleKind.BOOST, {"value": float("inf")}, "value"),
        (RuleKind.BOOST, {"value": 1.01}, "value"),
        (RuleKind.SHARE, {"value": -0.1}, "value"),
        (RuleKind.INCLUDE, {"value": 1.0}, "value"),
        (RuleKind.CAP, {"value": 1.5}, "value"),
        (RuleKind.CAP, {"value": 101.0}, "value"),
        (RuleKind.CAP, {"by": None}, "by"),
        (RuleKind.BOOST, {"by": CapBy.BRAND}, "by"),
        (RuleKind.PIN, {"slot": 0}, "slot"),
        (RuleKind.PIN, {"slot": 101}, "slot"),
        (RuleKind.PIN, {"where": "price < 5"}, "item_id"),
        (RuleKind.PIN, {"item_id": ""}, "item_id"),
        (RuleKind.PIN, {"item_id": "\x00"}, "item_id"),
        (RuleKind.BOOST, {"slot": 1}, "slot"),
        (RuleKind.BOOST, {"item_id": "a"}, "item_id"),
        (RuleKind.BOOST, {"rule_id": "../etc"}, "rule_id"),
        (RuleKind.BOOST, {"rule_id": "r" * 65}, "rule_id"),
        (RuleKind.BOOST, {"rule_id": "r\n"}, "rule_id"),
        (RuleKind.BOOST, {"name": "\x00"}, "name"),
        (RuleKind.BOOST, {"name": "n" * 201}, "name"),
        (RuleKind.BOOST, {"placements": ("a b",)}, "placements"),
        (RuleKind.BOOST, {"placements": ("a",) * 51}, "placements"),
        (RuleKind.BOOST, {"audience": ("",)}, "audience"),
        (RuleKind.BOOST, {"audience": ("\x1b",)}, "audience"),
        (RuleKind.BOOST, {"starts_at": NOW, "ends_at": NOW}, "ends_at"),
        (RuleKind.BOOST, {"starts_at": NOW.replace(tzinfo=None)}, "starts_at"),
        (RuleKind.BOOST, {"priority": 1_001}, "priority"),
    ],
)
def test_a_rule_that_cannot_be_meant_names_its_field(
    kind: RuleKind, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidSteering) as caught:
        check(replace(OF_ANY_KIND[kind], **changes))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("thing", "field"),
    [
        (replace(PLACEMENT, name=""), "name"),
        (replace(PLACEMENT, strategy="a b"), "strategy"),
        (replace(PLACEMENT, title="{shopper}"), "title"),
        (replace(PLACEMENT, title="{item.__class__}"), "title"),
        (replace(PLACEMENT, title="{"), "title"),
        (replace(PLACEMENT, title="t\x07"), "title"),
        (replace(PLACEMENT, k=0), "k"),
        (replace(PLACEMENT, k=101), "k"),
        (replace(PLACEMENT, banner="poster"), "banner"),
        (replace(PLACEMENT, filter="price ="), "filter"),
        (replace(PLACEMENT, boosts=PLACEMENT.boosts * 21), "boosts"),
        (replace(PLACEMENT, boosts=(Boost(expression="", weight=1),)), "boosts.0.expression"),
        (replace(PLACEMENT, boosts=(Boost(expression="1 +", weight=1),)), "boosts.0.expression"),
        (replace(PLACEMENT, boosts=(Boost(expression="price", weight=2),)), "boosts.0.weight"),
        (replace(PLACEMENT, dials=Dials(diversity=-0.1)), "dials.diversity"),
        (replace(PLACEMENT, dials=Dials(novelty=float("nan"))), "dials.novelty"),
        (replace(PRESET, base=""), "base"),
        (replace(PRESET, filter="nonsense("), "filter"),
    ],
)
def test_a_placement_or_preset_that_cannot_be_meant_names_its_field(
    thing: Steered, field: str
) -> None:
    with pytest.raises(InvalidSteering) as caught:
        check(thing)

    assert caught.value.field == field


def test_a_bad_expression_is_told_with_its_character() -> None:
    with pytest.raises(InvalidSteering, match="at character 9"):
        check(replace(PRESET, filter="price < ]"))


def test_every_title_word_that_passes_is_filled_where_titles_are_written() -> None:
    placement = replace(PLACEMENT, title="{brand} {category} {item}")
    check(placement)

    assert "{" not in title(placement.title, [], [], None)


def test_what_is_built_in_is_sound_and_needs_no_notice() -> None:
    built_in = Steering()

    for thing in (*built_in.placements.values(), *built_in.presets.values()):
        check(thing)
    assert notices(built_in) == ()


def test_built_in_filters_can_be_asked() -> None:
    assert all(condition(one.filter) for one in Steering().presets.values() if one.filter)


def test_a_rule_of_an_unknown_placement_passes_and_is_reported() -> None:
    rule = replace(OF_ANY_KIND[RuleKind.BOOST], placements=("home", "attic"))
    check(rule)

    assert notices(with_draft(Steering(), rule)) == (
        Notice(subject=Subject.RULE, name="r", message="no placement is called 'attic'"),
    )


def test_names_of_strategies_that_nobody_knows_are_reported() -> None:
    drafted = with_draft(Steering(), replace(PLACEMENT, strategy="luck"))
    drafted = with_draft(drafted, replace(PRESET, base="magic"))
    known = {one.strategy for one in Steering().placements.values()} | {"similar", "personal"}

    found = [(one.subject, one.name, one.message) for one in notices(drafted, known)]

    assert found == [
        (Subject.PLACEMENT, "p", "no strategy is called 'luck'"),
        (Subject.STRATEGY, "s", "no strategy is called 'magic'"),
    ]


def test_a_draft_leaves_the_steering_it_was_made_of_alone() -> None:
    before = Steering()

    after = with_draft(
        with_draft(before, OF_ANY_KIND[RuleKind.CAP]), replace(PLACEMENT, name="home")
    )

    assert before.rules == ()
    assert before.placement("home").title == "Picked for you"
    assert after.rules == (OF_ANY_KIND[RuleKind.CAP],)
    assert after.placement("home").title == ""
    assert after.version == before.version


def test_a_draft_takes_the_place_of_the_rule_of_its_name() -> None:
    old, new = OF_ANY_KIND[RuleKind.CAP], OF_ANY_KIND[RuleKind.PIN]

    assert with_draft(with_draft(Steering(), old), new).rules == (new,)


def test_rules_stand_highest_priority_first() -> None:
    rules = [replace(OF_ANY_KIND[RuleKind.CAP], rule_id=f"r{n}", priority=n) for n in (1, 3, 2)]

    steering = Steering.of([(rule, n + 1) for n, rule in enumerate(rules)], version=3)

    assert [rule.rule_id for rule in steering.rules] == ["r3", "r2", "r1"]


def test_unknown_names_are_plain_ones() -> None:
    assert Steering().placement("attic") == Placement(name="attic")
    assert Steering().preset("trending") == StrategyPreset(name="trending", base="trending")
