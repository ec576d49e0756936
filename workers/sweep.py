"""The janitor: stores what waits in files, drops what nobody needs, says what to ring for again."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from generative.campaigning import campaigns
from recsys.behaviour import erasure, spool
from recsys.database import reading, writing
from recsys.learning import runs
from workers import answers, embed, pictures
from workers.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """Rows that wait although they should not: their ring was lost, or their worker."""

    run_ids: tuple[str, ...]
    campaign_ids: tuple[str, ...]
    voice_run_ids: tuple[str, ...] = ()
    items_wait: bool = False  # for their words to be read


def run(runtime: Runtime) -> Rings:
    config = runtime.config
    stored = spool.drain(config.recsys.spool_dir, runtime.engine)
    if stored:
        log.info("stored %d spooled events", stored)
        runtime.tell(lambda recent: recent.drop_all())
    answers.record(runtime)
    answers.prune(runtime)
    pictures.look(runtime)
    now = datetime.now(UTC)
    with writing(runtime.engine) as session:
        erasure.prune(session, now=now)
        for run_id in runs.expire(session, now=now, lease_seconds=config.lease_seconds):
            log.warning("run %s fell silent and was given up", run_id)
    with reading(runtime.engine) as session:
        return Rings(
            run_ids=tuple(runs.waiting(session)),
            voice_run_ids=tuple(runs.waiting(session, kind="voice")),
            campaign_ids=tuple(campaigns.waiting_or_silent(session, now=now)),
            items_wait=embed.waits(runtime),
        )
