"""A fine-tuned voice in llama.cpp: one that is broken, and lines that it was led to against its will."""

from pathlib import Path

import pytest

from generative.brief import clean
from generative.copy.language_model import LlamaCopy, _halting, identity
from generative.copy.llama_server import INSTALL
from generative.errors import ProviderUnavailable
from generative.types import Brief, ItemFacts

BRIEF = clean(
    Brief(item=ItemFacts(item_id="1", title="Cup", description="White cup with a long handle."))
)


@pytest.mark.parametrize("content", [b"", b"GGUF" + bytes(100), None])
def test_a_broken_voice_is_named_and_brings_nobody_down(content, tmp_path: Path, skip_or_fail):
    if identity("") == "none":
        skip_or_fail(f"no language model installed: {INSTALL}")
    voice = tmp_path / "voice.gguf"
    if content is not None:
        voice.write_bytes(content)
    provider = LlamaCopy(gguf_path="", samples=1, threads=1, timeout_seconds=30, adapter=voice)

    with pytest.raises(ProviderUnavailable, match=r"voice\.gguf"):
        provider.write(BRIEF, seed=0)


def _answer(*chances: float):
    frame = [('{"', 0.0), ("headline", 0.0), ('":', 0.0), (' "', 0.0)]
    words = [(f" word{place}", chance) for place, chance in enumerate(chances)]
    rest = [('",', 0.0), (' "', 0.0), ("tagline", 0.0), ('":', 0.0), (' "', 0.0), ("So", -0.1)]
    tokens = [*frame, *words, *rest, ('."}', -0.1)]
    content = [{"token": text, "logprob": chance} for text, chance in tokens]
    return {"choices": [{"logprobs": {"content": content}}]}


def test_a_line_that_came_easily_is_not_halting():
    assert _halting(_answer(-0.2, -3.0, -0.5)) == ()


@pytest.mark.parametrize("chances", [(-0.2, -19.0, -0.5, -0.1, -0.1, -0.1), (-5.0, -4.0, -5.0)])
def test_a_word_out_of_nowhere_or_many_unlikely_ones_are(chances):
    assert "halting" in _halting(_answer(*chances))[0]


def test_the_forms_own_marks_do_not_make_a_line_likely():
    easy_frame = _answer(-3.5, -3.5, -3.5, -3.5, -3.5)

    assert _halting(easy_frame)
