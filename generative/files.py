"""Files: written whole or not at all, and named by what is in them."""

import contextlib
import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path


def store(data: bytes, target: Path) -> None:
    """Put bytes where readers look, by renaming: nobody meets half of them.

    Raises:
        OSError: The folder cannot be written, or the disk is full; nothing is left behind.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def store_if_possible(data: bytes, target: Path) -> None:
    """As `store`, for what is only saved work: what cannot be written is made again another time."""
    with contextlib.suppress(OSError):
        store(data, target)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path) -> str:
    """The same without reading again, while neither size nor time of the file changes."""
    told = path.stat()
    return _sha256(path, told.st_size, told.st_mtime_ns)


@lru_cache(maxsize=16)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 they name the version
    return sha256(path)
