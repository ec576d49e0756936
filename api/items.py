"""The catalogue over HTTP. Ids may hold slashes: a path's tail `/similar` or `/bought-together` is ours."""

import io
from collections.abc import Mapping
from typing import IO, Any

from apiflask import APIBlueprint
from flask import Response, request

from api import auth, imports, parsing
from api.errors import RETRY_SECONDS, Problem, invalid
from api.present import whole_item
from api.recommending import opening, slates
from api.recommending.settling import Ask, about, moment
from api.recommending.wishes import SlateOut
from api.runtime import DATABASE_ERRORS, Runtime, runtime
from api.schemas import (
    ImportOut,
    ImportQuery,
    ItemBody,
    ItemOut,
    ItemsOut,
    PatchBody,
    RowQuery,
    SearchQuery,
)
from recsys.catalogue import items
from recsys.catalogue.feeds import FeedFormat, parse_changes, parse_item
from recsys.database import reading, writing
from recsys.errors import UnknownItem
from recsys.serving.strategies import searching
from recsys.tables import id_problem
from recsys.types import Item, Query

_NEVER_READ = "the database is away and this process has not read the catalogue yet; try again"

blueprint = APIBlueprint("items", __name__, tag="Catalogue")
blueprint.before_request(auth.need_admin_to_write)


@blueprint.get("/items")
@blueprint.output(ItemsOut)
@parsing.takes(blueprint, SearchQuery, "query")
def search(query: SearchQuery) -> Response:
    """Visible items that hold the words, in title, brand or category: the best fit first.

    Without words those that sell most.
    """
    one = opening.look(runtime(), Ask(query=Query(now=moment()))).assortment
    found = searching.listed(one, query.search, query.limit)
    return parsing.answer({"items": [whole_item(one.shelf.items[item_id]) for item_id in found]})


@blueprint.post("/items/import")
@blueprint.output(ImportOut)
@blueprint.doc(
    description="The feed as the body, or as the file `file` of a form. Its format comes from "
    "`?format=` or the Content-Type. Good lines are kept, the first 100 bad ones reported."
)
@parsing.takes(blueprint, ImportQuery, "query")
def import_feed(query: ImportQuery) -> Response:
    """Read a CSV, JSON lines or Google Merchant feed."""
    here = runtime()
    request.max_content_length = here.config.max_upload_bytes
    upload = parsing.sent_file()
    feed_format = imports.format_of(query.format, upload or request)
    stream = io.BufferedReader(request.stream) if upload is None else upload.stream  # type: ignore[type-var] # werkzeug says IO, and gives a raw one
    return parsing.answer(taken(here, stream, feed_format))


def taken(here: Runtime, stream: IO[bytes], feed_format: FeedFormat) -> dict[str, Any]:
    """Import every good line, here and in the console, and let every process know."""
    missing: list[str] = []
    try:
        answered = imports.run(here.engine, stream, feed_format)
    finally:  # what was kept before the database went away is kept
        missing += here.pulse.catalogue_changed()
    if answered["accepted"]:
        _read_words(here, None)
    return answered | {"degraded": missing}


@blueprint.get("/items/<any_id:item_id>/similar")
@blueprint.output(SlateOut)
@parsing.takes(blueprint, RowQuery, "query")
def similar(item_id: str, query: RowQuery) -> Response:
    """Items that the same shoppers like."""
    return parsing.answer(_beside("similar", item_id, query))


@blueprint.get("/items/<any_id:item_id>/bought-together")
@blueprint.output(SlateOut)
@parsing.takes(blueprint, RowQuery, "query")
def bought_together(item_id: str, query: RowQuery) -> Response:
    """Items of the same baskets, rather none than random ones."""
    return parsing.answer(_beside("bought_together", item_id, query))


@blueprint.get("/items/<any_id:item_id>")
@blueprint.output(ItemOut)
def read(item_id: str) -> Response:
    """One item, hidden or not."""
    here, known = runtime(), _id(item_id)
    try:
        with here.database.asking(), reading(here.engine) as session:
            item = items.get(session, known)
    except DATABASE_ERRORS:
        if not here.shelf.items:
            raise Problem(503, _NEVER_READ, headers={"Retry-After": RETRY_SECONDS}) from None
        item = here.shelf.items.get(known)  # the last shelf this process has read
    if item is None:
        raise UnknownItem(item_id)
    return parsing.answer(whole_item(item))


@blueprint.put("/items/<any_id:item_id>")
@blueprint.output(ItemOut)
@parsing.takes(blueprint, ItemBody, "body")
def put(item_id: str, body: ItemBody) -> Response:
    """Write one item whole: 201 where it was not there before."""
    fields = body.model_dump(exclude_unset=True)
    item = parse_item(_id(item_id), fields)
    if problem := imports.reserved(item_id):
        raise invalid("item_id", problem)
    here = runtime()
    with writing(here.engine) as session:
        created = items.put(session, item)
        kept = items.get(session, item_id)
    missing = here.pulse.catalogue_changed()
    _read_words(here, [item_id])
    answered = whole_item(kept or item) | {"degraded": missing}
    return parsing.answer(answered, 201 if created else 200)


@blueprint.patch("/items/<any_id:item_id>")
@blueprint.output(ItemOut)
@parsing.takes(blueprint, PatchBody, "body")
def patch(item_id: str, body: PatchBody) -> Response:
    """Change price, stock or hidden; null means unknown price, untracked stock."""
    changes = parse_changes(body.model_dump(exclude_unset=True))
    if not changes:
        raise Problem(422, "send at least one of price, stock, hidden")
    item, missing = changed(runtime(), _id(item_id), changes)
    return parsing.answer(whole_item(item) | {"degraded": missing})


def changed(here: Runtime, item_id: str, changes: Mapping[str, Any]) -> tuple[Item, list[str]]:
    """Change an item, here and in the console, and let every process know.

    Raises:
        UnknownItem: There is none of that id.
    """
    with writing(here.engine) as session:
        item = items.patch(session, item_id, changes)
    return item, here.pulse.catalogue_changed()


def _beside(strategy: str, item_id: str, query: RowQuery) -> dict[str, Any]:
    return slates.answer(runtime(), about(strategy, _id(item_id), k=query.k, banner=query.banner))


def _read_words(here: Runtime, item_ids: list[str] | None) -> None:
    """Have a worker place these items, or all that wait; unheard, the sweep sees to it."""
    if here.config.recsys.text_encoder != "none":
        here.bell.items(item_ids)


def _id(item_id: str) -> str:
    problem = id_problem(item_id)
    if problem:
        raise invalid("item_id", problem)
    return item_id
