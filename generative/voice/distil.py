"""What a voice learns from: lines of a larger teacher that are sound and not copied.

A teacher is asked for lines about the shop's products; of these only such are kept as pass every
check and are said in other words than the description's: the longest run of words that a tagline
shares with it is less than `MAX_RUN` of the tagline.
"""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from generative.brief import clean, orders
from generative.checks.claims import judge
from generative.copy import llama_server
from generative.copy.candidate import CopyProvider
from generative.copy.prompts import example_lines
from generative.copy.template import action
from generative.copy.word_grammar import word_grammar
from generative.types import Brief, Copy, ItemFacts

Teacher = Callable[[Brief, int], list[Copy]]  # (cleaned brief, seed) -> unchecked copy

MAX_RUN = 0.6  # of a tagline's words, in one run with the description
MAX_LETTERS = 84  # of a tagline: what fits a small placement is better in a large one too
SIZE = "hero"
TEACHING_VERSION = (
    "1"  # raise it with a word of the prompt below: what was taught before is asked again
)
LINES = 3  # a completion; the entry is read once for all of them
_CONTEXT_TOKENS = 1024
_ANSWER_TOKENS = 110
_TEMPERATURE = 0.6
_SYSTEM = (
    "You write short advertising copy for a shop, only from what the catalogue entry says,"
    " but in a new order and with fewer words."
)
_ASK = f"\nWrite {LINES} different short lines: headline | tagline"
_SHOT_ENTRY = (
    "Name: Linen Table Runner\nEntry: Woven linen runner in soft grey with a hemmed edge. It washes"
    " at forty degrees and softens with every wash, which makes it a good choice for family dinners."
)
_SHOT_LINES = """Soft grey linen | A hemmed edge, for family dinners.
Dinner on soft grey linen | Woven, with a hemmed edge.
Linen that softens | For family dinners, a runner in soft grey."""
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MIN_SENTENCE = 50  # letters beside the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A cleaned product and what a voice should say of it. `source`: approved, teacher, turned or joined."""

    item: ItemFacts
    headline: str
    tagline: str
    source: str


def distil(
    items: Iterable[ItemFacts],
    teacher: Teacher,
    *,
    seed: int = 0,
    source: str = "teacher",
    most_run: float = MAX_RUN,
) -> Iterator[tuple[list[Pair], list[str]]]:
    """For each product the lines that are kept, and why the others are not."""
    for place, item in enumerate(items):
        brief = clean(Brief(item=item, size=SIZE))
        if not brief.item.description or orders(brief.item.description):
            yield [], []
            continue
        kept: dict[str, Pair] = {}
        dropped = []
        for copy in teacher(brief, seed + place):
            problem = unfit(copy, brief, most_run=most_run)
            if problem:
                dropped.append(problem)
            else:
                kept[copy.tagline] = Pair(
                    item=brief.item, headline=copy.headline, tagline=copy.tagline, source=source
                )
        yield list(kept.values()), dropped


def unfit(copy: Copy, brief: Brief, *, most_run: float = MAX_RUN) -> str:
    """Why a voice should not learn from this copy; empty where it should."""
    verdict = judge(copy, brief, forbidden=example_lines())
    if not verdict.passed:
        return verdict.problems[0]
    if len(copy.tagline) > MAX_LETTERS:
        return f"the tagline has {len(copy.tagline)} letters"
    share = common_run(copy.tagline, brief.item.description)
    return f"{share:.0%} of the tagline is copied in one run" if share >= most_run else ""


def common_run(text: str, description: str) -> float:
    """The longest run of words that a text shares with a description, as a share of the text."""
    words, there = _WORD.findall(text.lower()), _WORD.findall(description.lower())
    if not words:
        return 0.0
    match = SequenceMatcher(None, words, there, autojunk=False).find_longest_match()
    return match.size / len(words)


def shortened(item: ItemFacts, *, seed: int) -> ItemFacts:
    """The item with one sentence of its description: many a catalogue says no more than that."""
    sentences = [
        part
        for part in _SENTENCE.split(item.description)
        if len(part.replace(item.title, "")) >= _MIN_SENTENCE
    ]
    rng = random.Random(f"{seed}:{item.item_id}")  # noqa: S311 a seed, not a secret
    return replace(item, description=rng.choice(sentences)) if sentences else item


def text_of(item: ItemFacts) -> str:
    """What an entry says, by which two entries are told to be one: without case or spacing."""
    return " ".join(item.description.lower().split())


def provider_teacher(provider: CopyProvider) -> Teacher:
    """Any copy provider as a teacher: a remote model, or one on a GPU."""
    return lambda brief, seed: [one.copy for one in provider.write(brief, seed=seed)]


def gguf_teacher(path: Path, *, threads: int = 1) -> Teacher:
    """Any instruction-tuned GGUF as a teacher, bound to the words of the entry.

    Raises:
        ProviderUnavailable: llama.cpp is missing, or cannot load the file.
    """
    server = llama_server.start(path, threads=threads, context_tokens=_CONTEXT_TOKENS)

    def ask(brief: Brief, seed: int) -> list[Copy]:
        entry = f"Name: {brief.item.title}\nEntry: {brief.item.description[:420]}"
        answer = server.handle_chat_completions(
            {
                "messages": [
                    {"role": "system", "content": _SYSTEM},
                    {"role": "user", "content": _SHOT_ENTRY + _ASK},
                    {"role": "assistant", "content": _SHOT_LINES},
                    {"role": "user", "content": entry + _ASK},
                ],
                "max_tokens": _ANSWER_TOKENS,
                "temperature": _TEMPERATURE,
                "top_p": 0.95,
                "seed": seed,
                "cache_prompt": True,
                "grammar": _lines_of(word_grammar(brief.item, brief.size)),
            }
        )
        return _copies(answer, brief)

    return ask


def _lines_of(rules: str) -> str:
    """The grammar of one JSON answer as a grammar of plain lines, which take fewer tokens."""
    lines = [re.sub(r' \(", .*\)\?$', "", rule) for rule in rules.splitlines()[1:]]  # no slots
    root = "root ::= " + " ".join(["line"] * LINES)
    return "\n".join([root, r'line ::= headline " | " tagline ".\n"', *lines])


def _copies(answer: Any, brief: Brief) -> list[Copy]:
    """The whole lines of an answer; the last may have run into the limit."""
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return []
    parts = (line.partition(" | ") for line in text.splitlines())
    return [
        Copy(headline=headline.strip(), tagline=tagline.strip(), action=action(brief))
        for headline, _, tagline in parts
        if tagline.endswith(".")
    ]


def to_json(pair: Pair) -> str:
    """One line of a file of pairs."""
    item = pair.item
    facts = {
        "item_id": item.item_id,
        "title": item.title,
        "description": item.description,
        "category": list(item.category),
        "brand": item.brand,
        "attributes": dict(item.attributes),
    }
    said = {"headline": pair.headline, "tagline": pair.tagline, "source": pair.source}
    return json.dumps({"item": facts, **said}, ensure_ascii=False)


def from_json(line: str) -> Pair:
    """The pair that `to_json` wrote.

    Raises:
        ValueError: No such line.
    """
    try:
        found = json.loads(line)
        item = found["item"]
        return Pair(
            item=ItemFacts(**item | {"category": tuple(item["category"])}),
            headline=found["headline"],
            tagline=found["tagline"],
            source=found["source"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no pair: {error!r}") from error
