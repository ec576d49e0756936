"""Who sees which variant, by hash alone: nothing is stored, every process agrees, and so does a replay.

One BLAKE2b of (salt, user) gives sixteen 32-bit words: one uniform number for each variant and one
for the slice. A variant is chosen by weighted rendezvous (Thaler & Ravishankar 1998; the weights as
in Schindelhauer & Schomaker 2005): the largest log(u_j) / weight_j. So the shares are those of
the weights, and

- raising one variant's weight moves users into that variant only, and lowering it out of that only;
- a variant added at the end takes its share from all others alike, and moves nobody else.

Changing the salt, the order of variants, or who comes before the end draws everybody anew.

Experiments of one layer never meet in a user: each owns a slice of the layer, 0 to 100 %, and slices
that run together may not overlap (Tang, Agarwal, O'Brien & Meyer 2010, "Overlapping Experiment
Infrastructure"). An experiment without a layer is alone in its own, and its slice is the share of
users that take part. Different layers and salts are independent.

The hold-out is drawn first. Who is held out takes part in nothing else and sees what sells, not
what is personal: against them everything that personalisation causes is measured, for good.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from math import inf, log
from types import MappingProxyType
from typing import Any

HOLDOUT = "holdout"  # the experiment that comes first
HELD_OUT, PERSONALISED = "held_out", "personalised"  # its variants
INTERLEAVED = "interleaved"  # the variant of everyone, where both are shown in one slate
EVERYWHERE = "*"
MAX_VARIANTS = 15  # the sixteenth word is the slice's
WHOLE = 100.0  # per cent

_SLICE = struct.Struct("<I")
_SLICE_AT = 60  # the last of the sixteen words
_SPAN = 2.0**32


class Kind(StrEnum):
    SPLIT = "split"
    INTERLEAVED = "interleaved"


class Status(StrEnum):
    DRAFT = "draft"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """`placements` says what is different, by placement ("*": all); nothing at all is a control.

    What is different are fields of a placement (`recsys.merchandising.types.Placement`) and their
    values: the strategy or preset, filter, boosts, dials, strict, rotation.
    """

    name: str
    weight: float = 1.0
    placements: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """The first variant is the one that others are compared with."""

    experiment_id: str
    variants: tuple[Variant, ...]
    salt: str
    kind: Kind = Kind.SPLIT
    layer: str = ""
    slice_from: float = 0.0  # per cent of the layer
    slice_to: float = WHOLE

    @property
    def placements(self) -> frozenset[str]:
        """Where it makes a difference; everywhere for a test of nothing against nothing."""
        named = frozenset(name for variant in self.variants for name in variant.placements)
        return frozenset({EVERYWHERE}) if EVERYWHERE in named or not named else named

    def changes(self, variant: str, placement: str) -> Mapping[str, Any]:
        """What this variant asks for here; empty where it leaves things as they are."""
        for one in self.variants:
            if one.name == variant:
                return {**one.placements.get(EVERYWHERE, {}), **one.placements.get(placement, {})}
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """Two rankers for one slate: the teams' names, which the ledger keeps, and what each asks for."""

    experiment_id: str
    teams: tuple[str, ...]
    changes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Drawing:
    """An experiment as the request path wants it: bytes and inverses made beforehand."""

    experiment_id: str
    salt: bytes
    names: tuple[str, ...]
    inverses: tuple[float, ...]  # 1 / weight; infinite for a weight of 0
    words: struct.Struct  # one for each variant
    layer: bytes  # empty: its own
    slice_from: float  # 0 to 1
    slice_to: float
    whole: bool

    def variant(self, key: bytes) -> str | None:
        """The user's variant, or None outside the slice."""
        digest = blake2b(self.salt + key).digest()
        if not self.whole:
            drawn = blake2b(self.layer + key).digest() if self.layer else digest
            if (
                not self.slice_from
                <= _SLICE.unpack_from(drawn, _SLICE_AT)[0] / _SPAN
                < self.slice_to
            ):
                return None
        best, chosen = -inf, 0
        for row, word in enumerate(self.words.unpack_from(digest)):
            race = log((word + 0.5) / _SPAN) * self.inverses[row]
            if race > best:
                best, chosen = race, row
        return self.names[chosen]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Experiments:
    """The running experiments at one revision: immutable, swapped whole."""

    revision: int = 0
    running: Mapping[str, Experiment] = field(default_factory=lambda: MappingProxyType({}))
    _holdout: _Drawing | None = None
    _everywhere: tuple[_Drawing, ...] = ()
    _at: Mapping[str, tuple[_Drawing, ...]] = field(default_factory=dict)

    @staticmethod
    def of(running: Iterable[Experiment], *, revision: int = 0) -> "Experiments":
        found = {one.experiment_id: one for one in sorted(running, key=lambda e: e.experiment_id)}
        others = [one for name, one in found.items() if name != HOLDOUT]
        places = {place for one in others for place in one.placements} - {EVERYWHERE}
        wide = [one for one in others if EVERYWHERE in one.placements]
        at = {
            place: tuple(_drawing(one) for one in others if one in wide or place in one.placements)
            for place in places
        }
        return Experiments(
            revision=revision,
            running=MappingProxyType(found),
            _holdout=_drawing(found[HOLDOUT]) if HOLDOUT in found else None,
            _everywhere=tuple(map(_drawing, wide)),
            _at=at,
        )

    def assign(self, user_key: str, placement: str) -> dict[str, str]:
        """Each experiment that this user is part of here, and the variant; for the ledger too.

        `user_key` is the user's id, or the session's where there is none.
        """
        drawings = self._at.get(placement, self._everywhere)
        if not drawings and self._holdout is None:
            return {}
        key = user_key.encode("utf-8", "surrogatepass")
        assigned: dict[str, str] = {}
        if self._holdout is not None:
            variant = self._holdout.variant(key)
            if variant is not None:
                assigned[HOLDOUT] = variant
                if variant == HELD_OUT:
                    return assigned
        for drawing in drawings:
            variant = drawing.variant(key)
            if variant is not None:
                assigned[drawing.experiment_id] = variant
        return assigned

    def changes(self, assigned: Mapping[str, str], placement: str) -> dict[str, Any]:
        """What the assigned variants ask for here, one over the other by the experiments' ids."""
        asked: dict[str, Any] = {}
        for experiment_id, variant in assigned.items():
            experiment = self.running.get(experiment_id)
            if experiment is not None and experiment.kind is Kind.SPLIT:
                asked.update(experiment.changes(variant, placement))
        return asked

    def spares(self, assigned: Mapping[str, str], placement: str) -> bool:
        """Whether only what is personal is changed here: a hold-out that does not name this place."""
        experiment = self.running.get(HOLDOUT)
        if experiment is None or assigned.get(HOLDOUT) != HELD_OUT:
            return False
        return all(placement not in variant.placements for variant in experiment.variants)

    def interleaved(self, assigned: Mapping[str, str], placement: str) -> "Duel | None":
        """What shares the slate of a user who is part of these, if anything does."""
        one = self.running.get(duelling(assigned) or "")
        if one is None:
            return None
        return Duel(
            experiment_id=one.experiment_id,
            teams=tuple(variant.name for variant in one.variants),
            changes=tuple(one.changes(own.name, placement) for own in one.variants),
        )


def duelling(assigned: Mapping[str, str]) -> str | None:
    """The experiment whose rankers share a slate that is in all of these: the first interleaved."""
    return next((name for name, variant in assigned.items() if variant == INTERLEAVED), None)


def _drawing(experiment: Experiment) -> _Drawing:
    drawn = experiment.variants
    if experiment.kind is Kind.INTERLEAVED:
        drawn = (Variant(name=INTERLEAVED),)
    return _Drawing(
        experiment_id=experiment.experiment_id,
        salt=_prefix(experiment.salt),
        names=tuple(one.name for one in drawn),
        inverses=tuple(1 / one.weight if one.weight > 0 else inf for one in drawn),
        layer=_prefix(f"layer:{experiment.layer}") if experiment.layer else b"",
        words=struct.Struct(f"<{len(drawn)}I"),
        slice_from=experiment.slice_from / WHOLE,
        slice_to=experiment.slice_to / WHOLE,
        whole=experiment.slice_from <= 0 and experiment.slice_to >= WHOLE,
    )


def _prefix(salt: str) -> bytes:
    """Any text as 32 bytes, so that no salt and user can run into another salt and user."""
    return blake2b(salt.encode("utf-8", "surrogatepass"), digest_size=32).digest()
