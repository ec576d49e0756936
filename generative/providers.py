"""Who writes a creative's words: made from the settings, asked in order, watched and paid for.

The order is a preference among the models: the next one is asked only where the one before could not,
might not or did not write anything sound. The catalogue's own words cost nothing and always compete;
the fixed ones come last, where nobody wrote anything.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Protocol

from generative.checks.claims import Verdict
from generative.config import GenerativeConfig
from generative.copy.candidate import Candidate, CopyProvider
from generative.copy.extractive import ExtractiveCopy
from generative.copy.guard import Held, Purse
from generative.copy.language_model import LlamaCopy, identity, weights
from generative.copy.prompts import PROMPT_VERSION
from generative.copy.remote import Endpoint, RemoteCopy
from generative.copy.template import TemplateCopy
from generative.errors import NotAsked, ProviderUnavailable
from generative.evaluation import opener
from generative.files import remembered_sha256
from generative.types import Brief
from generative.voice import voices

log = logging.getLogger(__name__)

FLOOR = frozenset(("extractive", "template"))  # no model: free, and never switched off
CHOSEN = frozenset(("transformers", "openai"))  # asked only where the shop set them up
NAMES = ("llama", "transformers", "openai", "extractive", "template")


class Ledger(Purse, Protocol):
    """What is known of providers across processes: switches, money and how they did today."""

    def allowed(self, name: str) -> str:
        """Why a provider may not be asked now, switched off for one; empty where it may."""
        ...

    def record(
        self, name: str, *, candidates: int, accepted: int, seconds: float, failed: bool
    ) -> None:
        """Count one call. Money is booked by `settle`, also where the call failed."""
        ...


class MemoryLedger:
    """A ledger of one process, and of one day: for a bench, for tests, and where no database is."""

    def __init__(self, *, daily_budget: float = 0.0, off: Sequence[str] = ()) -> None:
        self.daily_budget = daily_budget
        self.off = set(off)
        self.spent: dict[str, float] = {}
        self.calls: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    def allowed(self, name: str) -> str:
        return "it is switched off" if name in self.off else ""

    def reserve(self, name: str, most: float) -> Held | None:
        with self._lock:
            if most > 0 and sum(self.spent.values()) + most > self.daily_budget:
                return None
            self.spent[name] = self.spent.get(name, 0.0) + most
            return Held(name=name, most=most)

    def settle(self, held: Held, *, spent: float) -> None:
        with self._lock:
            self.spent[held.name] += spent - held.most

    def record(
        self, name: str, *, candidates: int, accepted: int, seconds: float, failed: bool
    ) -> None:
        with self._lock:
            row = self.calls.setdefault(name, {})
            told = {
                "calls": 1,
                "failures": failed,
                "candidates": candidates,
                "accepted": accepted,
                "seconds": seconds,
            }
            for field, value in told.items():
                row[field] = row.get(field, 0) + value


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a brief: candidates that passed with their verdicts, and what was refused, in words."""

    passed: tuple[tuple[Candidate, Verdict], ...]
    refused: tuple[Mapping[str, Any], ...]


def build(
    config: GenerativeConfig, *, ledger: Ledger, adapter: Path | None = None
) -> list[CopyProvider]:
    """The configured providers in their order; weights are loaded on first use, not here.

    `adapter` is the voice that the language model writes in, its own by default.

    Raises:
        ValueError: A name that is none of NAMES, or an address that cannot be asked.
    """
    unknown = [name for name in config.copy_providers if name not in NAMES]
    if unknown:
        raise ValueError(f"VITRINE_COPY_PROVIDERS: {unknown} are none of {sorted(NAMES)}")
    made: dict[str, Callable[[], CopyProvider]] = {
        "llama": lambda: LlamaCopy(
            gguf_path=config.gguf_path,
            samples=config.llm_samples,
            threads=config.llm_threads,
            timeout_seconds=config.llm_timeout_seconds,
            adapter=adapter,
            languages=config.copy_languages,
        ),
        "transformers": lambda: _transformers(config),
        "openai": lambda: _remote(config, ledger),
        "extractive": ExtractiveCopy,
        "template": TemplateCopy,
    }
    return [made[name]() for name in config.copy_providers]


def signature(config: GenerativeConfig) -> list[str]:
    """What of the providers shapes a creative, for its key: order, models, prompts; loads nothing."""
    shaping = [*config.copy_providers, *config.copy_languages]
    if "llama" in config.copy_providers:
        shaping += [PROMPT_VERSION, identity(config.gguf_path), str(config.llm_samples)]
    if "transformers" in config.copy_providers:
        shaping += [PROMPT_VERSION, Path(config.transformers_path).name, str(config.llm_samples)]
    if "openai" in config.copy_providers:
        shaping += [PROMPT_VERSION, config.openai_url, config.openai_model]
    return shaping


def write(
    providers: Sequence[CopyProvider],
    brief: Brief,
    *,
    seed: int,
    ledger: Ledger,
    judged: Callable[[Candidate, Brief], Verdict],
    avoid: frozenset[str] = frozenset(),
) -> Written:
    """Ask the providers in order for a cleaned brief, and judge every line of theirs.

    A tagline that opens with a word of `avoid` is refused, unless it is the catalogue's own.
    """
    passed: list[tuple[Candidate, Verdict]] = []
    refused: list[Mapping[str, Any]] = []
    spoken = False  # whether a model has said something sound
    for provider in providers:
        if (provider.name == TemplateCopy.name and passed) or (
            spoken and provider.name not in FLOOR
        ):
            continue
        candidates, why_not, seconds = _ask(provider, brief, seed=seed, ledger=ledger, avoid=avoid)
        if why_not:
            refused.append({"provider": provider.name, "problems": [why_not]})
        sound = []
        for candidate in candidates:
            verdict = judged(candidate, brief)
            problems = [*candidate.problems, *verdict.problems, *_worn(candidate, avoid)]
            if problems:
                refused.append(_refusal(candidate, problems))
            else:
                sound.append((candidate, verdict))
        passed += sound
        if provider.name not in FLOOR:
            spoken = spoken or bool(sound)
            if candidates:
                tried, good = len(candidates), len(sound)
                ledger.record(
                    provider.name, candidates=tried, accepted=good, seconds=seconds, failed=False
                )
    return Written(passed=tuple(passed), refused=tuple(refused))


def _ask(
    provider: CopyProvider, brief: Brief, *, seed: int, ledger: Ledger, avoid: frozenset[str]
) -> tuple[list[Candidate], str, float]:
    """What a provider wrote, or why it did not, and the seconds it took."""
    if provider.name in FLOOR:
        return provider.write(brief, seed=seed, avoid=avoid), "", 0.0
    if why := ledger.allowed(provider.name):
        return [], why, 0.0
    started = time.perf_counter()
    try:
        written = provider.write(brief, seed=seed, avoid=avoid)
    except NotAsked as error:
        return [], str(error), 0.0
    except ProviderUnavailable as error:
        log.info("copy provider unavailable", extra={"provider": provider.name})
        why = str(error)
    except Exception as error:  # a library of models fails in ways of its own: the next is asked
        log.warning("copy provider failed", extra={"provider": provider.name}, exc_info=True)
        why = f"{type(error).__name__}: {error}"
    else:
        return written, "", time.perf_counter() - started
    seconds = time.perf_counter() - started
    ledger.record(provider.name, candidates=0, accepted=0, seconds=seconds, failed=True)
    return [], why, seconds


def _worn(candidate: Candidate, avoid: frozenset[str]) -> list[str]:
    first = opener(candidate.copy.tagline)
    return [f"opens with {first!r}, as too many do"] if first in avoid and candidate.model else []


def _refusal(candidate: Candidate, problems: list[str]) -> Mapping[str, Any]:
    return {
        "provider": candidate.provider,
        "headline": candidate.copy.headline,
        "tagline": candidate.copy.tagline,
        "problems": problems,
    }


def live_adapter(config: GenerativeConfig) -> Path | None:
    """The live voice's adapter, where it was trained on the weights that are configured."""
    voice, base = voices.live(config.voices_dir), weights(config.gguf_path)
    if voice is None or base is None:
        return None
    if remembered_sha256(base) != voice.base_sha256:
        log.warning("voice of other weights", extra={"voice": voice.voice_id})
        return None
    return voice.path


def _transformers(config: GenerativeConfig) -> CopyProvider:
    # By its name, so that the web process, which imports this module, never comes near torch.
    made: CopyProvider = resolve_name("generative.copy.transformers_model:TransformersCopy")(
        path=config.transformers_path,
        device=config.transformers_device,
        samples=config.llm_samples,
        timeout_seconds=config.llm_timeout_seconds,
        languages=config.copy_languages,
    )
    return made


def _remote(config: GenerativeConfig, ledger: Ledger) -> CopyProvider:
    if not (config.openai_url and config.openai_model):
        raise ValueError("the provider openai needs VITRINE_OPENAI_URL and VITRINE_OPENAI_MODEL")
    endpoint = Endpoint(
        url=config.openai_url,
        model=config.openai_model,
        key=config.openai_key,
        samples=config.llm_samples,
        timeout_seconds=config.openai_timeout_seconds,
        tries=config.openai_tries,
        price_in=config.openai_price_in,
        price_out=config.openai_price_out,
        languages=config.copy_languages,
    )
    try:
        return RemoteCopy(endpoint, purse=ledger)
    except ValueError as error:
        raise ValueError(f"VITRINE_OPENAI_URL {error}") from None
