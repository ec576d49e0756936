"""The providers' book: one budget for all processes, switches seen by all, counts that add up."""

from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from generative.copy.guard import Held
from generative.ledger import SqlLedger, spent_today, switch, today


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def test_money_is_set_aside_until_the_budget_is_full(engine):
    ledger = SqlLedger(engine, daily_budget=1.0)

    answers = [ledger.reserve("openai", 0.4) for _ in range(3)]

    assert [held is not None for held in answers] == [True, True, False]


def test_what_was_not_spent_is_given_back(engine):
    ledger = SqlLedger(engine, daily_budget=1.0)
    held = ledger.reserve("openai", 0.9)

    ledger.settle(held, spent=0.1)

    assert ledger.reserve("openai", 0.9)
    with Session(engine) as session:
        assert spent_today(session) == pytest.approx(1.0)
        assert today(session)["openai"].spent == pytest.approx(1.0)


def test_a_new_day_has_money_of_its_own(engine):
    days = [datetime(2026, 11, 23, 23, 59, tzinfo=UTC)]
    ledger = SqlLedger(engine, daily_budget=1.0, now=lambda: days[-1])
    assert ledger.reserve("openai", 1.0)
    assert not ledger.reserve("openai", 0.1)

    days.append(datetime(2026, 11, 24, 0, 0, tzinfo=UTC))

    assert ledger.reserve("openai", 0.1)


def test_workers_side_by_side_cannot_overspend(engine):
    together, answers = Barrier(8), []

    def work():
        ledger = SqlLedger(engine, daily_budget=1.0)
        together.wait()
        answers.extend(ledger.reserve("openai", 0.25) for _ in range(2))

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(held is not None for held in answers) == 4


def test_a_provider_switched_off_is_off_for_all_within_a_second(engine):
    clock = Clock()
    ledger = SqlLedger(engine, daily_budget=1.0, clock=clock)
    assert ledger.allowed("llama") == ""

    with Session(engine) as session, session.begin():
        switch(session, "llama", on=False)
    clock.seconds = 1.0

    assert "switched off" in ledger.allowed("llama")
    assert ledger.allowed("openai") == ""


def test_a_provider_switched_on_again_may_be_asked(engine):
    clock = Clock()
    ledger = SqlLedger(engine, daily_budget=1.0, clock=clock)
    for on in (False, True):
        with Session(engine) as session, session.begin():
            switch(session, "llama", on=on)
        clock.seconds += 1.0

    assert ledger.allowed("llama") == ""


def test_calls_failures_and_acceptance_add_up(engine):
    ledger = SqlLedger(engine, daily_budget=1.0)

    ledger.record("llama", candidates=3, accepted=2, seconds=1.5, failed=False)
    ledger.record("llama", candidates=0, accepted=0, seconds=0.5, failed=True)

    with Session(engine) as session:
        row = today(session)["llama"]
        counted = (row.calls, row.failures, row.candidates, row.accepted, row.seconds)
    assert counted == (2, 1, 3, 2, 2.0)


def test_without_a_database_no_money_is_spent_and_nothing_breaks():
    nowhere = create_engine("sqlite:////nowhere/at/all.db")
    ledger = SqlLedger(nowhere, daily_budget=1.0)

    ledger.record("llama", candidates=1, accepted=1, seconds=1.0, failed=False)
    ledger.settle(Held(name="openai", most=1.0, day="2026-11-23"), spent=0.5)

    assert ledger.allowed("llama") == ""
    assert not ledger.reserve("openai", 0.01)
    assert ledger.reserve("llama", 0.0)


def test_a_call_over_midnight_is_settled_on_the_day_it_began(engine):
    days = [datetime(2026, 11, 23, 23, 59, tzinfo=UTC)]
    ledger = SqlLedger(engine, daily_budget=1.0, now=lambda: days[-1])
    before = ledger.reserve("openai", 0.8)
    days.append(datetime(2026, 11, 24, 0, 1, tzinfo=UTC))
    after = ledger.reserve("openai", 0.5)  # another thread of the same provider

    ledger.settle(before, spent=0.2)
    ledger.settle(after, spent=0.3)

    with Session(engine) as session:
        spent = [spent_today(session, now=day) for day in days]
    assert spent == pytest.approx([0.2, 0.3])
