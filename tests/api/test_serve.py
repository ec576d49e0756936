"""What a server starts: one app for the life of its process."""

import os
import subprocess
import sys
from pathlib import Path

_SERVED = "import api, gc; api.serve(); print(gc.get_freeze_count() > len(gc.get_objects()))"


def test_what_a_served_app_was_built_from_is_not_walked_by_the_collector(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "VITRINE_DATABASE_URL": f"sqlite:///{tmp_path / 'shop.db'}",
        "VITRINE_ARTIFACTS_DIR": str(tmp_path / "artifacts"),
        "VITRINE_ANSWERS_DIR": str(tmp_path / "answers"),
    }

    done = subprocess.run(
        [sys.executable, "-c", _SERVED], env=env, capture_output=True, text=True, check=False
    )

    assert done.stdout.strip() == "True", done.stderr
