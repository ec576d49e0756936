"""Photos as they were when a creative was made, under their hashes: what a re-render starts from.

A shop replaces its photos; the audit row keeps the hash, this folder the bytes.
"""

import hashlib
from pathlib import Path

from generative.files import store_if_possible


def keep(root: Path, data: bytes) -> str:
    """Keep a photo once; its sha256. A disk that is full costs the copy, not the creative."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = _path(root, sha256)
    if path.exists():
        return sha256
    store_if_possible(data, path)
    return sha256


def kept(root: Path, sha256: str) -> bytes | None:
    """The photo of that hash; None where it is not kept, or is no longer what it was."""
    try:
        data = _path(root, sha256).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def _path(root: Path, sha256: str) -> Path:
    return root / sha256[:2] / sha256
