"""Looks that may be chosen among, what came of them, and how likely each is drawn [SQL].

One row holds all chances and is written anew in the transaction that counts or decides, under that
row's lock: so a look that was just turned down cannot come back by a count that began before.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.orm import Session

from generative import variants
from generative.tables import VariantResultRow, VariantRow, VariantTableRow
from generative.types import SIZES, Approval
from generative.variants import Cell, Choices, Known, Rules, Table, Tally

log = logging.getLogger(__name__)

_ONE = "variants"
_USUAL = Rules()
_PERSONA_LETTERS = 200  # what its column holds
_FADED = 0.01  # slates; what is left of a result below this is nothing
_TABLE = VariantTableRow.__table__.c
_REVISION = "SELECT revision FROM creative_variant_table"  # asked at every pulse: the short way


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The table in force, as a process draws from it."""

    revision: int = 0
    table: Table = field(default_factory=dict)
    choices: Choices = field(default_factory=lambda: Choices({}))
    counted_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A marketer's word on a look."""

    size: str
    variant: str
    approval: Approval
    who: str
    changed_at: datetime


def decide(
    session: Session,
    size: str,
    variant: str,
    approval: Approval,
    *,
    who: str = "",
    now: datetime,
    rules: Rules = _USUAL,
) -> None:
    """Let a look be shown in a size, or not any more; what came of it is kept.

    Raises:
        ValueError: No such size, or no such look.
    """
    if size not in SIZES:
        raise ValueError(f"size: {size!r} is none of {sorted(SIZES)}")
    if not variants.is_name(variant):
        raise ValueError(f"variant: {variant!r} is no look of a banner")
    kept = _held(session, now)
    row = session.get(VariantRow, (size, variant))
    if row is None:
        row = VariantRow(size=size, variant=variant)
        session.add(row)
    row.approval, row.who, row.changed_at = approval.value, who[:64], now
    session.flush()
    if not kept.chances:  # nothing was drawn till now, so there is nothing to count
        kept.counted_until = now
    _choose(session, kept, now=now, rules=rules)


def count(
    session: Session,
    found: Mapping[Cell, Tally],
    *,
    since: datetime | None,
    until: datetime,
    half_life_seconds: float,
    now: datetime,
    rules: Rules = _USUAL,
) -> bool:
    """Add what came of the slates from `since` to `until`, and let what is known already fade.

    Returns:
        False where another worker has counted them meanwhile; then nothing is changed.
    """
    kept = _held(session, now)
    if since is not None and kept.counted_until != since:
        return False
    passed = max(0.0, (until - kept.counted_until).total_seconds())
    fading = 0.5 ** (passed / half_life_seconds)
    left = _as_kept(found)
    for row in session.scalars(select(VariantResultRow)):
        new = left.pop(Cell(row.size, row.persona, row.variant), Tally())
        row.shown = row.shown * fading + new.shown
        row.clicked = row.clicked * fading + new.clicked
    for cell, tally in left.items():
        session.add(
            VariantResultRow(
                size=cell.size,
                persona=cell.persona,
                variant=cell.variant,
                shown=tally.shown,
                clicked=tally.clicked,
            )
        )
    session.flush()
    session.execute(delete(VariantResultRow).where(VariantResultRow.shown < _FADED))
    kept.counted_until = until
    _choose(session, kept, now=now, rules=rules)
    return True


def decisions(reader: Session | Connection) -> list[Decided]:
    columns = VariantRow.__table__.c
    rows = reader.execute(select(*columns).order_by(columns.size, columns.variant))
    return [
        Decided(
            size=row.size,
            variant=row.variant,
            approval=Approval(row.approval),
            who=row.who,
            changed_at=row.changed_at,
        )
        for row in rows
    ]


def known(reader: Session | Connection, retired: frozenset[Cell] = frozenset()) -> Known:
    """What the chances are made from."""
    approved: dict[str, list[str]] = {}
    for one in decisions(reader):
        if one.approval is Approval.APPROVED:
            approved.setdefault(one.size, []).append(one.variant)
    return Known(tallies=dict(_tallies(reader)), approved=approved, retired=retired)


def read(reader: Session | Connection) -> Chosen:
    """The table in force; an empty one where nothing was ever decided, or it is another release's."""
    row = reader.execute(select(*_TABLE)).one_or_none()
    if row is None:
        return Chosen()
    table = _table(row.chances)
    return Chosen(
        revision=row.revision,
        table=table,
        choices=Choices(table),
        counted_until=row.counted_until,
    )


def refresh(reader: Connection, before: Chosen) -> Chosen:
    """The table in force; the same object where that is still the one."""
    revision = reader.exec_driver_sql(_REVISION).scalar() or 0
    return before if revision == before.revision else read(reader)


def _held(session: Session, now: datetime) -> VariantTableRow:
    """The one row, locked until the transaction ends; counting begins when it is first written."""
    row = session.scalar(select(VariantTableRow).with_for_update())
    if row is None:
        row = VariantTableRow(name=_ONE, revision=0, chances={}, counted_until=now, made_at=now)
        session.add(row)
        session.flush()
    return row


def _choose(session: Session, kept: VariantTableRow, *, now: datetime, rules: Rules) -> None:
    resting = variants.retired(_table(kept.chances))
    found = variants.to_json(variants.table(known(session, resting), rules))
    if found != kept.chances:
        kept.chances, kept.revision = found, kept.revision + 1
    kept.made_at = now
    session.flush()


def _as_kept(found: Mapping[Cell, Tally]) -> dict[Cell, Tally]:
    """With personas as their column holds them: names that begin alike for so long are one."""
    kept: dict[Cell, Tally] = {}
    for cell, tally in found.items():
        short = cell._replace(persona=cell.persona[:_PERSONA_LETTERS])
        kept[short] = kept.get(short, Tally()).plus(tally)
    return kept


def _tallies(reader: Session | Connection) -> Iterator[tuple[Cell, Tally]]:
    for row in reader.execute(select(*VariantResultRow.__table__.c)):
        yield Cell(row.size, row.persona, row.variant), Tally(row.shown, row.clicked)


def _table(chances: Mapping[str, Any]) -> Table:
    try:
        return variants.from_json(chances)
    except (TypeError, AttributeError) as error:
        log.warning("the chances of looks cannot be read: %s", error)
        return {}
