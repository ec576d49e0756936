import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.serving import rotation
from recsys.serving.rotation import Shown

THOROUGH = settings(max_examples=200, deadline=None, derandomize=True, database=None)
DAY = 86_400.0
rates, counts = st.floats(0, 1), st.floats(0, 1e6)
ages, half_lives = st.floats(-1e9, 1e9), st.floats(1, 1e8)
ids = st.lists(st.text(min_size=1, max_size=8), max_size=30)


def left(shown: float, age: float = 0.0, *, half_life: float = DAY, rate: float = 0.2) -> float:
    found = rotation.factor(
        np.array([shown]), np.array([age]), half_life_seconds=half_life, rate=rate
    )
    return float(found[0])


def after(shows: int, *, now: float = 0.0, state: Shown | None = None) -> Shown:
    state = state or Shown()
    for _ in range(shows):
        state = rotation.seen(state, ["a"], now, half_life_seconds=DAY)
    return state


def test_each_fresh_showing_costs_the_same_share() -> None:
    assert [left(n) for n in range(4)] == pytest.approx([1, 0.8, 0.64, 0.512])


def test_after_a_half_life_half_of_the_showings_are_left() -> None:
    assert left(4, DAY) == pytest.approx(left(2))


@THOROUGH
@given(shown=st.tuples(counts, counts), age=ages, half_life=half_lives, rate=rates)
def test_more_showings_never_raise_an_item(
    shown: tuple[float, float], age: float, half_life: float, rate: float
) -> None:
    fewer, more = sorted(shown)

    high, low = (left(n, age, half_life=half_life, rate=rate) for n in (fewer, more))

    assert 0 <= low <= high <= 1


@THOROUGH
@given(shown=counts, age=st.tuples(ages, ages), half_life=half_lives, rate=rates)
def test_time_only_ever_brings_an_item_back(
    shown: float, age: tuple[float, float], half_life: float, rate: float
) -> None:
    sooner, later = (left(shown, one, half_life=half_life, rate=rate) for one in sorted(age))

    assert sooner <= later
    assert left(shown, 60 * half_life, half_life=half_life, rate=rate) > 0.999


@THOROUGH
@given(shown=counts, age=ages, rate=st.tuples(rates, rates))
def test_a_higher_rate_never_raises_an_item(
    shown: float, age: float, rate: tuple[float, float]
) -> None:
    mild, harsh = (left(shown, age, rate=one) for one in sorted(rate))

    assert harsh <= mild
    assert left(shown, age, rate=0) == 1


def test_what_was_shown_often_sinks_below_what_was_not() -> None:
    state = after(5)

    found = rotation.factors(state, ["b", "a"], 0.0, half_life_seconds=DAY, rate=0.2)

    assert found == pytest.approx([1, 0.8**5])


def test_a_count_decays_between_showings() -> None:
    state = after(1, now=DAY, state=after(4))

    assert state.counts == pytest.approx({"a": 3})
    assert state.at == DAY


def test_an_item_twice_in_one_answer_was_shown_once() -> None:
    state = rotation.seen(Shown(), ["a", "a"], 5.0, half_life_seconds=DAY)

    assert state.counts == {"a": 1}


def test_a_click_resets_the_item_and_no_other() -> None:
    state = rotation.seen(after(5), ["b"], 0.0, half_life_seconds=DAY)

    state = rotation.clicked(state, ["a", "never shown"])

    found = rotation.factors(state, ["a", "b"], 0.0, half_life_seconds=DAY, rate=0.5)
    assert found.tolist() == [1, 0.5]


def test_a_clock_that_runs_behind_neither_decays_nor_grows() -> None:
    state = after(1, now=100.0, state=after(1, now=DAY))

    assert state == Shown(at=DAY, counts={"a": 2})


@THOROUGH
@given(steps=st.lists(st.tuples(ids, st.floats(0, 1e10)), max_size=12), half_life=half_lives)
def test_a_state_stays_small_and_survives_being_written(
    steps: list[tuple[list[str], float]], half_life: float
) -> None:
    state = Shown()
    for item_ids, now in steps:
        state = rotation.seen(state, item_ids, now, half_life_seconds=half_life)
        again = rotation.read(rotation.write(state))

        assert len(again.counts) <= rotation.LARGEST
        assert set(item_ids) <= set(again.counts)  # these count at least 1
        assert again.at == state.at
        assert again.counts == pytest.approx(state.counts, abs=1e-4)
        assert all(count > 0 for count in again.counts.values())


def test_of_too_many_the_least_shown_and_then_the_oldest_are_forgotten() -> None:
    state = after(2)
    for page in range(30):
        shown = [f"{page}-{n}" for n in range(20)]
        state = rotation.seen(state, shown, 0.0, half_life_seconds=DAY)

    assert len(state.counts) == rotation.LARGEST
    assert state.counts["a"] == 2
    assert list(state.counts)[-20:] == [f"29-{n}" for n in range(20)]
    assert "20-19" in state.counts
    assert "20-0" not in state.counts


def test_what_hardly_counts_any_more_is_forgotten() -> None:
    state = rotation.seen(after(1), ["b"], 7 * DAY, half_life_seconds=DAY)

    assert state.counts == {"b": 1}


def test_a_full_state_is_a_few_kilobytes() -> None:
    state = rotation.seen(
        Shown(), [f"sku-{n:08}" for n in range(500)], 1.7e9, half_life_seconds=DAY
    )

    assert len(rotation.write(state)) < 5_000


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        b"",
        "no json",
        b"\xff\xfe",
        "null",
        "3",
        "[]",
        "[1,2,3]",
        "[1,[2]]",
        '[1,{"a":null}]',
        '[1,{"a":"x"}]',
        '[1,{"a":NaN}]',
        '[NaN,{"a":1}]',
        '[1,{"a":-2}]',
        '[1,{"a":1e999}]',
        '[{},{"a":1}]',
        f'[1,{{"a":{"9" * 400}}}]',
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_a_shopper_who_was_shown_nothing(text: str | bytes | None) -> None:
    assert rotation.read(text) == Shown()


def test_a_state_of_too_many_items_is_cut_when_read() -> None:
    entries = ",".join(f'"i{n}":1' for n in range(5_000))

    assert len(rotation.read(f"[1,{{{entries}}}]").counts) == rotation.LARGEST
