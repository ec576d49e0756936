"""The docs name every setting with its default, and every route."""

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from api import create_app
from api.config import ApiConfig
from generative.config import GenerativeConfig
from recsys.config import RecsysConfig
from workers.config import WorkersConfig

DOCS = Path(__file__).resolve().parents[1] / "docs"
ROOT = DOCS.parent
CONFIGS = {
    "recsys": RecsysConfig,
    "generative": GenerativeConfig,
    "workers": WorkersConfig,
    "api": ApiConfig,
}
ROW = re.compile(r"^\| `(VITRINE_[A-Z_]+)` \| (?:`([^`]*)`|\(empty\)) \| \S", re.MULTILINE)


def spoken(value: Any) -> str:
    """A default as one would write it into the environment."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return (":" if value and isinstance(value[0], Path) else ",").join(map(str, value))
    return str(value)


def defaults(config: type) -> dict[str, str]:
    return {
        f"VITRINE_{field.name.upper()}": spoken(field.default)
        for field in fields(config)
        if field.default is not MISSING
    }


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(ROW.findall((DOCS / "configuration.md").read_text(encoding="utf-8")))
    wanted: dict[str, str] = {}
    for config in CONFIGS.values():
        wanted |= defaults(config)

    assert documented == wanted


@pytest.mark.parametrize("room", CONFIGS)
def test_every_field_is_read_from_its_own_variable(room: str) -> None:
    source = (ROOT / room / "config.py").read_text(encoding="utf-8")

    assert set(re.findall(r'"(VITRINE_[A-Z_]+)"', source)) == defaults(CONFIGS[room]).keys()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_documented_defaults_read_back_as_the_defaults(config: Any) -> None:
    assert config.from_env(defaults(config)) == config()


def test_every_route_is_documented(tmp_path: Path) -> None:
    recsys = RecsysConfig(database_url=f"sqlite:///{tmp_path}/x.db")
    app = create_app(ApiConfig(recsys=recsys))
    app.extensions["vitrine"].close()
    page = (DOCS / "http-api.md").read_text(encoding="utf-8")
    pages = {"static", "openapi", "storefront", "console", "docs"}
    wanted = {
        f"{method} " + re.sub(r"<(?:\w+:)?([^>]*)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.split(".")[0] not in pages
    }

    told = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)", page))
    assert told == wanted
