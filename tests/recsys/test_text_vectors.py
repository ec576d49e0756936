"""Text vectors beside the items, on both databases."""

import numpy as np
import pytest
from sqlalchemy import Engine

from recsys.catalogue import items, text_vectors
from recsys.catalogue.text_vectors import ItemVectors, words_of
from recsys.database import reading, writing
from recsys.tables import ItemTextRow
from recsys.types import Item

NAME, WIDTH = "plain-4", 4


def put(engine: Engine, *item_ids: str, title: str = "A kettle") -> None:
    with writing(engine) as session:
        items.put_many(session, [Item(item_id=item_id, title=title) for item_id in item_ids])


def pending(engine: Engine, name: str = NAME, limit: int = 10) -> list[text_vectors.Pending]:
    with reading(engine) as session:
        return text_vectors.pending(session, name, WIDTH, limit=limit)


def keep(engine: Engine, name: str = NAME, value: float = 0.5) -> int:
    waiting = pending(engine, name)
    with writing(engine) as session:
        vectors = np.full((len(waiting), WIDTH), value, np.float32)
        return text_vectors.save(session, name, waiting, vectors)


def read(engine: Engine, name: str = NAME, item_ids: list[str] | None = None) -> ItemVectors:
    with reading(engine) as session:
        return text_vectors.read(session, name, WIDTH, item_ids)


def test_a_new_item_waits_until_its_vector_is_kept(engine: Engine) -> None:
    put(engine, "a", "b")

    assert {one.item_id for one in pending(engine)} == {"a", "b"}
    assert keep(engine) == 2
    assert pending(engine) == []
    assert read(engine).item_ids == ("a", "b")
    np.testing.assert_array_equal(read(engine).vectors, np.full((2, WIDTH), 0.5))


def test_what_was_written_last_comes_first(engine: Engine) -> None:
    put(engine, "old")
    put(engine, "new")

    assert [one.item_id for one in pending(engine, limit=1)] == ["new"]


def test_new_words_make_an_item_wait_again_and_are_not_known(engine: Engine) -> None:
    put(engine, "a")
    keep(engine)
    put(engine, "a", title="A teapot")

    assert [(one.text, one.known) for one in pending(engine)] == [("A teapot", False)]


def test_a_new_price_is_confirmed_without_reading_the_words_again(engine: Engine) -> None:
    put(engine, "a")
    keep(engine)
    with writing(engine) as session:
        items.patch(session, "a", {"stock": 3})
    waiting = pending(engine)

    with writing(engine) as session:
        text_vectors.confirm(session, waiting)

    assert [one.known for one in waiting] == [True]
    assert pending(engine) == []


def test_an_item_written_while_it_was_read_waits_for_the_next_time(engine: Engine) -> None:
    put(engine, "a", "b")
    waiting = pending(engine)
    put(engine, "a", title="A teapot")

    with writing(engine) as session:
        kept = text_vectors.save(session, NAME, waiting, np.zeros((2, WIDTH), np.float32))

    assert kept == 1
    assert [one.item_id for one in pending(engine)] == ["a"]


def test_a_vector_moves_the_catalogue_on_so_that_shelves_notice(engine: Engine) -> None:
    put(engine, "a")
    with reading(engine) as session:
        before, _ = items.changed_since(session, 0)

    keep(engine)

    with reading(engine) as session:
        after, changed = items.changed_since(session, before)
        assert text_vectors.latest(session) == after
    assert (after, changed) == (before + 1, [])


def test_another_encoder_reads_everything_again_and_sees_no_foreign_vector(engine: Engine) -> None:
    put(engine, "a")
    keep(engine)

    assert [one.known for one in pending(engine, "other-4")] == [False]
    assert len(read(engine, "other-4")) == 0

    keep(engine, "other-4")
    assert len(read(engine)) == 0


def test_a_torn_vector_is_left_out_and_made_again(engine: Engine) -> None:
    put(engine, "a", "b")
    keep(engine)
    with writing(engine) as session:
        session.query(ItemTextRow).filter_by(item_id="a").update({"vector": b"\x00"})

    assert read(engine).item_ids == ("b",)
    assert [(one.item_id, one.known) for one in pending(engine)] == [("a", False)]


def test_a_vector_of_no_numbers_is_left_out_and_named(engine: Engine) -> None:
    put(engine, "a", "b")
    keep(engine)
    nothing = np.full(WIDTH, np.inf, np.float16).tobytes()
    with writing(engine) as session:
        session.query(ItemTextRow).filter_by(item_id="b").update({"vector": nothing})

    with reading(engine) as session:
        broken = text_vectors.unreadable(session, NAME, WIDTH)

    assert broken == ["b"]
    assert read(engine).item_ids == ("a",)

    with writing(engine) as session:
        text_vectors.forget(session, broken)
    assert [one.item_id for one in pending(engine)] == ["b"]


def test_only_the_asked_for_are_read_and_unstorable_ids_are_nobody(engine: Engine) -> None:
    put(engine, "a", "b", "c")
    keep(engine)

    assert read(engine, item_ids=["c", "a", "x", "nul\x00", "\ud800"]).item_ids == ("a", "c")
    assert read(engine, item_ids=[]).vectors.shape == (0, WIDTH)


def test_an_empty_catalogue_has_no_vectors(engine: Engine) -> None:
    with reading(engine) as session:
        assert text_vectors.latest(session) == 0
    assert len(read(engine)) == 0
    assert keep(engine) == 0


def test_a_long_list_is_kept_and_read_in_chunks(engine: Engine) -> None:
    ids = [f"i-{number:04}" for number in range(1_100)]
    put(engine, *ids)
    with reading(engine) as session:
        waiting = text_vectors.pending(session, NAME, WIDTH, limit=2_000)
    with writing(engine) as session:
        text_vectors.save(session, NAME, waiting, np.ones((1_100, WIDTH), np.float32))

    assert read(engine, item_ids=ids).item_ids == tuple(ids)


def test_words_begin_with_what_says_most_and_end_somewhere() -> None:
    words = words_of(
        title=" Kettle ",
        brand="Acme",
        category=("Home", "Kitchen"),
        attributes={"size": "1 l", "colour": "red"},
        description="boils " * 100_000,
    )

    assert words.startswith("Kettle. Acme. Home Kitchen. colour red, size 1 l. boils boils")
    assert len(words) == text_vectors.LONGEST


@pytest.mark.parametrize("title", ["", "   "])
def test_words_of_nothing_are_empty(title: str) -> None:
    assert words_of(title=title) == ""
