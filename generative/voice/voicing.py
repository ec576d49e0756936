"""A voice run without queue or database: who teaches, what is learned, and the voice that comes of it.

The worker and the command line both come through here; neither rows nor settings of the environment
are read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from generative.config import GenerativeConfig
from generative.copy.language_model import weights
from generative.copy.llama_server import INSTALL
from generative.errors import ProviderUnavailable
from generative.files import remembered_sha256
from generative.providers import FLOOR, Ledger, build, signature
from generative.types import ItemFacts
from generative.voice import voices
from generative.voice.distil import Pair, Teacher, gguf_teacher, provider_teacher
from generative.voice.finetune import Options
from generative.voice.lessons import Lessons, lessons
from generative.voice.taught import FILE, remembering
from generative.voice.voice_making import Outcome, Recipe, make

Report = Callable[[str, float, Mapping[str, Any]], bool]  # stage, progress, curves; False: stop


class Stopped(Exception):
    """The run is not wanted any more; raised between two steps, so that nothing is half made."""


def learn(
    config: GenerativeConfig,
    items: Iterable[ItemFacts],
    approved: Sequence[Pair],
    *,
    ledger: Ledger,
    now: datetime,
    report: Report,
    seed: int = 0,
) -> Outcome:
    """Teach, train, hear and publish a voice; it is promoted where it passed its gate.

    Raises:
        Stopped: `report` said so.
        TooLittleToLearn: The catalogue says too little.
        ProviderUnavailable: A library, the weights or the teacher cannot be had.
    """

    def beat(stage: str, progress: float, curves: Mapping[str, Any]) -> None:
        if not report(stage, progress, curves):
            raise Stopped("cancelled before a voice was published")

    base = weights(config.gguf_path)
    if base is None:
        raise ProviderUnavailable(f"no language model is installed: {INSTALL}")
    beat("reading", 0.0, {})
    taken = lessons(
        items,
        approved=approved,
        teacher=teacher_of(config, ledger),
        taught=config.voice_taught,
        seed=seed,
        say=lambda stage, progress: beat(stage, progress, {}),
    )
    outcome = make(
        taken.pairs,
        base=base,
        root=config.voices_dir,
        recipe=recipe_of(config, seed),
        now=now,
        beat=beat,
        about=_about(config, taken),
    )
    if outcome.passed:
        beat("promoting", 1.0, {})
        voices.promote(config.voices_dir, outcome.voice.voice_id)
    voices.prune(config.voices_dir, config.voices_kept)
    return outcome


def recipe_of(config: GenerativeConfig, seed: int) -> Recipe:
    return Recipe(
        options=Options(
            steps=config.voice_steps,
            device=config.voice_device,
            threads=config.llm_threads,
            seed=seed,
        ),
        seed=seed,
    )


def teacher_of(config: GenerativeConfig, ledger: Ledger) -> Teacher | None:
    """The larger model that the settings name, remembering what it said; None where they name none.

    Raises:
        ProviderUnavailable: It is no file, and no provider that can teach.
    """
    name = config.voice_teacher
    if not name:
        return None
    said = config.voices_dir / FILE
    if Path(name).is_file():
        teacher = gguf_teacher(Path(name), threads=config.llm_threads)
        return remembering(teacher, said, name=remembered_sha256(Path(name)))
    for provider in build(config, ledger=ledger):
        if provider.name == name and name not in FLOOR | {"llama"}:
            model = " ".join((name, *signature(config)))
            return remembering(provider_teacher(provider), said, name=model)
    raise ProviderUnavailable(
        f"VITRINE_VOICE_TEACHER={name!r} is no file, and no model among VITRINE_COPY_PROVIDERS"
    )


def _about(config: GenerativeConfig, taken: Lessons) -> dict[str, Any]:
    """What the report says of the lessons; of a teacher its file's name, never its folder."""
    return {
        "teacher": Path(config.voice_teacher).name,
        "products_read": taken.products,
        "dropped": dict(taken.dropped),
    }
