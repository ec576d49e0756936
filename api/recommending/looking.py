"""What an answer starts from: the shopper's past, the shelf and who is new on it.

One MGET says whether this process already holds all of it; the database is asked only for what is
missing or may be older than half a second. Redis away: the database says everything.
"""

import logging
from typing import NamedTuple

from api.recommending.degraded import Degraded
from api.runtime import DATABASE_ERRORS, Runtime
from recsys.behaviour import events
from recsys.behaviour.recent import NEWEST, Look
from recsys.catalogue.shelf import Shelf
from recsys.database import looking
from recsys.learning.bundle import ModelBundle
from recsys.serving.newcomers import Newcomers
from recsys.types import UserHistory

log = logging.getLogger(__name__)


class Read(NamedTuple):
    """`steering_version` changes with whatever steers an answer; None: nobody knows, ask."""

    history: UserHistory
    shelf: Shelf
    newcomers: Newcomers | None
    steering_version: str | None = None


def read(runtime: Runtime, user_id: str | None, bundle: ModelBundle, degraded: Degraded) -> Read:
    """The newest that there is; what could not be read is added to `degraded`."""
    look = runtime.pulse.look(user_id)
    past = look.history if look.heard and user_id is not None else None
    if user_id is None:
        past = UserHistory()
    shelf, newcomers = runtime.shelf, runtime.arrivals.last(bundle)
    current = runtime.pulse.catalogue.current(look.catalogue)
    if past is None or not current or not runtime.arrivals.settled(bundle, shelf):
        try:
            shelf, newcomers, past = _from_database(runtime, user_id, bundle, look, past)
        except DATABASE_ERRORS as error:
            log.warning("answering without the database: %s", type(error).__name__)
            if past is None:
                degraded.add("history")
            if not current:
                degraded.add("catalogue")
    return Read(
        history=UserHistory(user_id=user_id) if past is None else past,
        shelf=shelf,
        newcomers=newcomers,
        steering_version=look.steering,
    )


def _from_database(
    runtime: Runtime,
    user_id: str | None,
    bundle: ModelBundle,
    look: Look,
    past: UserHistory | None,
) -> tuple[Shelf, Newcomers | None, UserHistory]:
    catalogue = runtime.pulse.catalogue
    with runtime.database.asking(), looking(runtime.engine) as reader:
        asked_at = catalogue.now()
        shelf = runtime.fresh_shelf(reader)
        newcomers = runtime.arrivals.fresh(reader, bundle, shelf)
        if past is None:
            assert user_id is not None  # noqa: S101 nobody's past is known
            past = events.history(reader, user_id, limit=NEWEST)
            runtime.pulse.keep(look, past)
    if look.heard:
        catalogue.read(look.catalogue, asked_at)
    return shelf, newcomers, past
