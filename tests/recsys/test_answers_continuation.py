"""Going on with an answer: nothing twice, the same question, nobody else's list."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from recsys.answers import continuation, entry
from recsys.answers.entry import Answer
from recsys.types import Dials, Query

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASKED = Query(
    k=2, placement="home", filters=("price < 20",), dials=Dials(novelty=0.5), seed=4, now=NOW
)


def answer(query: Query, *item_ids: str) -> Answer:
    return Answer(
        recommendation_id=entry.new_id(NOW),
        at=NOW,
        user_id="someone",
        placement="home",
        strategy="mine",
        request=entry.request_of(query, session=("s",)),
        model_version="",
        catalogue_revision=1,
        item_ids=item_ids,
        sources=["popular"] * len(item_ids),
        scores=[1.0] * len(item_ids),
    )


def note_of(
    query: Query, shown: Sequence[str], *, user_id: str | None, session: tuple[str, ...] = ()
) -> bytes:
    request = entry.request_of(query, session=session)
    return continuation.pack(request, [*query.returned, *shown], user_id=user_id, strategy="mine")


def test_pages_follow_each_other_without_repeats_and_under_the_same_question() -> None:
    shop = [f"i{n}" for n in range(7)]
    query, pages = ASKED, []
    while left := [one for one in shop if one not in query.returned][: query.k]:
        pages.append(left)
        note = note_of(query, left, user_id="u", session=("s",))
        found = continuation.unpack(note)
        assert found is not None
        assert (found.strategy, found.session) == ("mine", ("s",))
        assert found.query._replace(returned=frozenset(), now=NOW) == ASKED
        query = found.query._replace(now=NOW)

    assert [one for page in pages for one in page] == shop


def test_the_ledger_says_the_same_as_the_note() -> None:
    query = ASKED._replace(returned=frozenset({"a"}))
    note = note_of(query, ["b", "c"], user_id="someone", session=("s",))

    kept = entry.read(answer(query, "b", "c").line())

    assert continuation.of_answer(kept) == continuation.unpack(note)


@pytest.mark.parametrize(
    ("whose", "asks", "may"),
    [("u", "u", True), ("u", "v", False), ("u", None, False), (None, "u", False), (None, None, True)],
)  # fmt: skip
def test_only_whose_answer_it_was_may_go_on(whose: str | None, asks: str | None, may: bool) -> None:  # noqa: FBT001 a case
    found = continuation.unpack(note_of(ASKED, ["a"], user_id=whose))

    assert found is not None
    assert found.belongs_to(asks) is may


def test_a_note_names_nobody() -> None:
    assert b"someone" not in note_of(ASKED, ["a"], user_id="someone")


@pytest.mark.parametrize(
    "note", [b"", b"{}", b"[]", b"[1,2,3,4]", b'["","",{"hide":"?"},[]]', b'["","",[],5]', b"\xff"]
)
def test_what_is_no_note_continues_nothing(note: bytes) -> None:
    assert continuation.unpack(note) is None


def test_an_id_is_over_after_half_an_hour_and_so_is_none_of_ours() -> None:
    made = entry.new_id(NOW)

    assert not continuation.is_over(made, now=NOW + timedelta(seconds=continuation.SECONDS))
    assert continuation.is_over(made, now=NOW + timedelta(seconds=continuation.SECONDS + 1))
    assert continuation.is_over("made up", now=NOW)
