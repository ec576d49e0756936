"""Rules reach items that the strategy alone would not have proposed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from math import prod
from typing import Any

import pytest

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.merchandising.types import CapBy, Rule, RuleKind
from recsys.serving import assortment as assortments
from recsys.serving import ranking
from recsys.serving.asking import Memo
from recsys.serving.assortment import Assortment
from recsys.serving.ranking import Steer
from recsys.types import Dials, EventKind, Hide, Item, Query, UserHistory

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PAST = UserHistory(user_id="u", item_ids=("i0001",), kinds=(EventKind.VIEW,))


@pytest.fixture
def shop(drawn: Callable[..., ModelBundle]) -> Assortment:
    bundle = drawn(3, n=900)
    return assortments.of(bundle, Shelf.of([Item(item_id=i, title=i) for i in bundle.item_ids]))


def shown(shop: Assortment, *rules: Rule, **asked: Any) -> list[str]:
    query = Query(now=NOW, **{"k": 20} | asked)
    slate = ranking.rank(shop, query, PAST, steer=Steer(rules=rules))
    return [one.item_id for one in slate.recommendations]


def far_down(shop: Assortment) -> list[str]:
    """The best five of those that stand below the candidates a slate is chosen from."""
    return shown(shop, k=800)[400:405]


def listed(item_ids: list[str]) -> str:
    return "item_id in [" + ", ".join(f'"{one}"' for one in item_ids) + "]"


@pytest.mark.parametrize("strict", [False, True])
def test_a_share_of_a_small_set_is_met(shop: Assortment, *, strict: bool) -> None:
    wanted = far_down(shop)
    share = Rule(rule_id="s", kind=RuleKind.SHARE, where=listed(wanted), value=0.25)

    found = shown(shop, share, strict=strict)

    assert found == [*shown(shop)[:15], *wanted]


def test_a_pin_by_expression_finds_the_best_of_a_small_set(shop: Assortment) -> None:
    wanted = far_down(shop)
    pin = Rule(rule_id="p", kind=RuleKind.PIN, where=listed(wanted[1:]), slot=1)

    assert shown(shop, pin) == [wanted[1], *shown(shop)[:19]]


def test_a_pin_that_got_no_slot_shows_nothing(shop: Assortment) -> None:
    first, second, third = (
        Rule(rule_id=f"p{n}", kind=RuleKind.PIN, item_id=one, slot=slot, priority=-n)
        for n, (one, slot) in enumerate(zip(far_down(shop)[:3], (1, 1, 9), strict=True))
    )
    few = listed(shown(shop, k=3) + far_down(shop))

    found = ranking.rank(
        shop,
        Query(now=NOW, k=8, strategy="similar", item_ids=("i0001",), filters=(few,), strict=True),
        PAST,
        steer=Steer(rules=(first, second, third)),
    ).recommendations

    assert [(one.item_id, one.placed_by) for one in found if one.source.value == "pinned"] == [
        (first.item_id, "p0")
    ]


@pytest.mark.parametrize("strict", [False, True])
def test_a_cap_never_shortens_a_slate_while_others_are_in_stock(
    shop: Assortment, *, strict: bool
) -> None:
    best = shown(shop, k=800)
    shelf = Shelf.of(
        [Item(item_id=i, title=i, brand="A" if i in best[:790] else i) for i in shop.item_ids]
    )
    one = assortments.of(shop.bundle, shelf)
    cap = Rule(rule_id="c", kind=RuleKind.CAP, by=CapBy.BRAND, value=2)

    found = shown(one, cap, strategy="personal", strict=strict)

    assert len(found) == 20
    assert len(set(found) & set(best[:790])) == 2


def test_a_cap_leaves_room_that_is_filled_from_what_the_strategy_does_not_propose(
    shop: Assortment,
) -> None:
    near = shown(shop, k=100, strategy="similar", item_ids=("i0001",), strict=True)
    shelf = Shelf.of(
        [Item(item_id=i, title=i, brand="A" if n < 890 or i in near else i)
         for n, i in enumerate(shop.item_ids)]
    )  # fmt: skip
    one = assortments.of(shop.bundle, shelf)
    cap = Rule(rule_id="c", kind=RuleKind.CAP, by=CapBy.BRAND, value=2)

    assert len(shown(one, cap, k=8, strategy="similar", item_ids=("i0001",))) == 8


@pytest.mark.parametrize("strategy", ["session", "taste"])
def test_rows_of_one_page_never_take_each_others_shopper(shop: Assortment, strategy: str) -> None:
    """Histories that a strategy makes up live for one row: the next may lie at the same address."""
    field = "item_ids" if strategy == "session" else "liked"
    rows = [Query(now=NOW, k=5, strategy=strategy, **{field: (f"i{n:04}",)}) for n in range(40)]
    memo: Memo = {}

    together = [ranking.rank(shop, row, UserHistory(), memo=memo) for row in rows]

    assert together == [ranking.rank(shop, row, UserHistory()) for row in rows]


def test_nobody_of_a_group_is_shown_what_they_dismissed_or_have(shop: Assortment) -> None:
    query = Query(now=NOW, k=5, strategy="group")
    first, second = PAST, UserHistory(user_id="v", item_ids=("i0002",), kinds=(EventKind.VIEW,))
    plain = ranking.rank(shop, query, UserHistory(), members=(first, second))
    dismissed, bought, *_ = [one.item_id for one in plain.recommendations]
    kinds = (EventKind.VIEW, EventKind.DISMISS, EventKind.PURCHASE)
    second = replace(second, item_ids=("i0002", dismissed, bought), kinds=kinds)

    found = ranking.rank(shop, query, UserHistory(), members=(first, second))

    assert not {dismissed, bought} & {one.item_id for one in found.recommendations}
    assert found.excluded == {"seen": 2}


def test_a_pinned_item_was_not_left_to_chance(shop: Assortment) -> None:
    (last,) = far_down(shop)[-1:]
    pin = Rule(rule_id="p", kind=RuleKind.PIN, item_id=last, slot=2)
    query = Query(now=NOW, k=5, dials=Dials(exploration=0.5), seed=3)

    found = ranking.rank(shop, query, PAST, steer=Steer(rules=(pin,))).recommendations

    assert (found[1].item_id, found[1].propensity) == (last, 1.0)
    assert all(0 < one.propensity < 1 for one in found if one is not found[1])


BRANDS = "AABB"
RULES = [
    Rule(rule_id="named", kind=RuleKind.PIN, item_id="{0}", slot=2),
    Rule(rule_id="best", kind=RuleKind.PIN, where='brand == "B"', slot=1),
    Rule(rule_id="cap", kind=RuleKind.CAP, by=CapBy.BRAND, value=1),
    Rule(rule_id="share", kind=RuleKind.SHARE, where='brand == "B"', value=0.5),
    Rule(rule_id="wide", kind=RuleKind.CAP, by=CapBy.BRAND, value=2),
]


@pytest.mark.parametrize(
    "names", [["named"], ["best"], ["cap"], ["share"], ["named", "share", "wide"], ["best", "cap"]]
)
def test_under_rules_slates_come_as_often_as_their_chances_say(
    drawn: Callable[..., ModelBundle], names: list[str]
) -> None:
    bundle = drawn(3)
    item_ids = bundle.item_ids[10:14]
    items = zip(item_ids, BRANDS, strict=True)
    shop = assortments.of(bundle, Shelf.of([Item(item_id=i, title=i, brand=b) for i, b in items]))
    rules = tuple(
        replace(one, item_id=one.item_id and one.item_id.format(*item_ids))
        for one in RULES
        if one.rule_id in names
    )
    n = 3_000
    chance: dict[tuple[str, ...], float] = {}
    seen: Counter[tuple[str, ...]] = Counter()
    for seed in range(n):
        query = Query(now=NOW, k=3, hide=Hide.NONE, dials=Dials(exploration=0.8), seed=seed)
        found = ranking.rank(shop, query, PAST, steer=Steer(rules=rules)).recommendations
        slate = tuple(one.item_id for one in found)
        seen[slate] += 1
        chance[slate] = prod(one.propensity for one in found)

    assert sum(chance.values()) == pytest.approx(1, abs=1e-6)
    for slate, times in seen.items():
        assert times == pytest.approx(n * chance[slate], abs=4 * (n * chance[slate]) ** 0.5)


@pytest.mark.parametrize("strict", [False, True])
def test_a_cap_that_closes_all_candidates_looks_further_down(
    drawn: Callable[..., ModelBundle], *, strict: bool
) -> None:
    bundle = drawn(3, n=900)
    plain = assortments.of(bundle, Shelf.of([Item(item_id=i, title=i) for i in bundle.item_ids]))
    liked = shown(plain, k=500)
    items = [Item(item_id=i, title=i, brand="Acme" if i in liked else i) for i in bundle.item_ids]
    shop = assortments.of(bundle, Shelf.of(items))
    cap = Rule(rule_id="c", kind=RuleKind.CAP, by=CapBy.BRAND, value=1)

    found = shown(shop, cap, strict=strict)

    assert found == [liked[0], *shown(plain, k=519)[500:]]
