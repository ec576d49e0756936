import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from recsys import __main__ as cli
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.catalogue.text_vectors import ItemVectors
from recsys.config import RecsysConfig
from recsys.database import connect, writing
from recsys.errors import NotEnoughData
from recsys.learning import materials
from recsys.learning.bundle import ModelBundle
from recsys.learning.retraining import train_candidate
from recsys.serving import registry
from recsys.tables import Base
from recsys.types import Event, EventKind, Item

FIRST, SECOND = "20260301T000000Z-aaaaaa", "20260302T000000Z-bbbbbb"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch, checkerboard, bundle: ModelBundle) -> Path:
    """A database of the checkerboard, and its model published twice."""
    log = checkerboard()
    engine = connect(f"sqlite:///{tmp_path}/shop.db")
    Base.metadata.create_all(engine)
    deeds = [
        Event(
            event_id=f"e{n}",
            user_id=log.user_ids[log.user_rows[n]],
            item_id=log.item_ids[log.item_rows[n]],
            kind=EventKind.PURCHASE,
            at=datetime.fromtimestamp(int(log.at[n]), UTC),
        )
        for n in range(len(log))
    ]
    with writing(engine) as session:
        named = [Item(item_id=item_id, title=item_id) for item_id in log.item_ids]
        colours = [
            ("Board", "Even" if int(item.item_id[-3:]) % 2 == 0 else "Odd") for item in named
        ]
        items.put_many(
            session,
            [replace(item, category=path) for item, path in zip(named, colours, strict=True)],
        )
        events.record(session, deeds)
    for version in (FIRST, SECOND):
        registry.publish(tmp_path / "artifacts", replace(bundle, version=version))
    registry.promote(tmp_path / "artifacts", FIRST)
    monkeypatch.setenv("VITRINE_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    monkeypatch.setenv("VITRINE_ARTIFACTS_DIR", str(tmp_path / "artifacts"))
    monkeypatch.setenv("VITRINE_TRAIN_THREADS", "1")
    monkeypatch.setenv("VITRINE_TRAIN_EPOCHS", "1")
    monkeypatch.setenv("VITRINE_TEXT_ENCODER", "none")
    return tmp_path


def test_the_live_model_is_reported_beside_the_models(shop: Path, capsys) -> None:
    assert cli.main(["evaluate"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["version"] == FIRST
    assert said["report"] == str(shop / "artifacts" / "reports" / f"{FIRST}.html")
    assert said["candidate"]["ndcg@20"] > said["popularity"]["ndcg@20"]
    html = Path(said["report"]).read_text(encoding="utf-8")
    assert "Odd" in html
    assert "told only the newest item" in html
    assert [one.version for one in registry.versions(shop / "artifacts")] == [SECOND, FIRST]


def test_two_versions_are_compared_in_pairs(shop: Path, capsys) -> None:
    output = shop / "pair.html"

    code = cli.main(["evaluate", "--version", SECOND, "--against", FIRST, "--output", str(output)])

    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["candidate"] == said["live"]
    assert "+0.0000 ± 0.0000 in pairs" in said["verdict"]
    assert "minus the compared model" in output.read_text(encoding="utf-8")


def test_shoppers_never_met_need_a_model_of_their_own(shop: Path, capsys) -> None:
    assert cli.main(["evaluate", "--split", "users", "--version", FIRST]) == 1
    assert "has met every shopper" in capsys.readouterr().err

    assert cli.main(["evaluate", "--split", "users", "--quiet"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["split"] == "users"
    assert said["version"].startswith("new-shoppers-")
    assert registry.live_version(shop / "artifacts") == FIRST


def test_a_training_is_given_the_categories_and_a_place_for_its_checkpoint(shop: Path) -> None:
    config = RecsysConfig(
        database_url=f"sqlite:///{shop}/shop.db", artifacts_dir=shop / "artifacts",
        text_encoder="words",
    )  # fmt: skip

    log, plan = materials.gather(connect(config.database_url), config)

    assert len(log) == 1200
    assert plan.paths is not None
    assert plan.paths["item-003"] == ("Board", "Odd")
    assert plan.vectors is not None
    assert len(plan.vectors.item_ids) == 40
    assert plan.checkpoint == materials.checkpoint_of(config)
    materials.tidy(config)  # nothing is there yet, which is no error


def _words(item_ids: tuple[str, ...]) -> ItemVectors:
    drawn = np.random.default_rng(2).normal(size=(len(item_ids), 16)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return ItemVectors(encoder="drawn", item_ids=item_ids, vectors=drawn)


def test_a_shop_that_nobody_visited_gets_a_model_of_its_words(checkerboard, quick, plan) -> None:
    nobody = checkerboard(n_users=1)
    words = _words(nobody.item_ids)

    outcome = train_candidate(nobody, ModelBundle.empty(), quick, plan=replace(plan, vectors=words))

    assert outcome.passed
    assert "words alone" in outcome.verdict
    assert outcome.bundle.item_ids == nobody.item_ids
    assert outcome.bundle.text is not None


def test_words_never_replace_a_live_model(checkerboard, bundle, quick, plan) -> None:
    nobody = checkerboard(n_users=1)

    with pytest.raises(NotEnoughData):
        train_candidate(nobody, bundle, quick, plan=replace(plan, vectors=_words(nobody.item_ids)))


def test_words_place_newcomers_beside_the_items_that_shoppers_know(
    checkerboard, quick, plan
) -> None:
    log = checkerboard()

    outcome = train_candidate(
        log, ModelBundle.empty(), quick, plan=replace(plan, vectors=_words(log.item_ids))
    )

    assert outcome.bundle.text is not None
    assert outcome.metrics["text"]["items"] == 40
