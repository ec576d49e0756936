"""Whatever is typed into the forms that steer, a page answers, and no word becomes markup."""

import pytest
from flask.testing import FlaskClient

HOSTILE = {
    "markup": '"><script>alert("x")</script>',
    "nul": "a\x00b",
    "half a character": "\ud83d",
    "long": "x" * 20_000,
    "huge number": "9" * 400,
    "not a number": "nan",
    "endless": "inf",
    "template": "{{ 7 * 7 }} {% raw %} {item.__class__}",
    "emoji": "🛒" * 300,
    "deep": "(" * 900,
}
FORMS = {
    "/console/merchandising/rule": (
        "version", "rule_id", "name", "kind", "where", "value", "slot", "item_id", "by",
        "placements", "audience", "starts_at", "ends_at", "priority", "enabled", "do",
        "for_user", "for_session", "for_placement", "for_items",
    ),
    "/console/merchandising/placement": (
        "version", "name", "title", "strategy", "k", "banner", "filter", "expression", "weight",
        "dial_price", "hide", "for_user", "for_session", "for_placement", "for_items",
    ),
    "/console/merchandising/strategy": ("name", "strategy", "filter", "for_placement", "do"),
    "/console/merchandising/remove": ("subject", "name", "version"),
    "/console/merchandising/undo": ("change",),
    "/console/experiments": (
        "experiment_id", "name", "kind", "planned_users", "layer", "slice_from", "slice_to",
        "variant", "weight", "place", "strategy", "filter", "more",
    ),
    "/console/experiments/holdout": ("share", "strategy"),
}  # fmt: skip
GOOD = {
    "/console/merchandising/rule": {
        "rule_id": "r", "kind": "boost", "where": "price > 1", "value": "0.5", "enabled": "yes",
    },
    "/console/merchandising/placement": {
        "name": "home", "strategy": "popular", "k": "3", "banner": "none",
    },
    "/console/merchandising/strategy": {"name": "mine", "strategy": "popular"},
    "/console/merchandising/remove": {"subject": "rule", "name": "r"},
    "/console/merchandising/undo": {"change": "1"},
    "/console/experiments": {
        "experiment_id": "e", "variant": "a", "weight": "1", "place": "home", "strategy": "",
        "filter": "", "more": "",
    },
    "/console/experiments/holdout": {"share": "5", "strategy": "popular"},
}  # fmt: skip


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("do", ["save", "preview"])
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_field_takes_anything(console: FlaskClient, send, hostile: str, do: str) -> None:
    found = {}
    for address, fields in FORMS.items():
        for field in fields:
            value = hostile.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
            page = send(console, address, **GOOD[address] | {"do": do} | {field: value})
            sound = page.status_code in {200, 404, 409, 422} and "<script>alert" not in page.text
            if not sound or "Something went wrong" in page.text:
                found[address, field] = page.status_code

    assert found == {}


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("merchandising", "start"),
        ("merchandising/rule", "rule_id"),
        ("merchandising/placement", "name"),
        ("merchandising/strategy", "name"),
        ("merchandising/check", "where"),
        ("experiments/form", "experiment_id"),
        ("answers", "id"),
        ("answers", "user_id"),
        ("answers", "before"),
        ("why", "item_id"),
        ("why", "placement"),
    ],
)
def test_every_address_takes_anything(
    console: FlaskClient, path: str, name: str, hostile: str
) -> None:
    asked = {"user_id": b"u", name: hostile.encode("utf-8", "surrogatepass")}

    page = console.get(f"/console/{path}", query_string=asked)

    assert page.status_code in {200, 303, 404, 422}
    assert "<script>alert" not in page.text
