"""The studio's memory for words, in the database. It may forget: without it words are written anew."""

import logging
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from generative import words
from generative.copy.candidate import Candidate
from recsys.database import reading, writing

log = logging.getLogger(__name__)


class KeptWords:
    """`generative.memo.Words` over an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, copy_key: str) -> Candidate | None:
        try:
            with reading(self._engine) as session:
                return words.get(session, copy_key)
        except SQLAlchemyError as error:
            log.warning("kept words are not read: %s", type(error).__name__)
            return None

    def put(self, copy_key: str, item_id: str, candidate: Candidate) -> None:
        try:
            with writing(self._engine) as session:
                words.put(session, copy_key, item_id, candidate, now=datetime.now(UTC))
        except SQLAlchemyError as error:
            log.warning("words are not kept: %s", type(error).__name__)
