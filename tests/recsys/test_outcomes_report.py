"""Reports over shops whose truth is known, read from both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from recsys.answers import store
from recsys.answers.entry import Answer
from recsys.behaviour import events
from recsys.catalogue import items
from recsys.database import writing
from recsys.errors import TooManyAnswers
from recsys.outcomes import reading
from recsys.outcomes.assignment import (
    HELD_OUT,
    HOLDOUT,
    PERSONALISED,
    Experiment,
    Experiments,
    Kind,
    Status,
    Variant,
)
from recsys.outcomes.experiments import Definition
from recsys.outcomes.overview import overview
from recsys.outcomes.report import Metric, OfVariant, Report, report
from recsys.types import Event, EventKind, Item

START = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = START + timedelta(days=20)
VIEW, CART, PURCHASE = EventKind.VIEW, EventKind.CART, EventKind.PURCHASE


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as opened:
        yield opened


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Session]:
    """For what is arithmetic: one database will do."""
    from recsys.database import connect

    opened = connect(sqlite_url)
    with writing(opened) as session:
        yield session
    opened.dispose()


def experiment(*names: str, kind: Kind = Kind.SPLIT, experiment_id: str = "one") -> Experiment:
    return Experiment(
        experiment_id=experiment_id,
        variants=tuple(Variant(name=name) for name in names or ("base", "new")),
        salt="salt",
        kind=kind,
    )


def defined(one: Experiment, planned: int = 2_000) -> Definition:
    return Definition(
        experiment=one,
        name="A test",
        status=Status.RUNNING,
        created_at=START,
        started_at=START,
        planned_users=planned,
    )


class Shop:
    """What was answered and done, written at once."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.events: list[Event] = []

    def answer(self, user: str | None, at: datetime, **changes: Any) -> str:
        name = f"answer-{len(self.answers):06}"
        told: dict[str, Any] = {
            "placement": "home",
            "strategy": "personal",
            "item_ids": ["i0", "i1"],
            "sources": ["personal", "personal"],
            "scores": [1.0, 0.5],
        }
        told |= {"request": {}, "model_version": "m", "catalogue_revision": 1} | changes
        self.answers.append(Answer(recommendation_id=name, at=at, user_id=user, **told))
        return name

    def deed(
        self, user: str, kind: EventKind, item_id: str, at: datetime, named: str | None = None
    ) -> None:
        number = len(self.events)
        self.events.append(
            Event(
                event_id=f"e-{number:06}",
                user_id=user,
                item_id=item_id,
                kind=kind,
                at=at,
                quantity=2 if kind is PURCHASE else 1,
                recommendation_id=named,
            )
        )

    def write(self, session: Session) -> None:
        store.record(session, self.answers)
        events.record(session, self.events)
        priced = [
            Item(item_id=f"i{n}", title=f"i{n}", price=Decimal(n + 1) / 2 if n < 8 else None)
            for n in range(9)
        ]
        items.put_many(session, [*priced, Item(item_id="usd", title="x", price=Decimal(9), currency="USD")])  # fmt: skip


def told(
    session: Session, one: Experiment, *, window_days: float = 7, until: datetime = UNTIL
) -> Report:
    log = reading.read(
        session,
        since=START,
        until=until,
        experiment=one,
        past=(START - timedelta(days=28), START),
    )
    return report(log, defined(one), since=START, until=until, window_days=window_days)


def metric(of: OfVariant, name: str) -> Metric:
    return next(one for one in of.metrics if one.name == name)


def small_shop() -> Shop:
    """Two users in the base, one new; what each did is told line by line."""
    shop, hour = Shop(), timedelta(hours=1)
    base, new = {"one": "base"}, {"one": "new"}
    first = shop.answer("anna", START, experiments=base, creative_keys=["k1", None])
    shop.deed("anna", VIEW, "i0", START + hour / 4, first)  # clicked: position 1, creative k1
    shop.deed("anna", PURCHASE, "i0", START + hour, None)  # 2 x 0.50, touched
    shop.deed("anna", PURCHASE, "i7", START + hour, None)  # 2 x 4.00, never shown: not touched
    shop.deed("anna", PURCHASE, "i7", START + timedelta(days=8), None)  # after the window
    shop.answer("ben", START + hour, experiments=base, placement="cart")
    shop.deed("ben", PURCHASE, "i7", START - timedelta(days=3), None)  # before
    other = shop.answer("cleo", START, experiments=new, creative_keys=["k1", "k2"])
    shop.deed("cleo", VIEW, "i1", START + hour / 4, None)  # the last slate showed it
    shop.deed("cleo", VIEW, "i1", START + hour / 3, other)  # again: the impression counts once
    shop.deed("cleo", CART, "i1", START + hour, None)
    shop.answer("cleo", START + timedelta(days=9), experiments=new)  # after the window
    shop.answer("dora", UNTIL - timedelta(days=1), experiments=new)  # waits
    shop.answer("emil", START, experiments=base)
    shop.answer("emil", START + hour, experiments=new)  # in both
    shop.answer(None, START, experiments=new)  # nobody known
    shop.answer("fritz", START)  # not in the experiment
    return shop


def test_each_user_is_summed_up_within_a_window_of_the_first_answer(session: Session) -> None:
    small_shop().write(session)

    found = told(session, experiment())

    base, new = found.variants
    assert (base.users, base.impressions, base.clicks) == (2, 4, 1)
    assert (new.users, new.impressions, new.clicks) == (1, 2, 1)
    assert (base.revenue, base.touched) == (pytest.approx(9.0), pytest.approx(1.0))
    assert (new.revenue, new.touched) == (0.0, 0.0)
    assert metric(base, "conversion").value == 0.5
    assert metric(base, "revenue_per_user").value == pytest.approx(4.5)
    assert metric(new, "cart_rate").value == 1.0
    assert metric(base, "ctr").value == 0.25
    assert (found.users_waiting, found.users_crossed) == (1, 1)
    assert found.currency == "EUR"
    assert found.warnings == ("users_in_two_variants",)


def test_placements_are_told_apart(session: Session) -> None:
    small_shop().write(session)

    base, new = told(session, experiment()).variants

    assert [(p.placement, p.users, p.impressions, p.clicks) for p in base.placements] == [
        ("cart", 1, 2, 0),
        ("home", 1, 2, 1),
    ]
    assert [(p.placement, p.users, p.touched) for p in new.placements] == [
        ("cart", 0, 0.0),
        ("home", 1, 0.0),
    ]


def test_three_users_are_no_reason_to_say_anything(session: Session) -> None:
    small_shop().write(session)

    for variant in told(session, experiment()).variants:
        assert variant.caused is None
        assert all(
            (one.interval, one.difference, one.lift) == (None, None, None)
            for one in variant.metrics
        )


def test_the_overview_counts_every_answer(session: Session) -> None:
    small_shop().write(session)

    found = overview(reading.read(session, since=START, until=UNTIL))

    assert [(r.placement, r.strategy, r.answers, r.clicks) for r in found.rows] == [
        ("cart", "personal", 1, 0),
        ("home", "personal", 8, 2),
    ]
    assert [(c.name, c.impressions, c.clicks) for c in found.positions] == [
        ("1", 9, 1),
        ("2", 9, 1),
    ]
    assert [(c.name, c.impressions, c.clicks) for c in found.creatives] == [
        ("k1", 2, 1),
        ("k2", 1, 1),
    ]
    assert (found.owed, found.named) == (5, 2)  # 3 clicks, a cart, a purchase
    assert (found.revenue, found.touched) == (pytest.approx(17.0), pytest.approx(1.0))


def test_what_has_no_price_in_the_shops_currency_is_told(session: Session) -> None:
    shop = Shop()
    shop.answer("anna", START, experiments={"one": "base"})
    for item_id in ("i0", "i8", "usd", "gone"):
        shop.deed("anna", PURCHASE, item_id, START + timedelta(hours=1))
    shop.deed("anna", PURCHASE, "i1", START + timedelta(hours=1))
    shop.write(session)

    log = reading.read(session, since=START, until=UNTIL, experiment=experiment())

    assert (log.currency, log.unpriced, log.revenue.sum()) == ("EUR", 3, pytest.approx(3.0))
    assert overview(log).unpriced == 3


def test_an_empty_shop_has_an_empty_report(session: Session) -> None:
    found = told(session, experiment())

    assert [variant.users for variant in found.variants] == [0, 0]
    assert found.mismatch == 1.0
    assert overview(reading.read(session, since=START, until=UNTIL)).rows == ()
    assert orjson.loads(orjson.dumps(found.as_dict()))["variants"][0]["is_base"] is True


def test_too_many_answers_are_refused_with_a_way_out(session: Session) -> None:
    small_shop().write(session)

    with pytest.raises(TooManyAnswers, match="fewer days"):
        reading.read(session, since=START, until=UNTIL, most=5)


def test_microseconds_order_a_slate_and_a_deed(session: Session) -> None:
    shop = Shop()
    shop.answer("anna", START + timedelta(microseconds=500_000), experiments={"one": "base"})
    shop.deed("anna", VIEW, "i0", START + timedelta(microseconds=400_000))
    shop.deed("anna", VIEW, "i1", START + timedelta(microseconds=600_000))
    shop.write(session)

    assert told(session, experiment()).variants[0].clicks == 1


def crowd(lite: Session, *, effect: float, seed: int = 3, n: int = 1_500) -> Report:
    """A hold-out of a third. Everyone buys now and then, and what is bought was always shown.

    `effect` is how much likelier to buy the personalised are.
    """
    random = np.random.default_rng(seed)
    variants = (Variant(name=HELD_OUT, weight=1), Variant(name=PERSONALISED, weight=2))
    one = Experiment(experiment_id=HOLDOUT, variants=variants, salt="s")
    drawn, shop = Experiments.of([one]), Shop()
    for number in range(n):
        user, at = f"user-{number}", START + timedelta(minutes=int(random.integers(0, 14_000)))
        told_to = drawn.assign(user, "home")
        slate = shop.answer(user, at, experiments=told_to)
        likely = 0.25 + (effect if told_to[HOLDOUT] == PERSONALISED else 0.0)
        if random.random() < likely:
            shop.deed(user, VIEW, "i0", at + timedelta(minutes=1), slate)
            shop.deed(user, PURCHASE, "i0", at + timedelta(hours=1))
    shop.write(lite)
    return told(lite, one)


def test_what_would_have_been_bought_anyway_is_touched_but_not_caused(lite: Session) -> None:
    held_out, personalised = crowd(lite, effect=0.0).variants

    assert held_out.is_base
    assert held_out.caused is None
    assert personalised.touched > 200
    assert personalised.touched == personalised.revenue
    assert personalised.caused is not None
    assert personalised.caused.low < 0 < personalised.caused.high
    assert abs(personalised.caused.value) < 0.25 * personalised.touched


def test_what_personalisation_adds_is_caused(lite: Session) -> None:
    found = crowd(lite, effect=0.2)
    personalised = found.variants[1]

    assert personalised.caused is not None
    assert 0 < personalised.caused.low < 0.2 * personalised.users < personalised.caused.high
    assert personalised.caused.high < personalised.touched
    lift = metric(personalised, "conversion").lift
    assert lift is not None
    assert lift.low < 0.8 < lift.high  # 0.45 instead of 0.25
    assert found.mismatch > 0.001
    assert found.warnings == ()


def test_an_assignment_that_loses_users_of_one_side_is_called_broken(lite: Session) -> None:
    shop = Shop()
    for number in range(1_500):
        if number % 3:
            shop.answer(f"u{number}", START, experiments={"one": "base" if number % 2 else "new"})
        elif number % 2:
            shop.answer(f"u{number}", START, experiments={"one": "base"})
    shop.write(lite)

    assert "sample_ratio_mismatch" in told(lite, experiment()).warnings


def test_an_interleaving_is_won_by_clicks_on_a_team(lite: Session) -> None:
    random = np.random.default_rng(5)
    shop = Shop()
    for number in range(400):
        user, at = f"u{number}", START + timedelta(minutes=number)
        teams = ["base", "new"] if random.random() < 0.5 else ["new", "base"]
        slate = shop.answer(user, at, experiments={"one": "interleaved"}, teams=teams)
        for row, team in enumerate(teams):
            if random.random() < (0.5 if team == "new" else 0.2):
                shop.deed(user, VIEW, f"i{row}", at + timedelta(minutes=1), slate)
    shop.write(lite)

    found = told(lite, experiment(kind=Kind.INTERLEAVED))

    assert [one.name for one in found.variants] == ["interleaved"]
    assert found.preference is not None
    assert found.preference.interval is not None
    assert found.preference.interval.low > 0
    assert found.preference.second > found.preference.first


@pytest.mark.parametrize(
    ("drawn", "votes"),
    [
        ({"one": "interleaved"}, 1),
        ({"two": "interleaved"}, 0),  # whose teams are called alike
        ({"one": "interleaved", "two": "interleaved"}, 1),  # the first shares the slate
        ({"none": "interleaved", "one": "interleaved"}, 0),
        ({"none": "base", "one": "interleaved"}, 1),  # a split shares nothing
    ],
)
def test_a_click_votes_in_the_experiment_that_shares_the_slate(
    lite: Session, drawn: dict[str, str], votes: int
) -> None:
    shop = Shop()
    slate = shop.answer("anna", START, experiments=drawn, teams=["base", "new"])
    shop.deed("anna", VIEW, "i1", START + timedelta(minutes=1), slate)
    shop.write(lite)

    found = told(lite, experiment(kind=Kind.INTERLEAVED))

    assert found.preference is not None
    assert (found.preference.first, found.preference.second) == (0, votes)
    assert found.variants[0].users == votes


def test_three_variants_share_the_level_between_them(lite: Session) -> None:
    shop = Shop()
    for number in range(900):
        shop.answer(f"u{number}", START, experiments={"one": ("a", "b", "c")[number % 3]})
    shop.write(lite)

    found = told(lite, experiment("a", "b", "c"))

    assert found.level == pytest.approx(0.025)
    assert [one.is_base for one in found.variants] == [True, False, False]


def test_a_variant_that_was_renamed_meanwhile_is_not_counted_as_the_base(lite: Session) -> None:
    shop = Shop()
    for number in range(10):
        shop.answer(f"u{number}", START, experiments={"one": "gone"})
    shop.write(lite)

    assert [one.users for one in told(lite, experiment()).variants] == [0, 0]
