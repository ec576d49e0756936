"""From pairs to a voice on disk: train, export, listen, report, judge, publish.

A voice is heard as it will be served, by llama.cpp with the adapter and its word-bound grammar, on
products that it has not learned from, beside the untuned model and an LSTM. What the report says of
lines holds for one sample a product, before any second try.
"""

import hashlib
import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from generative import evaluation
from generative.brief import clean
from generative.checks.claims import judge
from generative.copy.candidate import Candidate
from generative.copy.language_model import LlamaCopy
from generative.copy.prompts import example_lines
from generative.errors import ProviderUnavailable, TooLittleToLearn
from generative.files import remembered_sha256
from generative.types import Brief, ItemFacts
from generative.voice import finetune, lstm, voices
from generative.voice.distil import SIZE, Pair, text_of
from generative.voice.finetune import Beat, Trained
from generative.voice.lstm import LstmOptions, Speak
from generative.voice.voices import Voice

HELD_OUT = 0.08  # of the products
MOST_HELD_OUT = 40  # products: hearing one costs about two CPU seconds
MAX_VERBATIM = 0.30
MIN_ACCEPTANCE = 0.40  # at one sample; several are tried
MAY_LOSE = 0.05  # of the live voice's acceptance: less is noise of so few products
_TIMEOUT_SECONDS = 120.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a voice is made with. `lstm` None leaves the baseline out."""

    options: finetune.Options = field(default_factory=finetune.Options)
    lstm: LstmOptions | None = field(default_factory=LstmOptions)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A published voice with what was measured; `verdict` says why it did not pass."""

    voice: Voice
    report: Mapping[str, Any]
    passed: bool
    verdict: str


def make(
    pairs: Sequence[Pair],
    *,
    base: Path,
    root: Path,
    recipe: Recipe,
    now: datetime,
    beat: Beat,
    about: Mapping[str, Any] | None = None,
) -> Outcome:
    """Make a voice of these weights and publish it; whoever calls promotes it.

    `about` is what the report is to say of the pairs besides.

    Raises:
        TooLittleToLearn: There are too few pairs.
        ProviderUnavailable: A library is missing, or the weights cannot be trained.
    """
    learned, unseen = split(pairs, seed=recipe.seed)
    live = voices.live(root)
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix="vitrine-voice-") as folder:
        adapter = Path(folder) / voices.ADAPTER
        trained = finetune.train(
            learned, unseen, base=base, target=adapter, options=recipe.options, beat=beat
        )
        cpu = {"training": round(time.process_time() - started, 1)}
        curves = dict(trained.losses)
        baseline = _baseline(learned, unseen, recipe, curves, beat)
        if baseline is not None:
            lstm.save(baseline, Path(folder) / voices.BASELINE)
        items = _products(unseen)
        heard: dict[str, Mapping[str, float]] = {}
        speakers = _speakers(base, adapter, live, baseline)
        for place, (name, speak) in enumerate(speakers.items()):
            beat("listening", place / len(speakers), curves)
            heard[name] = listen(items, speak, unseen)
        report = _report(learned, unseen, trained, baseline, heard, recipe) | {
            "cpu_s": cpu,
            **(about or {}),
        }
        verdict = refusal(report, live=live is not None)
        beat("publishing", 1.0, curves)
        voice = voices.publish(
            root,
            voice_name(now, pairs, recipe),
            adapter,
            base_sha256=remembered_sha256(base),
            baseline=Path(folder) / voices.BASELINE if baseline else None,
            report=report | {"passed": not verdict, "verdict": verdict},
        )
    return Outcome(voice=voice, report=voice.report, passed=not verdict, verdict=verdict)


def split(pairs: Sequence[Pair], *, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs to learn from and pairs of other products: no product and no text is in both.

    Raises:
        TooLittleToLearn: Nothing would be left for one of them.
    """
    ids = sorted({pair.item.item_id for pair in pairs})
    count = min(max(round(HELD_OUT * len(ids)), 1), MOST_HELD_OUT)
    if len(ids) <= count:
        raise TooLittleToLearn(
            f"{len(ids)} products with sound pairs are too few for a voice: approve more creatives,"
            " name a teacher, or describe products in more words"
        )
    drawn = set(random.Random(seed).sample(ids, count))  # noqa: S311 a seed, not a secret
    unseen = [pair for pair in pairs if pair.item.item_id in drawn]
    texts = {text_of(pair.item) for pair in unseen}
    learned = [
        pair for pair in pairs if pair.item.item_id not in drawn and text_of(pair.item) not in texts
    ]
    return learned, unseen


def listen(items: Sequence[ItemFacts], speak: Speak, unseen: Sequence[Pair]) -> Mapping[str, float]:
    """What one sample for each product is worth; the figures of lines are of those that pass."""
    passed: list[tuple[Candidate, ItemFacts]] = []
    tried = 0
    for item in items:
        brief = clean(Brief(item=item, size=SIZE))
        candidates = speak(brief)[:1]
        tried += 1
        passed += [(one, brief.item) for one in candidates if _sound(one, brief)]
    said = [one.copy.tagline for one, _ in passed]
    texts = [[item.description] for _, item in passed]
    lines: dict[str, list[str]] = {}
    for pair in unseen:
        lines.setdefault(pair.item.item_id, []).append(pair.tagline)
    wanted = [lines.get(item.item_id, []) for _, item in passed]
    figures = {
        "acceptance_1": len(passed) / tried if tried else 0.0,
        "support": evaluation.support(
            [(f"{one.copy.headline}. {one.copy.tagline}", item) for one, item in passed]
        ),
        "verbatim": evaluation.verbatim(
            [(line, text[0]) for line, text in zip(said, texts, strict=True)]
        ),
        "distinct_1": evaluation.distinct(said, 1),
        "distinct_2": evaluation.distinct(said, 2),
        "opener_entropy": evaluation.opener_entropy(said),
        "top_opener": evaluation.top_opener(said),
        "self_bleu": evaluation.self_bleu(said),
        "bleu_catalogue": evaluation.bleu(said, texts),
        "rouge_l_catalogue": evaluation.rouge_l(said, texts),
        "bleu_lines": evaluation.bleu(said, wanted),
        "rouge_l_lines": evaluation.rouge_l(said, wanted),
    }
    return {name: round(value, 4) for name, value in figures.items()} | {"products": tried}


def refusal(report: Mapping[str, Any], *, live: bool) -> str:
    """Why a voice may not write; empty where it may."""
    tuned = report["voices"]["tuned"]
    if report["loss"]["after"] >= report["loss"]["before"]:
        return "its loss on products that it has not seen did not fall"
    if tuned["acceptance_1"] < MIN_ACCEPTANCE:
        return f"only {tuned['acceptance_1']:.0%} of its lines pass the checks"
    if tuned["verbatim"] > MAX_VERBATIM:
        return f"{tuned['verbatim']:.0%} of its taglines are copied from the description"
    if live and tuned["acceptance_1"] < report["voices"]["live"]["acceptance_1"] - MAY_LOSE:
        return "fewer of its lines pass the checks than of the live voice's"
    return ""


def voice_name(now: datetime, pairs: Sequence[Pair], recipe: Recipe) -> str:
    """The second, and a digest of what was learned from and how."""
    learned = sorted(f"{pair.item.item_id} {pair.headline} {pair.tagline}" for pair in pairs)
    digest = hashlib.sha256(repr((learned, recipe)).encode()).hexdigest()[:8]
    return f"{now:%Y%m%dT%H%M%SZ}-{digest}"


def _baseline(
    learned: Sequence[Pair],
    unseen: Sequence[Pair],
    recipe: Recipe,
    curves: Mapping[str, list[float]],
    beat: Beat,
) -> lstm.Lstm | None:
    if recipe.lstm is None:
        return None
    return lstm.train(
        learned, unseen, recipe.lstm, lambda progress: beat("baseline", progress, curves)
    )


def _speakers(
    base: Path, adapter: Path, live: Voice | None, baseline: lstm.Lstm | None
) -> dict[str, Speak]:
    """Who is heard. The weights must be of a kind that llama.cpp loads, or nobody would be."""
    speakers = {"base": _llama(base, None), "tuned": _llama(base, adapter)}
    if live is not None:
        speakers["live"] = _llama(base, live.path)
    if baseline is not None:
        speakers["lstm"] = baseline.speaking(samples=1)
    return speakers


def _llama(base: Path, adapter: Path | None) -> Speak:
    """A speaker that loads when it is first heard."""
    model = LlamaCopy(
        gguf_path=str(base),
        samples=1,
        threads=1,
        timeout_seconds=_TIMEOUT_SECONDS,
        adapter=adapter,
    )
    if problem := model.available():
        raise ProviderUnavailable(problem)
    return lambda brief: model.write(brief, seed=0)


def _sound(candidate: Candidate, brief: Brief) -> bool:
    verdict = judge(candidate.copy, brief, forbidden=example_lines(), at_limit=candidate.at_limit)
    return verdict.passed and not candidate.problems


def _products(pairs: Sequence[Pair]) -> list[ItemFacts]:
    """One entry of each product, the longest."""
    found: dict[str, ItemFacts] = {}
    for pair in pairs:
        known = found.get(pair.item.item_id)
        if known is None or len(pair.item.description) > len(known.description):
            found[pair.item.item_id] = pair.item
    return [found[item_id] for item_id in sorted(found)]


def _report(
    learned: Sequence[Pair],
    unseen: Sequence[Pair],
    trained: Trained,
    baseline: lstm.Lstm | None,
    heard: Mapping[str, Mapping[str, float]],
    recipe: Recipe,
) -> dict[str, Any]:
    per_letter = {"base": trained.before_letter, "tuned": trained.after_letter}
    if baseline is not None:
        per_letter["lstm"] = baseline.letter_loss
    return {
        "pairs": len(learned),
        "products": len({pair.item.item_id for pair in learned}),
        "sources": dict(Counter(pair.source for pair in learned)),
        "held_out_pairs": len(unseen),
        "held_out_products": len(_products(unseen)),
        "loss": {"before": trained.before, "after": trained.after},
        "loss_per_letter": per_letter,
        "curves": dict(trained.losses),
        "voices": dict(heard),
        "parameters": trained.parameters,
        "steps": trained.steps,
        "rank": recipe.options.rank,
        "seed": recipe.seed,
    }
