"""What a web process holds: one engine, one model handle, one shelf, one cache. Made once, no globals."""

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any, cast

import redis
from flask import current_app
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.bell import Bell
from api.breaker import Away, Breaker
from api.checkup import Checkup
from api.config import ApiConfig
from api.gathering import Gathering
from api.keyring import Keyring
from api.metrics import Metrics
from api.probe import Probe
from api.pulse import Pulse
from api.recommending.arrivals import Arrivals
from api.recommending.assortments import Assortments
from api.recommending.briefs import Briefs
from api.recommending.steered import Steered
from api.recommending.styled import Styled
from api.trusted import Trusted
from generative.cache import RedisCache
from generative.line import Line
from recsys.answers.ledger import Ledger
from recsys.behaviour.recent import Recent, open_client
from recsys.catalogue import shelf as shelves
from recsys.catalogue.shelf import Shelf
from recsys.database import Reader, connect, looking
from recsys.serving.assortment import Assortment
from recsys.serving.registry import ModelHandle
from recsys.types import Event

log = logging.getLogger(__name__)

# A shopper waits for the cache: slower than this, it counts as away.
CACHE_TIMEOUT_SECONDS = 0.25
DATABASE_ERRORS = (SQLAlchemyError, Away)
CACHE_ERRORS = (redis.RedisError, Away)


@dataclass(eq=False, kw_only=True)
class Runtime:
    config: ApiConfig
    engine: Engine
    handle: ModelHandle
    cache: RedisCache
    keyring: Keyring
    metrics: Metrics
    briefs: Briefs
    styled: Styled
    pulse: Pulse
    ledger: Ledger
    client: Any  # of Redis
    steered: Steered
    trusted: Trusted
    assortments: Assortments = field(default_factory=Assortments)
    gathering: Gathering[Event, Any] = field(default_factory=lambda: Gathering(at_most=2_000))
    arrivals: Arrivals = field(default_factory=Arrivals)
    bell: Bell = field(default_factory=Bell)
    checkup: Checkup = field(default_factory=Checkup)
    probe: Probe = field(default_factory=Probe)
    database: Breaker = field(default_factory=Breaker)
    writes: Breaker = field(default_factory=Breaker)  # a locked database can still be read
    redis: Breaker = field(default_factory=Breaker)
    _shelf: Shelf = field(default_factory=Shelf.empty)
    _refreshing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def shelf(self) -> Shelf:
        """The last shelf that was read, however old; no offer of it has ended."""
        shelf = self._shelf
        if shelf.turns <= time.time():
            with self._refreshing:
                shelf = self._shelf = self._shelf.at(time.time())
        return shelf

    def fresh_shelf(self, reader: Reader) -> Shelf:
        """The shelf as the database has it now."""
        read_from = self.shelf
        found = shelves.refresh(reader, read_from)
        if found is not read_from:
            with self._refreshing:
                # Another thread may have read further meanwhile; a database made anew starts lower.
                if self._shelf is read_from or found.revision > self._shelf.revision:
                    self._shelf = found
                elif found.revision == self._shelf.revision:
                    # What hangs on a shelf is mended from the last one, not from one that was like it.
                    found = self._shelf = self._shelf.at(time.time())
        return found

    def assortment(self, shelf: Shelf) -> Assortment:
        """What can be shown of a shelf, with the newcomers of the last look: nothing is read."""
        bundle = self.handle.get()
        return self.assortments.of(bundle, shelf, self.arrivals.last(bundle))

    def close(self) -> None:
        self.ledger.close()
        self.engine.dispose()


def build(config: ApiConfig) -> Runtime:
    """Open what a web process needs; nothing here waits for a service to be up."""
    engine = connect(config.recsys.database_url, busy_seconds=config.recsys.database_busy_seconds)
    client = open_client(config.generative.cache_url, timeout_seconds=CACHE_TIMEOUT_SECONDS)
    line = Line(client)
    cache = RedisCache(
        client,
        line=line,
        ttl_seconds=config.generative.creative_ttl_seconds,
        claim_seconds=config.generative.claim_seconds,
    )
    breaker, styled = Breaker(), Styled(config.generative)
    runtime = Runtime(
        config=config,
        engine=engine,
        handle=ModelHandle(config.recsys.artifacts_dir),
        cache=cache,
        keyring=Keyring(engine),
        metrics=Metrics(),
        briefs=styled.briefs,
        styled=styled,
        pulse=Pulse(Recent(client, line.answer), breaker, seconds=config.pulse_seconds),
        redis=breaker,
        ledger=Ledger(config.recsys.answers_dir),
        client=client,
        steered=Steered(seconds=config.pulse_seconds),
        trusted=Trusted(seconds=config.pulse_seconds),
    )
    runtime.handle.prepare = runtime.assortments.preparer(lambda: runtime.shelf)
    _warm(runtime)
    return runtime


def runtime() -> Runtime:
    """The running app's."""
    return cast(Runtime, current_app.extensions["vitrine"])


def _warm(runtime: Runtime) -> None:
    """Read the shelf and the keys before the first request, where the database is there already."""
    try:
        with runtime.database.asking(), looking(runtime.engine) as reader:
            runtime.fresh_shelf(reader)
            runtime.styled.follow(reader)
        runtime.keyring.refresh()
    except DATABASE_ERRORS as error:
        log.warning("the database is not ready yet: %s", type(error).__name__)
