"""What Prometheus reads. One registry an app: two apps in one process never share a counter.

What providers did today is in the database, not in this process: every web process says the same of
it, so take the largest, not the sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderToday:
    """One provider's book of this UTC day; `spent` in the unit of the budget."""

    calls: int = 0
    failures: int = 0
    candidates: int = 0
    accepted: int = 0
    seconds: float = 0.0
    spent: float = 0.0
    enabled: bool = True


_TODAY = {
    "calls": "Calls of a copy provider today.",
    "failures": "Calls of a copy provider that failed today.",
    "candidates": "Lines that a copy provider wrote today.",
    "accepted": "Lines of a copy provider that passed every check today.",
    "seconds": "Time that a copy provider took today.",
    "spent": "What a copy provider cost today, in the unit of the budget.",
    "enabled": "Whether a copy provider is switched on.",
}


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "vitrine_requests",
            "Requests answered.",
            ["endpoint", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "vitrine_request_seconds",
            "Time to answer.",
            ["endpoint"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._degraded = Counter(
            "vitrine_degraded",
            "Answers given without something.",
            ["missing"],
            registry=self.registry,
        )
        self._creatives = Counter(
            "vitrine_creatives",
            "Creatives attached to slates, by state.",
            ["state"],
            registry=self.registry,
        )
        self._lookups = Counter(
            "vitrine_creative_lookups",
            "Creatives that slates asked the cache for: hit where one was made already.",
            ["result"],
            registry=self.registry,
        )
        self._hits, self._misses = self._lookups.labels("hit"), self._lookups.labels("miss")
        self._providers = {
            field: Gauge(
                f"vitrine_creative_provider_{field}", words, ["provider"], registry=self.registry
            )
            for field, words in _TODAY.items()
        }
        self._budget = Gauge(
            "vitrine_creative_budget",
            "What all copy providers together may cost a day.",
            registry=self.registry,
        )
        self._events = Counter(
            "vitrine_events",
            "Events received, by what became of them.",
            ["status"],
            registry=self.registry,
        )
        # Looking labels up costs four times what counting does.
        self._kept: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._kept_creatives: dict[str, Counter] = {}
        self._model = Gauge(
            "vitrine_model_info", "The model that serves.", ["version"], registry=self.registry
        )

    def request(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        kept = self._kept.get((endpoint, method, status))
        if kept is None:
            # Anyone may invent a method, and each label is kept for good.
            told = method if method in _METHODS else "other"
            kept = (
                self._requests.labels(endpoint, told, str(status)),
                self._seconds.labels(endpoint),
            )
            if told == method:
                self._kept[endpoint, method, status] = kept
        kept[0].inc()
        kept[1].observe(seconds)

    def degraded(self, missing: str) -> None:
        self._degraded.labels(missing).inc()

    def creative(self, state: str, count: int = 1) -> None:
        kept = self._kept_creatives.get(state)
        if kept is None:
            kept = self._kept_creatives[state] = self._creatives.labels(state)
        kept.inc(count)

    def looked_up(self, *, hits: int, misses: int) -> None:
        """A hit is a generation saved: somebody before had it made."""
        if hits:
            self._hits.inc(hits)
        if misses:
            self._misses.inc(misses)

    def providers(self, today: Mapping[str, ProviderToday], *, budget: float) -> None:
        """What the next page says of providers."""
        self._budget.set(budget)
        for field, gauge in self._providers.items():
            gauge.clear()
            for name, one in today.items():
                gauge.labels(name).set(float(getattr(one, field)))

    def event(self, status: str, count: int = 1) -> None:
        self._events.labels(status).inc(count)

    def page(self, model_version: str) -> bytes:
        self._model.clear()
        self._model.labels(model_version or "none").set(1)
        return generate_latest(self.registry)
