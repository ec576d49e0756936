"""The newest answers of the ledger, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.database import looking, writing

START = datetime(2026, 11, 20, tzinfo=UTC)


def answer(number: int, *members: str) -> Answer:
    return Answer(
        recommendation_id=f"r{number}",
        at=START + timedelta(minutes=number),
        user_id=("anna", "ben")[number % 2],
        placement="home",
        strategy="personal",
        request={},
        model_version="m",
        catalogue_revision=1,
        item_ids=["i0"],
        sources=["personal"],
        scores=[1.0],
        members=[{"user_id": one, "history_n": 0, "history_digest": ""} for one in members] or None,
    )


def test_the_newest_stand_first_of_all_or_of_one_shopper(engine: Engine) -> None:
    with writing(engine) as session:
        store.record(session, [answer(number) for number in range(6)])

    with looking(engine) as reader:
        every = store.latest(reader, n=3)
        ben = store.latest(reader, n=9, user_id="ben", before=START + timedelta(minutes=5))
        nobody = store.latest(reader, n=9, user_id="\x00")

    assert [one.recommendation_id for one in every] == ["r5", "r4", "r3"]
    assert [one.recommendation_id for one in ben] == ["r3", "r1"]
    assert nobody == []


def test_a_shoppers_answers_are_also_those_to_groups_they_were_in(engine: Engine) -> None:
    with writing(engine) as session:
        store.record(session, [answer(0), answer(1, "carl", "anna"), answer(2, "carl"), answer(3)])

    with looking(engine) as reader:
        carl = store.latest(reader, n=9, user_id="carl")
        anna = store.latest(reader, n=9, user_id="anna")

    assert [one.recommendation_id for one in carl] == ["r2", "r1"]
    assert [one.recommendation_id for one in anna] == ["r2", "r1", "r0"]
