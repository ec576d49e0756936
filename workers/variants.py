"""Counts what came of the looks that were drawn, and has them drawn anew by it.

Slates are counted once, when every click on them has come in; what is known already fades, so that
a look which shoppers have tired of loses its lead.
"""

import logging
from datetime import UTC, datetime, timedelta

from generative import variant_store
from generative.variants import Cell, Rules, Tally
from recsys.database import reading, writing
from recsys.errors import TooManyAnswers
from recsys.outcomes import looks
from recsys.outcomes import reading as outcomes
from recsys.outcomes.attribution import USUAL
from workers.runtime import Runtime

log = logging.getLogger(__name__)

_SETTLED = timedelta(seconds=USUAL.click_seconds)
_AT_ONCE = timedelta(hours=6)  # of slates
_LEAST = timedelta(minutes=1)


def run(runtime: Runtime, *, now: datetime | None = None) -> int:
    """Count what has settled since the last time; how many slates that were."""
    now = now or datetime.now(UTC)
    with reading(runtime.engine) as session:
        chosen = variant_store.read(session)
    since, settled = chosen.counted_until, now - _SETTLED
    counted = 0
    while chosen.choices and since is not None and settled - since >= _LEAST:
        until = min(since + _AT_ONCE, settled)
        found = _counted(runtime, since, until)
        with writing(runtime.engine) as session:
            if not variant_store.count(
                session,
                found,
                since=since,
                until=until,
                half_life_seconds=runtime.config.generative.variant_half_life_days * 86_400,
                now=now,
                rules=rules(runtime),
            ):
                break  # another worker counts
        counted += int(sum(tally.shown for tally in found.values()))
        since = until
    return counted


def rules(runtime: Runtime) -> Rules:
    return Rules(exploration=runtime.config.generative.variant_exploration)


def _counted(runtime: Runtime, since: datetime, until: datetime) -> dict[Cell, Tally]:
    """Of slates in this span; those after it are read too, as a click may be owed to them."""
    try:
        with reading(runtime.engine) as session:
            read = outcomes.read(session, since=since, until=until + _SETTLED)
    except TooManyAnswers as error:
        log.warning("looks shown from %s to %s are not counted: %s", since, until, error)
        return {}
    found = looks.trials(read, until=until.timestamp())
    return {Cell(*name): Tally(*counts) for name, counts in looks.tallies(found).items()}
