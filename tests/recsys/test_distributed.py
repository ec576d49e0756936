import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recsys.learning.fitting import distributed
from recsys.learning.fitting.distributed import Team

ROOT = Path(__file__).resolve().parents[2]

_SCRIPT = """
import json, os, sys
from pathlib import Path
import numpy as np
import torch
from recsys.learning import split
from recsys.learning.fitting import distributed, training
from recsys.learning.fitting.training import TrainingOptions
from recsys.models import histories

torch.set_num_threads(1)
draw = np.random.default_rng(1)
own = np.concatenate([draw.choice(20, 8, replace=False) for _ in range(101)])
rows = np.repeat(np.arange(101), 8)
taken = split.matrix(rows, own * 2 + rows % 2, shape=(101, 40))
had, then = taken.tolil(), taken.tolil()
train = histories.from_matrix(taken[:80])
held = split.matrix(rows[640:], (own * 2 + rows % 2)[640:], shape=(101, 40))[80:]
first = held.multiply(split.matrix(np.repeat(np.arange(21), 20), np.tile(np.arange(20), 21), shape=(21, 40)))
first = first.tocsr()
rest = (held - first).tocsr()
rest.eliminate_zeros()
validation = split.HoldOut(fold_in=histories.from_matrix(first), targets=rest)
folder = Path(sys.argv[1])
found = {}
with distributed.joined(os.environ) as team:
    for sampled in (0, 6):
        options = TrainingOptions(hidden=16, latent=4, batch=27, precision="fp32", sampled=sampled)
        called = []
        fitted = training.fit(
            train, validation=validation, options=options, epochs=3, seed=1,
            checkpoint=folder / f"fit{sampled}.pt",
            on_epoch=lambda *said: called.append(said) or True,
        )
        found[sampled] = {"losses": fitted.losses, "ndcgs": fitted.ndcgs,
                          "best": fitted.best_epoch, "called": len(called),
                          "sum": float(np.abs(fitted.vectors).sum()),
                          "embedding": float(np.abs(fitted.encoder.embedding).sum())}
    (folder / f"{team.size}-{team.rank}.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict]:
    """The same fit by one process, and by two that torchrun started."""
    folder = tmp_path_factory.mktemp("team")
    script = folder / "script.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for n in (1, 2):
        (folder / str(n)).mkdir()
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
        command = [sys.executable, *(torchrun if n == 2 else []), str(script), str(folder / str(n))]
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert ended.returncode == 0, ended.stderr
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("?/*.json")}


@pytest.mark.slow
@pytest.mark.parametrize("sampled", ["0", "6"])
def test_two_processes_have_the_loss_curve_of_one(found, sampled) -> None:
    one, two = found["1-0"][sampled], found["2-0"][sampled]

    assert two["losses"] == pytest.approx(one["losses"], rel=1e-4)
    assert two["ndcgs"] == pytest.approx(one["ndcgs"], abs=0.02)
    assert two["sum"] == pytest.approx(one["sum"], rel=1e-3)
    assert two["embedding"] == pytest.approx(one["embedding"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("sampled", ["0", "6"])
def test_both_processes_hold_one_model_and_one_alone_reports(found, sampled) -> None:
    leader, other = found["2-0"][sampled], found["2-1"][sampled]

    assert leader["called"] == 3
    assert other["called"] == 0
    assert {**leader, "called": 0} == other


def test_a_process_started_alone_is_a_team_of_one() -> None:
    with distributed.joined({}) as team:
        assert team == Team()
        assert team.leads
        assert team.hear("word") == "word"
