"""An experiment as the words of a form, and the words of a form as an experiment."""

from collections.abc import Mapping
from typing import Any

import orjson

from api.pages import rule_forms
from api.pages.rule_forms import Form, Wrong
from api.steering.experiment_bodies import ExperimentBody
from recsys.errors import InvalidExperiment, InvalidSteering
from recsys.merchandising import checking
from recsys.outcomes import experiments, judging
from recsys.outcomes.assignment import EVERYWHERE, HELD_OUT, MAX_VARIANTS, PERSONALISED
from recsys.outcomes.experiments import Definition

_SPARE = 2  # empty variants below those that are there
_WORDS = ("name", "kind", "layer", "slice_from", "slice_to", "planned_users")
_COLUMNS = ("variant", "weight", "place", "strategy", "filter", "more")
_EMPTY = dict.fromkeys(_COLUMNS, "") | {"place": "home"}
_SIMPLE = frozenset({"strategy", "filter"})


def blank() -> dict[str, Any]:
    return {
        "experiment_id": "",
        "name": "",
        "kind": "split",
        "layer": "",
        "slice_from": "0",
        "slice_to": "100",
        "planned_users": "10000",
        "rows": _rows([_EMPTY | {"variant": "as_is", "weight": "1"}]),
    }


def of_definition(found: Definition) -> dict[str, Any]:
    one = found.experiment
    return {
        "experiment_id": one.experiment_id,
        "name": found.name,
        "kind": one.kind.value,
        "layer": one.layer,
        "slice_from": f"{one.slice_from:g}",
        "slice_to": f"{one.slice_to:g}",
        "planned_users": str(found.planned_users),
        "rows": _rows([_row(told) for told in experiments.variants_json(one.variants)]),
    }


def read(form: Form) -> dict[str, Any]:
    """What was typed, to be shown again as it was."""
    columns = (form.getlist(name)[: MAX_VARIANTS + _SPARE] for name in _COLUMNS)
    rows = [
        dict(zip(_COLUMNS, (cell.strip() for cell in cells), strict=True))
        for cells in zip(*columns, strict=False)
    ]
    typed: dict[str, Any] = {name: form.get(name, "").strip() for name in _WORDS}
    return typed | {
        "experiment_id": form.get("experiment_id", "").strip(),
        "rows": _rows([row for row in rows if _is_said(row)]),
    }


def body(typed: Mapping[str, Any]) -> ExperimentBody:
    """The experiment that was meant, as the API takes it.

    Raises:
        Wrong: It cannot be meant like this.
    """
    said: dict[str, Any] = {name: typed[name] for name in _WORDS if typed[name] != ""}
    rows = [row for row in typed["rows"] if _is_said(row)]
    said["variants"] = [
        {
            "name": row["variant"],
            "weight": row["weight"] or 1,
            "placements": _placements(number, row),
        }
        for number, row in enumerate(rows)
    ]
    return checked(str(typed["experiment_id"]), said)


def holdout(form: Form) -> ExperimentBody:
    """The hold-out: some users who never see what is personal.

    Raises:
        Wrong: It cannot be meant like this.
    """
    try:
        share = float(form.get("share", ""))
    except ValueError:
        raise Wrong({"share": "is no number"}) from None
    if not 0 < share < 100:  # noqa: PLR2004 per cent
        raise Wrong({"share": "must lie between 0 and 100 per cent"})
    strategy = form.get("strategy", "").strip() or "popular"
    changes = {EVERYWHERE: {"strategy": strategy}}
    return checked(
        "holdout",
        {
            "name": "Hold-out",
            "variants": [
                {"name": HELD_OUT, "weight": share, "placements": changes},
                {"name": PERSONALISED, "weight": 100 - share},
            ],
        },
    )


def checked(experiment_id: str, said: Mapping[str, Any]) -> ExperimentBody:
    """Let it pass as the API would.

    Raises:
        Wrong: It would not.
    """
    made: ExperimentBody = rule_forms.validated(ExperimentBody, said)
    try:
        checking.check_name("experiment_id", experiment_id)
        judging.check(made.thing(experiment_id))
    except (InvalidExperiment, InvalidSteering) as error:
        raise Wrong({error.field: error.message}) from None
    return made


def _placements(number: int, row: Mapping[str, str]) -> Any:
    if row["more"]:
        try:
            return orjson.loads(row["more"])
        except orjson.JSONDecodeError as error:
            raise Wrong({f"variants.{number}.placements": f"is no JSON: {error}"}) from None
    changes = {name: row[name] for name in sorted(_SIMPLE) if row[name]}
    return {row["place"] or EVERYWHERE: changes} if changes else {}


def _row(told: Mapping[str, Any]) -> dict[str, str]:
    """One variant's cells; what two words cannot say stands as JSON."""
    placements: Mapping[str, Mapping[str, Any]] = told["placements"]
    row = _EMPTY | {"variant": told["name"], "weight": f"{told['weight']:g}"}
    simple = len(placements) == 1 and all(one.keys() <= _SIMPLE for one in placements.values())
    if simple:
        ((place, changes),) = placements.items()
        return row | {"place": place} | {name: str(value) for name, value in changes.items()}
    if placements:
        row["more"] = orjson.dumps(placements, option=orjson.OPT_INDENT_2).decode()
    return row


def _rows(said: list[dict[str, str]]) -> list[dict[str, str]]:
    spare = max(min(_SPARE, MAX_VARIANTS - len(said)), 2 - len(said))
    return [*said, *(dict(_EMPTY) for _ in range(spare))]


def _is_said(row: Mapping[str, str]) -> bool:
    return any(row[name] for name in _COLUMNS if name != "place")
