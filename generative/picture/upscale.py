"""Super-resolution for pictures too small for their place: an ESRGAN of the npm package's weights.

It sharpens what is there and must invent nothing: the enlarged picture, made small again, has to be
the picture that came in, within a bound; else plain enlargement is used. Off unless configured.

The weights are TensorFlow.js layers, and these few kinds are all that the net is made of.

Key: H x W pixels, C channels, s the enlargement.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from generative.errors import ProviderUnavailable
from generative.files import remembered_sha256

MEAN_BOUND = 3.0  # of 255: the mean change of a picture made small again
PEAK_BOUND = 24.0  # of 255: what all but one pixel in two hundred stays below
_MOST_PIXELS = 512 * 512  # of the picture that comes in: larger ones need no help


def upscale(image: Image.Image, folder: str) -> tuple[Image.Image, str]:
    """The picture enlarged, or itself; and "" or why it stayed as it was.

    Raises:
        ProviderUnavailable: The weights are missing or are not what they should be.
    """
    if image.mode != "RGB":
        return image, "only opaque pictures are sharpened"
    if image.width * image.height > _MOST_PIXELS:
        return image, "large enough already"
    made = _run(image, _net(folder, remembered_sha256(_files(folder)[0])))
    if why := refusal(image, made):
        return image, why
    return made, ""


def refusal(before: Image.Image, after: Image.Image) -> str:
    """Why an enlarged picture is not the one that came in; "" where it is."""
    back = after.resize(before.size, Image.Resampling.BOX)
    change = np.abs(np.asarray(back, dtype=np.float32) - np.asarray(before, dtype=np.float32))
    mean, peak = float(change.mean()), float(np.percentile(change, 99.5))
    if mean > MEAN_BOUND or peak > PEAK_BOUND:
        return f"sharpening changed the picture: {mean:.1f} of 255 on average, {peak:.0f} at worst"
    return ""


def _files(folder: str) -> tuple[Path, Path]:
    weights, model = Path(folder) / "weights.bin", Path(folder) / "model.json"
    if not weights.is_file() or not model.is_file():
        raise ProviderUnavailable(
            f"no ESRGAN weights in {folder!r}: `python -m generative fetch-models upscale`"
        )
    return weights, model


@lru_cache(maxsize=1)
def _net(folder: str, sha256: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:  # noqa: ARG001 it names the version
    """The layers in order, and every weight by name."""
    import torch

    weights, model = _files(folder)
    try:
        told = json.loads(model.read_text(encoding="utf-8"))
        layers = told["modelTopology"]["model_config"]["config"]["layers"]
        values = np.fromfile(weights, dtype="<f4")
        found, at = {}, 0
        for entry in told["weightsManifest"][0]["weights"]:
            size = int(np.prod(entry["shape"]))
            found[entry["name"]] = torch.from_numpy(
                values[at : at + size].reshape(entry["shape"]).copy()
            )
            at += size
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ProviderUnavailable(f"{folder!r} holds no such net: {error!r}") from error
    return layers, found


def _run(image: Image.Image, net: tuple[list[dict[str, Any]], dict[str, Any]]) -> Image.Image:
    import torch
    from torch.nn import functional

    layers, weights = net
    pixels = np.asarray(image, dtype=np.float32) / 255.0  # (H, W, 3)
    made: dict[str, Any] = {}
    with torch.no_grad():
        for layer in layers:
            name, kind, config = layer["name"], layer["class_name"], layer["config"]
            came = [made[node[0]] for node in layer["inbound_nodes"][0]] if made else []
            if kind == "InputLayer":
                out = torch.from_numpy(pixels).permute(2, 0, 1)[None]  # (1, C, H, W)
            elif kind == "Conv2D":
                kernel = weights[f"{name}/kernel"].permute(3, 2, 0, 1)
                bias = weights.get(f"{name}/bias")
                out = functional.conv2d(came[0], kernel, bias, padding="same")
            elif kind == "Activation":
                out = functional.relu(came[0])
            elif kind == "Concatenate":
                out = torch.cat(came, dim=1)
            elif kind == "Add":
                out = torch.stack(came).sum(dim=0)
            elif kind == "UpSampling2D":
                out = functional.interpolate(
                    came[0],
                    scale_factor=float(config["size"][0]),
                    mode=config.get("interpolation", "nearest"),
                )
            elif kind == "MultiplyBeta":
                out = came[0] * 0.2  # the package's constant
            elif kind.startswith("PixelShuffle"):
                out = _depth_to_space(came[0], int(kind.removeprefix("PixelShuffle").rstrip("x")))
            else:
                raise ProviderUnavailable(f"an upscaler with {kind} layers is not known here")
            made[name] = out
    last = made[layers[-1]["name"]][0].clamp(0.0, 1.0).permute(1, 2, 0).numpy()  # (sH, sW, 3)
    return Image.fromarray((last * 255.0).round().astype(np.uint8))


def _depth_to_space(x: Any, scale: int) -> Any:
    """TensorFlow's order of channels, in which the colour is the innermost; (1, C, H, W)."""
    _, channels, height, width = x.shape
    colours = channels // (scale * scale)
    blocks = x.reshape(1, scale, scale, colours, height, width)
    return blocks.permute(0, 3, 4, 1, 5, 2).reshape(1, colours, height * scale, width * scale)
