"""LoRA on a small language model, on a CPU or a GPU: the shop's own voice.

The model reads the same prompt as it is asked with, and learns the answer alone. Several answers to
one entry share its tokens: each sees the entry and itself, never the others, so that an entry is
read once for all of them. The weights themselves stay as they are; what is learned is a few
megabytes, written for llama.cpp by `lora_gguf`.

Letters: B entries in a batch, T tokens, V words of the vocabulary. Low-rank adaptation: Hu et al. 2021.
"""

import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generative.copy.prompts import messages
from generative.errors import ProviderUnavailable, TooLittleToLearn
from generative.types import Brief
from generative.voice.distil import Pair
from generative.voice.lora_gguf import export

INSTALL = "pip install -r requirements-finetune.lock --no-deps"
MIN_PAIRS = 40
ANSWERS = 3  # to one entry in one step
_IGNORED = -100  # no token to learn

Beat = Callable[[str, float, Mapping[str, Any]], None]  # stage, progress 0..1, curves; may raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a voice is trained. Learning rate and layers were chosen on the catalogue of the demo shop."""

    rank: int = 8
    alpha: int = 16
    first_layer: int = 12  # the layers before it keep their voice
    batch: int = 4  # entries a step
    steps: int = 150
    learning_rate: float = 8e-4
    warmup: float = 0.06  # of the steps
    clip: float = 1.0
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    half: bool = True  # bfloat16 products; what is learned stays in 32 bits
    evaluations: int = 4  # looks at the held-out loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What training left: losses in nats a token of the answers, and per letter to compare with other models."""

    losses: Mapping[str, list[float]] = field(default_factory=dict)
    before: float
    after: float
    before_letter: float
    after_letter: float
    parameters: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """Token ids of a prompt and of the answers to it."""

    prompt: list[int]
    answers: list[list[int]]
    letters: int


def answer_of(pair: Pair) -> str:
    """What the model is to say: the very form that the provider reads."""
    return json.dumps({"headline": pair.headline, "tagline": pair.tagline}, ensure_ascii=False)


def train(
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    *,
    base: Path,
    target: Path,
    options: Options,
    beat: Beat,
    keep: Callable[[tuple[Any, Any]], None] = lambda made: None,  # noqa: ARG005 nobody wants it
) -> Trained:
    """Fit a LoRA on the pairs and write it as GGUF.

    Args:
        pairs: What to learn from.
        held_out: Pairs of other products, for the loss before and after.
        base: The GGUF of the weights, as llama.cpp serves them.
        target: Where the adapter goes.
        options: How to train.
        beat: Told of every step; whatever it raises ends the training.
        keep: Given the trained model and its tokenizer, to compare with what was exported.

    Raises:
        TooLittleToLearn: Fewer than MIN_PAIRS pairs, or none held out.
        ProviderUnavailable: A library is missing, or the weights are of a kind that cannot be trained.
    """
    if len(pairs) < MIN_PAIRS or not held_out:
        raise TooLittleToLearn(
            f"{len(pairs)} sound pairs and {len(held_out)} held out; it takes {MIN_PAIRS} and 1:"
            " approve more creatives, name a teacher, or describe products in more words"
        )
    torch, model, tokenizer = _load(base, options)
    beat("reading", 0.0, {})
    entries = [_entry(tokenizer, group) for group in _groups(pairs, ANSWERS)]
    unseen = [_entry(tokenizer, group) for group in _groups(held_out, ANSWERS)]
    learner = _with_lora(model, options)
    before = _loss_of(torch, learner, unseen, options)
    losses: dict[str, list[float]] = {"train": [], "held_out": [before[0]]}
    _fit(torch, learner, entries, unseen, options=options, losses=losses, beat=beat)
    after = _loss_of(torch, learner, unseen, options)
    losses["held_out"].append(after[0])
    _write(learner, target, options)
    keep((learner, tokenizer))
    return Trained(
        losses=losses,
        before=before[0],
        after=after[0],
        before_letter=before[1],
        after_letter=after[1],
        parameters=sum(p.numel() for p in learner.parameters() if p.requires_grad),
        steps=options.steps,
    )


def load_base(base: Path) -> tuple[Any, Any]:
    """The model with its weights in 32 bits, ready to be trained, and its tokenizer."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as theirs
    except ImportError as error:
        raise ProviderUnavailable(f"fine-tuning needs its libraries: {INSTALL}") from error
    hushed: Any = theirs
    hushed.set_verbosity_error()
    hushed.disable_progress_bar()
    where: dict[str, Any] = {"gguf_file": base.name, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(base.parent), **where)
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(base.parent), dtype=torch.float32, **where
        )
    except Exception as error:  # the readers raise whatever a broken file makes of them
        raise ProviderUnavailable(f"{base.name} cannot be trained: {error}") from error
    # The loader marks it as quantized, which it is no more, and refuses to train such a one.
    model.is_quantized = False
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    return model, tokenizer


def _load(base: Path, options: Options) -> tuple[Any, Any, Any]:
    model, tokenizer = load_base(base)
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    # The weights themselves do not change: 16 bits halve their size and the time of every product.
    kind = torch.bfloat16 if options.half else torch.float32
    return torch, model.to(options.device, kind), tokenizer


def _with_lora(model: Any, options: Options) -> Any:
    from peft import LoraConfig, get_peft_model

    layers = range(
        min(options.first_layer, model.config.num_hidden_layers - 1), model.config.num_hidden_layers
    )
    return get_peft_model(
        model,
        LoraConfig(
            r=options.rank,
            lora_alpha=options.alpha,
            target_modules=[
                "q_proj",
                "k_proj",
                "v_proj",
                "o_proj",
                "gate_proj",
                "up_proj",
                "down_proj",
            ],
            layers_to_transform=list(layers),
            task_type="CAUSAL_LM",
        ),
    )


def _groups(pairs: Sequence[Pair], most: int) -> list[list[Pair]]:
    """The pairs by entry, at most so many at once: they share its prompt."""
    by_entry: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_entry[pair.item.item_id, pair.item.description].append(pair)
    return [
        told[start : start + most]
        for told in by_entry.values()
        for start in range(0, len(told), most)
    ]


def _entry(tokenizer: Any, group: list[Pair]) -> _Entry:
    talk = messages(Brief(item=group[0].item), examples=False)
    prompt = tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    said = [answer_of(pair) for pair in group]
    return _Entry(
        prompt=tokenizer(prompt, add_special_tokens=False)["input_ids"],
        answers=[
            [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
            for text in said
        ],
        letters=sum(map(len, said)),
    )


def _fit(
    torch: Any,
    model: Any,
    entries: list[_Entry],
    unseen: list[_Entry],
    *,
    options: Options,
    losses: dict[str, list[float]],
    beat: Beat,
) -> None:
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=options.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, options))
    look = max(options.steps // (options.evaluations + 1), 1)
    draw = _batches(entries, options)
    model.train()
    for step in range(1, options.steps + 1):
        total, tokens = _nats(torch, model, next(draw), options)
        loss = total / tokens
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, options.clip)
        optimizer.step()
        schedule.step()
        losses["train"].append(round(float(loss.detach()), 4))
        if step % look == 0 and step < options.steps:
            losses["held_out"].append(_loss_of(torch, model, unseen, options)[0])
            model.train()
        beat("training", step / options.steps, losses)


def _rate(step: int, options: Options) -> float:
    """Up in a straight line, then down a cosine to a twentieth."""
    warm = max(int(options.warmup * options.steps), 1)
    if step < warm:
        return (step + 1) / warm
    done = min((step - warm) / max(options.steps - warm, 1), 1.0)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2


def _batches(entries: list[_Entry], options: Options) -> Any:
    """Entries without end, each epoch in another order."""
    rng = random.Random(options.seed)  # noqa: S311 a seed, not a secret
    while True:
        order = list(entries)
        rng.shuffle(order)
        for start in range(0, len(order), options.batch):
            yield order[start : start + options.batch]


def _loss_of(torch: Any, model: Any, unseen: list[_Entry], options: Options) -> tuple[float, float]:
    """Mean nats a token and a letter of the held-out answers."""
    model.eval()
    nats = tokens = 0.0
    with torch.no_grad():
        for start in range(0, len(unseen), options.batch):
            total, count = _nats(torch, model, unseen[start : start + options.batch], options)
            nats, tokens = nats + float(total), tokens + count
    return round(nats / tokens, 4), round(nats / sum(entry.letters for entry in unseen), 4)


def _nats(torch: Any, model: Any, batch: list[_Entry], options: Options) -> tuple[Any, int]:
    """Summed negative log likelihood of all answers of a batch, and how many tokens they have."""
    ids, places, mask, wanted = (tensor.to(options.device) for tensor in _packed(torch, batch))
    half = torch.autocast(options.device.split(":")[0], torch.bfloat16, enabled=options.half)
    with half:
        decoder = model.get_base_model()
        hidden = decoder.model(
            input_ids=ids, position_ids=places, attention_mask=mask, use_cache=False
        ).last_hidden_state  # (B, T, D)
        told = wanted != _IGNORED
        logits = decoder.lm_head(hidden[told])  # only where there is something to learn: (N, V)
    loss = torch.nn.functional.cross_entropy(logits.float(), wanted[told], reduction="sum")
    return loss, int(told.sum())


def _packed(torch: Any, batch: list[_Entry]) -> tuple[Any, Any, Any, Any]:
    """Ids (B, T), positions (B, T), additive mask (B, 1, T, T) and wanted next tokens (B, T).

    Each answer goes on from the end of the prompt, in its positions as in what it sees.
    """
    width = max(len(one.prompt) + sum(map(len, one.answers)) for one in batch)
    shape = (len(batch), width)
    ids, places = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    wanted = torch.full(shape, _IGNORED, dtype=torch.long)
    segment = torch.full(shape, -1, dtype=torch.long)  # 0 the prompt, 1… the answers, -1 nothing
    for row, entry in enumerate(batch):
        at, prompt = 0, entry.prompt
        for number, run in enumerate([prompt, *entry.answers]):
            first = 0 if number == 0 else len(prompt)
            stop = at + len(run)
            ids[row, at:stop] = torch.tensor(run)
            places[row, at:stop] = torch.arange(first, first + len(run))
            segment[row, at:stop] = number
            if number:
                wanted[row, at : stop - 1] = torch.tensor(run[1:])
                wanted[row, len(prompt) - 1] = run[0]  # the same for all: the brace that opens
            at = stop
    causal = torch.ones(width, width, dtype=torch.bool).tril()
    seen = (segment[:, :, None] == segment[:, None, :]) | (segment[:, None, :] == 0)
    allowed = causal & seen & (segment >= 0)[:, None, :] | torch.eye(width, dtype=torch.bool)
    mask = torch.where(allowed[:, None], 0.0, torch.finfo(torch.float32).min)
    return ids, places, mask, wanted


def _write(model: Any, target: Path, options: Options) -> None:
    from peft import get_peft_model_state_dict

    tensors = get_peft_model_state_dict(model, save_embedding_layers=False)
    config = model.get_base_model().config
    export(
        target,
        {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()},
        alpha=options.alpha,
        heads=config.num_attention_heads,
        key_value_heads=config.num_key_value_heads,
    )
