"""BERT and Llama from transformers' configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattmark.contracts import InputSpec, Network

if TYPE_CHECKING:
    import torch

_WIDTH, _HEADS, _KV_HEADS, _LAYERS, _CONTEXT = 32, 4, 2, 1, 12
_HEAD = _WIDTH // _HEADS


def _bert() -> torch.nn.Module:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    class Classifier(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            config = BertConfig(
                vocab_size=64,
                hidden_size=_WIDTH,
                num_hidden_layers=_LAYERS,
                num_attention_heads=_HEADS,
                intermediate_size=48,
                max_position_embeddings=16,
            )
            self.model = BertForSequenceClassification(config)

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids, attention_mask=attention_mask).logits

    torch.manual_seed(0)
    return Classifier().eval()


def _llama_model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=_WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        num_key_value_heads=_KV_HEADS,
        intermediate_size=48,
        max_position_embeddings=_CONTEXT,
    )
    return LlamaForCausalLM(config).eval()


def _llama() -> torch.nn.Module:
    import torch

    class Logits(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = _llama_model()

        def forward(self, input_ids: Any) -> Any:
            return self.model(input_ids, use_cache=False).logits

    return Logits().eval()


def _llama_cached() -> torch.nn.Module:
    import torch
    from torch.nn import functional
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    class Step(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = _llama_model()

        def forward(self, input_ids: Any, start: Any, *cache: Any) -> Any:
            batch, length = input_ids.shape
            position = start[:, None] + torch.arange(length)
            visible = torch.arange(_CONTEXT) <= position[:, None, :, None]
            index = position[:, None, :, None].expand(batch, _KV_HEADS, length, _HEAD)
            x = self.model.model.embed_tokens(input_ids)
            cos, sin = self.model.model.rotary_emb(x, position)
            written = []
            for number, layer in enumerate(self.model.model.layers):
                own = layer.self_attn
                y = layer.input_layernorm(x)
                query, key, value = (
                    made(y).view(batch, length, -1, _HEAD).transpose(1, 2)
                    for made in (own.q_proj, own.k_proj, own.v_proj)
                )
                query, key = apply_rotary_pos_emb(query, key, cos, sin)
                key = cache[2 * number].scatter(2, index, key)
                value = cache[2 * number + 1].scatter(2, index, value)
                written += [key, value]
                y = functional.scaled_dot_product_attention(
                    query, key, value, attn_mask=visible, enable_gqa=True
                )
                x = x + own.o_proj(y.transpose(1, 2).reshape(batch, length, _WIDTH))
                x = x + layer.mlp(layer.post_attention_layernorm(x))
            return self.model.lm_head(self.model.model.norm(x)), *written

    return Step().eval()


_CACHE = tuple(
    InputSpec(f"{kind}_{layer}", "float32", (1, _KV_HEADS, _CONTEXT, _HEAD))
    for layer in range(_LAYERS)
    for kind in ("key", "value")
)

BERT = Network(
    name="bert",
    inputs=(
        InputSpec("input_ids", "int64", (1, 8)),
        InputSpec("attention_mask", "int64", (1, 8)),
    ),
    build=_bert,
)
LLAMA = Network(name="llama", inputs=(InputSpec("input_ids", "int64", (1, 8)),), build=_llama)
LLAMA_CACHED = Network(
    name="llama-cached",
    inputs=(InputSpec("input_ids", "int64", (1, "length")), InputSpec("start", "int64", (1,))),
    build=_llama_cached,
    axes={"length": (1, 4)},
    reads=_CACHE,
    writes=_CACHE,
)
