"""The BERT encoder (Devlin et al., NAACL 2019, arXiv 1810.04805), without pooler. Imports PyTorch.

Parameters are named as in ``transformers``' ``BertModel``, whose hidden states these are. Importing
that class takes longer than importing PyTorch, and every worker would pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Encoded(NamedTuple):
    """What a text became: (n, length, width)."""

    last_hidden_state: Tensor


class Bert(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Made of the ``settings`` of a BERT's ``config.json`` whose activation is GELU."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.embeddings = Embeddings(settings)
        layers = [Layer(settings) for _ in range(settings["num_hidden_layers"])]
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Encoded:
        """Ids and mask, and segments if there are two, each (n, length): the last hidden states."""
        x = self.embeddings(input_ids, token_type_ids)
        visible = attention_mask[:, None, None, :].bool()
        visible = visible.expand(-1, 1, input_ids.shape[1], -1)
        for layer in self.encoder["layer"]:
            x = layer(x, visible)
        return Encoded(x)


class Embeddings(nn.Module):  # type: ignore[misc]
    """The sum of what the token, its place and its segment say, normalised."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        width = settings["hidden_size"]
        self.word_embeddings = nn.Embedding(settings["vocab_size"], width)
        self.position_embeddings = nn.Embedding(settings["max_position_embeddings"], width)
        self.token_type_embeddings = nn.Embedding(settings["type_vocab_size"], width)
        self.LayerNorm = nn.LayerNorm(width, eps=settings["layer_norm_eps"])

    def forward(self, input_ids: Tensor, token_type_ids: Tensor | None) -> Tensor:
        """(n, length) to (n, length, width); all of the first segment where none is said."""
        segments = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        places = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        said = self.word_embeddings(input_ids) + self.token_type_embeddings(segments)
        return self.LayerNorm(said + self.position_embeddings(places))


class Layer(nn.Module):  # type: ignore[misc]
    """Attention, then feed-forward, each added to its input and normalised after."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        width, inner = settings["hidden_size"], settings["intermediate_size"]
        self.heads = settings["num_attention_heads"]
        own = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict(
            {"self": nn.ModuleDict(own), "output": _joining(width, settings)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = _joining(inner, settings)

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        """Same shape out as in."""
        parts = (self.attention["self"][name](x) for name in ("query", "key", "value"))
        query, key, value = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        y = functional.scaled_dot_product_attention(query, key, value, visible)
        x = _joined(self.attention["output"], y.transpose(1, 2).flatten(2), x)
        return _joined(self.output, functional.gelu(self.intermediate["dense"](x)), x)


def _joining(width: int, settings: Mapping[str, Any]) -> nn.ModuleDict:
    """From ``width`` to the layer's own, and the norm of the sum."""
    own = settings["hidden_size"]
    norm = nn.LayerNorm(own, eps=settings["layer_norm_eps"])
    return nn.ModuleDict({"dense": nn.Linear(width, own), "LayerNorm": norm})


def _joined(output: nn.ModuleDict, y: Tensor, x: Tensor) -> Tensor:
    return output["LayerNorm"](output["dense"](y) + x)
