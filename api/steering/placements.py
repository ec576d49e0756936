"""Placements (where) and strategy presets (how) over HTTP."""

from apiflask import APIBlueprint
from flask import Response

from api import auth, parsing
from api.keys import Role
from api.runtime import runtime
from api.steering import editing
from api.steering.bodies import (
    ChangedOut,
    PlacementBody,
    PlacementOut,
    PlacementsOut,
    StrategiesOut,
    StrategyBody,
    StrategyOut,
)
from recsys.errors import UnknownSteering
from recsys.merchandising.types import Subject
from recsys.serving.strategies import DESCRIPTIONS

blueprint = APIBlueprint("placements", __name__, tag="Admin", url_prefix="/admin")
blueprint.before_request(auth.need(Role.ADMIN))


@blueprint.get("/placements")
@blueprint.output(PlacementsOut)
def placements() -> Response:
    """Every placement, those that came with the program too."""
    steering = editing.read(runtime())
    found = [editing.plain(one, steering) for one in steering.placements.values()]
    return parsing.answer({"version": steering.version, "placements": found})


@blueprint.get("/placements/<name>")
@blueprint.output(PlacementOut)
def placement(name: str) -> Response:
    """One placement, with its version as the ETag."""
    steering = editing.read(runtime())
    if name not in steering.placements:
        raise UnknownSteering(Subject.PLACEMENT, name)
    return editing.answer(editing.plain(steering.placements[name], steering))


@blueprint.put("/placements/<name>")
@blueprint.output(PlacementOut)
@editing.conditional(blueprint)
@parsing.takes(blueprint, PlacementBody, "body")
def put_placement(name: str, body: PlacementBody) -> Response:
    """Write a placement whole. 409 where `If-Match` names another version than its last one."""
    written = body.thing(name)
    steering, degraded = editing.write(written)
    return editing.answer(editing.plain(written, steering) | {"degraded": degraded})


@blueprint.delete("/placements/<name>")
@blueprint.output(ChangedOut)
@editing.conditional(blueprint)
def delete_placement(name: str) -> Response:
    """Take a placement away; one that came with the program is again as it came."""
    return editing.remove(Subject.PLACEMENT, name)


@blueprint.get("/strategies")
@blueprint.output(StrategiesOut)
def strategies() -> Response:
    """Every preset, and the strategies that one can build on."""
    steering = editing.read(runtime())
    found = [editing.plain(one, steering) for one in steering.presets.values()]
    bases = [{"name": name, "description": about} for name, about in DESCRIPTIONS.items()]
    return parsing.answer({"version": steering.version, "strategies": found, "bases": bases})


@blueprint.get("/strategies/<name>")
@blueprint.output(StrategyOut)
def strategy(name: str) -> Response:
    """One preset, with its version as the ETag."""
    steering = editing.read(runtime())
    if name not in steering.presets:
        raise UnknownSteering(Subject.STRATEGY, name)
    return editing.answer(editing.plain(steering.presets[name], steering))


@blueprint.put("/strategies/<name>")
@blueprint.output(StrategyOut)
@editing.conditional(blueprint)
@parsing.takes(blueprint, StrategyBody, "body")
def put_strategy(name: str, body: StrategyBody) -> Response:
    """Write a preset whole. 409 where `If-Match` names another version than its last one."""
    written = body.thing(name)
    steering, degraded = editing.write(written)
    return editing.answer(editing.plain(written, steering) | {"degraded": degraded})


@blueprint.delete("/strategies/<name>")
@blueprint.output(ChangedOut)
@editing.conditional(blueprint)
def delete_strategy(name: str) -> Response:
    """Take a preset away; one that came with the program is again as it came."""
    return editing.remove(Subject.STRATEGY, name)
