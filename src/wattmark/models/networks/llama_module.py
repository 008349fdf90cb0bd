"""The Llama architecture with its key-value cache as explicit tensors. Imports PyTorch.

RMSNorm (Zhang and Sennrich, arXiv 1910.07467), rotary positions (Su et al., arXiv 2104.09864),
grouped-query attention (Ainslie et al., arXiv 2305.13245) and SwiGLU (Shazeer, arXiv 2002.05202).
Parameters are named as in ``transformers``' ``LlamaForCausalLM``, whose logits these are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from wattmark.models.networks.llama_config import LlamaConfig


class Places(NamedTuple):
    """Where the tokens of a call stand, in the forms that attention needs."""

    cos: Tensor  # (batch, 1, length, head width)
    sin: Tensor
    slots: Tensor  # (batch, kv heads, length, head width): where the cache is written
    visible: Tensor  # (batch, 1, groups * length, context): what each query may attend to


class CachedLlama(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """``input_ids`` (batch, length), ``start`` and ``last`` (batch,), then keys and values of each
    layer (batch, kv heads, context, head width); gives the logits (batch, vocabulary) after
    ``last``, and the keys and values with those of this call written at ``start`` and on.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(config.vocabulary, config.width),
                "layers": nn.ModuleList([Layer(config) for _ in range(config.layers)]),
                "norm": Norm(config),
            }
        )
        self.lm_head = nn.Linear(config.width, config.vocabulary, bias=False)
        self.tie()

    def tie(self) -> None:
        """Let the head use the embedding's weights."""
        self.lm_head.weight = self.model["embed_tokens"].weight

    def forward(
        self, input_ids: Tensor, start: Tensor, last: Tensor, *cache: Tensor
    ) -> tuple[Tensor, ...]:
        """Logits and cache, as the class says."""
        x = self.model["embed_tokens"](input_ids)
        places = self._places(input_ids, start, cache[0].shape[2], x.dtype)
        written: list[Tensor] = []
        for number, layer in enumerate(self.model["layers"]):
            x, *kept = layer(x, places, *cache[2 * number : 2 * number + 2])
            written += kept
        wanted = last[:, None, None].expand(-1, 1, x.shape[-1])
        logits = self.lm_head(self.model["norm"](x.gather(1, wanted)))
        return logits[:, 0].float(), *written

    def _places(self, input_ids: Tensor, start: Tensor, context: int, dtype: torch.dtype) -> Places:
        config = self.config
        length, width = input_ids.shape[1], config.head_width
        device = input_ids.device
        position = start[:, None] + torch.arange(length, device=device)
        exponent = torch.arange(0, width, 2, dtype=torch.float32, device=device) / width
        angle = position[:, None, :, None].float() * config.rotary_base**-exponent
        angle = torch.cat((angle, angle), dim=-1)
        slots = position[:, None, :, None].expand(-1, config.kv_heads, -1, width)
        visible = torch.arange(context, device=device) <= position[:, None, :, None]
        groups = config.heads // config.kv_heads
        return Places(
            angle.cos().to(dtype), angle.sin().to(dtype), slots, visible.repeat(1, 1, groups, 1)
        )


class Layer(nn.Module):  # type: ignore[misc]
    """Attention, then feed-forward, each on the normalised input and added to it."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.input_layernorm = Norm(config)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = Norm(config)
        self.mlp = FeedForward(config)

    def forward(
        self, x: Tensor, places: Places, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The next layer's input, and the cache."""
        attended, keys, values = self.self_attn(self.input_layernorm(x), places, keys, values)
        x = x + attended
        return x + self.mlp(self.post_attention_layernorm(x)), keys, values


class Attention(nn.Module):  # type: ignore[misc]
    """Several query heads attend to each key-value head.

    The heads of a group are laid one behind another on the length axis: plain attention serves
    all of them, and keys and values are never repeated.
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.kv_heads, self.head_width = config.kv_heads, config.head_width
        self.groups = config.heads // config.kv_heads
        kv_width = config.kv_heads * config.head_width
        self.q_proj = nn.Linear(config.width, config.width, bias=False)
        self.k_proj = nn.Linear(config.width, kv_width, bias=False)
        self.v_proj = nn.Linear(config.width, kv_width, bias=False)
        self.o_proj = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self, x: Tensor, places: Places, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What was attended to, and the cache."""
        batch, length, width = x.shape
        split = (batch, length, -1, self.head_width)
        q = rotated(self.q_proj(x).view(split).transpose(1, 2), places)
        k = rotated(self.k_proj(x).view(split).transpose(1, 2), places)
        v = self.v_proj(x).view(split).transpose(1, 2)
        keys = keys.scatter(2, places.slots, k)
        values = values.scatter(2, places.slots, v)
        grouped = q.reshape(batch, self.kv_heads, self.groups * length, self.head_width)
        y = functional.scaled_dot_product_attention(grouped, keys, values, places.visible)
        y = y.reshape(batch, -1, length, self.head_width).transpose(1, 2)
        return self.o_proj(y.reshape(batch, length, width)), keys, values


class FeedForward(nn.Module):  # type: ignore[misc]
    """SwiGLU."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.feed_forward, bias=False)
        self.up_proj = nn.Linear(config.width, config.feed_forward, bias=False)
        self.down_proj = nn.Linear(config.feed_forward, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Norm(nn.Module):  # type: ignore[misc]
    """RMSNorm, computed in float32."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.width))
        self.epsilon = config.norm_epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in."""
        exact = x.float()
        scale = torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return self.weight * (exact * scale).to(x.dtype)


def rotated(x: Tensor, places: Places) -> Tensor:
    """Queries or keys (batch, heads, length, head width), turned by their positions."""
    first, second = x.chunk(2, dim=-1)
    return x * places.cos + torch.cat((-second, first), dim=-1) * places.sin
