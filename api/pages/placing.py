"""Placements and strategy presets in forms, with the same two slates before either is kept."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from flask import Response, request

from api.pages import previews, rule_forms, steering
from api.pages.answers import see_other, tell
from api.pages.frame import page
from api.pages.rule_forms import Form, Wrong
from api.runtime import runtime
from api.steering import editing
from api.steering.bodies import PlacementBody, StrategyBody
from recsys.errors import SteeringConflict, UnknownSteering
from recsys.merchandising.checking import BANNERS
from recsys.merchandising.steering import Steering, key_of
from recsys.merchandising.types import Placement, StrategyPreset, Subject
from recsys.serving.strategies import DESCRIPTIONS
from recsys.types import Hide

_SPARE = 2  # empty lines for more boosts
_MOST_LINES = 22
_DIALS = (
    ("diversity", 0, "how unlike each other"),
    ("novelty", -1, "known to little known"),
    ("price", -1, "cheap to dear"),
    ("margin", -1, "thin to rich"),
    ("exploration", 0, "how much by chance"),
)
_ROTATION = ("rotation", "rotation_seconds")
_HIDE = (
    ("", "As the shop is set up"),
    (Hide.NONE.value, "Nothing"),
    (Hide.UNTIL_DUE.value, "What was bought, until it is due again"),
    (Hide.PURCHASED.value, "What was bought"),
    (Hide.SEEN.value, "Whatever was seen"),
)


def placement() -> Response:
    name = request.args.get("name", "")
    state = editing.read(runtime())
    if name and name not in state.placements:
        raise UnknownSteering(Subject.PLACEMENT, name)
    return _form("placement", _of(state.placement(name), state), state)


def strategy() -> Response:
    name = request.args.get("name", "")
    state = editing.read(runtime())
    if name and name not in state.presets:
        raise UnknownSteering(Subject.STRATEGY, name)
    found = state.presets.get(name) or StrategyPreset(name="", base="personal")
    return _form("strategy", _of(found, state), state)


def save_placement() -> Response:
    return _save("placement")


def save_strategy() -> Response:
    return _save("strategy")


def _save(what: str) -> Response:
    typed, state = _read(request.form), editing.read(runtime())
    try:
        meant = _thing(what, typed)
    except Wrong as wrong:
        return _form(what, typed, state, errors=wrong.errors)
    if request.form.get("do") == "preview":
        where = meant.name if isinstance(meant, Placement) else "home"
        who = previews.asker(request.form, placement=where)
        drafts: list[Any] = [meant]
        if isinstance(meant, StrategyPreset):  # seen where it would stand, whether it does or not
            drafts.append(replace(state.placement(who.placement), strategy=meant.name))
        return _form(what, typed, state, preview=previews.preview(runtime(), who, drafts))
    try:
        steering.put(meant, expected=typed["version"])
    except SteeringConflict as error:
        return _form(what, typed, state, errors={"name": steering.conflict(error)})
    tell(f"{what.capitalize()} {meant.name} is kept; the next answer follows it.")
    return see_other("console.merchandising", _anchor=f"{what}s")


def _thing(what: str, typed: Mapping[str, Any]) -> Placement | StrategyPreset:
    """What was meant.

    Raises:
        Wrong: It cannot be meant like this.
    """
    said = {
        "filter": typed["filter"],
        "boosts": [
            {"expression": expression, "weight": weight}
            for expression, weight in typed["boosts"]
            if expression or weight
        ],
        "dials": {name: value or 0 for name, value in typed["dials"].items()},
    }
    meant: Placement | StrategyPreset
    if what == "strategy":
        meant = rule_forms.validated(StrategyBody, said | {"base": typed["strategy"]}).thing(
            typed["name"]
        )
    else:
        own = {name: typed[name] for name in ("title", "strategy", "k", "banner")}
        own |= {name: typed[name] for name in ("hide_in_cart", "strict")}
        own |= {name: typed[name] for name in _ROTATION if typed[name]}
        said |= own | {"hide": typed["hide"] or None}
        meant = rule_forms.validated(PlacementBody, said).thing(typed["name"])
    rule_forms.checked(meant)
    return meant


def _read(form: Form) -> dict[str, Any]:
    boosts = zip(form.getlist("expression"), form.getlist("weight"), strict=False)
    lines = [(expression.strip(), weight.strip()) for expression, weight in boosts][:_MOST_LINES]
    return {
        "name": form.get("name", "").strip(),
        "version": rule_forms.version_of(form),
        "title": form.get("title", "").strip(),
        "strategy": form.get("strategy", "").strip(),
        "k": form.get("k", "").strip(),
        "banner": form.get("banner", ""),
        "filter": form.get("filter", "").strip(),
        "boosts": [line for line in lines if any(line)],
        "dials": {name: form.get(f"dial_{name}", "").strip() for name, _, _ in _DIALS},
        "hide": form.get("hide", ""),
        "hide_in_cart": form.get("hide_in_cart") == "yes",
        "strict": form.get("strict") == "yes",
        **{name: form.get(name, "").strip() for name in _ROTATION},
    }


def _of(one: Placement | StrategyPreset, state: Steering) -> dict[str, Any]:
    dials = {name: f"{value:g}" for name, value in asdict(one.dials).items()}
    told: dict[str, Any] = {
        "name": one.name,
        "version": state.changed_in.get(key_of(one), 0),
        "filter": one.filter,
        "boosts": [(boost.expression, f"{boost.weight:g}") for boost in one.boosts],
        "dials": dials,
        "strategy": one.base if isinstance(one, StrategyPreset) else one.strategy,
    }
    if isinstance(one, Placement):
        told |= {name: getattr(one, name) for name in ("title", "k", "banner", "strict")}
        told |= {"hide": one.hide.value if one.hide else "", "hide_in_cart": one.hide_in_cart}
        told |= {name: f"{getattr(one, name):.10g}" for name in _ROTATION}
    return told


def _form(
    what: str,
    typed: Mapping[str, Any],
    state: Steering,
    *,
    errors: Mapping[str, str] | None = None,
    preview: Mapping[str, Any] | None = None,
) -> Response:
    wrong = dict(errors or {})
    is_there = typed["name"] in (state.placements if what == "placement" else state.presets)
    names = list(DESCRIPTIONS) if what == "strategy" else [*state.presets, *DESCRIPTIONS]
    if typed["strategy"] not in names:
        names.append(typed["strategy"])
    own = typed["name"] if what == "placement" and is_there else "home"
    answer = page(
        "console/finding.html",
        heading=f"{what.capitalize()} {typed['name']}" if is_there else f"New {what}",
        tab="merchandising",
        what=what,
        form=typed,
        fixed=is_there,
        lines=[*typed["boosts"], *[("", "")] * _SPARE],
        dials=_DIALS,
        hides=_HIDE,
        banners=BANNERS,
        strategies=[(name, DESCRIPTIONS.get(name, "a preset of this shop")) for name in names],
        errors=wrong,
        who=previews.asker(request.form, placement=own),
        everywhere=list(state.placements),
        preview=preview,
    )
    if wrong and not request.headers.get("HX-Request"):
        answer.status_code = 422
    return answer
