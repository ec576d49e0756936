"""An answer made again: everything it started from set up as it was then, and ranked by a model.

What cannot be set up as it was is told as a cause.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from api.errors import Problem
from api.recommending import drafting
from api.recommending.arrivals import Arrivals
from api.runtime import Runtime
from recsys.answers import entry, then
from recsys.answers.entry import Answer
from recsys.answers.replay import Difference
from recsys.catalogue.shelf import Shelf
from recsys.database import Reader
from recsys.errors import UnknownSteering, UnknownVersion
from recsys.learning.bundle import ModelBundle
from recsys.merchandising import store as steerings
from recsys.merchandising.types import Rule
from recsys.serving import assortment as assortments
from recsys.serving import personas, ranking, registry, rotation, steering
from recsys.serving.assortment import Assortment
from recsys.serving.ranking import Steer
from recsys.types import Query, Slate, UserHistory

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_KEPT = 8  # shelves and assortments at a time: requests of one hour share them


class Past:
    """Earlier states of the shop, each set up once, for one admin's question."""

    def __init__(self, here: Runtime, reader: Reader) -> None:
        self._reader = reader
        self._now = here.fresh_shelf(reader)
        self._root = here.config.recsys.artifacts_dir
        self._live = here.handle.get()
        self._shelves: dict[int, Shelf] = {}
        self._assortments: dict[tuple[str, int, int], Assortment] = {}
        self._rules: dict[int, tuple[Rule, ...] | None] = {}

    @property
    def now(self) -> Shelf:
        return self._now

    def bundle(self, version: str) -> ModelBundle:
        """A model version from the disk; the empty one where an answer was given without any.

        Raises:
            UnknownVersion: It is not there any more.
            CorruptArtifact: It is, but cannot be trusted.
        """
        if version == self._live.version:
            return self._live
        return registry.load(Path(self._root), version) if version else ModelBundle.empty()

    def slate(self, answer: Answer, bundle: ModelBundle) -> tuple[Slate, list[Difference]]:
        """The answer that a model gives to the same request at the same moment."""
        causes: list[Difference] = []
        if bundle.version != answer.model_version:
            detail = f"{bundle.version} instead of {answer.model_version or 'none'}"
            causes.append(Difference(what="model", detail=detail))
        if answer.catalogue_revision > self._now.revision:
            detail = f"revision {answer.catalogue_revision} is not known to this database"
            causes.append(Difference(what="catalogue", detail=detail))
        history = then.history_at(self._reader, answer)
        if entry.digest(history) != answer.history_digest:
            causes.append(_other_deeds(answer, history))
        members = then.members_at(self._reader, answer)
        causes += _other_members(answer, members)
        assortment = self._assortment(bundle, answer)
        query = entry.query_of(answer.request)
        rules = self._in_force(answer, query, assortment, history, causes)
        shown = None if answer.shown is None else rotation.of_plain(answer.shown)
        steer = Steer(rules=rules, shown=shown)

        def ranked(asked: Query) -> Slate:
            return ranking.rank(assortment, asked, history, steer=steer, members=members)

        if not answer.duel:
            return ranked(query), causes
        slates = [ranked(entry.query_of(one)) for one in answer.duel]
        return drafting.drawn(assortment, query, slates, ("", ""), rules)[0], causes

    def _assortment(self, bundle: ModelBundle, answer: Answer) -> Assortment:
        revision, moment = answer.catalogue_revision, answer.at.timestamp()
        written = _kept(
            self._shelves,
            revision,
            lambda: then.shelf_at(self._reader, revision, now=self._now),
        )

        def make() -> Assortment:
            shelf = written.at(moment)
            newcomers = Arrivals().fresh(self._reader, bundle, shelf)
            return assortments.of(bundle, shelf, newcomers)

        return _kept(self._assortments, (bundle.version, revision, written.ended(moment)), make)

    def _in_force(
        self,
        answer: Answer,
        query: Query,
        assortment: Assortment,
        history: UserHistory,
        causes: list[Difference],
    ) -> tuple[Rule, ...]:
        version = answer.rules_version
        rules = _kept(self._rules, version, lambda: self._rules_of(version))
        if rules is None:
            detail = f"version {version} is not known to this database"
            causes.append(Difference(what="rules", detail=detail))
            return ()
        return steering.in_force(
            rules,
            placement=query.placement,
            returning=len(history.item_ids) > len(entry.session_of(answer.request)),
            persona=personas.persona_of(assortment, history),
            experiments=answer.experiments,
            now=query.now,
        )

    def _rules_of(self, version: int) -> tuple[Rule, ...] | None:
        try:
            return tuple(steerings.as_of(self._reader, version).rules)
        except UnknownSteering:
            return None


def its_model(past: Past, answer: Answer) -> ModelBundle:
    """The model that gave an answer.

    Raises:
        Problem: 409, it was pruned.
    """
    try:
        return past.bundle(answer.model_version)
    except UnknownVersion:
        detail = (
            f"model {answer.model_version}, which gave this answer, is no longer on disk; "
            "VITRINE_KEEP_VERSIONS keeps more. Name another in `model_version`"
        )
        raise Problem(409, detail) from None


def _kept(held: dict[_Key, _Value], key: _Key, make: Callable[[], _Value]) -> _Value:
    if key not in held:
        if len(held) >= _KEPT:
            held.pop(next(iter(held)))
        held[key] = make()
    return held[key]


def _other_deeds(answer: Answer, history: UserHistory) -> Difference:
    if answer.request.get("history") is not None:
        return Difference(what="history", detail="it was the shopper's own profile, kept nowhere")
    detail = f"{answer.history_n} deeds then, {len(history.item_ids)} found, not the same ones"
    return Difference(what="history", detail=detail)


def _other_members(answer: Answer, members: Sequence[UserHistory]) -> list[Difference]:
    """The shoppers of a group of whom other deeds are found."""
    others = [
        found.user_id
        for made, found in zip(answer.members or (), members, strict=True)
        if entry.digest(found) != made["history_digest"]
    ]
    return [Difference(what="history", detail=f"not the same deeds of {one}") for one in others]
