"""Llama-like decoders: their sizes, and the network that greedy generation runs.

Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", arXiv 2302.13971.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import InputSpec, Network

if TYPE_CHECKING:
    import torch


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


def decode_network(
    config: LlamaConfig,
    weights: Callable[[], Mapping[str, NDArray[np.float32]]],
    sizes: Sequence[Mapping[str, int]],
) -> Network:
    """The network ``decode`` of :mod:`wattmark.pipelines.greedy`.

    ``weights`` gives the parameters by their names in ``transformers``, without ``lm_head``.
    ``sizes`` are the combinations of ``length`` and ``context`` that occur.
    """

    def build() -> torch.nn.Module:
        import torch

        from wattmark.models.networks.llama_module import CachedLlama

        with torch.device("meta"):
            module = CachedLlama(config)
        stored = {name: torch.from_numpy(array) for name, array in weights().items()}
        stored["lm_head.weight"] = stored["model.embed_tokens.weight"]
        module.load_state_dict(stored, assign=True)
        module.tie()
        return module.requires_grad_(False).eval()

    cache = config.cache()
    return Network(
        name="decode",
        inputs=(
            InputSpec("input_ids", "int64", (1, "length")),
            InputSpec("start", "int64", (1,)),
            InputSpec("last", "int64", (1,)),
        ),
        build=build,
        axes={axis: tuple(sorted({s[axis] for s in sizes})) for axis in ("length", "context")},
        reads=cache,
        writes=cache,
        sizes=tuple(sizes),
    )
