"""What a server starts: one app for the life of its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.runtime import Runtime
from recsys.learning import bundle as bundles
from recsys.learning.bundle import ModelBundle

_LOADED = (
    "import api; app = api.serve(); from recsys.learning import bundle; bundle.load = None;"
    "handle = app.extensions['vitrine'].handle; print(handle.get().version, handle.problem)"
)
_READY = "import api; print(api.serve().test_client().get('/health/ready').text)"
_STRANGE = (  # a reader that fails as nobody expects
    "import recsys.serving.registry as registry; from unittest import mock;"
    "registry._load = mock.Mock(side_effect=ZeroDivisionError);"
)
_SERVED = "import api, gc; api.serve(); print(gc.get_freeze_count() > len(gc.get_objects()))"


def test_what_a_served_app_was_built_from_is_not_walked_by_the_collector(tmp_path: Path) -> None:
    folders = tmp_path / "artifacts", tmp_path / "answers"

    done = _run(_SERVED, f"sqlite:///{tmp_path / 'shop.db'}", *folders)

    assert done.stdout.strip() == "True", done.stderr


def test_a_process_has_its_model_before_it_listens(here: Runtime, trained: ModelBundle) -> None:
    done = _run_beside(here, _LOADED)

    assert done.stdout.strip() == f"{trained.version} None", done.stderr


def test_a_broken_model_keeps_no_server_from_starting(here: Runtime, trained: ModelBundle) -> None:
    (here.config.recsys.artifacts_dir / trained.version / bundles.INDEX).write_bytes(b"no index")

    done = _run_beside(here, _READY)

    assert "items.faiss has 8 bytes, not its own; serving none" in done.stdout, done.stderr


@pytest.mark.usefixtures("trained")
def test_nor_does_one_that_breaks_its_reader(here: Runtime) -> None:
    done = _run_beside(here, _STRANGE + _READY)

    assert "is broken: ZeroDivisionError(); serving none" in done.stdout, done.stderr
    assert "model refused" in done.stderr


def _run_beside(here: Runtime, program: str) -> subprocess.CompletedProcess[str]:
    config = here.config.recsys
    return _run(program, config.database_url, config.artifacts_dir, config.answers_dir)


def _run(
    program: str, url: str, artifacts: Path, answers: Path
) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "VITRINE_DATABASE_URL": url,
        "VITRINE_ARTIFACTS_DIR": str(artifacts),
        "VITRINE_ANSWERS_DIR": str(answers),
    }
    return subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False
    )
