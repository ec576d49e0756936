"""Voices on disk: whole or not at all, promoted by name, rolled back, pruned, never half read."""

import json
import os
from pathlib import Path

import pytest

from generative.config import GenerativeConfig
from generative.errors import CorruptVoice, UnknownVoice
from generative.fingerprint import fingerprint
from generative.providers import live_adapter
from generative.style import in_force
from generative.voice import voices

FIRST, SECOND, THIRD = (f"20261122T15020{n}Z-3f9a2c{n}0" for n in range(3))


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    path = tmp_path / "some.gguf"
    path.write_bytes(b"GGUF and so on")
    return path


def published(root: Path, adapter: Path, *names: str) -> None:
    for name in names:
        voices.publish(root, name, adapter, base_sha256="b" * 64, report={"pairs": 7})


def test_a_published_voice_does_not_write_until_it_is_promoted(
    tmp_path: Path, adapter: Path
) -> None:
    published(tmp_path, adapter, FIRST)

    assert voices.live(tmp_path) is None
    assert voices.signature(tmp_path) == ""

    voices.promote(tmp_path, FIRST)
    live = voices.live(tmp_path)

    assert live is not None
    assert (live.voice_id, dict(live.report), live.base_sha256) == (FIRST, {"pairs": 7}, "b" * 64)
    assert live.path.read_bytes() == adapter.read_bytes()
    assert voices.signature(tmp_path) == FIRST


def test_promoting_an_older_voice_rolls_back(tmp_path: Path, adapter: Path) -> None:
    published(tmp_path, adapter, FIRST, SECOND)
    voices.promote(tmp_path, SECOND)

    voices.promote(tmp_path, FIRST)

    assert [(one.voice_id, one.live) for one in voices.voices(tmp_path)] == [
        (SECOND, False),
        (FIRST, True),
    ]


def test_silence_leaves_no_voice_live(tmp_path: Path, adapter: Path) -> None:
    published(tmp_path, adapter, FIRST)
    voices.promote(tmp_path, FIRST)

    voices.silence(tmp_path)
    voices.silence(tmp_path)

    assert voices.live(tmp_path) is None


def test_pruning_voices_keeps_the_newest_and_the_live_one(tmp_path: Path, adapter: Path) -> None:
    published(tmp_path, adapter, FIRST, SECOND, THIRD)
    voices.promote(tmp_path, FIRST)
    left = tmp_path / ".tmp-left-by-a-killed-publish"
    left.mkdir()
    os.utime(left, (0, 0))

    removed = voices.prune(tmp_path, keep=1)

    assert removed == [SECOND]
    assert [one.voice_id for one in voices.voices(tmp_path)] == [THIRD, FIRST]
    assert not left.exists()


def test_publishing_a_voice_twice_changes_nothing(tmp_path: Path, adapter: Path) -> None:
    published(tmp_path, adapter, FIRST)
    before = (tmp_path / FIRST / voices.MANIFEST).read_bytes()

    published(tmp_path, adapter, FIRST)

    assert (tmp_path / FIRST / voices.MANIFEST).read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob(".tmp-*")) == []


@pytest.mark.parametrize("name", ["", "..", "../other", "20261122T150200Z", "LIVE", FIRST])
def test_a_voice_that_is_not_there_cannot_be_promoted(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownVoice):
        voices.promote(tmp_path, name)

    assert voices.live_id(tmp_path) is None


def test_a_name_that_is_none_is_not_published(tmp_path: Path, adapter: Path) -> None:
    with pytest.raises(ValueError, match="no voice name"):
        published(tmp_path, adapter, "../escape")


@pytest.mark.parametrize("harm", ["adapter", "manifest", "format", "gone"])
def test_a_harmed_voice_is_refused_and_shown(tmp_path: Path, adapter: Path, harm: str) -> None:
    published(tmp_path, adapter, FIRST)
    voices.promote(tmp_path, FIRST)
    folder = tmp_path / FIRST
    manifest = folder / voices.MANIFEST
    if harm == "adapter":
        (folder / voices.ADAPTER).write_bytes(b"another")
    elif harm == "manifest":
        manifest.write_text(manifest.read_text()[:40])
    elif harm == "format":
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    else:
        (folder / voices.ADAPTER).unlink()

    assert voices.live(tmp_path) is None
    assert [bool(one.problem) for one in voices.voices(tmp_path)] == [True]
    with pytest.raises(CorruptVoice):
        voices.promote(tmp_path, FIRST)


def test_promoting_a_voice_renames_every_creative(tmp_path: Path, adapter: Path) -> None:
    config = GenerativeConfig(voices_dir=tmp_path)
    published(tmp_path, adapter, FIRST)
    before = in_force(config)

    voices.promote(tmp_path, FIRST)
    after = in_force(config)

    assert (before.voice, after.voice) == ("", FIRST)
    assert before.fingerprint != after.fingerprint == fingerprint(config, after.kit, voice=FIRST)


def test_a_voice_of_other_weights_does_not_write(tmp_path: Path, adapter: Path) -> None:
    gguf = tmp_path / "base.gguf"
    gguf.write_bytes(b"weights")
    config = GenerativeConfig(voices_dir=tmp_path, gguf_path=str(gguf))
    published(tmp_path, adapter, FIRST)
    voices.promote(tmp_path, FIRST)

    assert live_adapter(config) is None
