"""`python -m recsys check`: files and the database, exit codes, JSON."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from recsys import __main__ as cli
from recsys.database import connect
from recsys.tables import Base
from recsys.types import EventLog

HEAD = "event_id,user_id,item_id,kind,at,quantity,order_id"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch) -> Path:
    url = f"sqlite:///{tmp_path}/shop.db"
    monkeypatch.setenv("VITRINE_DATABASE_URL", url)
    monkeypatch.setenv("VITRINE_ARTIFACTS_DIR", str(tmp_path / "artifacts"))
    Base.metadata.create_all(connect(url))
    return tmp_path


@pytest.fixture
def board(shop: Path, checkerboard) -> tuple[Path, Path]:
    log: EventLog = checkerboard()
    feed, deeds = shop / "items.jsonl", shop / "events.csv.gz"
    feed.write_text(
        "".join(
            json.dumps({"item_id": one, "title": one, "price": "9.99"}) + "\n"
            for one in log.item_ids
        )
    )
    with gzip.open(deeds, "wt") as stream:
        stream.write(HEAD + "\n")
        for n, (user, item, at) in enumerate(
            zip(log.user_rows, log.item_rows, log.at, strict=True)
        ):
            when = f"{np.datetime64(int(at), 's')}Z"
            stream.write(f"e{n},{log.user_ids[user]},{log.item_ids[item]},purchase,{when},1,\n")
    return feed, deeds


def _levels(said: str) -> dict[str, str]:
    told = json.loads(said)
    return {one["name"]: one["level"] for one in told["findings"] if one["level"] != "PASS"}


def test_a_clean_file_passes_before_its_import(board: tuple[Path, Path], capsys) -> None:
    feed, deeds = board

    assert cli.main(["check", "--events", str(deeds), "--items", str(feed), "--json"]) == 0
    assert _levels(capsys.readouterr().out) == {}


def test_the_database_says_the_same_after_the_import(board: tuple[Path, Path], capsys) -> None:
    feed, deeds = board
    cli.main(["import", "items", str(feed)])
    cli.main(["import", "events", str(deeds)])
    capsys.readouterr()

    assert cli.main(["check", "--json"]) == 0
    assert _levels(capsys.readouterr().out) == {}


def test_an_empty_shop_fails_with_what_to_do(capsys) -> None:
    assert cli.main(["check"]) == 1

    said = capsys.readouterr()
    assert "FAIL  amount" in said.out
    assert "import" in said.out
    assert said.err.endswith("FAIL\n")


def test_a_fault_is_told_with_its_lines(board: tuple[Path, Path], capsys) -> None:
    with gzip.open(board[1], "at") as stream:
        stream.write("late,user-000,item-000,view,2199-01-01T00:00:00Z,,\n")

    assert cli.main(["check", "--events", str(board[1])]) == 1

    assert "line 1202" in capsys.readouterr().out


def test_a_file_that_breaks_off_is_told_and_not_a_traceback(
    board: tuple[Path, Path], capsys
) -> None:
    whole = board[1].read_bytes()
    board[1].write_bytes(whole[: len(whole) // 2])

    assert cli.main(["check", "--events", str(board[1]), "--json"]) in {0, 1}
    assert "breaks off" in capsys.readouterr().out
    assert cli.main(["import", "events", str(board[1])]) == 1
    assert "the file is broken" in capsys.readouterr().err


def test_an_empty_time_window_fails(board: tuple[Path, Path], capsys) -> None:
    assert cli.main(["check", "--events", str(board[1]), "--since", "2030-01-01"]) == 1

    assert "FAIL  window" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--since", "soon"], ["--newest", "0"]])
def test_a_wrong_option_exits_2(option: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["check", *option])

    assert stopped.value.code == 2
