"""The assortment of each model that serves or is about to, so that no request waits for one.

A model that was just promoted has its assortment made by the thread that loads it; a change of the
catalogue mends it, by whichever request meets the change first.
"""

from collections.abc import Callable

from recsys.catalogue.shelf import Shelf
from recsys.learning.bundle import ModelBundle
from recsys.serving import assortment as assortments
from recsys.serving.assortment import Assortment
from recsys.serving.newcomers import Newcomers
from recsys.serving.strategies import searching

_KEPT = 2  # the model that serves, and the next or the last


class Assortments:
    """One process's; a reference is swapped, so a race only makes one twice."""

    def __init__(self) -> None:
        self._kept: dict[str, Assortment] = {}  # the one that was last asked for at the end

    def of(self, bundle: ModelBundle, shelf: Shelf, newcomers: Newcomers | None) -> Assortment:
        before = self._kept.get(bundle.version)
        found = assortments.of(bundle, shelf, newcomers, before=before)
        if found is not before or bundle.version != next(reversed(self._kept)):
            others = [one for one in self._kept.items() if one[0] != bundle.version]
            self._kept = dict([*others, (bundle.version, found)][-_KEPT:])
        return found

    def preparer(self, shelf: Callable[[], Shelf]) -> Callable[[ModelBundle], None]:
        """For whoever loads models: make a model's assortment before it serves."""

        def prepare(bundle: ModelBundle) -> None:
            now, before = shelf(), next(reversed(self._kept.values()), None)
            if now.items:
                made = self.of(bundle, now, None)
                searching.warm(made)
                if before is not None:  # the properties that requests ask for now
                    made.columns.make(before.columns.made())

        return prepare
