"""The lessons of a voice: pairs of a shop's own catalogue, from every source that there is.

Approved creatives first, then what a larger model says, sentences turned about, and phrases joined
anew; whole entries and entries cut to one sentence, as catalogues hold both. One entry teaches three
lines at most, each with a headline and an opening word of its own, and no opening word holds more
than its share.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from generative.brief import clean
from generative.copy.turned import turning
from generative.evaluation import opener
from generative.types import Brief, Copy, ItemFacts
from generative.voice.distil import MAX_RUN, SIZE, Pair, Teacher, distil, shortened, text_of, unfit
from generative.voice.joined import joining

LINES = 3  # of one entry
OPENER_SHARE = 0.04  # of all taglines may open with one word
MOST_ENTRIES = 560  # what 150 steps of four come to
TAUGHT = 120  # products a larger model is asked about: each takes seconds
_BATCH = 20  # products between two reports

Say = Callable[[str, float], None]  # stage, progress; may raise to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """Sound pairs, how many products were read, and why lines were dropped, with counts."""

    pairs: tuple[Pair, ...]
    products: int
    dropped: tuple[tuple[str, int], ...]


def lessons(
    items: Iterable[ItemFacts],
    *,
    approved: Sequence[Pair] = (),
    teacher: Teacher | None = None,
    taught: int = TAUGHT,
    seed: int = 0,
    say: Say = lambda stage, progress: None,  # noqa: ARG005 nobody listens
) -> Lessons:
    """Pairs to learn from, in an order and selection that follow the seed."""
    distinct = _one_of_each_text(items)
    rng = random.Random(seed)  # noqa: S311 a seed, not a secret
    rng.shuffle(distinct)
    short = [shortened(item, seed=seed) for item in distinct]
    dropped: Counter[str] = Counter()
    found = [pair for pair in approved if _still_sound(pair)]
    if teacher is not None:
        mixed = [short[at] if at % 3 else distinct[at] for at in range(min(taught, len(distinct)))]
        found += _read(mixed, teacher, "teacher", "teaching", dropped, say, seed)
    for source, by in (("turned", turning), ("joined", joining)):
        found += _read(short, by, source, "reading", dropped, say, seed)
        found += _read(distinct, by, source, "reading", dropped, say, seed)
    return Lessons(
        pairs=tuple(chosen(found, rng)),
        products=len(distinct),
        dropped=tuple(dropped.most_common(8)),
    )


def chosen(pairs: Sequence[Pair], rng: random.Random) -> list[Pair]:
    """A few lines of each entry, unlike one another, the rarer sources first."""
    entries: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        entries.setdefault((pair.item.item_id, pair.item.description), []).append(pair)
    groups = list(entries.values())
    rng.shuffle(groups)
    groups.sort(key=lambda group: all(pair.source == "joined" for pair in group))
    most = max(round(OPENER_SHARE * LINES / 2 * min(len(groups), MOST_ENTRIES)), 2)
    openers: Counter[str] = Counter()
    kept: list[Pair] = []
    entered = 0
    for group in groups:
        rng.shuffle(group)
        group.sort(key=lambda pair: pair.source == "joined")
        taken = _unlike(group, openers, most)
        kept += taken
        entered += bool(taken)
        if entered == MOST_ENTRIES:
            break
    return kept


def _unlike(group: Sequence[Pair], openers: Counter[str], most: int) -> list[Pair]:
    taken: list[Pair] = []
    for pair in group:
        first = opener(pair.tagline)
        same = any(
            first == opener(other.tagline) or pair.headline.lower() == other.headline.lower()
            for other in taken
        )
        if same or openers[first] >= most:
            continue
        openers[first] += 1
        taken.append(pair)
        if len(taken) == LINES:
            break
    return taken


def _read(
    items: Sequence[ItemFacts],
    teacher: Teacher,
    source: str,
    stage: str,
    dropped: Counter[str],
    say: Say,
    seed: int,
) -> list[Pair]:
    found: list[Pair] = []
    # A sentence that is turned about keeps its halves whole: that is no copy of the sentence.
    most_run = 1.0 if source == "turned" else MAX_RUN
    lines = distil(items, teacher, seed=seed, source=source, most_run=most_run)
    for at, (kept, why) in enumerate(lines):
        found += kept
        # Without the words that were quoted, so that equal reasons are counted together.
        dropped.update(f"{source}: {reason.split(chr(39))[0].strip()}" for reason in why)
        if source == "teacher" or at % _BATCH == 0:
            say(stage, at / len(items))
    return found


def _one_of_each_text(items: Iterable[ItemFacts]) -> list[ItemFacts]:
    found: dict[str, ItemFacts] = {}
    for item in items:
        if text := text_of(item):
            found.setdefault(text, item)
    return sorted(found.values(), key=lambda item: item.item_id)


def _still_sound(pair: Pair) -> bool:
    """Whether an approved line passes today's checks and is more than a copy."""
    brief = clean(Brief(item=pair.item, size=SIZE))
    copy = Copy(headline=pair.headline, tagline=pair.tagline, action="Shop now")
    return not unfit(copy, brief)
