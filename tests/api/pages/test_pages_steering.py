"""Rules, placements and strategies in the console: written, previewed, undone, and refused in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.runtime import Runtime
from recsys.database import reading, writing
from recsys.merchandising import store
from recsys.merchandising.steering import Steering
from recsys.merchandising.types import Placement, Rule, RuleKind, Subject

HOSTILE = '<script>alert("x")</script>'
RULE = {
    "version": "0",
    "rule_id": "fruit",
    "name": "Fruit first",
    "kind": "boost",
    "where": 'category == "Grocery/Fruit"',
    "value": "0.9",
    "priority": "3",
    "enabled": "yes",
    "do": "save",
}


def state(here: Runtime) -> Steering:
    with reading(here.engine) as session:
        return store.refresh(session, Steering())


def written(here: Runtime, *rules: Rule) -> None:
    with writing(here.engine) as session:
        for rule in rules:
            store.put(session, rule, who="test", now=datetime.now(UTC))


def test_without_a_login_there_is_nothing_to_steer(client: FlaskClient) -> None:
    for path in ("", "/rule", "/placement", "/strategy", "/check?where=x"):
        assert client.get(f"/console/merchandising{path}").status_code == 303


def test_a_rule_is_kept_as_it_was_typed(console: FlaskClient, here: Runtime, send) -> None:
    typed = RULE | {
        "placements": "home",
        "audience": "new, premium",
        "starts_at": "2026-06-01T08:00",
        "ends_at": "2036-06-01T08:00",
    }

    page = send(console, "/console/merchandising/rule", **typed)

    assert "Rule fruit is kept and in force." in page.text
    (kept,) = state(here).rules
    assert kept == Rule(
        rule_id="fruit",
        name="Fruit first",
        kind=RuleKind.BOOST,
        where='category == "Grocery/Fruit"',
        value=0.9,
        placements=("home",),
        audience=("new", "premium"),
        starts_at=datetime(2026, 6, 1, 8, tzinfo=UTC),
        ends_at=datetime(2036, 6, 1, 8, tzinfo=UTC),
        priority=3,
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"where": "price < "}, "at character 8"),
        ({"where": ""}, "a boost rule needs an expression"),
        ({"value": "2"}, "must be between 0 and 1"),
        ({"value": "much"}, "valid number"),
        ({"rule_id": "no spaces"}, "letters, digits"),
        ({"rule_id": "history"}, "address of its own"),
        ({"kind": "shout"}, "kind"),
        ({"priority": "high"}, "valid integer"),
        ({"starts_at": "soon"}, "is no date and time"),
        ({"starts_at": "2036-01-02T00:00", "ends_at": "2036-01-01T00:00"}, "later than starts_at"),
        ({"kind": "pin", "slot": "1", "item_id": "", "where": ""}, "either an item or an"),
        ({"kind": "cap", "value": "1.5", "by": "brand"}, "a cap is a whole number"),
    ],
)
def test_what_cannot_be_meant_is_told_and_stays_typed(
    console: FlaskClient, here: Runtime, send, text, change: dict[str, str], says: str
) -> None:
    page = send(console, "/console/merchandising/rule", **RULE | change)

    assert page.status_code == 422
    assert says in text(page.text)
    assert 'value="Fruit first"' in page.text
    assert state(here).rules == ()


def test_fields_of_another_kind_are_not_in_the_way(
    console: FlaskClient, here: Runtime, send
) -> None:
    typed = RULE | {"kind": "exclude", "slot": "4", "item_id": "i1", "by": "brand", "value": "7"}

    send(console, "/console/merchandising/rule", **typed)

    assert [(rule.kind, rule.value, rule.slot) for rule in state(here).rules] == [
        (RuleKind.EXCLUDE, 0, 0)
    ]


@pytest.mark.usefixtures("stocked")
def test_an_expression_is_judged_as_one_leaves_it(console: FlaskClient, text) -> None:
    def said(where: str) -> str:
        return text(console.get("/console/merchandising/check", query_string={"where": where}).text)

    assert "It holds for 3 of 12 visible items" in said("price <= 3")
    assert "at character 8" in said("price <")
    assert "depends on the item of the page" in said("price < item.price")
    assert said("").strip() == ""
    assert (
        "<script>"
        not in console.get("/console/merchandising/check", query_string={"where": HOSTILE}).text
    )


@pytest.mark.usefixtures("trained")
def test_a_preview_shows_what_moves_and_keeps_nothing(
    console: FlaskClient, here: Runtime, send, text
) -> None:
    typed = RULE | {"kind": "pin", "slot": "1", "item_id": "i11", "do": "preview", "where": ""}

    page = send(console, "/console/merchandising/rule", **typed)

    words = text(page.text)
    assert page.status_code == 200
    assert "1 up" in words
    assert "by fruit" in words
    assert "What the rules cost" in words
    assert state(here).version == 0


@pytest.mark.usefixtures("trained")
def test_a_preview_says_why_a_rule_changes_nothing(console: FlaskClient, send, text) -> None:
    asleep = RULE | {"audience": "premium", "do": "preview"}
    later = RULE | {"starts_at": "2040-01-01T00:00", "do": "preview"}

    assert "not in force for this shopper" in text(
        send(console, "/console/merchandising/rule", **asleep).text
    )
    assert "As of its start, 2040-01-01 00:00 UTC" in text(
        send(console, "/console/merchandising/rule", **later).text
    )


def test_states_are_told_in_words(console: FlaskClient, here: Runtime, text) -> None:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    same: dict[str, Any] = {"kind": RuleKind.EXCLUDE, "where": "price > 1"}
    written(
        here,
        Rule(rule_id="a", starts_at=now + day, **same),
        Rule(rule_id="b", ends_at=now - day, **same),
        Rule(rule_id="c", enabled=False, **same),
        Rule(rule_id="d", placements=("hme",), name=HOSTILE, **same),
    )

    page = console.get("/console/merchandising").text

    words = text(page)
    assert [word in words for word in ("waiting", "ended", "off", "in force")] == [True] * 4
    assert "no placement is called 'hme'" in words
    assert "<script>alert" not in page


def test_a_change_is_undone_once_and_says_so(console: FlaskClient, here: Runtime, send) -> None:
    written(here, Rule(rule_id="a", kind=RuleKind.EXCLUDE, where="price > 1"))
    written(here, Rule(rule_id="a", kind=RuleKind.EXCLUDE, where="price > 2"))

    page = send(console, "/console/merchandising/undo", change="2")
    again = send(console, "/console/merchandising/undo", change="2")

    assert "Change 2 is undone." in page.text
    assert "where: price &gt; 2 → price &gt; 1" in page.text
    assert "has been changed by version 3" in again.text
    assert [rule.where for rule in state(here).rules] == ["price > 1"]


@pytest.mark.parametrize("change", ["", "x", "0", "99", "9" * 40, "-1", "٣"])
def test_what_was_never_changed_cannot_be_undone(
    console: FlaskClient, here: Runtime, send, change: str
) -> None:
    page = send(console, "/console/merchandising/undo", change=change)

    assert page.status_code == 200
    assert "has been written" in page.text
    assert state(here).version == 0


def test_two_who_edit_one_rule_do_not_overwrite_each_other(
    console: FlaskClient, here: Runtime, send
) -> None:
    written(here, Rule(rule_id="fruit", kind=RuleKind.EXCLUDE, where="price > 1"))

    page = send(console, "/console/merchandising/rule", **RULE | {"version": "0"})

    assert page.status_code == 422
    assert "has been changed by version 1" in page.text
    assert [rule.kind for rule in state(here).rules] == [RuleKind.EXCLUDE]


def test_a_rule_is_deleted_and_brought_back(console: FlaskClient, here: Runtime, send) -> None:
    written(here, Rule(rule_id="a", kind=RuleKind.EXCLUDE, where="price > 1"))

    send(console, "/console/merchandising/remove", subject="rule", name="a", version="1")
    gone = state(here).rules
    send(console, "/console/merchandising/undo", change="2")

    assert gone == ()
    assert [rule.rule_id for rule in state(here).rules] == ["a"]


@pytest.mark.parametrize("subject", ["rule", "placement", "strategy", "throne"])
def test_nothing_that_is_not_there_is_removed(console: FlaskClient, send, subject: str) -> None:
    page = send(console, "/console/merchandising/remove", subject=subject, name="nobody")

    assert page.status_code in {200, 404}
    assert "has been written" in page.text


def test_a_form_without_its_token_changes_nothing(console: FlaskClient, here: Runtime) -> None:
    refused = console.post("/console/merchandising/rule", data=RULE)

    assert refused.status_code == 403
    assert state(here).version == 0


def test_a_placement_is_kept_as_it_was_typed(console: FlaskClient, here: Runtime, send) -> None:
    typed = {
        "version": "0",
        "name": "home",
        "title": "For you",
        "strategy": "trending",
        "k": "7",
        "banner": "none",
        "filter": "price > 1",
        "expression": "discount > 0.2",
        "weight": "0.5",
        "dial_diversity": "0.3",
        "hide": "seen",
        "rotation": "0.2",
        "rotation_seconds": "2592000",
        "do": "save",
    }

    page = send(console, "/console/merchandising/placement", **typed)

    assert "Placement home is kept" in page.text
    kept = state(here).placements["home"]
    assert (kept.title, kept.strategy, kept.k, kept.filter) == (
        "For you",
        "trending",
        7,
        "price > 1",
    )
    assert [(boost.expression, boost.weight) for boost in kept.boosts] == [("discount > 0.2", 0.5)]
    assert (kept.dials.diversity, kept.hide, kept.hide_in_cart) == (0.3, "seen", False)
    assert (kept.rotation, kept.rotation_seconds) == (0.2, 2_592_000)


@pytest.mark.usefixtures("trained")
def test_a_placements_strategy_is_previewed(console: FlaskClient, send, text) -> None:
    typed = {"name": "home", "strategy": "newest", "k": "3", "banner": "none", "do": "preview"}

    words = text(send(console, "/console/merchandising/placement", **typed).text)

    after = words.split("With this")[1]
    order = [after.index(f"number {number} ") for number in (0, 1, 2)]
    assert order == sorted(order)


@pytest.mark.usefixtures("trained")
def test_a_strategy_is_previewed_where_it_would_stand(console: FlaskClient, send, text) -> None:
    typed = {
        "name": "dear",
        "strategy": "newest",
        "filter": "price > 10",
        "for_placement": "home",
        "do": "preview",
    }

    words = text(send(console, "/console/merchandising/strategy", **typed).text)

    after = words.split("With this")[1]
    assert "number 10" in after
    assert "number 11" in after
    assert "number 9 " not in after


@pytest.mark.parametrize(
    ("what", "change", "says"),
    [
        ("placement", {"k": "many"}, "valid integer"),
        ("placement", {"title": "{nobody}"}, "braces may only name"),
        ("placement", {"filter": "price <"}, "at character 8"),
        ("placement", {"expression": "price <", "weight": "1"}, "at character 8"),
        ("placement", {"dial_price": "3"}, "less than or equal to 1"),
        ("strategy", {"name": ""}, "letters, digits"),
        ("strategy", {"strategy": ""}, "pattern"),
    ],
)
def test_a_placement_or_strategy_that_cannot_be_meant_is_told(
    console: FlaskClient, here: Runtime, send, text, what: str, change: dict[str, str], says: str
) -> None:
    typed = {"name": "x", "strategy": "popular", "k": "5", "banner": "none", "do": "save"}

    page = send(console, f"/console/merchandising/{what}", **typed | change)

    assert page.status_code == 422
    assert says in text(page.text)
    assert state(here).version == 0


def test_a_placement_that_came_with_the_program_is_as_it_came_again(
    console: FlaskClient, here: Runtime, send
) -> None:
    with writing(here.engine) as session:
        store.put(session, Placement(name="home", k=3), who="test", now=datetime.now(UTC))

    send(console, "/console/merchandising/remove", subject="placement", name="home", version="1")

    assert state(here).placements["home"].k == 20
    assert (Subject.PLACEMENT, "home") not in state(here).changed_in


@pytest.mark.parametrize("path", ["rule?rule_id=x", "placement?name=x", "strategy?name=x"])
def test_what_nobody_has_written_is_a_404(console: FlaskClient, path: str) -> None:
    assert console.get(f"/console/merchandising/{path}").status_code == 404
