"""Fine-tuning, and that llama.cpp says with the adapter what the trained model says."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generative.copy.candidate import Candidate
from generative.copy.language_model import weights
from generative.errors import ProviderUnavailable, TooLittleToLearn
from generative.types import Brief, Copy, ItemFacts
from generative.voice import finetune, lora_gguf, voice_making
from generative.voice.distil import Pair
from generative.voice.finetune import Options
from generative.voice.lstm import LstmOptions
from generative.voice.lstm import load as load_lstm
from generative.voice.lstm import save as save_lstm
from generative.voice.lstm import train as train_lstm

TUNABLE = all(importlib.util.find_spec(name) for name in ("peft", "transformers", "gguf"))
needs_tuning = pytest.mark.skipif(
    not TUNABLE or weights("") is None or not importlib.util.find_spec("xllamacpp"),
    reason="needs the extras llm and finetune",
)
noisy = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def quiet(stage: str, progress: float, curves: Mapping[str, Any]) -> None:
    del stage, progress, curves


def pairs(count: int) -> list[Pair]:
    colours = ("red", "blue", "grey", "green")
    return [
        Pair(
            item=ItemFacts(
                item_id=f"i{n}", title=f"Mug {n}", description=f"A {colours[n % 4]} mug for tea."
            ),
            headline=f"Mug {n}",
            tagline=f"For tea, in {colours[n % 4]}.",
            source="joined",
        )
        for n in range(count)
    ]


def test_rows_of_a_head_are_interleaved() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]  # two heads of four channels

    assert lora_gguf.interleaved(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_tensor_of_another_model_is_not_exported(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    tensors = {"model.layers.0.attention.dense.lora_A.weight": np.zeros((2, 4), np.float32)}

    with pytest.raises(ValueError, match="no LoRA tensor"):
        lora_gguf.export(tmp_path / "a.gguf", tensors, alpha=1.0, heads=2, key_value_heads=1)


@pytest.mark.parametrize(("learned", "unseen"), [(5, 5), (60, 0)])
def test_too_few_pairs_are_refused(tmp_path: Path, learned: int, unseen: int) -> None:
    with pytest.raises(TooLittleToLearn):
        finetune.train(
            pairs(learned),
            pairs(unseen),
            base=tmp_path / "none.gguf",
            target=tmp_path / "a.gguf",
            options=Options(),
            beat=quiet,
        )


@needs_tuning
@noisy
def test_weights_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    base = tmp_path / "broken.gguf"
    base.write_bytes(b"GGUF, but not really")

    with pytest.raises(ProviderUnavailable, match="cannot be trained"):
        finetune.train(
            pairs(50),
            pairs(2),
            base=base,
            target=tmp_path / "a.gguf",
            options=Options(),
            beat=quiet,
        )


def test_a_split_keeps_products_and_texts_apart() -> None:
    known = pairs(40)
    twin = Pair(
        item=ItemFacts(item_id="twin", title="Twin", description=known[0].item.description),
        headline="Twin",
        tagline="For tea.",
        source="joined",
    )
    learned, unseen = voice_making.split([*known, twin], seed=1)

    assert not {p.item.item_id for p in learned} & {p.item.item_id for p in unseen}
    assert not {p.item.description for p in learned} & {p.item.description for p in unseen}
    with pytest.raises(TooLittleToLearn):
        voice_making.split(known[:1], seed=1)


def report(**changes: Any) -> dict[str, Any]:
    tuned = {"acceptance_1": 0.7, "verbatim": 0.1} | changes.get("tuned", {})
    return {
        "loss": {"before": 2.0, "after": 1.0} | changes.get("loss", {}),
        "voices": {"tuned": tuned, "live": {"acceptance_1": 0.7}},
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"loss": {"after": 2.0}}, "did not fall"),
        ({"tuned": {"acceptance_1": 0.3}}, "only 30%"),
        ({"tuned": {"verbatim": 0.31}}, "copied"),
        ({"tuned": {"acceptance_1": 0.6}}, "live voice"),
    ],
)
def test_the_gate_of_a_voice_says_why(changes: dict[str, Any], why: str) -> None:
    refusal = voice_making.refusal(report(**changes), live=True)

    assert why in refusal
    assert bool(refusal) == bool(why)


def test_the_baseline_learns_a_small_world_and_survives_a_file(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    known = pairs(24)
    trained = train_lstm(known, known[:4], LstmOptions(width=32, epochs=30, batch=8))
    path = tmp_path / "baseline.pt"

    save_lstm(trained, path)
    candidates = load_lstm(path).speaking(samples=2)(Brief(item=known[0].item))

    assert trained.losses[-1] < trained.losses[0] / 2
    assert trained.letter_loss > 0
    assert [candidate.copy for candidate in candidates] == [
        candidate.copy for candidate in trained.speaking(samples=2)(Brief(item=known[0].item))
    ]
    assert "tea" in candidates[0].copy.tagline


@needs_tuning
@noisy
def test_llama_cpp_says_with_the_adapter_what_the_trained_model_says(tmp_path: Path) -> None:
    import torch
    import xllamacpp

    base = weights("")
    assert base is not None
    target = tmp_path / "adapter.gguf"
    kept: list[Any] = []
    trained = finetune.train(
        pairs(44),
        pairs(2),
        base=base,
        target=target,
        # Two layers in 32 bits, and steps large enough to change what is said.
        options=Options(steps=4, first_layer=28, learning_rate=2e-2, batch=2, half=False),
        beat=quiet,
        keep=kept.append,
    )
    model, tokenizer = kept[0]
    prompt = "<|im_start|>user\nName: Mug 7\nEntry: A green mug for tea.<|im_end|>\n<|im_start|>assistant\n"
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        scores = model(torch.tensor([ids])).logits[0, -1].log_softmax(0)
        with model.disable_adapter():
            untuned = model(torch.tensor([ids])).logits[0, -1].log_softmax(0)

    params = xllamacpp.CommonParams()
    params.model.path = str(base)
    params.n_ctx = 256
    params.cpuparams.n_threads = 1
    params.hostnames = [str(tmp_path / "s.sock")]
    params.verbosity = 0
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(target), 1.0)]
    server = xllamacpp.Server(params)
    answer = server.handle_completions(
        {"prompt": ids, "max_tokens": 1, "temperature": 0.0, "logprobs": 10, "n_probs": 10}
    )
    told = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    theirs = {one["id"]: one["logprob"] for one in told}

    assert trained.after < trained.before
    best = int(scores.argmax())
    assert max(theirs, key=lambda place: theirs[place]) == best
    worst = max(abs(theirs[place] - float(scores[place])) for place in theirs)
    moved = max(abs(float(untuned[place]) - float(scores[place])) for place in theirs)
    assert moved > 1.0  # the adapter is what makes the difference
    # 4-bit products against 32-bit ones: .1 to .2 from one machine to another, where it moved 12
    assert worst < moved / 40


def test_a_line_that_its_writer_doubts_is_not_accepted() -> None:
    mug = ItemFacts(item_id="m", title="Tea mug", description="A red mug for tea, made in clay.")
    copy = Copy(headline="Tea mug", tagline="A red mug, made in clay.", action="Shop now")

    def speaking(*problems: str) -> float:
        one = Candidate(copy=copy, provider="llama", problems=problems)
        return voice_making.listen([mug], lambda _: [one], [])["acceptance_1"]

    assert speaking() == 1.0
    assert speaking("halting") == 0.0
