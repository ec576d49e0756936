"""The examination of a candidate: everybody on the same shoppers, in pairs and by segment.

Its result is a plain mapping that goes into the manifest, the run's row and the report:
    <who>       figures of candidate, its branches alone, live, and the plain counts beside them
    segments    the same in each segment, for those whom segments are asked of
    paired      candidate minus live, or minus the best plain count where nothing is live yet
    gate        the verdict
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.learning.examining import comparison, evaluation, segments
from recsys.learning.examining.comparison import METRIC, Verdict
from recsys.learning.examining.evaluation import Examination, Score
from recsys.learning.examining.market import Market
from recsys.learning.examining.segments import Measured
from recsys.learning.split import HoldOut
from recsys.models.encoder import Floats
from recsys.models.fusion import Fused

CANDIDATE, LIVE = "candidate", "live"
PLAIN = ("popularity", "itemknn")
BRANCHES = ("dense", "linear", "neighbours")
COVERAGE = f"coverage@{evaluation.LISTED}"
# A collapsed model shows everybody the same 20 items: 1.3 % of a shop of 1,600. In a shop of
# fewer items than this share makes sense for, any list passes.
COVERAGE_FLOOR = 0.015
PAIRED_IN = (METRIC, "ndcg@10", "ndcg@100", "recall@20", "recall@50", "hit@10", "mrr@10")
SAMPLED = 100

Metrics = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One scorer, examined."""

    whole: Examination
    parts: tuple[Measured, ...] = ()


def examine(
    scorers: Mapping[str, Score],
    holdout: HoldOut,
    market: Market,
    *,
    ratio: float,
    against: str = LIVE,
    vectors: Floats | None = None,
    seed: int = 0,
) -> tuple[Metrics, Verdict]:
    """Measure all, compare the candidate with `against` where it is there, and judge.

    `scorers` holds at least "candidate"; `vectors` are item vectors that say how far items are
    apart where the shop has no categories.
    """
    cut = segments.of(holdout, market)
    seen: dict[str, _Seen] = {}
    for name, score in scorers.items():
        whole = evaluation.examine(
            score,
            holdout,
            depths=evaluation.IN_FULL,
            market=market,
            vectors=vectors,
            sampled=SAMPLED,
            seed=seed,
        )
        wanted = () if name in BRANCHES else cut
        parts = segments.measure(score, holdout, whole, wanted)
        seen[name] = _Seen(whole=whole, parts=parts)
    found: Metrics = {name: one.whole.figures for name, one in seen.items()}
    found["segments"] = _in_segments(cut, seen)
    rival = against if against in seen else _best_plain(seen)
    found["paired_with"] = rival
    found["paired"] = _paired(seen[CANDIDATE], seen[rival]) if rival else []
    verdict = _judge(seen[CANDIDATE], seen.get(against), ratio)
    found["gate"] = {
        "ratio": ratio,
        "tolerance": comparison.TOLERANCE,
        "segments_tested": verdict.tested,
        "refused_by": list(verdict.refused_by),
    }
    return found, verdict


def branches_of(fused: Fused) -> dict[str, Fused]:
    """Each branch by itself: a good sum must not hide a broken part."""
    nothing = np.zeros(fused.n_items, np.float32)
    parts: dict[str, Fused] = {}
    if fused.encoder is not None:
        parts["dense"] = Fused(bias=nothing, encoder=fused.encoder, vectors=fused.vectors)
    if fused.linear is not None:
        parts["linear"] = Fused(bias=nothing, linear=fused.linear)
    if fused.neighbours is not None:
        parts["neighbours"] = Fused(bias=nothing, neighbours=fused.neighbours)
    return parts


def _judge(candidate: _Seen, live: _Seen | None, ratio: float) -> Verdict:
    coverage = candidate.whole.figures[COVERAGE]
    if coverage < COVERAGE_FLOOR:
        sentence = f"it shows {coverage:.1%} of the catalogue, below {COVERAGE_FLOOR:.1%}"
        return Verdict(passed=False, sentence=sentence, refused_by=("coverage",))
    if live is None:
        figure = candidate.whole.figures[METRIC]
        return Verdict(passed=True, sentence=f"the first model: {METRIC.upper()} {figure:.4f}")
    return comparison.judge(
        candidate.whole, live.whole, ratio=ratio, segments=(candidate.parts, live.parts)
    )


def _paired(candidate: _Seen, rival: _Seen) -> list[Mapping[str, Any]]:
    overall = comparison.everybody(candidate.whole, rival.whole, PAIRED_IN)
    return comparison.as_rows([*overall, *comparison.in_segments(candidate.parts, rival.parts)])


def _best_plain(seen: Mapping[str, _Seen]) -> str | None:
    plain = [name for name in PLAIN if name in seen]
    return max(plain, key=lambda name: seen[name].whole.figures[METRIC], default=None)


def _in_segments(
    cut: Sequence[segments.Segment], seen: Mapping[str, _Seen]
) -> list[dict[str, Any]]:
    """For each segment how many shoppers it has, and mean and standard error of each scorer."""
    return [
        {
            "family": segment.family,
            "name": segment.name,
            "n": len(segment),
            METRIC: {
                name: [one.parts[at].figures[METRIC], one.parts[at].figures[f"{METRIC}_se"]]
                for name, one in seen.items()
                if one.parts
            },
        }
        for at, segment in enumerate(cut)
    ]
