"""Jobs give way to the web's answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.config import WorkersConfig

ROOT = Path(__file__).resolve().parents[2]
GIVEN_WAY = """
import os, sys
from pathlib import Path
from workers.priority import give_way
give_way(7, autogroup=Path(sys.argv[1]))
give_way(3, autogroup=Path(sys.argv[1]))
print(os.nice(0))
"""


def give_way(autogroup: Path, *, own_session: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", GIVEN_WAY, str(autogroup)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        start_new_session=own_session,
    )
    return int(done.stdout)


def test_a_worker_is_as_nice_as_it_is_told_and_never_less(tmp_path: Path) -> None:
    before = os.nice(0)

    assert give_way(tmp_path / "none", own_session=True) == max(before, 7)


@pytest.mark.parametrize(("own_session", "written"), [(True, "3"), (False, "0")])
def test_a_session_is_lowered_by_the_process_that_leads_it_and_by_no_other(
    tmp_path: Path, *, own_session: bool, written: str
) -> None:
    autogroup = tmp_path / "autogroup"
    autogroup.write_text("0")

    give_way(autogroup, own_session=own_session)

    assert autogroup.read_text() == written


def test_the_worker_processes_of_celery_have_given_way() -> None:
    code = (
        "import os; from workers.app import app; from celery import signals;"
        "signals.celeryd_init.send(sender='t', instance=None, conf=app.conf, options={});"
        "print(os.nice(0))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "VITRINE_WORKER_NICE": "12"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) == max(os.nice(0), 12)


@pytest.mark.parametrize("value", ["20", "-1", "2.5", "much"])
def test_a_priority_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="VITRINE_WORKER_NICE"):
        WorkersConfig.from_env({"VITRINE_WORKER_NICE": value})
