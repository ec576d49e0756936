"""What an answer holds ready as JSON says what the plain values say."""

import sys
from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from api import create_app
from api.config import ApiConfig
from api.present import product, product_json, recommendation, rows
from api.recommending import creatives
from api.recommending.briefs import Briefs
from api.recommending.degraded import Degraded
from api.runtime import Runtime
from generative.cache import as_dict, as_shown, from_json, shown_json, to_json
from generative.types import Banner, Copy, Creative, State
from recsys.types import Item, Persona, Reason, Recommendation, Source

ITEMS = [
    Item(
        item_id="a/ä🍞", title='"Quoted" <b>', category=("Grocery", "Bread"), price=Decimal("2.5")
    ),
    Item(item_id="b", title="No price", description="A text.", attributes={"z": "1", "a": "é"}),
    Item(item_id="c", title="Neither price nor text", brand="B\u2028"),
    Item(item_id="d", title="Was dearer", price=Decimal(1), was_price=Decimal(2), stock=0),
]
PERSONAS = [
    Persona(),
    Persona(categories=("Bread",), price_band="value"),
    Persona(categories=("100% free!", "Bread"), price_band="premium"),
    Persona(categories=("Bread",), price_band="mid"),
]


def read(fragment: orjson.Fragment) -> object:
    return orjson.loads(orjson.dumps(fragment))


def shown_of(here: Runtime, degraded: Degraded) -> list[object]:
    """What an answer shows of each item's creative, read back."""
    look = creatives.Look(here, here.briefs.keys(ITEMS, Persona(), "hero"), None, degraded)
    told = creatives.as_fragments(here, ITEMS, Persona(), "hero", degraded, look)
    return [read(one) for one in told]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("size", ["hero", "rectangle"])
def test_a_key_worked_out_in_parts_is_the_briefs_own(persona: Persona, size: str) -> None:
    quick, whole = Briefs("f1"), Briefs("f1")

    keys = quick.keys(ITEMS, persona, size)

    assert keys == [whole.of(item, persona, size).floor.key for item in ITEMS]
    assert keys == quick.keys(ITEMS, persona, size)


def test_a_changed_item_has_another_key() -> None:
    briefs = Briefs("f1")
    changed = replace(ITEMS[0], price=Decimal(9))

    before, after = (briefs.keys([one], Persona(), "hero") for one in (ITEMS[0], changed))

    assert before != after
    assert after == [briefs.of(changed, Persona(), "hero").floor.key]


def test_what_a_changed_item_was_is_not_held() -> None:
    briefs, was = Briefs("f1"), replace(ITEMS[0], price=Decimal(8))
    held = sys.getrefcount(was)
    for persona in PERSONAS:
        briefs.keys([was], persona, "hero")

    briefs.keys([replace(was, price=Decimal(9))], PERSONAS[0], "hero")

    assert sys.getrefcount(was) == held


def test_a_product_is_shown_as_it_is_now() -> None:
    for item in (*ITEMS, replace(ITEMS[0], price=Decimal(7))):
        assert read(product_json(item)) == product(item)


def test_a_recommendation_is_shown_whole() -> None:
    reason = Reason(kind="because_bought", text="Because", item_id="b")
    one = Recommendation(
        item_id="b", rank=1, score=0.12345678, source=Source.PERSONAL, reasons=(reason,)
    )

    told = orjson.loads(orjson.dumps(rows([one], [ITEMS[1]])))

    assert told == [recommendation(one) | {"product": product(ITEMS[1]), "creative": None}]


def test_a_stored_creative_is_shown_as_json_like_the_creative_itself(
    cached_config: ApiConfig,
    no_broker: None,  # noqa: ARG001 nobody is rung for
) -> None:
    here = create_app(cached_config).extensions["vitrine"]
    asked = here.briefs.of(ITEMS[0], Persona(), "hero")
    banner = Banner(path="k/k.jpg", sha256="0" * 64, width=1200, height=628)
    here.cache.put(replace(asked.floor, state=State.READY, banner=banner))

    made = creatives.for_slate(here, ITEMS, Persona(), "hero", Degraded())
    told = shown_of(here, Degraded())

    assert [one.state for one in made][:2] == [State.READY, State.FALLBACK]
    assert told == [as_shown(one) for one in made]
    here.close()


def test_without_a_cache_every_item_has_its_floor(here: Runtime) -> None:
    degraded = Degraded()

    told = shown_of(here, degraded)

    floors = [here.briefs.of(item, Persona(), "hero").floor for item in ITEMS]
    assert told == [as_shown(floor) for floor in floors]
    assert degraded.as_list() == ["creatives"]


@pytest.mark.parametrize("banner", [None, Banner(path="a.jpg", sha256="0" * 64, width=3, height=2)])
@pytest.mark.parametrize("state", list(State))
def test_a_stored_creative_is_shown_as_its_json(banner: Banner | None, state: State) -> None:
    creative = Creative(
        key="k",
        item_id="i",
        size="hero",
        state=state,
        copy=Copy(headline="H <b>", tagline="T", action="A"),
        banner=banner,
        provenance={"provider": "extractive"},
        checks={},
    )

    found = shown_json(to_json(creative))

    assert found is not None
    shown_state, shown = found

    assert shown_state is state
    assert read(shown) == as_shown(creative)
    assert read(shown) == {
        "key": "k",
        "state": state.value,
        "headline": "H <b>",
        "tagline": "T",
        "action": "A",
        "size": "hero",
        "banner_url": banner and "/creatives/k/banner",
        "width": banner and 3,
        "height": banner and 2,
        "alt": "H <b>" if banner else "",
        "generated_by": "extractive",
        "ai_generated": False,
    }


@pytest.mark.parametrize(
    "value",
    [b"", b"null", b"\n\n", b"ready 1", b'ready 1\n{"key": "k"}', b"ready 0\n{}\n{}", b"\xff"],
)
def test_what_cannot_be_read_as_a_creative_is_as_good_as_none(value: bytes) -> None:
    assert shown_json(value) is None
    assert from_json(value) is None


def test_what_a_release_left_that_kept_no_line_to_show_is_as_good_as_none() -> None:
    floor = Briefs("f1").of(ITEMS[0], Persona(), "hero").floor
    value = orjson.dumps(as_dict(floor))

    assert shown_json(value) is None
    assert from_json(value) is None


def test_no_words_of_a_creative_are_taken_for_the_end_of_a_line() -> None:
    floor = Briefs("f1").of(ITEMS[0], Persona(), "hero").floor
    odd = replace(floor, copy=Copy(headline="a\nb\u2028", tagline='\n{"', action="ready 1\n"))

    found = shown_json(to_json(odd))

    assert found is not None
    assert read(found[1]) == as_shown(odd)
    assert from_json(to_json(odd)) == odd
