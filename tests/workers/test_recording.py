"""Answers become rows, and old ones go."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from recsys.answers import entry, ledger
from recsys.answers.entry import Answer
from recsys.answers.ledger import Ledger
from recsys.answers.tables import AnswerRow
from recsys.database import reading
from workers import answers, sweep
from workers.runtime import Runtime


def kept(both: Runtime, *, days_ago: float) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    written = Ledger(both.config.recsys.answers_dir)
    written.keep(
        Answer(
            recommendation_id=entry.new_id(at),
            at=at,
            placement="home",
            strategy="personal",
            request={},
            model_version="",
            catalogue_revision=1,
            item_ids=["a"],
            sources=["popular"],
            scores=[1.0],
        )
    )
    written.close()


def count(both: Runtime) -> int:
    with reading(both.engine) as session:
        return session.scalar(select(func.count()).select_from(AnswerRow)) or 0


def test_answers_that_wait_become_rows_once(both: Runtime) -> None:
    kept(both, days_ago=0)
    kept(both, days_ago=1)

    answers.record(both)
    answers.record(both)

    assert count(both) == 2
    assert ledger.pending(both.config.recsys.answers_dir) == 0


def test_a_sweep_records_what_waits_and_lets_go_of_what_is_old(both: Runtime) -> None:
    kept(both, days_ago=1)
    kept(both, days_ago=both.config.recsys.answers_days + 1)

    sweep.run(both)

    assert count(both) == 1


def test_a_file_that_cannot_be_opened_does_not_stop_the_sweep(both: Runtime) -> None:
    folder = both.config.recsys.answers_dir
    (folder / "a-directory.jsonl").mkdir(parents=True)

    sweep.run(both)

    assert count(both) == 0
