"""The one way through: a brief in, a checked and rendered creative out.

Candidates come from the configured providers, every one is judged, the best that passes is drawn.
A provider, a picture or a layout that fails costs the creative something, never the answer.
"""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from generative.banner.render import write
from generative.brief import clean, copy_key, key
from generative.checks.avoid import avoided
from generative.checks.claims import Verdict, judge
from generative.config import GenerativeConfig
from generative.copy.audience import eyebrow, preference
from generative.copy.candidate import Candidate, CopyProvider
from generative.copy.limits import limits
from generative.copy.prompts import example_lines
from generative.copy.template import TemplateCopy, taglines
from generative.diversity import Worn, never
from generative.drawing import SHARPENED, draw, finish
from generative.errors import UnsafeImage
from generative.evaluation import is_verbatim, opener
from generative.floor import floor_copy, judge_fixed
from generative.memo import MemoryWords, Words
from generative.picture.source import fetch
from generative.proofs import printed, proofs_of
from generative.provenance import provenance
from generative.providers import CHOSEN, FLOOR, Ledger, MemoryLedger, build, live_adapter
from generative.providers import write as write_copy
from generative.style import Style, in_force
from generative.truth import named
from generative.types import Audience, Banner, Brief, Creative, State

log = logging.getLogger(__name__)

_WARNING = re.compile(r"\b(?:not|never|don['\u2019]t|cannot|avoid|without)\b", re.IGNORECASE)
_AGAIN = 1_000  # a seed that no other call for the same brief is given
_BEST_FILL = 0.65  # of the room for a tagline: neither a stub nor a wall


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    provenance: dict[str, Any]
    checks: dict[str, Any]
    banner: Banner | None = None
    audit: Mapping[str, Any] = field(default_factory=dict)


class Studio:
    """One process's studio. Make it after a fork: the language model is loaded on first use."""

    def __init__(
        self,
        config: GenerativeConfig,
        *,
        style: Style | None = None,
        memo: Words | None = None,
        ledger: Ledger | None = None,
        writers: Sequence[CopyProvider] | None = None,
    ) -> None:
        """Make a studio.

        Args:
            config: The settings.
            style: The brand kit and voice in force, the configuration's by default.
            memo: Where words are kept apart from pictures; this process's memory by default.
            ledger: Who may be asked, and what it cost; a day's budget of this process by default.
            writers: Who writes; made from the settings by default. Another studio's may be taken
                over, models loaded, where `style.words` is the same.
        """
        self._config = config
        self.style = in_force(config) if style is None else style
        self.fingerprint = self.style.fingerprint
        self._memo = MemoryWords() if memo is None else memo
        self._ledger = MemoryLedger(daily_budget=config.daily_budget) if ledger is None else ledger
        if writers is None:
            adapter = live_adapter(config) if self.style.voice else None
            writers = build(config, ledger=self._ledger, adapter=adapter)
        self.writers = list(writers)

    def make(
        self,
        brief: Brief,
        *,
        seed: int = 0,
        avoid: frozenset[str] = frozenset(),
        worn: Worn = never,
    ) -> Creative:
        """Write, judge and draw one creative; a bad item or picture costs its banner, never the call.

        No tagline of a model opens with a word of `avoid`, and of all that pass the least `worn` is
        taken, however worn it is. Without a sound banner the state is `fallback`.
        """
        cleaned = self._printable(clean(brief))
        made_key = key(brief, self.fingerprint)
        candidate, verdict, refused = self._write(brief, cleaned, seed=seed, avoid=avoid, worn=worn)
        drawing = self._draw(cleaned, candidate, made_key, seed=seed)
        return Creative(
            key=made_key,
            item_id=brief.item.item_id,
            size=brief.size,
            state=State.READY if drawing.banner else State.FALLBACK,
            copy=printed(candidate.copy, cleaned),
            banner=drawing.banner,
            provenance=named(drawing.provenance, brief.item),
            checks={
                "support": verdict.support,
                "tried": len(refused) + 1,
                "worn": worn(candidate.copy.tagline),
                "refused": refused,
                "banner": drawing.checks,
            },
            proofs=proofs_of(verdict, candidate.copy, cleaned),
            audit=drawing.audit,
        )

    def _printable(self, cleaned: Brief) -> Brief:
        """Without an audience whose name would bring a forbidden word above the headline."""
        if not avoided(eyebrow(cleaned), self.style.kit.forbidden):
            return cleaned
        return replace(cleaned, audience=Audience(price_band=cleaned.audience.price_band))

    def _judge(self, candidate: Candidate, cleaned: Brief) -> Verdict:
        copy = candidate.copy
        if candidate.provider == TemplateCopy.name:
            verdict = judge_fixed(copy, cleaned)
        else:
            verdict = judge(copy, cleaned, forbidden=example_lines(), at_limit=candidate.at_limit)
        said = f"{copy.headline} . {copy.tagline} . {copy.action}"
        if word := avoided(said, self.style.kit.forbidden):
            problem = f"{word!r} is a word that the brand kit forbids"
            verdict = replace(verdict, problems=(*verdict.problems, problem))
        return verdict

    def _write(
        self, brief: Brief, cleaned: Brief, *, seed: int, avoid: frozenset[str], worn: Worn
    ) -> tuple[Candidate, Verdict, list[dict[str, Any]]]:
        """The best words that pass: those kept of an earlier picture, else what providers write now."""
        place = copy_key(brief, self.style.words)
        kept = None if seed else self._memo.get(place)
        if (
            kept is not None
            and opener(kept.copy.tagline) not in avoid
            and not worn(kept.copy.tagline)
            and (verdict := self._judge(kept, cleaned)).passed
        ):
            return kept, verdict, []
        written = write_copy(
            self.writers,
            cleaned,
            seed=seed,
            ledger=self._ledger,
            judged=self._judge,
            avoid=avoid,
        )
        passed = list(written.passed) or [floor_copy(cleaned, self.style.kit.forbidden)]
        refused = [dict(one) for one in written.refused]
        if all(worn(candidate.copy.tagline) for candidate, _ in passed):
            passed += self._otherwise(cleaned, seed=seed, avoid=avoid)

        def rank(pair: tuple[Candidate, Verdict]) -> tuple[float | int, ...]:
            return (-worn(pair[0].copy.tagline), *_rank(pair[0], pair[1], cleaned))

        # Of equals the first wins, so the configured order decides ties.
        best = max(passed, key=rank)
        if not seed and all("headline" in one for one in refused):
            # Else a provider was away, and one that is back would never be asked for this again.
            self._memo.put(place, brief.item.item_id, best[0])
        return *best, refused

    def _otherwise(
        self, cleaned: Brief, *, seed: int, avoid: frozenset[str]
    ) -> list[tuple[Candidate, Verdict]]:
        """More words for an item whose own are all worn: the models' once more, and every fixed sentence."""
        models = [one for one in self.writers if one.name not in FLOOR]
        more: list[tuple[Candidate, Verdict]] = []
        if models:
            written = write_copy(
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

    def _draw(self, cleaned: Brief, candidate: Candidate, made_key: str, *, seed: int) -> _Drawing:
        made = provenance(candidate, cleaned, seed=seed, fingerprint=self.fingerprint)
        photo, trouble = self._photo(cleaned.item.image_url)
        kit, picture_seed = self.style.kit, _picture_seed(cleaned, seed)
        try:
            rendered = draw(
                cleaned,
                candidate.copy,
                photo,
                kit,
                self._config,
                key=made_key,
                picture_seed=picture_seed,
                written_by_model=candidate.ai_generated,
            )
        except (KeyError, ValueError, RuntimeError, ArithmeticError) as error:
            # An engine that gives up on one item must not take the campaign with it.
            log.warning("banner failed", extra={"key": made_key}, exc_info=True)
            return _Drawing(
                provenance=made, checks={"problems": [f"{type(error).__name__}: {error}"]}
            )
        if trouble:
            rendered = replace(rendered, checks={**rendered.checks, "picture_problem": trouble})
        if not rendered.passed:
            return _Drawing(provenance=made, checks=dict(rendered.checks))
        made = provenance(
            candidate,
            cleaned,
            seed=seed,
            fingerprint=self.fingerprint,
            backdrop=str(rendered.checks["backdrop"]),
            sharpened=rendered.checks.get("sharpened") == SHARPENED,
        )
        marked = finish(
            rendered,
            cleaned,
            photo,
            kit,
            self._config,
            key=made_key,
            picture_seed=picture_seed,
            made=made,
        )
        return _Drawing(
            banner=replace(
                write(marked.rendered, made_key, self._config.banners_dir),
                alt=marked.rendered.alt,
            ),
            provenance=made,
            checks=dict(marked.rendered.checks),
            audit=marked.audit,
        )

    def _photo(self, url: str) -> tuple[bytes | None, str]:
        if not url:
            return None, ""
        try:
            return fetch(url, self._config.media_dirs), ""
        except UnsafeImage as error:
            return None, str(error)


def _rank(candidate: Candidate, verdict: Verdict, brief: Brief) -> tuple[float | int, ...]:
    """A voice of the shop's choice first; then support, no warnings, what is sought, a filled room.

    The packaged model only stands in: its lines compete with the catalogue's own. A voice that was
    trained here, or a model that the shop configured, is what the shop wants to hear, and where it
    only repeats the entry, not before it has said something of its own.
    """
    copy, room = candidate.copy, limits(brief.size)
    fullness = -abs(len(copy.tagline) / room.tagline - _BEST_FILL)
    news = set(copy.tagline.lower().split()) - set(copy.headline.lower().split())
    warns = _WARNING.search(copy.tagline) is not None
    sought = preference(copy, brief)
    chosen = bool(candidate.adapter) or candidate.provider in CHOSEN
    fresh = chosen and not is_verbatim(copy.tagline, brief.item.description)
    return (chosen, fresh, verdict.support, not warns, sought, round(fullness, 1), len(news))


def _picture_seed(brief: Brief, seed: int) -> int:
    """The same item keeps its backdrop whatever is said of it."""
    digest = hashlib.sha256(brief.item.item_id.encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:4]) + seed) % 2**32
