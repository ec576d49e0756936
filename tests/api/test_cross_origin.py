"""A shop on another origin may call what the public key opens, if it is named, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from api import create_app
from api.config import ApiConfig

SHOP = "https://shop.example"


@pytest.fixture
def crossed(api_config: ApiConfig) -> Iterator[FlaskClient]:
    app: APIFlask = create_app(replace(api_config, cors_origins=(SHOP,)))
    yield app.test_client()
    app.extensions["vitrine"].close()


def _asks(client: FlaskClient, path: str, origin: str) -> str | None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    return client.options(path, headers=headers).headers.get("Access-Control-Allow-Origin")


def test_named_shop_may_call_recommend_and_events(crossed: FlaskClient) -> None:
    assert _asks(crossed, "/recommend", SHOP) == SHOP
    assert _asks(crossed, "/events", SHOP) == SHOP


def test_another_origin_may_not(crossed: FlaskClient) -> None:
    assert _asks(crossed, "/recommend", "https://elsewhere.example") is None


def test_admin_routes_stay_closed_to_every_origin(crossed: FlaskClient) -> None:
    assert _asks(crossed, "/admin/retrain", SHOP) is None
    assert _asks(crossed, "/users/u1", SHOP) is None


def test_no_origin_is_named_by_default(client: FlaskClient) -> None:
    assert _asks(client, "/recommend", SHOP) is None


def test_pages_show_pictures_from_the_named_origins_only(api_config: ApiConfig) -> None:
    app = create_app(replace(api_config, image_origins=("https://cdn.example",)))
    answer = app.test_client().get("/health/live")
    app.extensions["vitrine"].close()

    assert "img-src 'self' data: https://cdn.example;" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("origin", ["*", "shop.example", "https://shop.example/path"])
def test_an_origin_that_is_none_is_refused_at_start(origin: str) -> None:
    with pytest.raises(ValueError, match="VITRINE_CORS_ORIGINS"):
        ApiConfig.from_env({"VITRINE_CORS_ORIGINS": origin})
