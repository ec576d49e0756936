import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from recsys import __main__ as cli
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.database import connect, reading
from recsys.learning import runs
from recsys.serving import registry
from recsys.tables import Base, EventRow
from recsys.types import EventKind, EventLog


@pytest.fixture
def shop(tmp_path: Path, monkeypatch) -> Path:
    url = f"sqlite:///{tmp_path}/shop.db"
    monkeypatch.setenv("VITRINE_DATABASE_URL", url)
    monkeypatch.setenv("VITRINE_ARTIFACTS_DIR", str(tmp_path / "artifacts"))
    monkeypatch.setenv("VITRINE_TRAIN_EPOCHS", "2")
    monkeypatch.setenv("VITRINE_TRAIN_THREADS", "1")
    Base.metadata.create_all(connect(url))
    return tmp_path


@pytest.fixture
def filled(shop: Path, checkerboard) -> Path:
    log: EventLog = checkerboard(n_users=60)
    feed = "".join(
        json.dumps({"item_id": item_id, "title": f"Thing {item_id}", "category": "Board"}) + "\n"
        for item_id in log.item_ids
    )
    (shop / "items.jsonl").write_text(feed)
    rows = ["event_id,user_id,item_id,kind,at,quantity,order_id"]
    columns = zip(log.user_rows, log.item_rows, log.at, log.order_rows, strict=True)
    for n, (user, item, at, order) in enumerate(columns):
        when = f"{np_time(at)}Z"
        names = f"{log.user_ids[user]},{log.item_ids[item]}"
        rows.append(f"e{n},{names},{EventKind.PURCHASE},{when},1,basket-{order}")
    with gzip.open(shop / "events.csv.gz", "wt") as stream:
        stream.write("\n".join(rows) + "\n")
    assert cli.main(["import", "items", str(shop / "items.jsonl")]) == 0
    assert cli.main(["import", "events", str(shop / "events.csv.gz")]) == 0
    return shop


def np_time(seconds: int) -> str:
    import numpy as np

    return str(np.datetime64(int(seconds), "s"))


def _engine(shop: Path):
    return connect(f"sqlite:///{shop}/shop.db")


def test_a_shop_is_filled_trained_and_served_from_the_command_line(filled: Path, capsys) -> None:
    assert cli.main(["train"]) == 0

    said = capsys.readouterr()
    version = json.loads(said.out.splitlines()[-1])["version"]
    assert registry.live_version(filled / "artifacts") == version
    assert "loss" in said.err
    assert "ndcg" in said.err

    assert cli.main(["recommend", "--user", "user-000", "-k", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3

    assert cli.main(["evaluate"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == version


def test_importing_twice_changes_nothing(filled: Path, capsys) -> None:
    assert cli.main(["import", "events", str(filled / "events.csv.gz")]) == 0

    assert capsys.readouterr().out.splitlines()[-1] == "0 events imported, 600 known, 0 rejected"


def test_the_ledger_remembers_the_run(filled: Path) -> None:
    cli.main(["train", "--quiet"])

    with reading(_engine(filled)) as session:
        run = runs.recent(session, 1)[0]
    assert (run.status, run.trigger, run.progress) == ("done", "cli", 1.0)
    assert len(run.curves["loss"]) == 2
    assert run.metrics["candidate"]["ndcg@20"] > 0


def test_a_candidate_that_does_not_pass_exits_3_and_the_live_model_stays(
    filled: Path, monkeypatch
) -> None:
    cli.main(["train", "--quiet"])
    live = registry.live_version(filled / "artifacts")
    monkeypatch.setenv("VITRINE_GATE_RATIO", "9")
    monkeypatch.setenv("VITRINE_TRAIN_SEED", "5")

    assert cli.main(["train", "--quiet"]) == 3
    assert registry.live_version(filled / "artifacts") == live


def test_broken_lines_are_named_and_the_good_ones_kept(shop: Path, capsys) -> None:
    lines = ['{"item_id": "a", "title": "A"}', "not json", '{"item_id": "b", "title": "B"}']
    (shop / "feed.jsonl").write_text("\n".join(lines))

    assert cli.main(["import", "items", str(shop / "feed.jsonl")]) == 0

    assert "line 2:" in capsys.readouterr().err
    with reading(_engine(shop)) as session:
        assert items.count(session).total == 2


def test_broken_events_are_named_and_the_good_ones_kept(shop: Path, capsys) -> None:
    (shop / "e.csv").write_text(
        "event_id,user_id,item_id,kind,at,quantity,order_id\n"
        "1,u,i,purchase,2026-01-01T00:00:00Z,2,\n"
        "2,u,i,stole,2026-01-01T00:00:00Z,1,\n"
        "3,u,i,view,yesterday,,\n"
        "4,u\n"
    )

    assert cli.main(["import", "events", str(shop / "e.csv")]) == 0

    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["line 3", "line 4", "line 5"]
    assert said.out == "1 events imported, 0 known, 3 rejected\n"
    with reading(_engine(shop)) as session:
        assert events.count(session).total == 1


def test_an_imported_purchase_says_what_was_paid(shop: Path) -> None:
    (shop / "e.csv").write_text(
        "event_id,user_id,item_id,kind,at,price,currency\n"
        "1,u,i,purchase,2026-01-01T00:00:00Z,3.50,EUR\n"
        "2,u,i,purchase,2026-01-01T00:00:00Z,,\n"
    )

    assert cli.main(["import", "events", str(shop / "e.csv")]) == 0

    with reading(_engine(shop)) as session:
        paid = session.execute(
            select(EventRow.price, EventRow.currency).order_by(EventRow.event_id)
        )
        assert [tuple(row) for row in paid] == [(Decimal("3.5000"), "EUR"), (None, None)]


def test_a_file_with_nothing_good_fails(shop: Path) -> None:
    (shop / "feed.jsonl").write_text("nothing\nhere\n")

    assert cli.main(["import", "items", str(shop / "feed.jsonl")]) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["import", "items", "no-such.csv"], "no-such.csv: No such file"),
        (["import", "items", "feed.docx"], "--format"),
        (["train"], "import some events"),
        (["evaluate"], "python -m recsys train"),
        (["evaluate", "--version", "20200101T000000Z-000000"], "manifest.json"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_what_cannot_be_done_says_what_to_do(capsys, command, said: str) -> None:
    assert cli.main(command) == 1
    assert said in capsys.readouterr().err


def test_a_database_without_tables_says_how_to_make_them(
    tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("VITRINE_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")

    assert cli.main(["recommend"]) == 1
    assert "db upgrade" in capsys.readouterr().err


def test_a_failed_run_frees_its_place(shop: Path) -> None:
    assert cli.main(["train"]) == 1

    with reading(_engine(shop)) as session:
        assert runs.recent(session, 1)[0].status == "failed"


@pytest.mark.parametrize("k", ["0", "-1", "many"])
@pytest.mark.usefixtures("shop")
def test_a_wrong_command_line_exits_2(k: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["recommend", "-k", k])

    assert stopped.value.code == 2


def test_a_new_shop_recommends_the_newest(shop: Path, capsys) -> None:
    (shop / "feed.jsonl").write_text('{"item_id": "a", "title": "A"}\n')
    cli.main(["import", "items", str(shop / "feed.jsonl")])
    capsys.readouterr()

    assert cli.main(["recommend", "--item", "unknown"]) == 0

    said = capsys.readouterr()
    assert "newest" in said.out
    assert "unknown to the catalogue: unknown" in said.err
