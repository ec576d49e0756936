"""The language model of the textbooks as an honest baseline: one LSTM over words, from scratch.

It reads the entry's words and goes on with a headline and a tagline; a word is known if the pairs it
learned from hold it at least twice. It cannot copy a name that it has never seen, and that is what
the baseline shows. It is never served. Hochreiter and Schmidhuber 1997.

Letters: B lines in a batch, T words, V words known.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generative.copy.candidate import Candidate
from generative.copy.template import action
from generative.types import Brief, Copy, ItemFacts
from generative.voice.distil import Pair

PAD, UNKNOWN, ASK, BETWEEN, END = range(5)
SPECIAL = ("<pad>", "<unknown>", "<ask>", "<between>", "<end>")
ENTRY_WORDS = 60
ANSWER_WORDS = 32
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[.,]")

Speak = Callable[[Brief], list[Candidate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LstmOptions:
    width: int = 192
    epochs: int = 20
    batch: int = 32
    learning_rate: float = 3e-3
    min_count: int = 2
    most_words: int = 6000
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm:
    """A trained model with its words; `letter_loss` is the held-out loss in nats a letter."""

    model: Any
    words: tuple[str, ...]
    letter_loss: float
    losses: tuple[float, ...]

    def speaking(self, *, samples: int, seed: int = 0) -> Speak:
        """How it writes for a cleaned brief: so many samples, each later one bolder."""
        return lambda brief: [self._sample(brief, seed + n, 0.5 + 0.1 * n) for n in range(samples)]

    def _sample(self, brief: Brief, seed: int, temperature: float) -> Candidate:
        import torch

        known = {word: place for place, word in enumerate(self.words)}
        generator = torch.Generator().manual_seed(seed)
        said: list[int] = []
        with torch.no_grad():
            ids = torch.tensor([[*_ids(_entry(brief.item), known)[-ENTRY_WORDS:], ASK]])
            hidden, state = self.model(ids, None)
            while len(said) < ANSWER_WORDS:
                scores = self.model.scores(hidden[0, -1]) / temperature
                scores[[PAD, UNKNOWN, ASK]] = -torch.inf
                place = int(torch.multinomial(scores.softmax(0), 1, generator=generator))
                if place == END:
                    break
                said.append(place)
                hidden, state = self.model(torch.tensor([[place]]), state)
        cut = said.index(BETWEEN) if BETWEEN in said else len(said)
        copy = Copy(
            headline=_text(said[:cut], self.words),
            tagline=_text([place for place in said[cut:] if place != BETWEEN], self.words),
            action=action(brief),
        )
        return Candidate(
            copy=copy, provider="lstm", seed=seed, model="lstm", at_limit=len(said) == ANSWER_WORDS
        )


def train(
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    options: LstmOptions,
    beat: Callable[[float], None] = lambda progress: None,  # noqa: ARG005 nobody listens
) -> Lstm:
    """Fit on the pairs; `beat` is told of every epoch's progress, and may raise to stop."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    words = _vocabulary(pairs, options)
    known = {word: place for place, word in enumerate(words)}
    lines = [_line(pair, known) for pair in pairs]
    model = _model(len(words), options.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    rng = random.Random(options.seed)  # noqa: S311 a seed, not a secret
    losses = []
    for epoch in range(options.epochs):
        rng.shuffle(lines)
        total = count = 0.0
        for start in range(0, len(lines), options.batch):
            nats, told = _nats(torch, model, lines[start : start + options.batch])
            optimizer.zero_grad(set_to_none=True)
            (nats / told).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total, count = total + float(nats.detach()), count + told
            beat((epoch + start / len(lines)) / options.epochs)
        losses.append(round(total / count, 4))
    model.eval()
    with torch.no_grad():
        unseen = [_line(pair, known) for pair in held_out]
        nats = sum(float(_nats(torch, model, [line])[0]) for line in unseen)
    letters = sum(len(pair.headline) + len(pair.tagline) + 1 for pair in held_out)
    return Lstm(
        model=model,
        words=words,
        letter_loss=round(nats / letters, 4) if letters else math.nan,
        losses=tuple(losses),
    )


def save(trained: Lstm, path: Path) -> None:
    import torch

    width = trained.model.embedding.embedding_dim
    state = {"words": list(trained.words), "width": width, "state": trained.model.state_dict()}
    torch.save(state | {"letter_loss": trained.letter_loss}, path)


def load(path: Path) -> Lstm:
    import torch

    kept = torch.load(path, weights_only=True)
    model = _model(len(kept["words"]), kept["width"])
    model.load_state_dict(kept["state"])
    model.eval()
    return Lstm(model=model, words=tuple(kept["words"]), letter_loss=kept["letter_loss"], losses=())


def _model(words: int, width: int) -> Any:
    import torch

    class Model(torch.nn.Module):
        """Embedding, two LSTM layers, and the embedding again as the output layer, in `scores`."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(words, width, padding_idx=PAD)
            self.lstm = torch.nn.LSTM(width, width, 2, batch_first=True, dropout=0.2)
            self.bias = torch.nn.Parameter(torch.zeros(words))
            torch.nn.init.normal_(self.embedding.weight, std=0.1)

        def forward(self, ids: Any, state: Any) -> Any:
            return self.lstm(self.embedding(ids), state)  # (B, T) -> (B, T, D)

        def scores(self, hidden: Any) -> Any:
            return hidden @ self.embedding.weight.T + self.bias  # (…, D) -> (…, V)

    return Model()


def _nats(torch: Any, model: Any, lines: list[tuple[list[int], list[int]]]) -> tuple[Any, int]:
    """Summed loss of the answers; those that the vocabulary lacks cost as an unknown word does."""
    width = max(len(entry) + len(answer) for entry, answer in lines) - 1
    ids = torch.full((len(lines), width), PAD)
    wanted = torch.full((len(lines), width), -100)
    for row, (entry, answer) in enumerate(lines):
        whole = [*entry, *answer]
        ids[row, : len(whole) - 1] = torch.tensor(whole[:-1])
        wanted[row, len(entry) - 1 : len(whole) - 1] = torch.tensor(answer)
    hidden, _ = model(ids, None)
    told = wanted != -100  # noqa: PLR2004 the library's sign for nothing to learn
    scores = model.scores(hidden[told])  # only where there is something to learn
    loss = torch.nn.functional.cross_entropy(scores, wanted[told], reduction="sum")
    return loss, int(told.sum())


def _vocabulary(pairs: Sequence[Pair], options: LstmOptions) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for pair in pairs:
        counts.update(_spelled(f"{pair.headline} {pair.tagline} {_entry(pair.item)}"))
    common = counts.most_common(options.most_words)
    return (*SPECIAL, *(word for word, count in common if count >= options.min_count))


def _line(pair: Pair, known: dict[str, int]) -> tuple[list[int], list[int]]:
    entry = [*_ids(_entry(pair.item), known)[-ENTRY_WORDS:], ASK]
    answer = [*_ids(pair.headline, known), BETWEEN, *_ids(pair.tagline, known), END]
    return entry, answer


def _entry(item: ItemFacts) -> str:
    return f"{item.title} . {item.description}"


def _ids(text: str, known: dict[str, int]) -> list[int]:
    return [known.get(word, UNKNOWN) for word in _spelled(text)]


def _spelled(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _text(places: list[int], words: tuple[str, ...]) -> str:
    text = " ".join(words[place] for place in places)
    text = text.replace(" ,", ",").replace(" .", ".")
    return text[:1].upper() + text[1:]
