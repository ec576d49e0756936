"""A creative's words: what the providers write is judged, and the best that passes is taken.

Words that were kept of an earlier picture are judged again and then need no provider.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from generative.brief import copy_key
from generative.campaigning.diversity import Worn
from generative.checks.avoid import forbidden_in
from generative.checks.claims import Verdict, judge
from generative.copy.audience import preference
from generative.copy.candidate import Candidate, CopyProvider
from generative.copy.limits import limits
from generative.copy.prompts import example_lines
from generative.copy.template import TemplateCopy, taglines
from generative.copy.turned import turning
from generative.evaluation import is_verbatim, opener
from generative.floor import floor_copy, judge_fixed
from generative.memo import Words
from generative.providers import CHOSEN, FLOOR, Ledger, write
from generative.style import Style
from generative.types import Brief

_WARNING = re.compile(r"\b(?:not|never|don['\u2019]t|cannot|avoid|without)\b", re.IGNORECASE)
_AGAIN = 1_000  # a seed that no other call for the same brief is given
_BEST_FILL = 0.65  # of the room for a tagline: neither a stub nor a wall


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The words that were taken, why they hold, and which others were refused."""

    candidate: Candidate
    verdict: Verdict
    refused: list[dict[str, Any]]


class Writer:
    """Writes in one style; `writers` are asked in order, models among them loaded on first use."""

    def __init__(
        self, writers: Sequence[CopyProvider], *, style: Style, memo: Words, ledger: Ledger
    ) -> None:
        self._writers = list(writers)
        self._style = style
        self._memo = memo
        self._ledger = ledger

    def write(
        self, brief: Brief, cleaned: Brief, *, seed: int, avoid: frozenset[str], worn: Worn
    ) -> Told:
        """The best words that pass: those kept of an earlier picture, else what providers write now."""
        place = copy_key(brief, self._style.words)
        kept = None if seed else self._memo.get(place)
        if (
            kept is not None
            and opener(kept.copy.tagline) not in avoid
            and not worn(kept.copy.tagline)
            and (verdict := self._judge(kept, cleaned)).passed
        ):
            return Told(candidate=kept, verdict=verdict, refused=[])
        written = write(
            self._writers,
            cleaned,
            seed=seed,
            ledger=self._ledger,
            judged=self._judge,
            avoid=avoid,
        )
        passed = list(written.passed) or [floor_copy(cleaned, self._style.kit.forbidden)]
        refused = [dict(one) for one in written.refused]
        if all(worn(candidate.copy.tagline) for candidate, _ in passed):
            passed += self._otherwise(cleaned, seed=seed, avoid=avoid)

        def rank(pair: tuple[Candidate, Verdict]) -> tuple[float | int, ...]:
            return (-worn(pair[0].copy.tagline), *worth(pair[0], pair[1], cleaned))

        # Of equals the first wins, so the configured order decides ties.
        candidate, verdict = max(passed, key=rank)
        if not seed and all("headline" in one for one in refused):
            # Else a provider was away, and one that is back would never be asked for this again.
            self._memo.put(place, brief.item.item_id, candidate)
        return Told(candidate=candidate, verdict=verdict, refused=refused)

    def _otherwise(
        self, cleaned: Brief, *, seed: int, avoid: frozenset[str]
    ) -> list[tuple[Candidate, Verdict]]:
        """More words for an item whose own are all worn: the models' once more, and every fixed sentence."""
        models = [one for one in self._writers if one.name not in FLOOR]
        more: list[tuple[Candidate, Verdict]] = []
        if models:
            written = write(
                models,
                cleaned,
                seed=seed + _AGAIN,
                ledger=self._ledger,
                judged=self._judge,
                avoid=avoid,
            )
            more += written.passed
        plain = TemplateCopy().write(cleaned, seed=seed)[0]
        for line in taglines(cleaned):
            candidate = replace(plain, copy=replace(plain.copy, tagline=line))
            if (verdict := self._judge(candidate, cleaned)).passed:
                more.append((candidate, verdict))
        return more

    def _judge(self, candidate: Candidate, cleaned: Brief) -> Verdict:
        verdict = judged(candidate, cleaned)
        if word := forbidden_in(candidate.copy, self._style.kit.forbidden):
            problem = f"{word!r} is a word that the brand kit forbids"
            verdict = replace(verdict, problems=(*verdict.problems, problem))
        return verdict


def judged(candidate: Candidate, cleaned: Brief) -> Verdict:
    """What the checks say of anybody's words; a brand kit may forbid more."""
    if candidate.provider == TemplateCopy.name:
        return judge_fixed(candidate.copy, cleaned)
    return judge(candidate.copy, cleaned, forbidden=example_lines(), at_limit=candidate.at_limit)


def worth(candidate: Candidate, verdict: Verdict, brief: Brief) -> tuple[float | int, ...]:
    """A voice of the shop's choice first; then support, no warnings, what is sought, a filled room.

    The packaged model only stands in: its lines compete with the catalogue's own. A voice that was
    trained here, or a model that the shop configured, is what the shop wants to hear, and where it
    only repeats the entry, not before it has said something of its own: a whole sentence of the entry
    that it chose to turn about before words that it joined by itself, which read less well.
    """
    copy, room = candidate.copy, limits(brief.size)
    fullness = -abs(len(copy.tagline) / room.tagline - _BEST_FILL)
    news = set(copy.tagline.lower().split()) - set(copy.headline.lower().split())
    warns = _WARNING.search(copy.tagline) is not None
    sought = preference(copy, brief)
    chosen = bool(candidate.adapter) or candidate.provider in CHOSEN
    fresh = chosen and not is_verbatim(copy.tagline, brief.item.description)
    whole = fresh and any(copy.tagline == one.tagline for one in turning(brief, 0))
    own = (chosen, fresh, whole)
    return (*own, verdict.support, not warns, sought, round(fullness, 1), len(news))
