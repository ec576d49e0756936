"""What besides the brief shapes a creative, as a short hash that goes into every key."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from generative.banner import fonts
from generative.branding import brand
from generative.branding.brand import BrandKit
from generative.config import GenerativeConfig
from generative.marking.provenance import TEMPLATE_VERSION
from generative.providers import signature
from generative.voice import voices

CHECKS_VERSION = "8"


def fingerprint(config: GenerativeConfig, kit: BrandKit, *, voice: str) -> str:
    """What besides the brief shapes a creative; loads no model, and is equal in web and worker.

    `voice` is the signature of the fine-tuned voice in force, "" without one.
    """
    shaping = [
        copy_fingerprint(config, kit, voice=voice),
        TEMPLATE_VERSION,
        brand.digest(kit),
        _file_identity(config.weights("cutout")),
        Path(config.upscale_model).name,
        list(config.backdrops),
        fonts.digest(),
    ]
    return _short(shaping)


def copy_fingerprint(config: GenerativeConfig, kit: BrandKit, *, voice: str) -> str:
    """What besides the brief shapes the words alone: no colour, logo or layout."""
    return _short(
        [CHECKS_VERSION, signature(config), kit.tone, sorted(kit.forbidden), voice],
    )


def voice_signature(config: GenerativeConfig) -> str:
    """Which fine-tuned voice is live: one look at a small file; "" without one."""
    return voices.signature(config.voices_dir) if "llama" in config.copy_providers else ""


def _file_identity(path: str) -> str:
    if not path or not Path(path).is_file():
        return "none"
    return f"{Path(path).name}:{Path(path).stat().st_size}"


def _short(shaping: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(shaping).encode()).hexdigest()[:16]
