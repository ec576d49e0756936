"""What a teacher has said, kept: a run that was stopped, or the next one, asks only for what is new.

A larger model takes seconds a product, or money. One line of JSON a product, appended whole; the key
follows the teacher, the prompt and the entry, so a changed entry is asked about again.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from generative.copy.prompts import facts
from generative.types import Brief, Copy
from generative.voice.distil import TEACHING_VERSION, Teacher

FILE = "taught.jsonl"

log = logging.getLogger(__name__)


def remembering(teacher: Teacher, path: Path, *, name: str) -> Teacher:
    """The teacher, who is asked once a product; `name` tells it from every other.

    A seed is no part of what is remembered: a sentence that was good stays so. What the teacher
    raises is not remembered, nor that it said nothing: its answer may have been unreadable once. A
    file that cannot be written is no reason to stop.
    """
    known = _read(path)

    def ask(brief: Brief, seed: int) -> list[Copy]:
        key = _key(name, brief)
        if key not in known:
            known[key] = teacher(brief, seed)
            if known[key]:
                _append(path, key, known[key])
        return known[key]

    return ask


def _key(name: str, brief: Brief) -> str:
    asked = [TEACHING_VERSION, name, facts(brief), brief.size, brief.locale]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]


def _read(path: Path) -> dict[str, list[Copy]]:
    """What is known by key. A line that is no such thing was cut off by a kill: it is asked again."""
    found: dict[str, list[Copy]] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            row: dict[str, Any] = json.loads(line)
            found[str(row["key"])] = [Copy(**said) for said in row["lines"]]
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _append(path: Path, key: str, lines: Sequence[Copy]) -> None:
    said = [
        {"headline": one.headline, "tagline": one.tagline, "action": one.action} for one in lines
    ]
    # ASCII: a teacher may say half of a surrogate pair, or a separator that `splitlines` takes for a line's end
    row = json.dumps({"key": key, "lines": said})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{row}")  # a killed run may have left half a line before it
    except OSError:
        log.warning("what a teacher said could not be kept in %s", path.name, exc_info=True)
