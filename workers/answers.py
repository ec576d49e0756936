"""The ledger's files made into rows, and what is older than the setting allows let go."""

import logging
from datetime import UTC, datetime

from recsys.answers import ledger, store
from recsys.catalogue import versions
from recsys.database import writing
from workers.runtime import Runtime

log = logging.getLogger(__name__)

_ROUNDS = 20  # of deletions a sweep: a backlog is worked off in several


def record(runtime: Runtime) -> None:
    """Record every answer that waits; a folder that cannot be read must not stop the sweep."""
    try:
        found = ledger.drain(runtime.config.recsys.answers_dir, store.recorder(runtime.engine))
    except OSError as error:
        log.error("answers wait: %s", error)  # noqa: TRY400 the message is all there is
        return
    if found.recorded:
        log.info("recorded %d answers", found.recorded)


def prune(runtime: Runtime) -> None:
    """Delete answers, and the items of then, that are older than `answers_days`."""
    now, days = datetime.now(UTC), runtime.config.recsys.answers_days
    for delete in (store.prune, versions.prune):
        for _ in range(_ROUNDS):
            with writing(runtime.engine) as session:
                if not delete(session, now=now, days=days):
                    break
