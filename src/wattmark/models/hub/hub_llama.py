"""Llamas of the hub: sizes from config.json, weights from safetensors, the network ``decode``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wattmark.contracts import Network
from wattmark.errors import InputError
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.networks.llama import decode_network
from wattmark.models.networks.llama_config import LlamaConfig

if TYPE_CHECKING:
    import torch

_EMBEDDING, _HEAD = "model.embed_tokens.weight", "lm_head.weight"


def llama_config(files: ModelFiles) -> LlamaConfig:
    """Sizes. Raises AssetError, and InputError for what this implementation does not compute."""
    given = files.config
    rotary = given.get("rope_parameters") or given.get("rope_scaling") or {}
    heads, width = files.size("num_attention_heads"), files.size("hidden_size")
    unsupported = {
        "model_type": given.get("model_type") != "llama",
        "rope_scaling": rotary.get("rope_type", rotary.get("type", "default")) != "default",
        "hidden_act": given.get("hidden_act", "silu") != "silu",
        "attention_bias": bool(given.get("attention_bias")),
        "mlp_bias": bool(given.get("mlp_bias")),
        "head_dim": (given.get("head_dim") or width // heads) * heads != width,
        "quantization_config": bool(given.get("quantization_config")),
    }
    if found := [key for key, is_so in unsupported.items() if is_so]:
        shown = ", ".join(f"{key} {given.get(key, rotary)!r}" for key in found)
        raise InputError(
            f"{files.name} is no plain Llama, the family that can be run ({shown}): choose a model "
            "of type 'llama' without it"
        )
    return LlamaConfig(
        vocabulary=files.size("vocab_size"),
        width=width,
        layers=files.size("num_hidden_layers"),
        heads=heads,
        kv_heads=int(given.get("num_key_value_heads") or heads),
        feed_forward=files.size("intermediate_size"),
        rotary_base=float(rotary.get("rope_theta") or given.get("rope_theta") or 10_000.0),
        norm_epsilon=float(given.get("rms_norm_eps", 1e-6)),
    )


def llama_network(files: ModelFiles, sizes: Sequence[Mapping[str, int]]) -> Network:
    """``decode``, its head shared with the embedding or with weights of its own.

    Raises AssetError, InputError.
    """
    config = llama_config(files)

    def build() -> torch.nn.Module:
        import torch

        from wattmark.models.networks.llama_module import CachedLlama

        require_llama_weights(files)
        stored = files.tensors()
        with torch.device("meta"):
            module = CachedLlama(config)
            if not _tied(files):
                module.lm_head = torch.nn.Linear(config.width, config.vocabulary, bias=False)
        if _tied(files):
            stored[_HEAD] = stored[_EMBEDDING]
        named = {name: stored[name] for name in module.state_dict()}
        module.load_state_dict(named, assign=True)
        if _tied(files):
            module.tie()
        return module.requires_grad_(False).eval()

    return replace(decode_network(config, dict, sizes), build=build)


def require_llama_weights(files: ModelFiles) -> None:
    """Raises AssetError where weights that config.json asks for are missing."""
    config = llama_config(files)
    width, inner = config.width, config.feed_forward
    table, kv = (config.vocabulary, width), (config.kv_heads * config.head_width, width)
    layer = {
        "input_layernorm": (width,),
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": kv,
        "self_attn.v_proj": kv,
        "self_attn.o_proj": (width, width),
        "post_attention_layernorm": (width,),
        "mlp.gate_proj": (inner, width),
        "mlp.up_proj": (inner, width),
        "mlp.down_proj": (width, inner),
    }
    shapes: dict[str, tuple[int, ...]] = {_EMBEDDING: table, "model.norm.weight": (width,)}
    if not _tied(files):
        shapes[_HEAD] = table
    for number in range(config.layers):
        shapes |= {f"model.layers.{number}.{part}.weight": s for part, s in layer.items()}
    files.require_weights(shapes)


def _tied(files: ModelFiles) -> bool:
    """Whether the head uses the embedding's weights; transformers' default is that it does not."""
    return bool(files.config.get("tie_word_embeddings", False))
