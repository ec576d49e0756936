"""The benchmark page says what the result files say, and every result has its script."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RESULTS = sorted((ROOT / "bench" / "results").glob("*.json"))
ENVELOPE = {"command", "date", "machine", "versions", "seeds", "figures", "rows"}


def test_benchmark_page_is_made_from_the_results() -> None:
    done = subprocess.run(
        [sys.executable, "bench/tables.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_result_has_the_agreed_envelope_and_its_script(path: Path) -> None:
    result = json.loads(path.read_text())

    assert set(result) == ENVELOPE
    assert (ROOT / "bench" / f"{path.stem}.py").exists()
    assert all(
        value is None or isinstance(value, int | float) for value in result["figures"].values()
    )
    assert all(name == name.lower() for name in result["figures"])
