"""A worker follows the brand kit that was saved last, without a restart."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from generative.branding import brand_store
from generative.branding.brand import BrandKit
from recsys.database import writing
from workers import runtime as runtimes
from workers.runtime import Runtime


def save(runtime: Runtime, **fields: str) -> None:
    with writing(runtime.engine) as session:
        brand_store.save(session, BrandKit(**fields), now=datetime.now(UTC))


def test_a_saved_kit_is_in_force_at_the_next_look_and_models_stay_loaded(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "STYLE_SECONDS", 0.0)
    before = runtime.studio
    save(runtime, name="Hof", color="#123456")

    after = runtime.studio

    assert (before.style.kit.name, after.style.kit.name) == ("Vitrine", "Hof")
    assert after.fingerprint != before.fingerprint
    assert after.writers[0] is before.writers[0]
    assert runtime.studio is after


def test_between_two_looks_the_studio_stays(runtime: Runtime) -> None:
    before = runtime.studio
    save(runtime, name="Hof")

    assert runtime.studio is before


def test_a_database_that_is_away_leaves_the_last_style(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "STYLE_SECONDS", 0.0)
    before = runtime.studio
    with writing(runtime.engine) as session:
        session.execute(text("DROP TABLE brand_kit"))

    assert runtime.studio is before
