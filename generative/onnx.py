"""ONNX models on the processor: loaded once, and what is missing said in words."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from generative.errors import ProviderUnavailable


@lru_cache(maxsize=2)  # a cut-out model and a picture check
def session(model_path: str, setting: str) -> Any:
    """What runs a model's file; `setting` is the variable that names it.

    Raises:
        ProviderUnavailable: The file or the runtime is missing, or the file is no model.
    """
    if not Path(model_path).is_file():
        raise ProviderUnavailable(f"no model at {model_path!r}; see {setting}")
    try:
        import onnxruntime
    except ImportError as error:
        raise ProviderUnavailable(f"pip install onnxruntime==1.32.0 for {setting}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions share no base
        raise ProviderUnavailable(f"{model_path!r} is no model that can be run: {error}") from error
