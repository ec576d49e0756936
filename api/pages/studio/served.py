"""How creatives did over some days: what was shown, what of it was there already, what it cost [SQL].

Shown is what the ledger of answers holds, so shoppers without consent are not in it. A creative that
was made before the answer was a hit; one that was not stood in its plain words, once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from generative.ledger import PURSE
from generative.tables import CreativeRow, ProviderDayRow
from recsys.answers.tables import AnswerRow

MOST_ANSWERS = 10_000  # the newest; what is said of more is scaled up
_CHUNK = 500
PLAIN = "plain words"  # shown while nothing better was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One provider's book over the span; `spent` in the unit of the budget."""

    calls: int = 0
    candidates: int = 0
    accepted: int = 0
    seconds: float = 0.0
    spent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """`shown` creatives in `answers`, estimated where only some were read. `by_maker` sums to `shown`."""

    answers: int
    read: int
    shown: float
    hits: float
    distinct_hits: int
    made: int
    by_maker: Mapping[str, float] = field(default_factory=dict)
    book: Mapping[str, Spent] = field(default_factory=dict)

    @property
    def hit_rate(self) -> float | None:
        return self.hits / self.shown if self.shown else None

    @property
    def saved(self) -> float:
        """Hits beyond the first of each creative: generations that nobody had to wait or pay for."""
        return max(self.hits - self.distinct_hits, 0.0)

    @property
    def spent(self) -> float:
        return sum(one.spent for one in self.book.values())

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.book.values())

    def per_thousand(self, amount: float) -> float | None:
        return 1000 * amount / self.shown if self.shown else None


def count(session: Session, *, since: datetime, until: datetime) -> Served:
    """Read the span; at most `MOST_ANSWERS` answers of it, the newest."""
    span = (AnswerRow.at >= since, AnswerRow.at < until)
    answers = session.scalar(select(func.count()).select_from(AnswerRow).where(*span)) or 0
    keys = cast(AnswerRow.creative_keys, Text)
    newest = select(AnswerRow.at, keys).where(*span).order_by(AnswerRow.at.desc())
    shown: list[tuple[datetime, str]] = []
    read = 0
    for at, text in session.execute(newest.limit(MOST_ANSWERS)):
        read += 1
        shown += [(at, key) for key in orjson.loads(text or b"[]") if key]
    rows = _made(session, sorted({key for _, key in shown}))
    makers: Counter[str] = Counter()
    hit_keys: set[str] = set()
    for at, key in shown:
        made_at, maker = rows.get(key, (None, PLAIN))
        if made_at is not None and made_at <= at:
            makers[maker] += 1
            hit_keys.add(key)
        else:
            makers[PLAIN] += 1
    scale = answers / read if read else 0.0
    of_span = (CreativeRow.created_at >= since, CreativeRow.created_at < until)
    made = session.scalar(select(func.count()).select_from(CreativeRow).where(*of_span)) or 0
    hits = sum(n for maker, n in makers.items() if maker != PLAIN)
    return Served(
        answers=answers,
        read=read,
        shown=len(shown) * scale,
        hits=hits * scale,
        distinct_hits=len(hit_keys),
        made=made,
        by_maker={maker: n * scale for maker, n in makers.most_common()},
        book=_book(session, since, until),
    )


def _made(session: Session, keys: Sequence[str]) -> dict[str, tuple[datetime, str]]:
    """When each creative was made, and by whom; those that were never made are missing."""
    provider = CreativeRow.provenance["provider"].as_string()
    found: dict[str, tuple[datetime, str]] = {}
    for start in range(0, len(keys), _CHUNK):
        part = select(CreativeRow.key, CreativeRow.created_at, provider)
        for key, at, name in session.execute(
            part.where(CreativeRow.key.in_(keys[start : start + _CHUNK]))
        ):
            found[key] = (at, name or "unknown")
    return found


def _book(session: Session, since: datetime, until: datetime) -> dict[str, Spent]:
    """The providers' days of the span, whole UTC days; the purse of all is left out."""
    day = ProviderDayRow
    counts = (day.calls, day.candidates, day.accepted, day.seconds, day.spent)
    sums: list[Any] = [day.name, *(func.sum(one) for one in counts)]
    rows = session.execute(
        select(*sums)
        .where(day.day >= since.date().isoformat(), day.day <= until.date().isoformat())
        .group_by(day.name)
    )
    return {
        name: Spent(
            calls=calls, candidates=candidates, accepted=accepted, seconds=seconds, spent=spent
        )
        for name, calls, candidates, accepted, seconds, spent in rows
        if name != PURSE
    }
