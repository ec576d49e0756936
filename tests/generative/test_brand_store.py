"""Brand kits are appended, never changed; the newest that can be read is in force."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from generative.branding import brand_store
from generative.branding.brand import BrandKit
from generative.errors import BrandConflict, UnknownBrandVersion
from generative.tables import Base, BrandKitRow

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def session():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def save(session, **fields):
    return brand_store.save(session, BrandKit(**fields), who="k1", now=NOW)


def test_nothing_saved_leaves_the_configuration_in_force(session):
    assert brand_store.current(session) is None
    assert brand_store.newest(session) == 0


def test_the_newest_kit_is_in_force_and_the_older_stay(session):
    first, second = save(session, name="Hof"), save(session, name="Laden")

    assert brand_store.current(session) == second
    assert brand_store.versions(session) == [second, first]
    assert brand_store.get(session, first.version).kit.name == "Hof"


def test_what_is_in_force_already_is_not_saved_twice(session):
    assert save(session, name="Hof") == save(session, name="Hof")
    assert len(brand_store.versions(session)) == 1


def test_going_back_appends_the_older_kit(session):
    first = save(session, name="Hof")
    save(session, name="Laden")

    back = brand_store.save(session, first.kit, who="k1", now=NOW)

    assert back.version > first.version
    assert brand_store.current(session).kit == first.kit
    assert len(brand_store.versions(session)) == 3


def test_a_kit_based_on_one_no_longer_in_force_is_refused(session):
    first = save(session, name="Hof")
    save(session, name="Laden")

    with pytest.raises(BrandConflict, match="is in force"):
        brand_store.save(session, BrandKit(name="Markt"), who="k2", based_on=first.version, now=NOW)


def test_a_row_of_another_release_is_passed_over(session):
    kept = save(session, name="Hof")
    session.add(BrandKitRow(kit={"name": "Neu", "hologram": True}, who="", created_at=NOW))
    session.flush()

    assert brand_store.current(session) == kept
    with pytest.raises(UnknownBrandVersion):
        brand_store.get(session, kept.version + 1)


def test_refresh_reads_a_kit_only_when_there_is_another(session):
    known = brand_store.refresh(session, None)
    save(session, name="Hof")
    newer = brand_store.refresh(session, known)

    assert known is None
    assert newer is not None
    assert brand_store.refresh(session, newer) is newer
