import sys

import pytest

from recsys.errors import MissingExtra
from recsys.learning.fitting.curves import Curves


def test_without_the_extra_the_message_names_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)

    with pytest.raises(MissingExtra, match=r"pip install -e '\.\[tensorboard\]'"):
        Curves(tmp_path)


def test_both_curves_can_be_read_back(tmp_path) -> None:
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Curves(tmp_path) as curves:
        curves.add(1, loss=3.5, ndcg=0.25)
        curves.add(2, loss=3.0, ndcg=0.5)

    read = EventAccumulator(str(tmp_path))
    read.Reload()
    assert [(point.step, point.value) for point in read.Scalars("loss")] == [(1, 3.5), (2, 3.0)]
    assert [point.value for point in read.Scalars("validation/ndcg")] == [0.25, 0.5]
