"""Jobs give way to whoever answers shoppers on the same machine.

`nice` alone is not enough: where the kernel groups processes by session (autogroup), it weighs a
process only against those of its own session, and every service started by a supervisor has one of
its own. A process that leads its session therefore lowers the whole session's weight too.
Containers are weighed by their `cpu_shares` (docker-compose.yml).
"""

import logging
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")

log = logging.getLogger(__name__)


def give_way(nice: int, *, autogroup: Path = AUTOGROUP) -> None:
    """Be at least this nice, 0 to 19, from now on; children inherit it."""
    lacking = nice - os.nice(0)
    if lacking > 0:
        os.nice(lacking)
    if nice <= 0 or os.getsid(0) != os.getpid() or not autogroup.exists():
        return
    try:
        autogroup.write_text(str(nice))
    except OSError as error:  # a container may forbid it: its shares weigh then
        log.info("the session's weight stays: %s", error.strerror)
