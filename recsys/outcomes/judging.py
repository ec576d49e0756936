"""The one judge of experiments: what could not be drawn from is refused when it is written."""

from collections.abc import Collection

from recsys.errors import InvalidExperiment, InvalidSteering
from recsys.merchandising import checking
from recsys.merchandising.types import Placement
from recsys.outcomes.assignment import (
    EVERYWHERE,
    HELD_OUT,
    HOLDOUT,
    INTERLEAVED,
    MAX_VARIANTS,
    PERSONALISED,
    WHOLE,
    Experiment,
    Kind,
    Variant,
)

CHANGEABLE = frozenset(  # fields of a placement
    {"strategy", "filter", "boosts", "dials", "strict", "rotation", "rotation_seconds"}
)


def check(experiment: Experiment) -> None:
    """Refuse what could not be drawn from.

    Raises:
        InvalidExperiment: `field` names what to mend.
    """
    names = [variant.name for variant in experiment.variants]
    if not 1 <= len(names) <= MAX_VARIANTS:
        raise InvalidExperiment("variants", f"must be 1 to {MAX_VARIANTS}")
    if len(set(names)) < len(names):
        raise InvalidExperiment("variants", "two have the same name")
    if INTERLEAVED in names:
        raise InvalidExperiment("variants", f"{INTERLEAVED!r} is a name of ours")
    weights = [variant.weight for variant in experiment.variants]
    if min(weights) < 0 or not 0 < sum(weights) < float("inf"):
        raise InvalidExperiment("variants", "weights must not be negative, nor all nought")
    if experiment.kind is Kind.INTERLEAVED and len(names) != 2:  # noqa: PLR2004 two teams
        raise InvalidExperiment("variants", "two are interleaved, no more and no fewer")
    if not 0 <= experiment.slice_from < experiment.slice_to <= WHOLE:
        raise InvalidExperiment(
            "slice_to", "a slice goes from 0 or more up to 100 per cent or less"
        )
    for row, variant in enumerate(experiment.variants):
        _check_changes(row, variant)
    if experiment.experiment_id == HOLDOUT:
        _check_holdout(experiment, names)


def notices(experiment: Experiment, placements: Collection[str]) -> list[str]:
    """What is allowed, and yet may be a slip; `placements` are those that the shop has."""
    drawn = [variant for variant in experiment.variants if variant.weight > 0]
    found = []
    if len(drawn) == 1:
        found.append(f"everybody is in {drawn[0].name!r}: there is nothing to compare it with")
    elif not any(variant.placements for variant in drawn):
        found.append("no variant changes anything: both show how much chance alone can do")
    named = {name for variant in experiment.variants for name in variant.placements}
    found += [
        f"the shop has no placement {name!r}: this counts where a request names it"
        for name in sorted(named - {EVERYWHERE} - set(placements))
    ]
    return found


def _check_changes(row: int, variant: Variant) -> None:
    for name, changes in variant.placements.items():
        at = f"variants.{row}.placements.{name}"
        unknown = changes.keys() - CHANGEABLE
        if unknown:
            raise InvalidExperiment(f"{at}.{min(unknown)}", "is nothing that a variant changes")
        try:
            if name != EVERYWHERE:
                checking.check_name("name", name)
            checking.check(Placement(name="x", **changes))
        except InvalidSteering as error:
            raise InvalidExperiment(f"{at}.{error.field}", error.message) from None


def _check_holdout(experiment: Experiment, names: list[str]) -> None:
    if names != [HELD_OUT, PERSONALISED]:
        raise InvalidExperiment("variants", f"a hold-out has {HELD_OUT} and {PERSONALISED}")
    if experiment.kind is not Kind.SPLIT or experiment.layer:
        raise InvalidExperiment("kind", "a hold-out is a split, and in no layer")
    if experiment.slice_from > 0 or experiment.slice_to < WHOLE:
        raise InvalidExperiment("slice_to", "a hold-out is drawn from everybody")
    held_out, personalised = experiment.variants
    if not held_out.placements or personalised.placements:
        message = f"{HELD_OUT} says what is shown instead, {PERSONALISED} is the shop as it is"
        raise InvalidExperiment("variants", message)
