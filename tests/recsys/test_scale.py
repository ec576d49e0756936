"""Nothing dense in shoppers x items: 200,000 x 100,000 numbers would be 80 GB, and must not be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MB = 1_500  # torch and its friends alone take 300

MAKE = """
import json, pathlib, resource, sys
import numpy as np
from recsys.types import EventLog

U, I, E = 200_000, 100_000, 400_000
draw = np.random.default_rng(0)
log = EventLog(
    user_rows=np.arange(E, dtype=np.int32) % U,
    item_rows=(draw.random(E) ** 2 * I).astype(np.int32),
    kinds=np.full(E, 2, np.int8),
    at=np.arange(E, dtype=np.int64) + 1_700_000_000,
    order_rows=(np.arange(E) // 2).astype(np.int32),
    user_ids=tuple(f"u{n}" for n in range(U)),
    item_ids=tuple(f"i{n}" for n in range(I)),
)
"""
TRAIN = """
from recsys.learning import split
from recsys.learning.fitting import training
cut = split.temporal(log, seed=1)
options = training.TrainingOptions(hidden=16, latent=8, depth=0, batch=4_000, sampled=200)
fitted = training.fit(
    cut.train.take(slice(0, 8_000)), validation=cut.validation.batch(0, 100), options=options,
    epochs=1, seed=1,
)
found = {"items": len(fitted.vectors), "shoppers": len(cut.train), "finite": fitted.finite}
"""
IMITATE = """
from recsys.behaviour import synthetic
made = synthetic.sample_log(synthetic.fit_baskets(log), U, seed=1)
found = {"items": len(made.item_ids), "shoppers": len(made.user_ids), "finite": True}
"""
SAY = """
# Linux counts in ru_maxrss what the process was forked from, here all of pytest; VmHWM starts anew.
status = pathlib.Path("/proc/self/status")
peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if status.exists():
    peak_kb = int(status.read_text().split("VmHWM:")[1].split()[0])
found["peak_mb"] = peak_kb // 1024
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.parametrize("task", [TRAIN, IMITATE], ids=["train", "imitate"])
def test_memory_grows_with_the_events_and_not_with_shoppers_times_items(task: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKE + task + SAY],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["items"] > 90_000
    assert found["shoppers"] > 150_000
    assert found["finite"]
    assert found["peak_mb"] < LIMIT_MB
