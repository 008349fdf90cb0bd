"""What a GGUF file of the ``llama`` architecture holds: sizes, weights and tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.errors import CorruptArchiveError, MissingPackageError
from wattmark.models.networks.llama_config import LlamaConfig
from wattmark.models.weights.gguf_file import GgufFile

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: llama.cpp's name of each part of a layer, and that of transformers
_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_CONTROL_TOKEN = 3  # llama.cpp's LLAMA_TOKEN_TYPE_CONTROL


def llama_config(file: GgufFile) -> LlamaConfig:
    """Sizes. Raises CorruptArchiveError for another architecture, or a head of its own."""
    if (found := file.value("general.architecture")) != "llama":
        raise CorruptArchiveError(f"{file.path.name} is a {found!r} model; 'llama' can be read")
    if "output.weight" in file.tensors or "token_embd.weight" not in file.tensors:
        raise CorruptArchiveError(
            f"{file.path.name}: a llama whose head shares the embedding's weights can be read"
        )
    vocabulary, width = file.tensors["token_embd.weight"].shape
    heads = int(file.value("llama.attention.head_count"))
    return LlamaConfig(
        vocabulary=vocabulary,
        width=width,
        layers=int(file.value("llama.block_count")),
        heads=heads,
        kv_heads=int(file.metadata.get("llama.attention.head_count_kv", heads)),
        feed_forward=int(file.value("llama.feed_forward_length")),
        rotary_base=float(file.metadata.get("llama.rope.freq_base", 10_000.0)),
        norm_epsilon=_short(file.value("llama.attention.layer_norm_rms_epsilon")),
    )


def _short(value: float) -> float:
    """The number that was meant by a float32: 1e-05, not 9.999999747378752e-06."""
    return float(str(np.float32(value)))


def llama_weights(file: GgufFile) -> dict[str, NDArray[np.float32]]:
    """Parameters by their names in ``transformers``, de-quantised to float32.

    llama.cpp keeps the rows of queries and keys in another order (pairs of neighbours are
    rotated, not halves); they are put back. Raises CorruptArchiveError.
    """
    config = llama_config(file)
    weights = {
        "model.embed_tokens.weight": file.array("token_embd.weight"),
        "model.norm.weight": file.array("output_norm.weight"),
    }
    heads = {"attn_q": config.heads, "attn_k": config.kv_heads}
    for layer in range(config.layers):
        for part, name in _LAYER.items():
            array = file.array(f"blk.{layer}.{part}.weight")
            if part in heads:
                array = _halves(array, heads[part])
            weights[f"model.layers.{layer}.{name}.weight"] = array
    return weights


def _halves(array: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows ordered for rotating halves; the inverse of llama.cpp's ``permute``."""
    rows, width = array.shape
    pairs = array.reshape(heads, rows // heads // 2, 2, width)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, width))


def byte_pair_tokenizer(file: GgufFile) -> Tokenizer:
    """The tokenizer of a file whose ``tokenizer.ggml.pre`` is ``smollm``.

    Byte-level byte-pair encoding, as GPT-2's, with every digit by itself. Control tokens in a text
    are recognised. Raises CorruptArchiveError for another kind, MissingPackageError.
    """
    try:
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    except ImportError as error:
        raise MissingPackageError("text needs tokenizers: install wattmark[torch]") from error
    kind = (file.value("tokenizer.ggml.model"), file.value("tokenizer.ggml.pre"))
    if kind != ("gpt2", "smollm"):
        raise CorruptArchiveError(
            f"{file.path.name} has a tokenizer of kind {'/'.join(kind)}; gpt2/smollm can be read"
        )
    tokens: list[str] = file.value("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ", 1)) for merge in file.value("tokenizer.ggml.merges")]
    kinds = file.value("tokenizer.ggml.token_type")
    tokenizer = Tokenizer(models.BPE({t: n for n, t in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == _CONTROL_TOKEN
        ]
    )
    return tokenizer
