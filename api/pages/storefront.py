"""The sample shop. It asks what any shop's server would ask, and shows the answer's own reasons."""

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from flask.blueprints import BlueprintSetupState

from api.errors import Problem
from api.pages import answers, deeds
from api.pages import shopper as shoppers
from api.pages.hero import SIZE as HERO
from api.pages.hero import Hero, hero_of
from api.pages.rows import ASKED, at, home_rows, item_rows, listing_row
from api.pages.tiles import Link, Tile, category_href, item_href, of_answer, of_item
from api.pages.window import EXTENSION, Regulars, Window, children, look
from api.recommending import creatives, slates
from api.recommending.degraded import Degraded
from api.runtime import runtime
from generative.cache import as_shown
from generative.types import State
from recsys.types import EventKind, Item

LISTED = 48
CHIPS = 24
LOW_STOCK = 5
FORM_LIMIT_BYTES = 10_000
_DEEDS = {"cart": EventKind.CART, "purchase": EventKind.PURCHASE}
_DONE = {"cart": "Added to your cart.", "purchase": "Bought. Thank you."}

blueprint = Blueprint("storefront", __name__)
answers.install(blueprint)


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions.setdefault(EXTENSION, Regulars())


@blueprint.before_request
def _gate() -> Response | None:
    here = runtime()
    if not here.config.secret_key:
        return answers.problem_page(503, answers.NOTHING_TO_SIGN_WITH)
    request.max_content_length = FORM_LIMIT_BYTES
    if request.method == "POST":
        shoppers.check_csrf()
    return None


blueprint.after_request(shoppers.keep)
blueprint.add_url_rule("/shop/<path:_nowhere>", "nowhere", answers.nowhere)


@blueprint.context_processor
def _form_token() -> dict[str, Any]:
    return {"csrf_token": lambda: shoppers.current().csrf}


@blueprint.get("/")
def home() -> Response:
    here = runtime()
    window = look(here)
    ask = at("home", window.shopper, k=ASKED, exclude=window.just_seen)
    answer = slates.plain(here, ask, leading=HERO)
    picks = of_answer(answer)
    hero = hero_of(here, window, answer, picks)
    rows = home_rows(here, window, answer, picks, top=None if hero is None else hero.tile)
    return _page("shop/home.html", window, hero=hero, rows=rows)


@blueprint.get("/shop/hero/<key>")
def hero_state(key: str) -> Response:
    """Whether a hero's banner is made by now, for the page that waits for it."""
    creative = creatives.by_key(runtime(), key[:64], Degraded())
    if creative is None or creative.banner is None or creative.state is not State.READY:
        return jsonify({"banner_url": None})
    shown = as_shown(creative)
    return jsonify({"banner_url": shown["banner_url"], "alt": Hero.words_of(shown)})


@blueprint.get("/shop/item/<path:item_id>")
@blueprint.get("/shop/item")
def item(item_id: str | None = None) -> Response:
    here = runtime()
    item_id = item_id or request.args.get("id", "")
    rid = deeds.recommendation_id_of(request.args.get("rid", ""))
    known = look(here).shelf.items.get(item_id)
    if known is None or known.hidden:
        return _missing("This item is not on our shelves", "It may be gone for good.")
    if "after" not in request.args:  # back from a form of this very page: that is no second look
        deeds.viewed(here, shoppers.current(), item_id, recommendation_id=rid)
    # Looked at again, so that the line about what was noted is read from the record.
    window = look(here, tab=known.category[0] if known.category else "")
    return _page(
        "shop/item.html",
        window,
        item=known,
        tile=of_item(known),
        crumbs=_crumbs(known.category),
        stock=_stock(known),
        facts=_facts(known),
        done=_DONE.get(request.args.get("after", ""), ""),
        event_id=deeds.new_event_id(),
        recommendation_id=rid,
        rows=item_rows(here, window.shopper, item_id),
    )


@blueprint.post("/shop/do")
def act() -> Response:
    """Add to the cart, or buy: nothing is charged, but it is noted."""
    here = runtime()
    kind = _DEEDS.get(request.form.get("deed", ""))
    item_id = request.form.get("item_id", "")
    if kind is None or item_id not in look(here).shelf.items:
        raise Problem(422, "that can be done with no item of this shop")
    deeds.done(here, shoppers.current(), item_id, kind)
    return _go(item_href(item_id, after=kind.value))


@blueprint.get("/shop/category/<path:path>")
def category(path: str) -> Response:
    here = runtime()
    parts = tuple(part for part in path.split("/") if part)
    window = look(here, tab=parts[0] if parts else "")
    answer = slates.plain(here, at("category", window.shopper, k=LISTED, category=parts))
    row = listing_row(of_answer(answer), title=answer["title"])
    return _page(
        "shop/listing.html",
        window,
        status=200 if row else 404,
        heading=parts[-1] if parts else "Everything",
        crumbs=_crumbs(parts[:-1]),
        chips=[
            Link(name=name, href=category_href((*parts, name)))
            for name in children(window.shelf, parts)[:CHIPS]
        ],
        rows=[row] if row else [],
        empty_title="This shelf is empty",
        empty_text="There is nothing in this category now.",
    )


@blueprint.get("/shop/search")
def search() -> Response:
    here = runtime()
    text = request.args.get("q", "").strip()[:100]
    window = look(here, search=text)
    found: tuple[Tile, ...] = ()
    if text:
        found = of_answer(slates.plain(here, at("search", window.shopper, k=LISTED, text=text)))
    return _page(
        "shop/listing.html",
        window,
        heading=f"Results for “{text}”" if text else "Search",
        lead=f"{len(found)} shown" if found else "",
        rows=[listing_row(found, title="Found")] if found else [],
        empty_title="Nothing found" if text else "What are you looking for?",
        empty_text="Words are looked for in titles, brands and categories. Try fewer or shorter words.",
    )


@blueprint.post("/shop/shopper")
def switch() -> Response:
    """Be one of the regulars, or a visitor nobody has met."""
    wanted = request.form.get("shopper", "")
    window = look(runtime())
    now = window.shopper
    if any(person.user_id == wanted for person in window.people):
        shoppers.become(replace(now, user_id=wanted, known=True))
    elif wanted == "new":
        shoppers.become(replace(shoppers.newcomer(), consent=now.consent))
        if not now.consent:
            shoppers.become(replace(shoppers.current(), user_id=None))
    return _go("/")


@blueprint.post("/shop/consent")
def consent() -> Response:
    given = request.form.get("consent") == "1"
    shoppers.become(shoppers.with_consent(shoppers.current(), consent=given))
    return _go("/")


def _page(template: str, window: Window, *, status: int = 200, **values: Any) -> Response:
    return make_response(render_template(template, shop=window, **values), status)


def _missing(title: str, text: str) -> Response:
    return _page(
        "shop/listing.html",
        look(runtime()),
        status=404,
        heading=title,
        rows=[],
        empty_title="Nothing here",
        empty_text=text,
    )


def _go(target: str) -> Response:
    return Response("", 303, headers={"Location": target})


def _crumbs(path: tuple[str, ...]) -> list[Link]:
    return [
        Link(name=name, href=category_href(path[: depth + 1])) for depth, name in enumerate(path)
    ]


def _stock(item: Item) -> str:
    if not item.in_stock:
        return "Sold out"
    if item.stock is not None and item.stock <= LOW_STOCK:
        return f"Only {item.stock} left"
    return "In stock"


def _facts(item: Item) -> list[tuple[str, str]]:
    return [(name.replace("_", " ").capitalize(), value) for name, value in item.attributes.items()]
