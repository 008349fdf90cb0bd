"""Llama-like decoders: the network that greedy generation runs.

Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", arXiv 2302.13971.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import InputSpec, Network
from wattmark.models.networks.llama_config import LlamaConfig

if TYPE_CHECKING:
    import torch


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
