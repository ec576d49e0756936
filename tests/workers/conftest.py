"""A worker's runtime on real stores, with the quick writers; no queue: bodies are called as functions."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from generative.config import GenerativeConfig
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.config import RecsysConfig
from recsys.database import writing
from recsys.types import Event, EventKind, Item
from workers.config import WorkersConfig
from workers.runtime import Runtime


@pytest.fixture
def new_runtime(tmp_path: Path, redis_url: str) -> Iterator[Callable[..., Runtime]]:
    made: list[Runtime] = []

    def make(database_url: str, **settings: object) -> Runtime:
        recsys = RecsysConfig(
            database_url=database_url,
            artifacts_dir=tmp_path / "artifacts",
            spool_dir=tmp_path / "spool",
            answers_dir=tmp_path / "answers",
            train_epochs=2,
            train_threads=1,
            gate_ratio=0.0,
        )
        generative = GenerativeConfig(
            cache_url=redis_url.removesuffix("/0") + "/5",
            banners_dir=tmp_path / "banners",
            media_dirs=(tmp_path / "media",),
            copy_providers=("extractive", "template"),
        )
        runtime = Runtime(WorkersConfig(recsys=recsys, generative=generative, **settings))
        made.append(runtime)
        return runtime

    yield make
    for runtime in made:
        runtime.engine.dispose()


@pytest.fixture
def runtime(new_runtime: Callable[..., Runtime], sqlite_url: str) -> Runtime:
    return new_runtime(sqlite_url)


@pytest.fixture
def both(new_runtime: Callable[..., Runtime], database_url: str) -> Runtime:
    """A runtime on SQLite and then on PostgreSQL."""
    return new_runtime(database_url)


@pytest.fixture
def fill() -> Callable[..., None]:
    return fill_shop


def fill_shop(runtime: Runtime, *, aisles: int = 2, shoppers: int = 6, steps: int = 4) -> None:
    """`shoppers` for each aisle, who keep to it; 8 items an aisle."""
    now = datetime.now(UTC) - timedelta(days=1)
    catalogue = [
        Item(
            item_id=f"a{aisle}-{number}",
            title=f"Thing {number} of aisle {aisle}",
            category=("Shop", f"Aisle {aisle}"),
            price=Decimal("2.50"),  # one price, so one price band: a persona an aisle
            created_at=now - timedelta(days=number),
        )
        for aisle in range(aisles)
        for number in range(8)
    ]
    deeds = [
        Event(
            event_id=f"e{aisle}-{shopper}-{step}",
            user_id=f"u{aisle}-{shopper}",
            item_id=f"a{aisle}-{(shopper + step) % 8}",
            kind=EventKind.PURCHASE,
            at=now - timedelta(minutes=10 * step + shopper),
        )
        for aisle in range(aisles)
        for shopper in range(shoppers)
        for step in range(steps)
    ]
    with writing(runtime.engine) as session:
        items.put_many(session, catalogue)
        events.record(session, deeds)
