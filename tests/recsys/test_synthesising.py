import csv
import gzip
import json
from pathlib import Path

import pytest

from recsys import __main__ as cli
from recsys.behaviour import events, rhythm
from recsys.database import connect, reading
from recsys.tables import Base


@pytest.fixture
def shop(tmp_path: Path, monkeypatch, checkerboard) -> Path:
    url = f"sqlite:///{tmp_path}/shop.db"
    monkeypatch.setenv("VITRINE_DATABASE_URL", url)
    monkeypatch.setenv("VITRINE_TRAIN_EPOCHS", "2")
    monkeypatch.setenv("VITRINE_TRAIN_THREADS", "1")
    Base.metadata.create_all(connect(url))
    feed = [
        json.dumps({"item_id": f"item-{n:03}", "title": "Thing", "category": f"Board/{n % 2}"})
        for n in range(40)
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(feed) + "\n")
    rhythm.write_csv(checkerboard(n_users=200), tmp_path / "real.csv.gz")
    assert cli.main(["import", "items", str(tmp_path / "items.jsonl")]) == 0
    assert cli.main(["import", "events", str(tmp_path / "real.csv.gz")]) == 0
    return tmp_path


@pytest.mark.parametrize("source", ["vae", "baskets"])
def test_shoppers_are_made_judged_and_imported_again(shop: Path, capsys, source: str) -> None:
    file, report = shop / "made.csv.gz", shop / "report.json"
    wanted = ["synthesise", "--users", "50", "--from", source, "--output", str(file)]

    assert cli.main([*wanted, "--seed", "4", "--report", str(report), "--quiet"]) == 0

    said = capsys.readouterr()
    told = json.loads(said.out.splitlines()[-1])
    assert told["users"] == 50
    assert told["memorised"] is False
    assert "classifier_auc" in said.err
    rows = json.loads(report.read_text())["rows"]
    assert [row["from"] for row in rows] == ["real", source]
    assert rows[1]["category_distance"] < 0.2
    assert cli.main(["import", "events", str(file)]) == 0
    with reading(connect(f"sqlite:///{shop}/shop.db")) as session:
        assert events.count(session).users == 250
        assert events.count(session).total == 2_000 + told["events"]


def test_a_private_vae_says_what_it_may_tell(shop: Path, capsys) -> None:
    pytest.importorskip("opacus")
    file = shop / "made.csv"

    made = ["synthesise", "--users", "20", "--private", "--noise", "3", "--delta", "1e-3"]

    done = cli.main([*made, "--output", str(file), "--no-report"])

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done == 0
    assert 0 < told["epsilon"] < 10
    assert told["delta"] == 1e-3
    assert told["latent"] == "prior"
    with file.open() as stream:
        assert len({row["user_id"] for row in csv.DictReader(stream)}) == 20


def test_what_privacy_cost_is_said(shop: Path, capsys) -> None:
    pytest.importorskip("opacus")
    made = ["synthesise", "--users", "20", "--private", "--quiet"]

    assert cli.main([*made, "--output", str(shop / "made.csv")]) == 0

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 < told["ndcg100"] < 1
    assert 0 < told["ndcg100_without_privacy"] < 1


def test_a_seed_is_repeated_to_the_byte(shop: Path) -> None:
    for name in ("a", "b"):
        made = ["synthesise", "--from", "baskets", "--users", "30", "--no-report"]
        assert cli.main([*made, "--output", str(shop / f"{name}.csv.gz")]) == 0

    assert gzip.decompress((shop / "a.csv.gz").read_bytes()).startswith(b"event_id,user_id")
    assert (shop / "a.csv.gz").read_bytes() == (shop / "b.csv.gz").read_bytes()


def test_baskets_cannot_be_private(shop: Path, capsys) -> None:
    made = ["synthesise", "--from", "baskets", "--private", "--output", str(shop / "a.csv")]

    assert cli.main(made) == 1
    assert "--private fits a VAE" in capsys.readouterr().err


def test_an_empty_shop_cannot_be_imitated(tmp_path: Path, monkeypatch, capsys) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    monkeypatch.setenv("VITRINE_DATABASE_URL", url)
    Base.metadata.create_all(connect(url))

    assert cli.main(["synthesise", "--output", str(tmp_path / "a.csv")]) == 1
    assert "import some events" in capsys.readouterr().err
