"""Sizes of Llama-like decoders.

Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", arXiv 2302.13971.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.contracts import InputSpec


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of a Llama whose head shares the embedding's weights."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    rotary_base: float
    norm_epsilon: float

    @property
    def head_width(self) -> int:
        """Numbers in one head's key or value."""
        return self.width // self.heads

    @property
    def parameters(self) -> int:
        """Number of weights, the shared ones counted once."""
        kv_width = self.kv_heads * self.head_width
        layer = self.width * (2 * self.width + 2 * kv_width + 3 * self.feed_forward + 2)
        return self.vocabulary * self.width + self.layers * layer + self.width

    def cache(self) -> tuple[InputSpec, ...]:
        """Keys and values of each layer, (1, kv_heads, context, head_width)."""
        shape = (1, self.kv_heads, "context", self.head_width)
        return tuple(
            InputSpec(f"{part}_{layer}", "float32", shape)
            for layer in range(self.layers)
            for part in ("keys", "values")
        )
