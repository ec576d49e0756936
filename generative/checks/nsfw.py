"""Yahoo's Open-NSFW on uploads, photos and results: by its authors' word below 0.2 is safe, above 0.8 not.

Between the two somebody should look: an upload or a finished banner is kept back there. A product
photo is not, for the net takes a pink handbag (0.23) and a potato (0.21) for more than they are: it
is shown where the banner as a whole is safe.

Without a model nothing is checked, and what is stored says so.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from generative.errors import ProviderUnavailable
from generative.onnx import session

SAFE_BELOW = 0.2
CERTAIN_FROM = 0.8
OFF = "not checked: no model (python -m generative fetch-models nsfw)"
_RESIZED, _CROPPED = 256, 224
_MEAN = (104.0, 117.0, 123.0)  # blue, green, red of the pictures it was trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`score` is None where nothing was checked; `note` is what to store beside the picture."""

    score: float | None
    note: str

    @property
    def unsafe(self) -> str:
        """Why the picture must not be shown; "" where it may, or where nothing could be checked."""
        if self.score is None or self.score < SAFE_BELOW:
            return ""
        return f"the picture looks indecent ({self.score:.2f}; {SAFE_BELOW} is the most)"

    @property
    def surely_unsafe(self) -> str:
        """As `unsafe`, for what is looked at once more as a part of the whole."""
        return self.unsafe if self.score is not None and self.score >= CERTAIN_FROM else ""


def look(image: Image.Image, model_path: str) -> Seen:
    """Score a picture.

    A model that is configured but cannot run lets nothing pass unseen: the score is then 1.
    """
    if not model_path:
        return Seen(score=None, note=OFF)
    try:
        score = _score(image, model_path)
    except ProviderUnavailable as error:
        return Seen(score=1.0, note=str(error))
    return Seen(score=round(score, 4), note=f"open-nsfw {score:.4f}")


def unsafe(image: Image.Image, model_path: str) -> str:
    """Why a picture must not be shown; "" where it may, or where no model is configured."""
    return look(image, model_path).unsafe


def _score(image: Image.Image, model_path: str) -> float:
    runs = session(model_path, "VITRINE_NSFW_MODEL")
    answer = runs.run(None, {runs.get_inputs()[0].name: _prepared(image)[None]})[0]
    return float(np.ravel(answer)[1])  # decent, indecent


def _prepared(image: Image.Image) -> Any:
    """(224, 224, 3), BGR: the network was fitted to pictures that had been JPEGs, so ours is one."""
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image.convert("RGB"), mask=image.getchannel("A") if image.mode == "RGBA" else None)
    buffer = io.BytesIO()
    flat.resize((_RESIZED, _RESIZED), Image.Resampling.BILINEAR).save(buffer, "JPEG")
    with Image.open(buffer) as decoded:
        pixels = np.asarray(decoded.convert("RGB"), dtype=np.float32)
    edge = (_RESIZED - _CROPPED) // 2
    inner = pixels[edge : edge + _CROPPED, edge : edge + _CROPPED, ::-1]
    return np.ascontiguousarray(inner - np.array(_MEAN, dtype=np.float32))
