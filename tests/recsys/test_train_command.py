"""`python -m recsys train`: its options, a stop that loses no epoch, and a team of processes."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recsys import __main__ as cli
from recsys.database import connect, reading
from recsys.learning import runs
from recsys.learning.runs import Run
from recsys.serving import registry
from recsys.tables import Base
from recsys.types import EventLog

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def filled(tmp_path: Path, monkeypatch, checkerboard) -> Path:
    log: EventLog = checkerboard(n_users=60)
    url = f"sqlite:///{tmp_path}/shop.db"
    monkeypatch.setenv("VITRINE_DATABASE_URL", url)
    monkeypatch.setenv("VITRINE_ARTIFACTS_DIR", str(tmp_path / "artifacts"))
    monkeypatch.setenv("VITRINE_TRAIN_THREADS", "1")
    monkeypatch.setenv("VITRINE_TRAIN_EPOCHS", "4")
    Base.metadata.create_all(connect(url))
    with (tmp_path / "e.csv").open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["event_id", "user_id", "item_id", "kind", "at"])
        for n, (user, item, at) in enumerate(
            zip(log.user_rows, log.item_rows, log.at, strict=True)
        ):
            when = f"{np.datetime64(int(at), 's')}Z"
            lines.writerow([f"e{n}", log.user_ids[user], log.item_ids[item], "purchase", when])
    assert cli.main(["import", "events", str(tmp_path / "e.csv")]) == 0
    return tmp_path


def _last(shop: Path) -> Run:
    engine = connect(f"sqlite:///{shop}/shop.db")
    with reading(engine) as session:
        return runs.recent(session, 1)[0]


def _stopping(monkeypatch, *, after: int) -> None:
    """Ctrl-C once so many epochs are done."""
    beat = runs.beat

    def pressed(session, run_id, **values) -> bool:
        if values["stage"] == "fit" and len(values["curves"]["loss"]) == after:
            raise KeyboardInterrupt
        return beat(session, run_id, **values)

    monkeypatch.setattr(runs, "beat", pressed)


def test_options_go_before_the_environment(filled: Path, capsys) -> None:
    cli.main(["train", "--quiet", "--epochs", "2", "--seed", "5", "--device", "cpu"])

    version = json.loads(capsys.readouterr().out.splitlines()[-1])["version"]
    manifest = json.loads((filled / "artifacts" / version / "manifest.json").read_text())
    made = manifest["config"]
    assert (made["epochs"], made["seed"], made["device"]) == (2, 5, "cpu")
    assert len(_last(filled).curves["loss"]) == 2


def test_a_stopped_training_is_cancelled_and_goes_on_where_it_was(
    filled: Path, monkeypatch, capsys
) -> None:
    with monkeypatch.context() as patched:
        _stopping(patched, after=3)
        assert cli.main(["train"]) == 1
    said = capsys.readouterr().err
    assert "the same command goes on" in said
    assert "stopped; nothing half-made was published" in said
    assert _last(filled).status == "cancelled"
    assert registry.live_version(filled / "artifacts") is None

    cli.main(["train", "--quiet"])

    resumed = _last(filled)
    assert len(resumed.curves["loss"]) == 1
    cli.main(["train", "--quiet"])
    whole = _last(filled)
    assert len(whole.curves["loss"]) == 4
    assert resumed.metrics["candidate"] == whole.metrics["candidate"]


def test_a_fresh_start_can_be_asked_for(filled: Path, monkeypatch) -> None:
    with monkeypatch.context() as patched:
        _stopping(patched, after=3)
        cli.main(["train", "--quiet"])

    cli.main(["train", "--quiet", "--no-resume"])

    assert len(_last(filled).curves["loss"]) == 4


@pytest.mark.usefixtures("filled")
def test_the_time_left_is_told(capsys) -> None:
    cli.main(["train"])

    assert "s left" in capsys.readouterr().err


def test_tensorboard_files_are_written_where_asked(filled: Path) -> None:
    pytest.importorskip("tensorboard")

    cli.main(["train", "--quiet", "--epochs", "1", "--log-dir", str(filled / "logs")])

    assert list((filled / "logs").glob("events.out.tfevents.*"))


@pytest.mark.parametrize(
    "option", [["--epochs", "0"], ["--max-seconds", "-1"], ["--device", "tpu"], ["--seed", "x"]]
)
def test_a_wrong_option_exits_2(option: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["train", *option])

    assert stopped.value.code == 2


@pytest.mark.slow
def test_a_team_of_two_trains_one_candidate(filled: Path) -> None:
    team = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    made = subprocess.run(
        [sys.executable, *team, "-m", "recsys", "train", "--quiet"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    told = [line for line in made.stdout.splitlines() if line.startswith("{")]
    assert len(told) == 1, made.stderr
    assert _last(filled).status in {"done", "refused"}
    assert len(_last(filled).curves["loss"]) == 4
