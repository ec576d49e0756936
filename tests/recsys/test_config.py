"""What the environment says, read once; what it cannot mean is refused by its name."""

import pytest

from recsys.config import RecsysConfig

COUNTS = ["TRAIN_EPOCHS", "TRAIN_SEED", "TRAIN_THREADS", "KEEP_VERSIONS"]


@pytest.mark.parametrize("name", COUNTS)
def test_half_of_something_that_is_counted_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"VITRINE_{name}='2.5' must be a whole number"):
        RecsysConfig.from_env({f"VITRINE_{name}": "2.5"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEEP_VERSIONS", "many"),
        ("ANSWERS_DAYS", "-1"),
        ("GATE_RATIO", "inf"),
        ("HIDE", "all"),
        ("TEXT_ENCODER", "gpt"),
        ("TRAIN_DEVICE", "tpu"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"VITRINE_{name}='{value}'"):
        RecsysConfig.from_env({f"VITRINE_{name}": value})


def test_whole_numbers_may_be_written_as_people_do() -> None:
    found = RecsysConfig.from_env({"VITRINE_KEEP_VERSIONS": "5", "VITRINE_TRAIN_EPOCHS": "12.0"})

    assert (found.keep_versions, found.train_epochs) == (5, 12)
