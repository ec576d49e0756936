"""The record of words that passed their checks [SQL]: what `memo.Words` promises, on a session."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from generative.copy.candidate import Candidate
from generative.tables import WordsRow
from generative.types import Copy


def get(session: Session, copy_key: str) -> Candidate | None:
    """The kept candidate; None where there is none, or another release's."""
    row = session.get(WordsRow, copy_key)
    if row is None:
        return None
    try:
        kept = dict(row.words)
        return Candidate(copy=Copy(**kept.pop("copy")), **kept)
    except (KeyError, TypeError, ValueError):
        return None


def put(
    session: Session, copy_key: str, item_id: str, candidate: Candidate, *, now: datetime
) -> None:
    """Keep a candidate, in the place of an older one."""
    words: dict[str, Any] = asdict(candidate)
    session.merge(WordsRow(copy_key=copy_key, item_id=item_id, words=words, created_at=now))
    session.flush()
