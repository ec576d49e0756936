import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys.config import RecsysConfig
from recsys.errors import Cancelled
from recsys.learning import materials, split
from recsys.learning.fitting import training
from recsys.learning.fitting.training import Fitted, TrainingOptions


@pytest.fixture(scope="module")
def cut(checkerboard) -> split.Split:
    return split.temporal(checkerboard(), seed=1)


def _fit(cut: split.Split, options: TrainingOptions, **more) -> Fitted:
    settings = {"epochs": 6, "seed": 3, **more}
    return training.fit(cut.train, validation=cut.validation, options=options, **settings)


def _stopped_after(cut: split.Split, options: TrainingOptions, n: int, path: Path, **more) -> None:
    seen: list[float] = []
    with pytest.raises(Cancelled):
        _fit(
            cut,
            options,
            checkpoint=path,
            on_epoch=lambda _progress, loss, _ndcg: seen.append(loss) or len(seen) < n,
            **more,
        )


def _equal(first: Fitted, second: Fitted) -> bool:
    arrays, others = first.encoder.arrays(), second.encoder.arrays()
    return (
        first.losses == second.losses
        and first.ndcgs == second.ndcgs
        and first.best_epoch == second.best_epoch
        and bool((first.vectors == second.vectors).all())
        and all((arrays[name] == others[name]).all() for name in arrays)
    )


@pytest.mark.parametrize("sampled", [0, 8])
def test_a_fit_that_goes_on_is_bit_equal_to_one_that_never_stopped(
    cut, small, tmp_path, sampled
) -> None:
    options = replace(small, sampled=sampled)
    _stopped_after(cut, options, 3, tmp_path / "fit.pt")

    resumed = _fit(cut, options, checkpoint=tmp_path / "fit.pt")

    assert _equal(resumed, _fit(cut, options))


def test_only_the_epochs_that_are_left_are_fitted(cut, small, tmp_path) -> None:
    _stopped_after(cut, small, 4, tmp_path / "fit.pt")
    seen = []

    _fit(cut, small, checkpoint=tmp_path / "fit.pt", on_epoch=lambda p, *_: seen.append(p) or True)

    assert seen == [5 / 6, 1.0]


def test_a_fit_that_ended_is_read_and_not_repeated(cut, small, tmp_path) -> None:
    whole = _fit(cut, small, checkpoint=tmp_path / "fit.pt")
    seen = []

    again = _fit(
        cut, small, checkpoint=tmp_path / "fit.pt", on_epoch=lambda p, *_: seen.append(p) or True
    )

    assert _equal(whole, again)
    assert seen == []


@pytest.mark.parametrize("change", ["seed", "options", "data"])
def test_the_checkpoint_of_another_fit_is_left_aside(cut, small, tmp_path, change, caplog) -> None:
    path = tmp_path / "fit.pt"
    _stopped_after(cut, small, 3, path)
    train = cut.train.take(np.arange(len(cut.train))[::-1]) if change == "data" else cut.train
    options = replace(small, gamma=0.02) if change == "options" else small
    seed = 4 if change == "seed" else 3
    other = replace(cut, train=train)

    found = _fit(other, options, seed=seed, checkpoint=path)

    assert _equal(found, _fit(other, options, seed=seed))
    assert "of another fit" in caplog.text


@pytest.mark.parametrize("content", [b"", b"no checkpoint", "half", "foreign"])
def test_a_checkpoint_that_cannot_be_read_is_left_aside(
    cut, small, tmp_path, content, caplog
) -> None:
    path = tmp_path / "fit.pt"
    _stopped_after(cut, small, 1, path, epochs=2)
    if content == "half":
        content = path.read_bytes()[: path.stat().st_size // 2]
    if content == "foreign":
        torch.save([1, 2], path)
    else:
        path.write_bytes(content)

    found = _fit(cut, small, epochs=2, checkpoint=path)

    assert _equal(found, _fit(cut, small, epochs=2))
    assert "cannot be read" in caplog.text


def test_a_checkpoint_that_would_run_code_is_not_unpickled(cut, small, tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"format": 1, "of": Evil()}, tmp_path / "fit.pt")

    _fit(cut, small, epochs=1, checkpoint=tmp_path / "fit.pt")

    assert not (tmp_path / "ran").exists()


def test_tidying_removes_the_fit_of_every_seed_and_what_was_half_written(tmp_path) -> None:
    config = RecsysConfig(artifacts_dir=tmp_path)
    kept = materials.checkpoint_of(config)
    kept.parent.mkdir()
    for name in ("fit.pt", "fit.pt.part", "fit.pt.0", "fit.pt.1.part"):
        (kept.parent / name).write_bytes(b"x")

    materials.tidy(config)
    materials.tidy(config)

    assert list(kept.parent.iterdir()) == []


_KILLED = """
import os, sys
from pathlib import Path
import numpy as np
import torch
from recsys.learning import materials, split
from recsys.learning.fitting import training
from recsys.learning.fitting.training import TrainingOptions
from recsys.models import histories

def data():
    draw = np.random.default_rng(1)
    rows = np.repeat(np.arange(60), 5)
    train = histories.from_matrix(split.matrix(rows, draw.integers(40, size=300), shape=(60, 40)))
    nobody = histories.from_matrix(split.matrix(rows[:0], rows[:0], shape=(0, 40)))
    return train, split.HoldOut(fold_in=nobody, targets=nobody.matrix())

def fit(path, on_epoch):
    train, validation = data()
    options = TrainingOptions(hidden=16, latent=4, batch=16, precision="fp32")
    return training.fit(train, validation=validation, options=options, epochs=5, seed=1,
                        checkpoint=path, on_epoch=on_epoch)

epochs = []
def killed(*_):
    epochs.append(1)
    if len(epochs) == 3:
        os.kill(os.getpid(), 9)
    return True

if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]))
    fit(Path(sys.argv[1]), killed)
"""


@pytest.mark.slow
def test_a_process_killed_in_its_fit_goes_on_in_another(tmp_path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(_KILLED, encoding="utf-8")
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    # Sums over other threads come in another order, and tests before may have set their number.
    told = [str(tmp_path / "fit.pt"), str(torch.get_num_threads())]
    ended = subprocess.run([sys.executable, str(script), *told], env=environment, check=False)
    names: dict = {"__name__": "killed"}
    exec(_KILLED, names)  # noqa: S102 the very script that was killed

    resumed = names["fit"](tmp_path / "fit.pt", lambda *_: True)

    assert ended.returncode == -9
    assert _equal(resumed, names["fit"](None, lambda *_: True))
