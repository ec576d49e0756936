"""Which blueprint serves what; the one list of them all."""

from apiflask import APIBlueprint, APIFlask
from werkzeug.routing import PathConverter

from api import (
    admin,
    backdrops,
    banners,
    brand,
    campaigns,
    collages,
    docs,
    earnings,
    events,
    health,
    items,
    mailing,
    media,
    providers,
    users,
    variants,
    voices,
)
from api.config import ApiConfig
from api.recommending import (
    comparing,
    explaining,
    previewing,
    profile,
    recommend,
    replaying,
    whole_page,
)
from api.steering import estimating, experiments, placements, rules


class AnyId(PathConverter):
    """The rest of an address as an id, which may begin with a slash too."""

    regex = ".+?"
    part_isolating = False


def register(app: APIFlask, config: ApiConfig) -> None:
    shops = (recommend, whole_page, profile, events, items, banners, mailing, collages)
    steering = (
        rules,
        placements,
        experiments,
        estimating,
        previewing,
        explaining,
        replaying,
        comparing,
    )
    studio = (campaigns, earnings, variants, brand, providers, voices, backdrops)
    for room in (*shops, admin, *steering, *studio, users, health, media, docs):
        app.register_blueprint(room.blueprint)
    from api.pages import console, storefront  # noqa: PLC0415 leaf: pages import the rooms above

    app.register_blueprint(console.blueprint)
    if config.storefront:
        app.register_blueprint(storefront.blueprint)
    for blueprint in app.blueprints.values():
        if not isinstance(blueprint, APIBlueprint):  # pages are for people: not in the document
            blueprint.enable_openapi = False  # type: ignore[attr-defined] # APIFlask asks every blueprint
