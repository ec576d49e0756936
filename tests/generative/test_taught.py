"""What a teacher has said is kept from run to run."""

from pathlib import Path

import pytest

from generative.errors import ProviderUnavailable
from generative.types import Brief, Copy, ItemFacts
from generative.voice.distil import Teacher
from generative.voice.taught import remembering

SAID = Copy(headline="Soft wool scarf", tagline="Warm, with a fringe.", action="Shop now")
SCARF = ItemFacts(item_id="1", title="Wool Scarf", description="A soft wool scarf with a fringe.")


def of(item: ItemFacts) -> Brief:
    return Brief(item=item, size="hero")


class Asked:
    """A teacher that counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, brief: Brief, seed: int) -> list[Copy]:  # noqa: ARG002 a `Teacher`
        self.times += 1
        return [SAID]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voices" / "taught.jsonl"


def test_the_next_run_asks_a_teacher_for_nothing_that_it_said(path: Path) -> None:
    first, second = Asked(), Asked()
    remembering(first, path, name="t")(of(SCARF), 1)

    assert remembering(second, path, name="t")(of(SCARF), 2) == [SAID]
    assert (first.times, second.times) == (1, 0)


@pytest.mark.parametrize("name", ["another teacher", "t"])
def test_another_teacher_or_a_changed_entry_is_asked_anew(path: Path, name: str) -> None:
    remembering(Asked(), path, name="t")(of(SCARF), 1)
    changed = ItemFacts(item_id="1", title="Wool Scarf", description="A soft silk scarf.")
    asked = Asked()

    remembering(asked, path, name=name)(of(SCARF if name != "t" else changed), 1)

    assert asked.times == 1


def test_half_a_line_that_a_killed_run_left_costs_that_line_alone(path: Path) -> None:
    remembering(Asked(), path, name="t")(of(SCARF), 1)
    hat = ItemFacts(item_id="2", title="Wool Hat", description="A soft wool hat.")
    with path.open("a") as file:
        file.write('\n{"key": "ab", "lines": [{"head')
    remembering(Asked(), path, name="t")(of(hat), 1)
    asked = Asked()
    again = remembering(asked, path, name="t")

    assert again(of(SCARF), 1) == again(of(hat), 1) == [SAID]
    assert asked.times == 0


def test_a_teacher_that_fails_is_asked_again(path: Path) -> None:
    def away(brief: Brief, seed: int) -> list[Copy]:  # noqa: ARG001 a `Teacher`
        raise ProviderUnavailable("away")

    failing: Teacher = remembering(away, path, name="t")
    with pytest.raises(ProviderUnavailable):
        failing(of(SCARF), 1)

    assert remembering(Asked(), path, name="t")(of(SCARF), 1) == [SAID]


def test_a_teacher_who_said_nothing_is_asked_again_by_the_next_run(path: Path) -> None:
    """An answer that could not be read is as empty as one that was refused."""
    assert remembering(lambda _brief, _seed: [], path, name="t")(of(SCARF), 1) == []

    assert remembering(Asked(), path, name="t")(of(SCARF), 2) == [SAID]


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_memory(tmp_path: Path) -> None:
    (tmp_path / "voices").write_text("a file where the folder would be")

    said = remembering(Asked(), tmp_path / "voices" / "taught.jsonl", name="t")

    assert said(of(SCARF), 1) == [SAID]


@pytest.mark.parametrize("hostile", ["half a pair \ud83d", "a line\u2028or two", "next\x85line"])
def test_whatever_a_teacher_says_is_kept(path: Path, hostile: str) -> None:
    said = Copy(headline="Soft wool scarf", tagline=hostile, action="Shop now")
    remembering(lambda _brief, _seed: [said], path, name="t")(of(SCARF), 1)
    asked = Asked()

    assert remembering(asked, path, name="t")(of(SCARF), 1) == [said]
    assert asked.times == 0
