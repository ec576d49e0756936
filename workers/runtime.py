"""What a worker process holds: connections and models, each opened when a task first needs it."""

import logging
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

log = logging.getLogger(__name__)


class Runtime:
    """Lazy on purpose: the web imports the tasks to ring them, and must not pay for what they use."""

    def __init__(self, config: WorkersConfig) -> None:
        self.config = config

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

    @cached_property
    def studio(self) -> "Studio":
        from generative.studio import Studio  # noqa: PLC0415 leaf

        return Studio(self.config.generative)

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
        for name in ("cache", "studio", "handle"):
            self.__dict__.pop(name, None)
