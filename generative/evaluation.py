"""How fresh, varied and faithful lines of copy are, in figures that a report can hold side by side.

Support alone rewards copying, so it is never shown without the verbatim rate; BLEU and ROUGE-L
against catalogue text say whose words a voice speaks, not whether they are good. Everything is
measured on words in lower case; shares are between 0 and 1.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from generative.checks.refusals import facts_of, share_supported
from generative.types import ItemFacts

BLEU_ORDER = 4
SELF_BLEU_LINES = 100  # each line against all others: quadratic, so of a sample
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")

Words = list[str]


def words(text: str) -> Words:
    return _WORD.findall(text.lower())


def is_verbatim(line: str, description: str) -> bool:
    """Whether all words of a line stand in the description in the same order without a gap."""
    said = " ".join(words(line))
    return bool(said) and f" {said} " in f" {' '.join(words(description))} "


def verbatim(lines: Sequence[tuple[str, str]]) -> float:
    """The share of (line, description) in which the line is copied from the description."""
    return _share(sum(is_verbatim(line, description) for line, description in lines), len(lines))


def distinct(lines: Sequence[str], order: int) -> float:
    """The share of n-grams that are different from one another (Li et al. 2016)."""
    grams = [gram for line in lines for gram in _grams(words(line), order)]
    return _share(len(set(grams)), len(grams))


def opener(line: str) -> str:
    """The first word; empty where there is none."""
    return next(iter(words(line)), "")


def openers(lines: Sequence[str]) -> Counter[str]:
    """How many lines each first word opens."""
    return Counter(first for line in lines if (first := opener(line)))


def opener_entropy(lines: Sequence[str]) -> float:
    """Entropy of the first words in bits; log2 of the number of lines at most."""
    counts = openers(lines)
    total = counts.total()
    return sum(-n / total * math.log2(n / total) for n in counts.values()) if total else 0.0


def top_opener(lines: Sequence[str]) -> float:
    """The share of lines that the commonest first word opens."""
    counts = openers(lines)
    return _share(max(counts.values(), default=0), counts.total())


def support(lines: Sequence[tuple[str, ItemFacts]]) -> float:
    """The mean share of content words that the facts hold, in any of their usual endings."""
    return _share(sum(share_supported(line, facts_of(item)) for line, item in lines), len(lines))


def bleu(said: Sequence[str], wanted: Sequence[Sequence[str]]) -> float:
    """Corpus BLEU-4 (Papineni et al. 2002) with several references a line, add-one above unigrams."""
    matches, totals = [0] * BLEU_ORDER, [0] * BLEU_ORDER
    length, reference_length = 0, 0
    for line, references in zip(said, wanted, strict=True):
        here, there = words(line), [words(reference) for reference in references]
        length += len(here)
        reference_length += min(
            (len(one) for one in there), key=lambda n: (abs(n - len(here)), n), default=0
        )
        for order in range(1, BLEU_ORDER + 1):
            own = Counter(_grams(here, order))
            best: Counter[tuple[str, ...]] = Counter()
            for one in there:
                best |= Counter(_grams(one, order))
            matches[order - 1] += (own & best).total()
            totals[order - 1] += own.total()
    if not length or not matches[0]:
        return 0.0
    logs = [math.log(matches[0] / totals[0])]
    logs += [
        math.log((hit + 1) / (of + 1)) for hit, of in zip(matches[1:], totals[1:], strict=True)
    ]
    brevity = min(0.0, 1 - reference_length / length)
    return math.exp(brevity + sum(logs) / BLEU_ORDER)


def rouge_l(said: Sequence[str], wanted: Sequence[Sequence[str]]) -> float:
    """Mean ROUGE-L F1 (Lin 2004) of each line with the nearest of its references."""
    best = [
        max((_rouge_l(words(line), words(reference)) for reference in references), default=0.0)
        for line, references in zip(said, wanted, strict=True)
    ]
    return _share(sum(best), len(best))


def self_bleu(lines: Sequence[str]) -> float:
    """Mean BLEU-4 of each line against all others (Zhu et al. 2018): 1 where all are one line."""
    sample = list(lines[:SELF_BLEU_LINES])
    scores = [
        bleu([line], [[other for at, other in enumerate(sample) if at != place]])
        for place, line in enumerate(sample)
    ]
    return _share(sum(scores), len(scores))


def _rouge_l(here: Words, there: Words) -> float:
    common = _common(here, there)
    if not common:
        return 0.0
    precision, recall = common / len(here), common / len(there)
    return 2 * precision * recall / (precision + recall)


def _common(here: Words, there: Words) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(there) + 1)
    for word in here:
        before = row
        row = [0]
        for place, other in enumerate(there):
            row.append(before[place] + 1 if word == other else max(before[place + 1], row[place]))
    return row[-1]


def _grams(said: Words, order: int) -> list[tuple[str, ...]]:
    return list(zip(*(said[start:] for start in range(order)), strict=False))


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0
