"""The rules, placements, presets and experiments that this process last read, and whether they are the newest.

The creatives' style is looked at on the same way, as it steers what is shown no less than a rule does.

The pulse says in the one MGET of a request whether anything was changed; the database is read only
then, or when the last word is half a second old.
"""

import logging
import threading
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from api.breaker import Away
from api.pulse import Watch
from api.recommending.degraded import Degraded
from recsys.database import looking
from recsys.merchandising import store
from recsys.merchandising.steering import Steering
from recsys.outcomes import experiments
from recsys.outcomes.assignment import Experiments

if TYPE_CHECKING:
    from api.runtime import Runtime

log = logging.getLogger(__name__)


class Steered:
    """One process's; a race only reads twice, and the reading that was asked for last stands."""

    def __init__(self, *, seconds: float) -> None:
        self._watch = Watch(seconds=seconds)
        self._read = (Steering(), Experiments())
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    def now(
        self, runtime: "Runtime", token: str | None, degraded: Degraded
    ) -> tuple[Steering, Experiments]:
        """Both as the database has them; the last ones read where that is away."""
        if not self._watch.current(token):
            at = self._watch.now()
            try:
                with runtime.database.asking(), looking(runtime.engine) as reader:
                    steering, running = self._read
                    found = store.refresh(reader, steering), experiments.refresh(reader, running)
                    style = runtime.styled.look(reader)
            except (SQLAlchemyError, Away) as error:
                log.warning("steering by the last rules read: %s", type(error).__name__)
                degraded.add("rules")
            else:
                with self._lock:
                    if at >= self._asked_at:
                        self._read, self._asked_at = found, at
                        runtime.styled.adopt(style)
                        self._watch.read(token, at)
                return found
        return self._read
