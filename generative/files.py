"""Writing a file whole or not at all."""

import contextlib
import os
import tempfile
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
