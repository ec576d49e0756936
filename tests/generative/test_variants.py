"""Looks are drawn as likely as they are the best, with a floor; what loses rests, and comes back."""

import numpy as np
import pytest

from generative import variants
from generative.variants import EVERYONE, Cell, Choices, Known, Rules, Tally, best, choose, table

RULES = Rules(exploration=0.1)
NOTHING = Tally()


def even(*names: str) -> dict[str, Tally]:
    return dict.fromkeys(names, NOTHING)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([50.0, 60.0, 3.0, 500.0], [950.0, 940.0, 40.0, 9_000.0]),
        ([5e5, 5.01e5, 3.0], [9.5e6, 9.5e6, 40.0]),  # two known far better than the third
        ([0.2, 0.3], [20.0, 20.0]),  # nothing clicked yet
    ],
)
def test_chances_of_being_best_are_those_of_a_million_draws(a: list[float], b: list[float]) -> None:
    a, b = np.array(a), np.array(b)
    random = np.random.default_rng(0).beta(a[:, None], b[:, None], (len(a), 1_000_000))
    drawn = random.argmax(axis=0)

    np.testing.assert_allclose(best(a, b), np.bincount(drawn) / 1e6, atol=2e-3)


def test_looks_of_which_nothing_is_known_are_drawn_evenly() -> None:
    shares = choose(even("a", "b", "c", "d"), even("a", "b", "c", "d"), rules=RULES)

    np.testing.assert_allclose([one.chance for one in shares], 0.25, atol=1e-6)


def test_no_active_look_is_drawn_less_than_its_part_of_the_exploration() -> None:
    seen = {"a": Tally(150, 60), "b": Tally(150, 0)}

    shares = choose(seen, even("a", "b"), rules=RULES)

    assert min(one.chance for one in shares) == pytest.approx(0.05, abs=1e-4)
    assert sum(one.chance for one in shares) == pytest.approx(1.0)


def test_a_loser_rests_once_enough_is_known_and_one_look_always_remains() -> None:
    seen = {"a": Tally(400, 80), "b": Tally(400, 8), "c": Tally(400, 6)}

    shares = {one.variant: one for one in choose(seen, even(*"abc"), rules=RULES)}

    assert {name: one.retired for name, one in shares.items()} == {"a": False, "b": True, "c": True}
    assert shares["a"].chance == pytest.approx(1.0)
    assert shares["b"].chance == 0


def test_an_early_loser_does_not_rest_yet() -> None:
    shares = choose({"a": Tally(60, 20), "b": Tally(60, 0)}, even("a", "b"), rules=RULES)

    assert not any(one.retired for one in shares)


def test_what_rests_goes_on_resting_until_its_results_have_faded() -> None:
    faded = {"a": Tally(400, 80), "b": Tally(150, 3)}

    still = choose(faded, even("a", "b"), ["b"], RULES)
    back = choose({**faded, "b": Tally(90, 2)}, even("a", "b"), ["b"], RULES)

    assert [one.retired for one in still] == [False, True]
    assert [one.retired for one in back] == [False, False]


def test_a_persona_of_whom_little_is_known_leans_on_the_others() -> None:
    tallies = {
        Cell("hero", "many", "a"): Tally(2_000, 200),
        Cell("hero", "many", "b"): Tally(2_000, 150),
        Cell("hero", "few", "a"): Tally(5, 0),
        Cell("hero", "few", "b"): Tally(5, 0),
    }

    made = table(Known(tallies=tallies, approved={"hero": ["a", "b"]}))
    few = {one.variant: one for one in made["hero"]["few"]}

    assert few["a"].chance > 0.6
    assert few["b"].chance < 0.4


def test_a_size_with_nothing_approved_has_no_choice_and_a_lone_look_is_always_worn() -> None:
    made = Choices(table(Known(approved={"square": ["bold"]})))

    assert made.draw("hero", "everyone", 0.5) is None
    assert made.draw("square", "everyone", 0.999) == ("bold", pytest.approx(1.0), ("bold",))


def test_a_look_that_is_not_approved_any_more_is_never_drawn() -> None:
    tallies = {Cell("hero", "p", name): Tally(500, 50) for name in ("a", "b", "c")}

    made = Choices(table(Known(tallies=tallies, approved={"hero": ["a", "b"]})))
    drawn = {made.draw("hero", "p", luck / 1000) for luck in range(1000)}

    assert {one.variant for one in drawn if one is not None} == {"a", "b"}


def test_draws_come_as_often_as_their_chance_says_and_say_it() -> None:
    tallies = {
        Cell("hero", EVERYONE, "a"): Tally(100, 9),
        Cell("hero", EVERYONE, "b"): Tally(90, 4),
    }
    made = Choices(table(Known(tallies=tallies, approved={"hero": ["a", "b"]})))

    drawn = [made.draw("hero", "somebody new", (n + 0.5) / 10_000) for n in range(10_000)]

    for look in {one for one in drawn if one is not None}:
        assert drawn.count(look) / 10_000 == pytest.approx(look.chance, abs=1e-3)
        assert look.among == ("a", "b")


def test_a_table_is_read_back_as_it_was_written() -> None:
    tallies = {Cell("hero", "p", name): Tally(300, 20) for name in ("a", "b")}
    made = table(Known(tallies=tallies, approved={"hero": ["a", "b"]}))

    assert variants.from_json(variants.to_json(made)) == made


@pytest.mark.parametrize("name", ["bold", "frame-dark", "type-light-mirrored"])
def test_a_template_and_what_of_it_is_settled_is_a_look(name: str) -> None:
    assert variants.is_name(name)


@pytest.mark.parametrize("name", ["", "neon", "bold-pink", "bold-dark-light", "bold-dark-dark"])
def test_another_name_is_no_look(name: str) -> None:
    assert not variants.is_name(name)


def test_a_report_tells_of_a_lone_look_too() -> None:
    known = Known(approved={"hero": ["bold"], "square": ["bold", "type"]})

    rows = variants.report(known, table(known))

    assert [(row["size"], row["variant"], row["chance"] > 0) for row in rows] == [
        ("hero", "bold", True),
        ("square", "bold", True),
        ("square", "type", True),
    ]
