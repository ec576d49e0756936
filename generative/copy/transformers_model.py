"""A language model of your own in this process, by transformers: on a GPU where there is one.

Any causal model with a chat template will do. It is bound to the entry's runs of words as a tuned
voice is: at each step only tokens that go on with one, or with a joining word, are allowed, so that it
may put them in any order but brings no word of its own. Loaded on first use, from a folder, never from a network.
"""

import importlib.util
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generative.copy.candidate import Candidate
from generative.copy.prompts import messages
from generative.copy.spoken import copy_of, may_write
from generative.copy.word_grammar import LINKS, POINTERS, stock
from generative.errors import ProviderUnavailable
from generative.files import remembered_sha256
from generative.types import Brief

NAME = "transformers"
INSTALL = "pip install -r requirements-finetune.lock"
TEMPERATURE = 0.8
HEADLINE, TAGLINE = (1, 4), (3, 7)  # fewest and most runs, links and pointers
_HEAD, _BETWEEN = '{"headline": "', '", "tagline": "'


class TransformersCopy:
    """Loads once, lazily, and must therefore be made after a fork, not before."""

    name = NAME

    def __init__(
        self,
        *,
        path: str,
        device: str = "auto",
        samples: int = 3,
        timeout_seconds: float = 20.0,
        languages: tuple[str, ...] = ("en",),
    ) -> None:
        self._path = Path(path)
        self._device = device
        self._samples = samples
        self._timeout_seconds = timeout_seconds
        self._languages = languages
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any, str] | None = None

    def available(self) -> str:
        """Why it cannot write here; empty where it can."""
        if importlib.util.find_spec("transformers") is None:
            return f"transformers is missing: {INSTALL}"
        if not (self._path / "config.json").is_file():
            return "VITRINE_TRANSFORMERS_PATH is no folder of a model"
        return ""

    def write(
        self, brief: Brief, *, seed: int, avoid: frozenset[str] = frozenset()
    ) -> list[Candidate]:
        """`samples` candidates within the time budget; none where there is nothing to write from.

        Raises:
            ProviderUnavailable: Library or weights are missing, cannot be loaded, or ran out of memory.
        """
        if not may_write(brief, self._languages):
            return []
        if why := self.available():
            raise ProviderUnavailable(why)
        with self._lock:
            try:
                model, tokenizer, digest = self._load()
                pairs = self._sample(model, tokenizer, brief, seed=seed, avoid=avoid)
            except (ImportError, OSError, RuntimeError, ValueError, KeyError) as error:
                # RuntimeError is also what a GPU without memory left raises.
                raise ProviderUnavailable(f"{type(error).__name__} in the model") from error
        found = []
        for headline, tagline in pairs:
            copy, long = copy_of(headline, tagline, brief)
            found.append(
                Candidate(copy=copy, provider=NAME, seed=seed, model=digest, at_limit=long)
            )
        return found

    def _load(self) -> tuple[Any, Any, str]:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            device = self._device
            if device == "auto":
                device = "cuda" if torch.cuda.is_available() else "cpu"
            kind = torch.bfloat16 if device.startswith("cuda") else torch.float32
            tokenizer = AutoTokenizer.from_pretrained(self._path, local_files_only=True)
            model: Any = AutoModelForCausalLM.from_pretrained(
                self._path, local_files_only=True, dtype=kind
            )
            self._loaded = (model.to(device).eval(), tokenizer, _digest(self._path))
        return self._loaded

    def _sample(
        self, model: Any, tokenizer: Any, brief: Brief, *, seed: int, avoid: frozenset[str]
    ) -> list[tuple[str, str]]:
        """Headlines first, all samples at once; then to each its tagline."""
        import torch

        torch.manual_seed(seed)
        words = stock(brief.item, avoid=avoid)
        parts = (*words.runs, *LINKS, *POINTERS)
        ends = time.monotonic() + self._timeout_seconds
        prompt = _prompt(tokenizer, brief) + _HEAD
        go_on = _Speaker(model=model, tokenizer=tokenizer, ends=ends)
        heads = go_on.all([prompt] * self._samples, words.first, parts, HEADLINE)
        heads = [head for head in heads if head]
        if not heads or time.monotonic() >= ends:
            return []
        asked = [f"{prompt}{head}{_BETWEEN}" for head in heads]
        tags = go_on.all(asked, words.opening, parts, TAGLINE)
        return [(head, f"{tag}.") for head, tag in zip(heads, tags, strict=True) if tag]


@dataclass(slots=True)
class _Node:
    """A place in the tree of tokens that spell words; `whole` where a word may end."""

    after: dict[int, "_Node"] = field(default_factory=dict)
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speaker:
    """Goes on with prompts by words of a stock, and by nothing else."""

    model: Any
    tokenizer: Any
    ends: float

    def all(
        self,
        prompts: list[str],
        first: Iterable[str],
        word: Iterable[str],
        count: tuple[int, int],
    ) -> list[str]:
        """One line for each prompt, of `count` words at least and at most; "" where time ran out.

        `first` may open a line, `word` may follow.
        """
        lead = self._tree(first)
        rest = self._tree(f" {one}" for one in word)
        stop = int(self.tokenizer.eos_token_id)
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        asked = self.tokenizer(
            prompts, return_tensors="pt", padding=True, add_special_tokens=False
        ).to(self.model.device)
        width = asked["input_ids"].shape[1]  # (B, T)

        def allowed(_: int, tokens: Any) -> list[int]:
            if time.monotonic() >= self.ends:
                return [stop]
            return _allowed(tokens[width:].tolist(), lead, rest, count, stop)

        told = self.model.generate(
            **asked,
            do_sample=True,
            temperature=TEMPERATURE,
            max_new_tokens=8 * count[1],
            prefix_allowed_tokens_fn=allowed,
            pad_token_id=self.tokenizer.pad_token_id,
        )  # (B, T) -> (B, T + new)
        lines = [row[width:].tolist() for row in told]
        return [self._text(row, lead, rest, count, stop) for row in lines]

    def _tree(self, words: Iterable[str]) -> _Node:
        root = _Node()
        for word in words:
            node = root
            for token in self.tokenizer.encode(word, add_special_tokens=False):
                node = node.after.setdefault(int(token), _Node())
            node.whole = node is not root
        return root

    def _text(
        self, row: list[int], lead: _Node, rest: _Node, count: tuple[int, int], stop: int
    ) -> str:
        """The line, where it came to its end in time."""
        told = row[: row.index(stop)] if stop in row else []
        if stop not in _allowed(told, lead, rest, count, stop) or not told:
            return ""
        node, words = _walk(told, lead, rest)
        enough = node is not None and node.whole and words >= count[0]
        return str(self.tokenizer.decode(told)).strip() if enough else ""


def _walk(told: list[int], lead: _Node, rest: _Node) -> tuple[_Node | None, int]:
    """Where the tokens so far have led, and how many words were begun."""
    node: _Node | None = lead
    words = 1
    for token in told:
        if node is not None and token in node.after:
            node = node.after[token]
        elif node is not None and node.whole and token in rest.after:
            node, words = rest.after[token], words + 1
        else:
            return None, words
    return node, words


def _allowed(
    told: list[int], lead: _Node, rest: _Node, count: tuple[int, int], stop: int
) -> list[int]:
    """Tokens that go on with a word, begin another, or end the line."""
    if stop in told:
        return [stop]
    node, words = _walk(told, lead, rest)
    if node is None:
        return [stop]
    found = list(node.after)
    if node.whole and words < count[1]:
        found += rest.after
    if node.whole and words >= count[0]:
        found.append(stop)
    return found or [stop]


def _prompt(tokenizer: Any, brief: Brief) -> str:
    talk = messages(brief)
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True))
    return "\n\n".join(turn["content"] for turn in talk) + "\n\n"


def _digest(folder: Path) -> str:
    """The digest of the weights, of the first file where they are in several."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    return remembered_sha256(files[0] if files else folder / "config.json")
