"""Ringing the workers. A bell that cannot be rung is no error: the row is there, the sweep rings again.

The queue's settings allow one quick retry, which mends a connection that a restarted broker dropped.
"""

import logging
from collections.abc import Callable, Sequence

from celery.exceptions import CeleryError
from kombu.exceptions import KombuError
from redis import RedisError

from api.breaker import Away, Breaker
from generative.types import Audience

log = logging.getLogger(__name__)


SLOW_RING_SECONDS = (
    0.03  # Celery waits a little even for a refused connection; a shopper should not
)


class Bell:
    """Rings the workers' tasks by id; each method answers whether the ring went out."""

    def __init__(self) -> None:
        self._breaker = Breaker(slow_seconds=SLOW_RING_SECONDS)

    def retrain(self, run_id: str) -> bool:
        from workers.tasks import retrain  # noqa: PLC0415 leaf: Celery is loaded by the first ring

        return self._ring(lambda: retrain.apply_async(args=(run_id,)))

    def campaign(self, campaign_id: str) -> bool:
        from workers.tasks import run_campaign  # noqa: PLC0415 leaf

        return self._ring(lambda: run_campaign.apply_async(args=(campaign_id,)))

    def voice(self, run_id: str) -> bool:
        from workers.tasks import learn_voice  # noqa: PLC0415 leaf

        return self._ring(lambda: learn_voice.apply_async(args=(run_id,)))

    def creative(
        self,
        item_id: str,
        audience: Audience,
        size: str,
        locale: str,
        *,
        variant: str = "",
        reason: str = "",
        key: str = "",
    ) -> bool:
        """Have a creative made; `key` is what the web will look for, to notice a worker that differs."""
        from workers.tasks import make_creative  # noqa: PLC0415 leaf

        args = (item_id, list(audience.categories), audience.price_band, size, locale)
        more = {"variant": variant, "reason": reason, "key": key}
        return self._ring(lambda: make_creative.apply_async(args=args, kwargs=more))

    def form(self, key: str, form: str) -> bool:
        """Have a creative's picture drawn in another form."""
        from workers.tasks import make_form  # noqa: PLC0415 leaf

        return self._ring(lambda: make_form.apply_async(args=(key, form)))

    def collage(self, item_ids: Sequence[str], size: str, locale: str) -> bool:
        from workers.tasks import make_collage  # noqa: PLC0415 leaf

        return self._ring(lambda: make_collage.apply_async(args=(list(item_ids), size, locale)))

    def items(self, item_ids: Sequence[str] | None = None) -> bool:
        """Have the words of these items read, or of whatever items wait."""
        from workers.tasks import embed_items  # noqa: PLC0415 leaf

        args = (None if item_ids is None else list(item_ids),)
        return self._ring(lambda: embed_items.apply_async(args=args))

    def workers(self, *, seconds: float) -> list[str]:
        """The names of the workers that answer within this time.

        Raises:
            CeleryError, KombuError, RedisError, OSError: The broker is away.
        """
        from workers.tasks import sweep  # noqa: PLC0415 leaf

        replies = sweep.app.control.ping(timeout=seconds)
        return sorted(name for reply in replies for name in reply)

    def _ring(self, send: Callable[[], object]) -> bool:
        try:
            with self._breaker.asking():
                send()
        except BELL_ERRORS as error:
            log.warning("the bell did not ring: %s", type(error).__name__)
            return False
        return True


BELL_ERRORS = (CeleryError, KombuError, RedisError, OSError, Away)
