"""Fine-tuned voices on disk and which of them is live; the rules of the model registry, kept small.

root/LIVE                          one line: the voice that writes
root/20261122T150200Z-3f9a2c/      adapter.gguf, manifest.json (baseline.pt); appears by one rename, whole or not at all
root/.tmp-…/                       a publish under way, or what a killed one left

A process looks at `signature`, one `stat`, to see that another voice is live.
"""

import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generative.errors import CorruptVoice, UnknownVoice
from generative.files import sha256

LIVE = "LIVE"
ADAPTER = "adapter.gguf"
MANIFEST = "manifest.json"
BASELINE = "baseline.pt"  # the LSTM of the report; never served, never needed
FORMAT = 1
_VOICE = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6,16}")
_STALE_SECONDS = 6 * 3600  # longer than any publish: what is older was left by a killed one
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """An adapter of the weights whose digest is `base_sha256`; `report` is what training measured."""

    voice_id: str
    path: Path
    sha256: str
    base_sha256: str
    created_at: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceInfo:
    """A voice in a list. `voice` is None where `problem` says what is wrong with it."""

    voice_id: str
    voice: Voice | None
    live: bool = False
    problem: str = ""


def publish(
    root: Path,
    voice_id: str,
    adapter: Path,
    *,
    base_sha256: str,
    report: Mapping[str, Any],
    baseline: Path | None = None,
) -> Voice:
    """Put a voice beside the others; it does not write until it is promoted.

    Publishing the same voice again is harmless, so a run may be repeated.
    """
    if not _VOICE.fullmatch(voice_id):
        raise ValueError(f"{voice_id!r} is no voice name like 20261122T150200Z-3f9a2c")
    root.mkdir(parents=True, exist_ok=True)
    temporary = root / f".tmp-{voice_id}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        shutil.copyfile(adapter, temporary / ADAPTER)
        if baseline is not None:
            shutil.copyfile(baseline, temporary / BASELINE)
        manifest = {
            "format": FORMAT,
            "voice_id": voice_id,
            "sha256": sha256(temporary / ADAPTER),
            "base_sha256": base_sha256,
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "report": dict(report),
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        for path in (temporary / ADAPTER, temporary / MANIFEST):
            _flush(path)
        if not (root / voice_id).exists():
            temporary.rename(root / voice_id)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _flush(root)
    _LOGGER.info("voice published", extra={"voice": voice_id})
    return load(root, voice_id)


def promote(root: Path, voice_id: str) -> None:
    """Write with this voice from now on; promoting an older one is a rollback.

    Raises:
        UnknownVoice: No such voice on disk.
        CorruptVoice: It is there, but its adapter is not what was published.
    """
    load(root, voice_id)
    temporary = root / f".tmp-{LIVE}-{uuid.uuid4().hex[:8]}"
    temporary.write_text(voice_id + "\n", encoding="utf-8")
    _flush(temporary)
    temporary.replace(root / LIVE)
    _flush(root)
    _LOGGER.info("voice promoted", extra={"voice": voice_id})


def silence(root: Path) -> None:
    """Back to the base model's own voice: no voice is live."""
    (root / LIVE).unlink(missing_ok=True)


def load(root: Path, voice_id: str) -> Voice:
    """A voice, live or not, with its digest checked.

    Raises:
        UnknownVoice: No such voice on disk.
        CorruptVoice: It is there, but its adapter is not what was published.
    """
    folder = root / voice_id
    if not _VOICE.fullmatch(voice_id) or not folder.is_dir():
        raise UnknownVoice(voice_id)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise CorruptVoice(f"{voice_id}: format {manifest['format']!r}, known is {FORMAT}")
        voice = Voice(
            voice_id=voice_id,
            path=folder / ADAPTER,
            sha256=manifest["sha256"],
            base_sha256=manifest["base_sha256"],
            created_at=manifest["created_at"],
            report=manifest["report"],
        )
        digest = sha256(voice.path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptVoice(f"{voice_id}: {error!r}") from error
    if digest != voice.sha256:
        raise CorruptVoice(f"{voice_id}: the adapter is not the one that was published")
    return voice


def live(root: Path) -> Voice | None:
    """The voice that writes; None where none was promoted, or where it cannot be trusted."""
    name = live_id(root)
    if name is None:
        return None
    try:
        return load(root, name)
    except (UnknownVoice, CorruptVoice):
        _LOGGER.exception("voice refused", extra={"voice": name})
        return None


def live_id(root: Path) -> str | None:
    try:
        return (root / LIVE).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def signature(root: Path) -> str:
    """What is live, as a name for keys: equal in every process that sees the same folder."""
    return live_id(root) or ""


def voices(root: Path) -> list[VoiceInfo]:
    """All voices, newest first, with what is wrong with the broken ones."""
    writing = live_id(root)
    found = []
    for name in _names(root):
        try:
            voice, problem = load(root, name), ""
        except CorruptVoice as error:
            voice, problem = None, str(error)
        found.append(VoiceInfo(voice_id=name, voice=voice, live=name == writing, problem=problem))
    return found


def prune(root: Path, keep: int) -> list[str]:
    """Delete all but the newest `keep` voices and the live one; sweep what killed publishes left."""
    writing = live_id(root)
    removed = [name for name in _names(root)[keep:] if name != writing]
    for name in removed:
        grave = root / f".tmp-old-{name}-{uuid.uuid4().hex[:8]}"
        (root / name).rename(grave)  # gone at once; a reader never sees half of it
        shutil.rmtree(grave, ignore_errors=True)
    now = time.time()
    for left in root.glob(".tmp-*"):
        if now - left.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
    return removed


def _names(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    return sorted(
        (path.name for path in root.iterdir() if _VOICE.fullmatch(path.name)), reverse=True
    )


def _flush(path: Path) -> None:
    """Onto the disk: a rename must never be seen before what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
