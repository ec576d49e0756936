"""The one way through: a brief in, a checked and rendered creative out.

Candidates come from the configured providers, every one is judged, the best that passes is drawn.
A provider, a picture or a layout that fails costs the creative something, never the answer.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from generative.banner.render import render, write
from generative.brief import clean, copy_key, key
from generative.checks.avoid import avoided
from generative.checks.claims import Verdict, judge
from generative.config import GenerativeConfig
from generative.copy.audience import eyebrow, preference
from generative.copy.candidate import Candidate, CopyProvider
from generative.copy.extractive import ExtractiveCopy
from generative.copy.language_model import LlamaCopy
from generative.copy.limits import limits
from generative.copy.prompts import example_lines
from generative.copy.template import TemplateCopy
from generative.errors import ProviderUnavailable, UnsafeImage
from generative.floor import floor_copy, judge_fixed
from generative.memo import MemoryWords, Words
from generative.picture.source import fetch
from generative.provenance import provenance, xmp
from generative.style import Style, in_force
from generative.types import Audience, Banner, Brief, Creative, State

log = logging.getLogger(__name__)

_WARNING = re.compile(r"\b(?:not|never|don['\u2019]t|cannot|avoid|without)\b", re.IGNORECASE)
_BEST_FILL = 0.65  # of the room for a tagline: neither a stub nor a wall


class Studio:
    """One process's studio. Make it after a fork: the language model is loaded on first use."""

    def __init__(
        self,
        config: GenerativeConfig,
        *,
        style: Style | None = None,
        memo: Words | None = None,
        providers: Sequence[CopyProvider] | None = None,
    ) -> None:
        """Make a studio.

        Args:
            config: The settings.
            style: The brand kit and voice in force, the configuration's by default.
            memo: Where words are kept apart from pictures; this process's memory by default.
            providers: Who writes; made from the settings by default. Another studio's may be taken
                over, models loaded, where `style.words` is the same.
        """
        self._config = config
        self.style = in_force(config) if style is None else style
        self.fingerprint = self.style.fingerprint
        self._memo = MemoryWords() if memo is None else memo
        self.providers = _providers(config) if providers is None else list(providers)

    def make(self, brief: Brief, *, seed: int = 0) -> Creative:
        """Write, judge and draw one creative; a bad item or picture costs its banner, never the call.

        Every provider is asked, in the configured order, which also settles ties between the best
        that pass. Without a sound banner the state is `fallback`.
        """
        cleaned = self._printable(clean(brief))
        made_key = key(brief, self.fingerprint)
        candidate, verdict, refused = self._write(brief, cleaned, seed=seed)
        banner, drawn = self._draw(cleaned, candidate, made_key, seed=seed)
        return Creative(
            key=made_key,
            item_id=brief.item.item_id,
            size=brief.size,
            state=State.READY if banner else State.FALLBACK,
            copy=candidate.copy,
            banner=banner,
            provenance=provenance(candidate, cleaned, seed=seed, fingerprint=self.fingerprint),
            checks={
                "support": verdict.support,
                "tried": len(refused) + 1,
                "refused": refused,
                "banner": drawn,
            },
            proofs=proofs_of(verdict),
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
        self, brief: Brief, cleaned: Brief, *, seed: int
    ) -> tuple[Candidate, Verdict, list[dict[str, Any]]]:
        """The best words that pass: those kept of an earlier picture, else what providers write now."""
        place = copy_key(brief, self.style.words)
        kept = None if seed else self._memo.get(place)
        if kept is not None and (verdict := self._judge(kept, cleaned)).passed:
            return kept, verdict, []
        found, refused, everyone_came = self._ask(cleaned, seed=seed)
        if not seed and everyone_came:  # else a provider that is back would never be asked again
            self._memo.put(place, brief.item.item_id, found[0])
        return *found, refused

    def _ask(
        self, cleaned: Brief, *, seed: int
    ) -> tuple[tuple[Candidate, Verdict], list[dict[str, Any]], bool]:
        refused: list[dict[str, Any]] = []
        passed: list[tuple[Candidate, Verdict]] = []
        everyone_came = True
        for provider in self.providers:
            if passed and provider.name == TemplateCopy.name:
                break  # fixed words are for items that nobody could write about
            try:
                candidates = provider.write(cleaned, seed=seed)
            except ProviderUnavailable as error:
                log.info("copy provider unavailable", extra={"provider": provider.name})
                refused.append({"provider": provider.name, "problems": [str(error)]})
                everyone_came = False
                continue
            judged = [(candidate, self._judge(candidate, cleaned)) for candidate in candidates]
            passed += [pair for pair in judged if pair[1].passed]
            refused += [_refusal(*pair) for pair in judged if not pair[1].passed]
        if not passed:
            passed.append(floor_copy(cleaned, self.style.kit.forbidden))
        # Of equals the first wins, so the configured order decides ties.
        best = max(passed, key=lambda pair: _rank(pair[0], pair[1], cleaned))
        return best, refused, everyone_came

    def _draw(
        self, cleaned: Brief, candidate: Candidate, made_key: str, *, seed: int
    ) -> tuple[Banner | None, dict[str, Any]]:
        photo, trouble = self._photo(cleaned.item.image_url)
        try:
            rendered = render(
                cleaned,
                candidate.copy,
                photo,
                self.style.kit,
                seed=_picture_seed(cleaned, seed),
                cutout_model=self._config.cutout_model,
                xmp=xmp(key=made_key, ai_generated=candidate.ai_generated),
            )
        except (KeyError, ValueError, RuntimeError, ArithmeticError) as error:
            # An engine that gives up on one item must not take the campaign with it.
            log.warning("banner failed", extra={"key": made_key}, exc_info=True)
            return None, {"problems": [f"{type(error).__name__}: {error}"]}
        drawn = dict(rendered.checks)
        if trouble:
            drawn["picture_problem"] = trouble
        if not rendered.passed:
            return None, drawn
        return write(rendered, made_key, self._config.banners_dir), drawn

    def _photo(self, url: str) -> tuple[bytes | None, str]:
        if not url:
            return None, ""
        try:
            return fetch(url, self._config.media_dirs), ""
        except UnsafeImage as error:
            return None, str(error)


def _providers(config: GenerativeConfig) -> list[CopyProvider]:
    made: dict[str, Callable[[], CopyProvider]] = {
        "llama": lambda: LlamaCopy(
            gguf_path=config.gguf_path,
            samples=config.llm_samples,
            threads=config.llm_threads,
            timeout_seconds=config.llm_timeout_seconds,
        ),
        "extractive": ExtractiveCopy,
        "template": TemplateCopy,
    }
    unknown = [name for name in config.copy_providers if name not in made]
    if unknown:
        raise ValueError(f"VITRINE_COPY_PROVIDERS: {unknown} are none of {sorted(made)}")
    return [made[name]() for name in config.copy_providers]


def proofs_of(verdict: Verdict) -> tuple[dict[str, Any], ...]:
    """Every proved claim of "headline. tagline", with the words of the field that prove it."""
    return tuple(
        {
            "start": claim.start,
            "end": claim.end,
            "text": claim.text,
            "kind": str(claim.kind),
            "field": proof.field,
            "value": proof.text,
        }
        for claim, proof in verdict.proofs
    )


def _rank(candidate: Candidate, verdict: Verdict, brief: Brief) -> tuple[float | int, ...]:
    """Most supported first, then no warnings, what the audience looks for, and a well filled room."""
    copy, room = candidate.copy, limits(brief.size)
    fullness = -abs(len(copy.tagline) / room.tagline - _BEST_FILL)
    news = set(copy.tagline.lower().split()) - set(copy.headline.lower().split())
    warns = _WARNING.search(copy.tagline) is not None
    sought = preference(copy, brief)
    return (verdict.support, not warns, sought, round(fullness, 1), len(news))


def _refusal(candidate: Candidate, verdict: Verdict) -> dict[str, Any]:
    return {
        "provider": candidate.provider,
        "headline": candidate.copy.headline,
        "tagline": candidate.copy.tagline,
        "problems": list(verdict.problems),
    }


def _picture_seed(brief: Brief, seed: int) -> int:
    """The same item keeps its backdrop whatever is said of it."""
    digest = hashlib.sha256(brief.item.item_id.encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:4]) + seed) % 2**32
