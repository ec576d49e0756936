"""Every request is served with a valid creative, whatever is away."""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from api import create_app
from api.config import ApiConfig
from api.runtime import Runtime
from api.schemas import CreativeOut

SIZES = ("hero", "square", "story", "leaderboard", "rectangle", "skyscraper")


@pytest.fixture
def app(cached_config: ApiConfig) -> Iterator[APIFlask]:
    made = create_app(cached_config)
    yield made
    made.extensions["vitrine"].close()


def served(client: FlaskClient, shop: dict[str, str]) -> tuple[int, list[CreativeOut]]:
    """How many items were answered over all sizes, and their creatives, read by the schema."""
    items = 0
    found = []
    for size in SIZES:
        answer = client.get(f"/recommend?k=12&banner={size}", headers=shop)
        assert answer.status_code == 200
        items += len(answer.json["items"])
        found += [CreativeOut.model_validate(one["creative"]) for one in answer.json["items"]]
    return items, found


@pytest.mark.usefixtures("stocked", "broker")
@pytest.mark.parametrize("away", ["nothing", "redis", "database", "both", "queue"])
def test_every_item_of_every_size_has_sound_words(
    client: FlaskClient,
    shop: dict[str, str],
    here: Runtime,
    valkey,
    away: str,
    request: pytest.FixtureRequest,
) -> None:
    served(client, shop)
    if away in {"redis", "both"}:
        valkey.stop()
    if away == "queue":
        request.getfixturevalue("no_broker")
    if away in {"database", "both"}:
        _cut(here)

    items, creatives = served(client, shop)

    assert items == len(creatives) == 12 * len(SIZES)
    assert all(one.headline and one.tagline and one.action for one in creatives)
    assert {one.banner_url for one in creatives} == {None}
    assert {one.state for one in creatives} <= {"pending", "fallback"}
    assert not any(one.ai_generated for one in creatives)


def _cut(here: Runtime) -> None:
    """The database does not answer from here on."""

    def away(*_: object) -> None:
        raise OperationalError("", {}, Exception("away"))

    for name in ("do_connect", "checkout"):
        event.listen(here.engine.pool if name == "checkout" else here.engine, name, away)
    here.engine.pool.dispose()
