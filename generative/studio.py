"""The one way through: a brief in, a checked and rendered creative out.

Candidates come from the configured providers, every one is judged, the best that passes is drawn.
A provider, a picture or a layout that fails costs the creative something, never the answer.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from generative.banner.render import write
from generative.brief import clean, key
from generative.campaigning.diversity import Worn, never
from generative.checks.avoid import avoided
from generative.config import GenerativeConfig
from generative.copy.audience import eyebrows
from generative.copy.candidate import Candidate, CopyProvider
from generative.drawing import SHARPENED, draw, finish
from generative.errors import UnsafeImage
from generative.marking.provenance import provenance
from generative.memo import MemoryWords, Words
from generative.picture.source import fetch
from generative.proofs import printed, proofs_of
from generative.providers import Ledger, MemoryLedger, build, live_adapter
from generative.style import Style, in_force
from generative.truth import named
from generative.types import Audience, Banner, Brief, Creative, State
from generative.writing import Writer

log = logging.getLogger(__name__)


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
        ledger = MemoryLedger(daily_budget=config.daily_budget) if ledger is None else ledger
        if writers is None:
            adapter = live_adapter(config) if self.style.voice else None
            writers = build(config, ledger=ledger, adapter=adapter)
        self.writers = list(writers)
        memo = MemoryWords() if memo is None else memo
        self._writer = Writer(self.writers, style=self.style, memo=memo, ledger=ledger)

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
        told = self._writer.write(brief, cleaned, seed=seed, avoid=avoid, worn=worn)
        copy = told.candidate.copy
        drawing = self._draw(cleaned, told.candidate, made_key, seed=seed)
        return Creative(
            key=made_key,
            item_id=brief.item.item_id,
            size=brief.size,
            state=State.READY if drawing.banner else State.FALLBACK,
            copy=printed(copy, cleaned),
            banner=drawing.banner,
            provenance=named(drawing.provenance, brief.item),
            checks={
                "support": told.verdict.support,
                "tried": len(told.refused) + 1,
                "worn": worn(copy.tagline),
                "refused": told.refused,
                "banner": drawing.checks,
            },
            proofs=proofs_of(told.verdict, copy, cleaned),
            audit=drawing.audit,
        )

    def _printable(self, cleaned: Brief) -> Brief:
        """Without what would bring a forbidden word above the headline."""
        if not any(avoided(line, self.style.kit.forbidden) for line in eyebrows(cleaned)):
            return cleaned
        audience = Audience(price_band=cleaned.audience.price_band)
        return replace(cleaned, audience=audience, reason="")

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


def _picture_seed(brief: Brief, seed: int) -> int:
    """The same item keeps its backdrop whatever is said of it."""
    digest = hashlib.sha256(brief.item.item_id.encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:4]) + seed) % 2**32
