"""Write a Llama as a GGUF file: the same weights, in llama.cpp's layout and number formats.

A module can be written whose parameters are named as in ``transformers``' ``LlamaForCausalLM``
(head and embedding share their weights) and whose ``config`` has the sizes. The tokenizer is left
out: tokens go in and logits come out.

The formats of Q4_K_M follow llama.cpp's ``llama-quant.cpp``: Q4_K, but Q6_K for the embedding
(which is also the head) and, in the layers of ``_more_bits``, for values and the feed-forward's
way down. A matrix whose rows are no multiple of 256 falls back to Q5_0 and Q8_0, as there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Network
from wattmark.errors import UnsupportedSetupError
from wattmark.records import Precision

#: llama.cpp's name of each part of a layer
PARTS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_SUPER_BLOCK = 256
_FALLBACK = {"Q4_K": "Q5_0", "Q6_K": "Q8_0"}


def write_gguf(network: Network, precision: Precision, path: Path) -> None:
    """Write the network's weights. Raises UnsupportedSetupError for another architecture."""
    import gguf

    module = network.module()
    config: Any = getattr(module, "config", None)
    weights = {name: tensor.detach().numpy() for name, tensor in module.named_parameters()}
    names = _names(getattr(config, "layers", 0))
    if set(names) != set(weights):
        raise UnsupportedSetupError(
            f"llama.cpp runs the network {network.name!r} only if it is a Llama whose head shares "
            "the embedding's weights; this one is something else: choose another framework"
        )
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(max(network.axes["context"]))
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.feed_forward)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_rope_dimension_count(config.head_width)
    writer.add_rope_freq_base(config.rotary_base)
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_vocab_size(config.vocabulary)
    writer.add_tokenizer_model("no_vocab")
    heads = {"attn_q": config.heads, "attn_k": config.kv_heads}
    for name, theirs in names.items():
        array = weights[name]
        if (part := theirs.split(".")[-2]) in heads:
            array = pairs(array, heads[part])
        _add(writer, theirs, array, format_of(theirs, array.shape, precision, config.layers))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _names(layers: int) -> dict[str, str]:
    """Our name of every parameter, and llama.cpp's."""
    names = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
    }
    for layer in range(layers):
        for ours, theirs in PARTS.items():
            names[f"model.layers.{layer}.{ours}.weight"] = f"blk.{layer}.{theirs}.weight"
    return names


def pairs(array: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of queries or keys in llama.cpp's order: it rotates neighbours, not halves."""
    rows, width = array.shape
    split = array.reshape(heads, 2, rows // heads // 2, width)
    return split.swapaxes(1, 2).reshape(rows, width)


def format_of(name: str, shape: tuple[int, ...], precision: Precision, layers: int) -> str:
    """The format of a tensor, by llama.cpp's name (``ggml_type``). Vectors stay F32."""
    if len(shape) < 2 or precision is Precision.FP32:
        return "F32"
    if precision is Precision.FP16:
        return "F16"
    if precision is Precision.INT8_WEIGHT_ONLY:
        return "Q8_0"
    layer = int(name.split(".")[1]) if name.startswith("blk.") else 0
    more = name == "token_embd.weight" or (
        name.split(".")[-2] in ("attn_v", "ffn_down") and _more_bits(layer, layers)
    )
    wanted = "Q6_K" if more else "Q4_K"
    return wanted if shape[-1] % _SUPER_BLOCK == 0 else _FALLBACK[wanted]


def _more_bits(layer: int, layers: int) -> bool:
    """The first and the last eighth of the layers, and every third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _add(writer: Any, name: str, array: NDArray[np.float32], kind: str) -> None:
    import gguf

    from wattmark.frameworks.llama_cpp_library import quantized

    if kind == "F32":
        writer.add_tensor(name, np.ascontiguousarray(array, np.float32))
    elif kind == "F16":
        writer.add_tensor(name, array.astype(np.float16))
    else:
        of_file = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(name, quantized(array, int(of_file)), raw_dtype=of_file)
