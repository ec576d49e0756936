"""Answers, deeds and prices of a span of time as columns [SQL].

    S answers   I impressions   E deeds   U shoppers

Ids become rows once, here; everything after is arithmetic. JSON comes as text and is read by
orjson: by SQLAlchemy's own types a row would cost ten times as much.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Float, Text, and_, cast, extract, func, or_, select
from sqlalchemy.orm import Session

from recsys.answers.tables import AnswerRow
from recsys.errors import TooManyAnswers
from recsys.outcomes import money
from recsys.outcomes.assignment import INTERLEAVED, Experiment, Kind, duelling
from recsys.outcomes.attribution import NOBODY, NOTHING, Deeds, Floats, Ints, Shown
from recsys.outcomes.money import Bought
from recsys.tables import EventRow
from recsys.types import EventKind

MOST_ANSWERS = 500_000  # of twenty items each: some 1.2 GB, and half a minute
Span = tuple[datetime, datetime]  # from the first to before the second
_Name = TypeVar("_Name")
_BATCH = 20_000
_KINDS = tuple(EventKind)
_UNDRAWN = (NOTHING, 0.0, 0)
_READ = (EventKind.VIEW.value, EventKind.CART.value, EventKind.PURCHASE.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Slates as columns. `variants` and `teams` are of the one experiment that was asked about."""

    at: Floats  # (S,) seconds since the epoch
    users: Ints  # (S,) -1 for nobody known
    placements: Ints  # (S,) into placement_names
    strategies: Ints  # (S,)
    variants: Ints  # (S,) into the experiment's variants; 0 where its two share the slate; -1
    slates: Ints  # (I,) into the above
    items: Ints  # (I,)
    positions: Ints  # (I,) from 0
    creatives: Ints  # (I,) into creative_keys, or -1
    teams: Ints  # (I,) 0, 1 or -1
    draws: Ints  # (S,) into draw_names: the look that was drawn for the slate, or -1
    chances: Floats  # (S,) how likely that was
    ready: Ints  # (S,) how many of the leading items wore it
    placement_names: tuple[str, ...]
    strategy_names: tuple[str, ...]
    creative_keys: tuple[str, ...]
    draw_names: tuple["Look", ...]

    def shown(self) -> Shown:
        return Shown(
            slates=self.slates,
            items=self.items,
            users=self.users[self.slates],
            at=self.at[self.slates],
        )


class Look(NamedTuple):
    """What a slate wore: a size, whose counts decided, the look, and all that it was drawn among."""

    size: str
    persona: str
    variant: str
    among: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """All that a report is made from; `revenue` as `money` reckons it."""

    answers: Answers
    deeds: Deeds
    revenue: Floats  # (E,) 0 where nothing was bought or no price is known
    n_users: int
    currency: str
    unpriced: int  # purchases without a price in that currency
    odd_prices: int = 0  # that say ten times what the catalogue asks today, or a tenth


def read(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    experiment: Experiment | None = None,
    past: Span | None = None,
    most: int | None = None,
) -> Log:
    """The span from `since` to before `until`; where asked, the purchases of an earlier one too.

    Raises:
        TooManyAnswers: There are more than `most`, which is else `MOST_ANSWERS`.
    """
    _refuse_too_many(session, since, until, MOST_ANSWERS if most is None else most)
    users, items, slates = _Rows[str](), _Rows[str](), _Rows[str]()
    answers = _answers(session, since, until, experiment, users=users, items=items, slates=slates)
    deeds, rows, bought = _deeds(
        session,
        (since, until),
        past or (since, since),
        users=users,
        items=items,
        slates=slates.known,
    )
    found = money.revenue(session, items.names, bought)
    paid = np.zeros(len(deeds.at))
    paid[rows] = found.money
    return Log(
        answers=answers,
        deeds=deeds,
        revenue=np.nan_to_num(paid),
        n_users=len(users.known),
        currency=found.currency,
        unpriced=int(np.isnan(paid).sum()),
        odd_prices=found.odd,
    )


class _Rows(Generic[_Name]):
    """Names to rows, in order of first sight."""

    def __init__(self) -> None:
        self.known: dict[_Name, int] = {}

    def of(self, name: _Name) -> int:
        return self.known.setdefault(name, len(self.known))

    @property
    def names(self) -> tuple[_Name, ...]:
        return tuple(self.known)


def _refuse_too_many(session: Session, since: datetime, until: datetime, most: int) -> None:
    n = session.scalar(select(func.count()).where(AnswerRow.at >= since, AnswerRow.at < until)) or 0
    if n > most:
        days = (until - since).total_seconds() / 86_400
        message = f"{n:,} answers in {days:.0f} days; a report holds {most:,}: ask for fewer days"
        raise TooManyAnswers(message)


def _answers(
    session: Session,
    since: datetime,
    until: datetime,
    experiment: Experiment | None,
    *,
    users: _Rows[str],
    items: _Rows[str],
    slates: _Rows[str],
) -> Answers:
    variant_of, team_of = _named(experiment)
    placements, strategies, creatives = _Rows[str](), _Rows[str](), _Rows[str]()
    looks = _Rows[Look]()
    of_slate: list[tuple[float, ...]] = []
    shown: list[NDArray[np.int64]] = []
    for at, user_id, name, placement, strategy, told, listed, keys, teams, draw in _answer_rows(
        session, since, until
    ):
        slate, listed_ids = slates.of(name), orjson.loads(listed)
        variant = NOTHING
        if experiment is not None:
            variant = _variant(orjson.loads(told), experiment, variant_of)
        user = NOBODY if user_id is None else users.of(user_id)
        drawn = _UNDRAWN if draw is None else _drawn(orjson.loads(draw), looks)
        named = (placements.of(placement), strategies.of(strategy))
        of_slate.append((at, user, *named, variant, *drawn))
        n = len(listed_ids)
        of_item = np.full((5, n), NOTHING, np.int64)
        of_item[0], of_item[2] = slate, np.arange(n)
        of_item[1] = [items.of(item_id) for item_id in listed_ids]
        for row, key in enumerate(orjson.loads(keys)[:n]):
            of_item[3, row] = NOTHING if key is None else creatives.of(key)
        if variant != NOTHING and len(teams) > len("[]"):
            for row, team in enumerate(orjson.loads(teams)[:n]):
                of_item[4, row] = team_of.get(team, NOTHING)
        shown.append(of_item)
    columns = np.array(of_slate, np.float64).reshape(-1, 8).T
    of_items = np.concatenate([np.zeros((5, 0), np.int64), *shown], axis=1)
    return Answers(
        at=columns[0],
        users=columns[1].astype(np.int64),
        placements=columns[2].astype(np.int64),
        strategies=columns[3].astype(np.int64),
        variants=columns[4].astype(np.int64),
        slates=of_items[0],
        items=of_items[1],
        positions=of_items[2],
        creatives=of_items[3],
        teams=of_items[4],
        draws=columns[5].astype(np.int64),
        chances=columns[6],
        ready=columns[7].astype(np.int64),
        placement_names=placements.names,
        strategy_names=strategies.names,
        creative_keys=creatives.names,
        draw_names=looks.names,
    )


def _drawn(draw: Any, looks: "_Rows[Look]") -> tuple[float, float, float]:
    """A draw as a row of `looks`, its chance, and on how many leading items it was seen."""
    try:
        look = Look(
            str(draw["size"]), str(draw["persona"]), str(draw["variant"]), tuple(draw["among"])
        )
        chance, ready = float(draw["chance"]), int(draw["ready"])
    except (KeyError, TypeError, ValueError):  # another release's
        return _UNDRAWN
    return (looks.of(look), chance, ready) if 0 < chance <= 1 else _UNDRAWN


def _variant(drawn: dict[str, str], experiment: Experiment, variant_of: dict[str, int]) -> int:
    """The experiment's variant in an answer; none where another's two rankers share the slate."""
    name = experiment.experiment_id
    if experiment.kind is Kind.INTERLEAVED and duelling(drawn) != name:
        return NOTHING
    return variant_of.get(drawn.get(name, ""), NOTHING)


def _named(experiment: Experiment | None) -> tuple[dict[str, int], dict[str, int]]:
    """What the ledger calls the variants and the teams, to their numbers here."""
    if experiment is None:
        return {}, {}
    rows = {one.name: row for row, one in enumerate(experiment.variants)}
    if experiment.kind is Kind.INTERLEAVED:
        return {INTERLEAVED: 0}, rows
    return rows, {}


def _answer_rows(session: Session, since: datetime, until: datetime) -> Iterator[Any]:
    statement = (
        select(
            _seconds(session, AnswerRow.at),
            AnswerRow.user_id,
            AnswerRow.recommendation_id,
            AnswerRow.placement,
            AnswerRow.strategy,
            cast(AnswerRow.experiments, Text),
            cast(AnswerRow.item_ids, Text),
            cast(AnswerRow.creative_keys, Text),
            cast(AnswerRow.teams, Text),
            cast(AnswerRow.creative_draw, Text),
        )
        .where(AnswerRow.at >= since, AnswerRow.at < until)
        .order_by(AnswerRow.at, AnswerRow.recommendation_id)
    )
    return iter(session.execute(statement.execution_options(yield_per=_BATCH)))


def _deeds(
    session: Session,
    span: Span,
    past: Span,
    *,
    users: _Rows[str],
    items: _Rows[str],
    slates: dict[str, int],
) -> tuple[Deeds, Ints, Bought]:
    """The deeds, which rows of them are purchases, and what is known of those."""
    bought = EventRow.kind == EventKind.PURCHASE.value
    wanted = or_(
        and_(EventRow.at >= span[0], EventRow.at < span[1], EventRow.kind.in_(_READ)),
        and_(EventRow.at >= past[0], EventRow.at < past[1], bought),
    )
    statement = select(
        _seconds(session, EventRow.at),
        EventRow.user_id,
        EventRow.item_id,
        EventRow.kind,
        EventRow.quantity,
        EventRow.recommendation_id,
        cast(EventRow.price, Float),
        EventRow.currency,
    ).where(wanted)
    kinds = {kind.value: row for row, kind in enumerate(_KINDS)}
    currencies = _Rows[str]()
    found = [
        (
            at,
            users.of(user_id),
            items.of(item_id),
            kinds[kind],
            quantity,
            NOTHING if named is None else slates.get(named, NOTHING),
            np.nan if price is None else price,
            NOTHING if currency is None else currencies.of(currency),
        )
        for at, user_id, item_id, kind, quantity, named, price, currency in session.execute(
            statement.execution_options(yield_per=_BATCH)
        )
    ]
    return _as_columns(np.array(found, np.float64).reshape(-1, 8).T, currencies.names)


def _as_columns(columns: Floats, currencies: tuple[str, ...]) -> tuple[Deeds, Ints, Bought]:
    at, *numbers = columns
    users, items, kinds, quantities, slates, prices, named = numbers
    deeds = Deeds(
        at=at,
        users=users.astype(np.int64),
        items=items.astype(np.int64),
        kinds=kinds.astype(np.int64),
        slates=slates.astype(np.int64),
    )
    rows = np.flatnonzero(deeds.kinds == _KINDS.index(EventKind.PURCHASE))
    bought = Bought(
        items=deeds.items[rows],
        quantities=quantities[rows],
        prices=prices[rows],
        currencies=named[rows].astype(np.int64),
        currency_names=currencies,
    )
    return deeds, rows, bought


def _seconds(session: Session, column: Any) -> Any:
    """The time as seconds with their fraction, made by the database: a datetime a row costs more."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(extract("epoch", column), Float)
    whole = func.strftime("%s", func.substr(column, 1, 19))
    return cast(whole, Float) + cast(func.substr(column, 20), Float)
