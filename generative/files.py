"""Writing a file whole or not at all."""

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
