"""The one judge of what may be written: bounds, expressions, and what each kind of rule needs."""

import math
import re
from datetime import datetime
from typing import assert_never

from recsys import expressions
from recsys.errors import InvalidExpression, InvalidSteering
from recsys.merchandising.types import (
    MAX_SLOT,
    Placement,
    Rule,
    RuleKind,
    Steered,
    StrategyPreset,
)
from recsys.tables import has_control, is_storable
from recsys.types import Boost, Dials

MAX_NAME, MAX_LABEL, MAX_WORDS, MAX_BOOSTS, MAX_PRIORITY = 64, 200, 50, 20, 1_000
ROTATION_BOUNDS = (60, 30 * 86_400)  # seconds
BANNERS = ("none", "hero", "square", "story", "leaderboard", "rectangle", "skyscraper")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TITLE_WORD = re.compile(r"\{(?:brand|category|item)\}")
_SPANS = (0.0, 1.0)
_VALUES = {
    RuleKind.BOOST: _SPANS,
    RuleKind.BURY: _SPANS,
    RuleKind.SHARE: _SPANS,
    RuleKind.CAP: (0.0, float(MAX_SLOT)),
}
_NEED_WHERE = {
    RuleKind.BOOST,
    RuleKind.BURY,
    RuleKind.INCLUDE,
    RuleKind.EXCLUDE,
    RuleKind.SHARE,
}


def check(thing: Steered) -> None:
    """Let it pass.

    Raises:
        InvalidSteering: It cannot be meant like this; `field` names what to mend.
    """
    match thing:
        case Rule():
            _rule(thing)
        case Placement():
            _placement(thing)
        case StrategyPreset():
            _preset(thing)
        case _:
            assert_never(thing)


def check_name(field: str, name: str) -> None:
    """Let a name pass.

    Raises:
        InvalidSteering: It is none.
    """
    if not _NAME.fullmatch(name):
        message = f"must be 1 to {MAX_NAME} letters, digits, dots, dashes or underscores"
        raise InvalidSteering(field, message)


def _rule(rule: Rule) -> None:
    check_name("rule_id", rule.rule_id)
    _label("name", rule.name)
    _expression("where", rule.where)
    if rule.kind in _NEED_WHERE and not rule.where:
        raise InvalidSteering("where", f"a {rule.kind} rule needs an expression")
    least, most = _VALUES.get(rule.kind, (0.0, 0.0))
    _between("value", rule.value, least, most)
    if rule.kind is RuleKind.CAP and rule.value != int(rule.value):
        raise InvalidSteering("value", "a cap is a whole number")
    if (rule.kind is RuleKind.CAP) != (rule.by is not None):
        raise InvalidSteering("by", "a cap needs brand or category, and nothing else has one")
    _pin(rule)
    for name in _few("placements", rule.placements):
        check_name("placements", name)
    for word in _few("audience", rule.audience):
        _label("audience", word)
        if not word:
            raise InvalidSteering("audience", "must not hold an empty word")
    _moment("starts_at", rule.starts_at)
    _moment("ends_at", rule.ends_at)
    if rule.starts_at and rule.ends_at and rule.ends_at <= rule.starts_at:
        raise InvalidSteering("ends_at", "must be later than starts_at")
    _between("priority", rule.priority, -MAX_PRIORITY, MAX_PRIORITY)


def _pin(rule: Rule) -> None:
    if rule.kind is RuleKind.PIN:
        _between("slot", rule.slot, 1, MAX_SLOT)
        if bool(rule.item_id) == bool(rule.where):
            raise InvalidSteering("item_id", "a pin needs either an item or an expression")
        _label("item_id", rule.item_id)
    elif rule.slot or rule.item_id:
        raise InvalidSteering("slot" if rule.slot else "item_id", "is for pins only")


def _placement(placement: Placement) -> None:
    check_name("name", placement.name)
    check_name("strategy", placement.strategy)
    _title(placement.title)
    _between("k", placement.k, 1, MAX_SLOT)
    if placement.banner not in BANNERS:
        raise InvalidSteering("banner", f"must be one of {', '.join(BANNERS)}")
    _between("rotation", placement.rotation, 0, 1)
    _between("rotation_seconds", placement.rotation_seconds, *ROTATION_BOUNDS)
    _finding(placement)


def _preset(preset: StrategyPreset) -> None:
    check_name("name", preset.name)
    check_name("base", preset.base)
    _finding(preset)


def _finding(one: Placement | StrategyPreset) -> None:
    _expression("filter", one.filter)
    if len(one.boosts) > MAX_BOOSTS:
        raise InvalidSteering("boosts", f"must have at most {MAX_BOOSTS} entries")
    for number, boost in enumerate(one.boosts):
        _boost(f"boosts.{number}", boost)
    _dials(one.dials)


def _boost(field: str, boost: Boost) -> None:
    if not boost.expression:
        raise InvalidSteering(f"{field}.expression", "must not be empty")
    _storable(f"{field}.expression", boost.expression)
    try:
        expressions.compile(boost.expression)
    except InvalidExpression as error:
        raise InvalidSteering(f"{field}.expression", str(error)) from None
    _between(f"{field}.weight", boost.weight, -1, 1)


def _dials(dials: Dials) -> None:
    for name in ("diversity", "exploration"):
        _between(f"dials.{name}", getattr(dials, name), 0, 1)
    for name in ("novelty", "price", "margin"):
        _between(f"dials.{name}", getattr(dials, name), -1, 1)


def _expression(field: str, text: str) -> None:
    if not text:
        return
    _storable(field, text)
    try:
        expressions.condition(text)
    except InvalidExpression as error:
        raise InvalidSteering(field, str(error)) from None


def _storable(field: str, text: str) -> None:
    if not is_storable(text):
        raise InvalidSteering(field, "must not contain NUL or half a character")


def _title(title: str) -> None:
    _label("title", title)
    if set("{}") & set(_TITLE_WORD.sub("", title)):
        raise InvalidSteering("title", "braces may only name {brand}, {category} or {item}")


def _label(field: str, text: str) -> None:
    if len(text) > MAX_LABEL:
        raise InvalidSteering(field, f"must have at most {MAX_LABEL} characters")
    if has_control(text):
        raise InvalidSteering(field, "must not contain control characters")


def _few(field: str, words: tuple[str, ...]) -> tuple[str, ...]:
    if len(words) > MAX_WORDS:
        raise InvalidSteering(field, f"must have at most {MAX_WORDS} entries")
    return words


def _between(field: str, number: float, least: float, most: float) -> None:
    if not math.isfinite(number) or not least <= number <= most:
        raise InvalidSteering(
            field, f"must be between {least:g} and {most:g}" if most > least else "must be 0"
        )


def _moment(field: str, moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise InvalidSteering(field, "must name its zone, such as Z or +01:00")
