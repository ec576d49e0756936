"""What a worker process holds: connections and models, each opened when a task first needs it."""

import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from workers.config import WorkersConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from generative.cache import RedisCache
    from generative.studio import Studio
    from recsys.behaviour.recent import Recent
    from recsys.models.text import TextEncoder
    from recsys.serving.registry import ModelHandle
    from workers.pictures import Seen

log = logging.getLogger(__name__)

STYLE_SECONDS = 0.5  # how old a look at the brand kit and the voice may be


class Runtime:
    """Lazy on purpose: the web imports the tasks to ring them, and must not pay for what they use."""

    def __init__(self, config: WorkersConfig) -> None:
        self.config = config
        self._studio: Studio | None = None
        self._looked_at = 0.0

    @cached_property
    def engine(self) -> Engine:
        from recsys.database import connect  # noqa: PLC0415 leaf

        return connect(
            self.config.recsys.database_url, busy_seconds=self.config.job_database_busy_seconds
        )

    @cached_property
    def cache(self) -> "RedisCache":
        import redis  # noqa: PLC0415 leaf

        from generative.cache import RedisCache  # noqa: PLC0415 leaf

        settings = self.config.generative
        client = redis.Redis.from_url(
            settings.cache_url, socket_connect_timeout=1.0, socket_timeout=2.0
        )
        return RedisCache(
            client,
            ttl_seconds=settings.creative_ttl_seconds,
            claim_seconds=settings.claim_seconds,
        )

    def tell(self, say: "Callable[[Recent], None]") -> None:
        """Have the web's processes read again what a job has written; unheard, they do so later."""
        import redis  # noqa: PLC0415 leaf

        from recsys.behaviour.recent import Recent, open_client  # noqa: PLC0415 leaf

        try:
            say(Recent(open_client(self.config.generative.cache_url, timeout_seconds=1.0)))
        except redis.RedisError as error:
            log.warning("the web was not told: %s", type(error).__name__)

    @property
    def studio(self) -> "Studio":
        """The studio of the brand kit and voice in force; they are looked at every pulse."""
        if self._studio is None or time.monotonic() - self._looked_at >= STYLE_SECONDS:
            self._looked_at = time.monotonic()
            self._studio = self._in_style(self._studio)
        return self._studio

    def _in_style(self, before: "Studio | None") -> "Studio":
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 leaf

        from generative import style  # noqa: PLC0415 leaf
        from generative.branding import brand_store  # noqa: PLC0415 leaf
        from generative.ledger import SqlLedger  # noqa: PLC0415 leaf
        from generative.studio import Studio  # noqa: PLC0415 leaf
        from recsys.database import looking  # noqa: PLC0415 leaf
        from workers.words import KeptWords  # noqa: PLC0415 leaf

        settings = self.config.generative
        try:
            with looking(self.engine) as reader:
                kept = brand_store.current(reader)
        except SQLAlchemyError as error:
            if before is not None:
                log.warning("the brand kit is not looked at: %s", type(error).__name__)
                return before
            raise  # made in a style that may not be in force, nobody would find it
        kit, version = (None, 0) if kept is None else (kept.kit, kept.version)
        now = style.in_force(settings, kit, version)
        if before is not None and before.style.fingerprint == now.fingerprint:
            return before
        log.info("the studio works in style %s", now.fingerprint)
        loaded = None  # another colour is no reason to load a language model again
        if before is not None and before.style.words == now.words:
            loaded = before.writers
        return Studio(
            settings,
            style=now,
            memo=KeptWords(self.engine),
            ledger=SqlLedger(self.engine, daily_budget=settings.daily_budget),
            writers=loaded,
        )

    @cached_property
    def photos(self) -> "Seen":
        from workers.pictures import Seen  # noqa: PLC0415 leaf

        return Seen()

    @cached_property
    def handle(self) -> "ModelHandle":
        from recsys.serving.registry import ModelHandle  # noqa: PLC0415 leaf

        return ModelHandle(self.config.recsys.artifacts_dir)

    @cached_property
    def text_encoder(self) -> "TextEncoder | None":
        from recsys.learning.embedding import open_encoder  # noqa: PLC0415 leaf

        try:
            return open_encoder(self.config.recsys.text_encoder)
        except ValueError as missing:
            log.error("new items wait: %s", missing)  # noqa: TRY400 the message is all there is
            return None

    def forget_inherited(self) -> None:
        """After a fork: sockets and threads that were opened before it belong to the parent."""
        engine = self.__dict__.pop("engine", None)
        if engine is not None:
            engine.dispose(close=False)
        for name in ("cache", "handle"):
            self.__dict__.pop(name, None)
        self._studio = None
