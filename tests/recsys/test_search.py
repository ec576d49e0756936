"""Full-text search over made shelves whose right answer can be read off."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from recsys.catalogue import search, words
from recsys.catalogue.search import TextIndex
from recsys.types import Item


def _shop(**titles: str) -> TextIndex:
    return TextIndex.of(Item(item_id=item_id, title=title) for item_id, title in titles.items())


def _found(index: TextIndex, text: str) -> list[str]:
    return index.best(text, 100)


@pytest.fixture(scope="module")
def wines() -> TextIndex:
    return TextIndex.of(
        [
            Item(
                item_id="red", title="Red wine", brand="Château Nord", category=("Drinks", "Wine")
            ),
            Item(item_id="white", title="White wine", brand="Sud", category=("Drinks", "Wine")),
            Item(item_id="glass", title="Glass for red wine", category=("Kitchen",)),
            Item(item_id="sock", title="Socks", attributes={"colour": "red", "kind": "wine red"}),
            Item(item_id="tea", title="Peppermint tea", category=("Drinks",)),
        ]
    )


def test_every_word_must_be_there_and_the_nearest_title_comes_first(wines: TextIndex) -> None:
    assert _found(wines, "red wine") == ["red", "glass", "sock"]


def test_brands_and_categories_are_searched_too(wines: TextIndex) -> None:
    assert _found(wines, "nord") == ["red"]
    assert set(_found(wines, "drinks")) == {"red", "white", "tea"}


def test_an_unfinished_word_finds_what_begins_with_it(wines: TextIndex) -> None:
    assert _found(wines, "pepperm") == ["tea"]
    assert set(_found(wines, "wine wh")) == {"white"}


def test_a_whole_word_beats_one_that_only_begins_with_it() -> None:
    index = _shop(a="Teapot", b="Tea", c="Coffee")

    assert _found(index, "tea") == ["b", "a"]


def test_where_no_item_holds_all_words_those_that_hold_most_are_found(wines: TextIndex) -> None:
    assert _found(wines, "white wine tulips") == ["white"]
    assert _found(wines, "peppermint xyzzyx") == ["tea"]


def test_a_word_inside_another_is_found_where_nothing_begins_with_it() -> None:
    assert _found(_shop(a="Vollmilch", b="Käse"), "milch") == ["a"]


@pytest.mark.parametrize("slip", ["pepermint", "peppermimt", "peppermitn", "pepppermint"])
def test_one_slip_of_the_finger_is_forgiven(wines: TextIndex, slip: str) -> None:
    assert _found(wines, slip) == ["tea"]


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Café crème", "cafe creme"),
        ("CAFE", "café"),
        ("Große Straße", "grosse STRASSE"),
        ("Ｆｕｌｌ width", "full"),  # noqa: RUF001 the other width is what is tested
        ("हिन्दी किताब", "किताब"),
        ("हिन्दी किताब", "हिन्"),
        ("赤ワイン グラス", "ワイン"),
        ("赤ワイン グラス", "赤"),
        ("红葡萄酒", "葡萄"),
        ("ไวน์แดง", "แดง"),
        ("كتاب جديد", "جديد"),
        ("ספר חדש", "חדש"),
        ("Красное вино", "вино"),
        ("한국어 책", "책"),
        ("Ελληνικό κρασί", "ΚΡΑΣΙ"),
        ("C3PO-42/b", "c3po 42"),
    ],
)
def test_any_script_is_found_whatever_its_case_and_accents(title: str, asked: str) -> None:
    assert _found(_shop(it=title, other="Something else"), asked) == ["it"]


def test_the_documents_are_those_that_a_look_at_every_title_finds() -> None:
    draw = np.random.default_rng(3)
    vocabulary = ["".join(draw.choice(list("abcd"), draw.integers(3, 6))) for _ in range(60)]
    titles = {f"i{n}": " ".join(draw.choice(vocabulary, 4)) for n in range(400)}
    index = _shop(**titles)

    for _ in range(100):
        asked = [str(word) for word in draw.choice(vocabulary, 2)]
        expected = {
            item_id
            for item_id, title in titles.items()
            if all(any(one.startswith(word) for one in title.split()) for word in asked)
        }
        if expected:
            assert set(index.best(" ".join(asked), 1_000)) == expected


def test_the_best_few_are_the_first_of_all(wines: TextIndex) -> None:
    assert wines.best("wine", 2) == _found(wines, "wine")[:2]
    assert wines.best("wine", 0) == []


def test_only_what_may_appear_is_among_the_best(wines: TextIndex) -> None:
    may = np.array([item_id != "red" for item_id in wines.main_ids])

    assert wines.best("red wine", 10, may) == ["glass", "sock"]


def test_a_new_price_costs_nothing_and_a_new_title_is_found_at_once(wines: TextIndex) -> None:
    tea = Item(item_id="tea", title="Peppermint tea", category=("Drinks",))
    cheap = {"tea": replace(tea, price=Decimal(1), stock=0)}
    renamed = {"tea": replace(tea, title="Nettle tea"), "new": Item(item_id="new", title="Cups")}

    assert wines.changed(cheap, cheap) is wines
    after = wines.changed(renamed, renamed)
    assert _found(after, "nettle") == ["tea"]
    assert _found(after, "peppermint") == []
    assert _found(after, "cups") == ["new"]
    assert _found(wines, "peppermint") == ["tea"]


def test_an_index_mended_many_times_finds_what_one_made_anew_finds() -> None:
    draw = np.random.default_rng(9)
    vocabulary = [f"{letter}word" for letter in "abcdefghij"]

    def title() -> str:
        return " ".join(draw.choice(vocabulary, 3))

    items = {f"i{n}": Item(item_id=f"i{n}", title=title()) for n in range(50)}
    index = TextIndex.of(items.values())
    for number in range(30):
        item_id = f"i{draw.integers(60)}"
        written = {item_id: Item(item_id=item_id, title=f"{title()} n{number}")}
        items |= written
        index = index.changed(written, items)

    anew = TextIndex.of(items.values())
    for word in (*vocabulary, "aword bword", "n1", "n29", "word"):
        assert set(_found(index, word)) == set(_found(anew, word))


def test_after_many_changes_everything_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_REBUILT_FROM", 2)
    index = _shop(a="One", b="Two", c="Three")
    written = {item_id: Item(item_id=item_id, title="Four") for item_id in "abc"}

    after = index.changed(written, written)

    assert set(_found(after, "four")) == {"a", "b", "c"}
    assert not after.late_items


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "%_%",
        "'; DROP TABLE items; --",
        '" OR NEAR(*)',
        "\x00\x01",
        "\ud800",
        "\n",
        "\U0010ffff",
        "🛒",
        "a" * 100_000,
        "a " * 100_000,
        "\ufdfa" * 10_000,
        "ก" * 10_000,
        "e" + "\u0301" * 10_000,
        "(.*)+$",
    ],
)
def test_hostile_questions_find_nothing_and_break_nothing(wines: TextIndex, text: str) -> None:
    assert _found(wines, text) == []
    assert _found(TextIndex.of([]), text) == []


def test_a_hostile_title_is_read_and_found() -> None:
    index = _shop(a="\x00\ud800" + "word " * 10_000, b="", c="\U0010ffff", d="x" * 10_000)

    assert _found(index, "word") == ["a"]
    assert _found(index, "x" * 10_000) == ["d"]


def test_a_long_question_is_cut() -> None:
    text = " ".join(f"w{n}" for n in range(50))

    assert len(words.asked(text, most=search.WORDS)) == search.WORDS
