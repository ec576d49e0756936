"""Ranked lists compared, and the deeds of an earlier moment found again."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from recsys.answers import entry, replay, then
from recsys.answers.entry import Answer
from recsys.answers.replay import Difference, Pair
from recsys.behaviour import events
from recsys.database import reading, writing
from recsys.types import Event, EventKind, Recommendation, Slate, Source, UserHistory

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def slate(*item_ids: str, scores: tuple[float, ...] = (3.0, 2.0, 1.0)) -> Slate:
    return Slate(
        recommendations=tuple(
            Recommendation(item_id=item_id, rank=n + 1, score=score, source=Source.PERSONAL)
            for n, (item_id, score) in enumerate(zip(item_ids, scores, strict=False))
        ),
        model_version="v",
    )


def answer(*item_ids: str, **changes: object) -> Answer:
    made = Answer(
        recommendation_id=entry.new_id(NOW),
        at=NOW,
        user_id="u",
        placement="home",
        strategy="personal",
        request={},
        model_version="v",
        catalogue_revision=1,
        item_ids=item_ids,
        sources=["personal"] * len(item_ids),
        scores=[3.0, 2.0, 1.0][: len(item_ids)],
    )
    return replace(made, **changes)


def test_a_sample_is_gone_through_by_catalogue_but_not_by_age() -> None:
    sample = [answer(catalogue_revision=revision) for revision in (7, 2, 9, 7, 2)]

    turns = replay.by_revision(sample)

    assert turns == [sample[place] for place in (0, 3, 1, 4, 2)]


def test_the_same_slate_is_exact_whatever_the_last_bit_of_a_score() -> None:
    found = replay.compare(answer("a", "b"), slate("a", "b", scores=(3.0 + 1e-6, 2.0)))

    assert (found.exact, found.differences) == (True, ())


def test_what_differs_is_told_place_by_place() -> None:
    other_items = replay.compare(answer("a", "b"), slate("b", "a", "c"))
    other_source = replay.compare(answer("a", sources=["popular"]), slate("a"))
    other_score = replay.compare(answer("a"), slate("a", scores=(2.5,)))

    assert other_items.differences == (
        Difference(what="items", detail="1: a is b; 2: b is a; 3: nothing is c"),
    )
    assert other_source.differences[0].what == "sources"
    assert other_score.differences == (
        Difference(what="scores", detail="they differ by up to 0.5"),
    )
    assert not any(one.exact for one in (other_items, other_source, other_score))


def test_a_cause_that_changed_nothing_is_told_and_still_exact() -> None:
    cause = Difference(what="history", detail="a deed came late")

    found = replay.compare(answer("a"), slate("a"), causes=[cause])

    assert (found.exact, found.differences) == (True, (cause,))


def brute_rbo(first: tuple[str, ...], second: tuple[str, ...], p: float) -> float:
    """Equal lengths: agreement to the last depth, then that agreement for ever."""
    n = len(first)
    share = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, n + 1)]
    seen = sum((1 - p) * p ** (d - 1) * share[d - 1] for d in range(1, n + 1))
    return seen + p**n * share[-1]


def test_rank_biased_overlap_is_its_definition() -> None:
    one = ("a", "b", "c")
    for other in itertools.permutations(("a", "b", "c", "x", "y"), 3):
        wanted = brute_rbo(one, other, 0.9)
        assert replay.rank_biased_overlap(one, other) == pytest.approx(wanted)
        assert replay.rank_biased_overlap(other, one) == pytest.approx(wanted)


def test_rank_biased_overlap_at_its_ends() -> None:
    whole = tuple("abcdef")

    assert replay.rank_biased_overlap(whole, whole) == pytest.approx(1.0)
    assert replay.rank_biased_overlap(whole, whole[:3]) == pytest.approx(1.0)
    assert replay.rank_biased_overlap(whole, tuple("uvwxyz")) == 0
    assert replay.rank_biased_overlap((), ()) == 1
    assert replay.rank_biased_overlap((), whole) == 0


def test_a_swap_at_the_top_costs_more_than_one_at_the_end() -> None:
    whole = tuple("abcdef")
    top, end = ("b", "a", *whole[2:]), (*whole[:4], "f", "e")

    assert replay.rank_biased_overlap(whole, top) < replay.rank_biased_overlap(whole, end) < 1


def test_two_models_are_compared_request_by_request_and_group_by_group() -> None:
    same, other = ("a", "b"), ("b", "c")
    pairs = [
        Pair(segment={"placement": "home"}, first=same, second=same, clicked=frozenset({"a"})),
        Pair(segment={"placement": "home"}, first=same, second=other, clicked=frozenset({"a"})),
        Pair(segment={"placement": "cart"}, first=same, second=other, clicked=frozenset({"c"})),
        Pair(segment={"placement": "cart"}, first=same, second=other),
    ]

    whole, parts = replay.likeness(pairs), replay.segments(pairs)["placement"]

    assert (whole.requests, whole.changed, whole.clicked_requests) == (4, 3, 3)
    assert whole.overlap == pytest.approx((1 + 3 * 0.5) / 4)
    assert (whole.first_hit_rate, whole.second_hit_rate) == (
        pytest.approx(2 / 3),
        pytest.approx(2 / 3),
    )
    assert list(parts) == ["cart", "home"]
    assert parts["home"].first_hit_rate == 1
    assert parts["home"].second_hit_rate == 0.5
    assert replay.coverage([pair.second for pair in pairs], 6) == pytest.approx(3 / 6)


def test_nothing_compared_is_alike() -> None:
    found = replay.likeness([])

    assert (found.overlap, found.first_hit_rate) == (1.0, None)


def deed(n: int, *, at: datetime) -> Event:
    kind = EventKind.PURCHASE if n % 3 == 0 else EventKind.VIEW
    return Event(event_id=f"e{n}", user_id="u", item_id=f"i{n}", kind=kind, at=at)


def made_from(engine: Engine, *, session: tuple[str, ...] = (), limit: int = 200) -> Answer:
    """An answer as it is given now: from the newest deeds that the database holds."""
    with reading(engine) as opened:
        past = events.history(opened, "u", limit=limit)
    whole = then.with_session(past, session, at=NOW)
    return answer(
        request=entry.request_of(entry.query_of({}), session=session),
        history_n=len(whole.item_ids),
        history_digest=entry.digest(whole),
    )


@pytest.mark.parametrize(("session", "limit"), [((), 200), (("s1", "s2"), 200), (("s1",), 4)])
def test_the_deeds_of_then_are_found_again_among_later_ones(
    engine: Engine, session: tuple[str, ...], limit: int
) -> None:
    with writing(engine) as opened:
        events.record(opened, [deed(n, at=NOW - timedelta(hours=9 - n)) for n in range(8)])
    given = made_from(engine, session=session, limit=limit)
    with writing(engine) as opened:
        events.record(opened, [deed(n, at=NOW + timedelta(seconds=n)) for n in range(20, 50)])

    with reading(engine) as opened:
        found = then.history_at(opened, given)

    assert entry.digest(found) == given.history_digest
    assert len(found.item_ids) == given.history_n
    assert len(found.at) == len(found.item_ids)


def test_a_deed_of_the_same_second_or_of_a_clock_ahead_was_known_too(engine: Engine) -> None:
    with writing(engine) as opened:
        events.record(opened, [deed(1, at=NOW + timedelta(seconds=30))])
    given = made_from(engine)

    with reading(engine) as opened:
        assert then.history_at(opened, given).item_ids == ("i1",)


def test_deeds_that_came_late_or_are_gone_are_told_by_the_digest(engine: Engine) -> None:
    with writing(engine) as opened:
        events.record(opened, [deed(n, at=NOW - timedelta(hours=n)) for n in (1, 3)])
    given = made_from(engine)
    with writing(engine) as opened:
        events.record(opened, [deed(2, at=NOW - timedelta(hours=2))])

    with reading(engine) as opened:
        found = then.history_at(opened, given)

    assert found.item_ids == ("i2", "i1")
    assert entry.digest(found) != given.history_digest


def test_nobodys_past_is_what_the_request_said(engine: Engine) -> None:
    request = {"session": ["s1"], "history": "profile"}
    with reading(engine) as opened:
        found = then.history_at(opened, answer(user_id=None, request=request, history_n=9))

    assert found == UserHistory(item_ids=("s1",), kinds=(EventKind.VIEW,), at=(NOW.timestamp(),))
