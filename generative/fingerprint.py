"""What besides the brief shapes a creative, as a short hash that goes into every key."""

import hashlib
import json
from pathlib import Path

from generative.config import GenerativeConfig
from generative.copy.language_model import identity
from generative.copy.prompts import PROMPT_VERSION
from generative.provenance import TEMPLATE_VERSION

CHECKS_VERSION = "6"


def fingerprint(config: GenerativeConfig) -> str:
    """What besides the brief shapes a creative; loads no model, and is equal in web and worker."""
    shaping = [
        CHECKS_VERSION,
        TEMPLATE_VERSION,
        list(config.copy_providers),
        config.brand_name,
        config.brand_color,
        _file_identity(config.cutout_model),
    ]
    if "llama" in config.copy_providers:
        shaping += [PROMPT_VERSION, identity(config.gguf_path), str(config.llm_samples)]
    return hashlib.sha256(json.dumps(shaping).encode()).hexdigest()[:16]


def _file_identity(path: str) -> str:
    if not path or not Path(path).is_file():
        return "none"
    return f"{Path(path).name}:{Path(path).stat().st_size}"
