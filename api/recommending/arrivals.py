"""What came into the shop since the model was trained: looked up when the catalogue or model changes.

An item's vector is written by a worker a moment after the item, and moves the catalogue's revision
on; so a look is due exactly when the shelf's revision or the model's version is another one.
"""

import threading
from dataclasses import dataclass

from recsys.catalogue import text_vectors
from recsys.catalogue.shelf import Shelf
from recsys.database import Reader
from recsys.learning.bundle import ModelBundle
from recsys.serving import placing
from recsys.serving.newcomers import Newcomers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One answer and what it was of."""

    version: str
    shelf_revision: int
    vectors_revision: int
    unknown: tuple[str, ...]
    newcomers: Newcomers | None


class Arrivals:
    """The newcomers of one process; one reference is swapped, so a race only looks twice."""

    def __init__(self) -> None:
        self._last: _Look | None = None
        self._lock = threading.Lock()

    def fresh(self, reader: Reader, bundle: ModelBundle, shelf: Shelf) -> Newcomers | None:
        """The items on this shelf that the model has not met but whose words it can place."""
        last = self._last
        if bundle.text is None:
            return None
        if last is not None and (last.version, last.shelf_revision) == (
            bundle.version, shelf.revision,
        ):  # fmt: skip
            return last.newcomers
        found = _look(reader, bundle, shelf, last)
        with self._lock:
            if self._last is last:  # else another thread has looked meanwhile, perhaps further
                self._last = found
        return found.newcomers

    def settled(self, bundle: ModelBundle, shelf: Shelf) -> bool:
        """Whether `last` is what `fresh` would find for this shelf."""
        last = self._last
        return bundle.text is None or (
            last is not None
            and (last.version, last.shelf_revision) == (bundle.version, shelf.revision)
        )

    def last(self, bundle: ModelBundle) -> Newcomers | None:
        """Those of the last look, where it was with this model."""
        last = self._last
        return last.newcomers if last is not None and last.version == bundle.version else None


def _look(reader: Reader, bundle: ModelBundle, shelf: Shelf, last: _Look | None) -> _Look:
    unknown = placing.unknown(bundle, shelf)
    revision = text_vectors.latest(reader) if unknown else 0
    same = last is not None and (last.version, last.vectors_revision, last.unknown) == (
        bundle.version, revision, unknown,
    )  # fmt: skip
    newcomers = last.newcomers if same and last is not None else None
    if not same and unknown and bundle.text is not None:
        text = bundle.text
        found = text_vectors.read(reader, text.encoder, text.width, unknown)
        newcomers = placing.place(bundle, found)
    return _Look(
        version=bundle.version,
        shelf_revision=shelf.revision,
        vectors_revision=revision,
        unknown=unknown,
        newcomers=newcomers,
    )
