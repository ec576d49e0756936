"""A LoRA adapter from peft's names and layout into the GGUF that llama.cpp loads.

llama.cpp turns pairs of channels that stand side by side, the transformers library pairs the first
half of a head with the second; so the rows of q and k are in another order, and those of `lora_b`,
which makes them, must be reordered alike. `lora_a` reads the hidden state and stays as it is.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ARCHITECTURE = "llama"
MODULES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_NAME = re.compile(
    r"layers\.(?P<layer>\d+)\.(?P<module>[\w.]+)\.lora_(?P<part>[AB])(?:\.\w+)?\.weight$"
)

Array = NDArray[np.float32]


def export(
    path: Path,
    tensors: Mapping[str, Array],
    *,
    alpha: float,
    heads: int,
    key_value_heads: int,
    name: str = "voice",
) -> None:
    """Write the adapter.

    Args:
        path: Where the file goes.
        tensors: peft's names with A as (rank, in) and B as (out, rank), the layout of transformers.
        alpha: LoRA's alpha; llama.cpp divides it by the rank itself.
        heads: Attention heads of the model.
        key_value_heads: Heads of its keys and values.
        name: What the file calls itself.

    Raises:
        ValueError: A tensor that is no part of a LoRA on a llama model.
    """
    import gguf

    writer = gguf.GGUFWriter(str(path), ARCHITECTURE)
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for theirs, tensor in sorted(tensors.items()):
        writer.add_tensor(*_converted(theirs, tensor, heads, key_value_heads))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _converted(theirs: str, tensor: Array, heads: int, key_value_heads: int) -> tuple[str, Array]:
    found = _NAME.search(theirs)
    ours = MODULES.get(found["module"]) if found else None
    if found is None or ours is None:
        raise ValueError(f"{theirs!r} is no LoRA tensor of a llama model")
    if found["part"] == "B" and ours in {"attn_q", "attn_k"}:
        tensor = interleaved(tensor, heads if ours == "attn_q" else key_value_heads)
    name = f"blk.{found['layer']}.{ours}.weight.lora_{found['part'].lower()}"
    return name, np.ascontiguousarray(tensor, dtype=np.float32)


def interleaved(rows: Array, heads: int) -> Array:
    """Rows of one head from halves to pairs: 0, d/2, 1, d/2+1, … (heads·d, r) -> (heads·d, r)."""
    out = rows.shape[0]
    halves = rows.reshape(heads, 2, out // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)
