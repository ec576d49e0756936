"""The newest answers of the ledger, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.database import looking, writing

START = datetime(2026, 11, 20, tzinfo=UTC)


def answer(number: int) -> Answer:
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
