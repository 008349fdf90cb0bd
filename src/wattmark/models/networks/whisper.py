"""Whisper as two networks: an encoder of 30 s of speech, and a decoder with a key-value cache.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023 (arXiv
2212.04356). The encoder also computes the keys and values of every cross-attention, once, and
hands them to the decoder as state; see :mod:`wattmark.pipelines.greedy` for the decoder's inputs.

Modules and their parameters have the names that CTranslate2 gives them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import InputSpec
from wattmark.errors import CorruptArchiveError

if TYPE_CHECKING:
    import torch

Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Dimensions:
    """Sizes of a Whisper model. ``frames`` is that of the features; the encoder halves it.

    ``context`` is the number of positions in the decoder's cache.
    """

    bands: int
    frames: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int
    positions: int
    context: int

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    def cross(self) -> tuple[InputSpec, ...]:
        """Keys and values of the cross-attentions, layer by layer."""
        return self._state("cross", self.frames // 2, self.decoder_layers)

    def cache(self) -> tuple[InputSpec, ...]:
        """Keys and values of the decoder's self-attentions, layer by layer."""
        return self._state("self", self.context, self.decoder_layers)

    def _state(self, prefix: str, positions: int, layers: int) -> tuple[InputSpec, ...]:
        shape = (1, self.heads, positions, self.head)
        return tuple(
            InputSpec(f"{prefix}_{kind}_{layer}", "float32", shape)
            for layer in range(layers)
            for kind in ("key", "value")
        )


def encoder(sizes: Dimensions, weights: Weights) -> torch.nn.Module:
    """Features (n, bands, frames) to a small digest (n, 1) and the tensors of ``cross()``.

    Raises CorruptArchiveError where the weights do not fit.
    """
    return _loaded(_encoder(sizes), weights)


def decoder(sizes: Dimensions, weights: Weights) -> torch.nn.Module:
    """input_ids (n, length), start (n,), last (n,), ``cross()`` and ``cache()`` to logits
    (n, vocabulary) and the cache. Raises CorruptArchiveError where the weights do not fit."""
    return _loaded(_decoder(sizes), weights)


def _loaded(module: torch.nn.Module, weights: Weights) -> torch.nn.Module:
    import torch

    stored = {
        re.sub(r"/layer_(\d+)/", r"/layer/\1/", name).replace("/", "."): values
        for name, values in weights.items()
    }
    state = {}
    for name, own in module.state_dict().items():
        kept = re.sub(r"(norm\.)weight$", r"\1gamma", re.sub(r"(norm\.)bias$", r"\1beta", name))
        values = stored.get(kept)
        if values is None or values.shape != own.shape:
            found = "missing" if values is None else f"of shape {values.shape}"
            raise CorruptArchiveError(
                f"the weight {kept} is {found}; this model needs {tuple(own.shape)}"
            )
        state[name] = torch.from_numpy(values.astype(np.float32))
    module.load_state_dict(state)
    return module.eval()


def _feed_forward(sizes: Dimensions) -> torch.nn.Module:
    from torch import nn
    from torch.nn import functional

    class FeedForward(nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.layer_norm = nn.LayerNorm(sizes.width)
            self.linear_0 = nn.Linear(sizes.width, 4 * sizes.width)
            self.linear_1 = nn.Linear(4 * sizes.width, sizes.width)

        def forward(self, x: Any) -> Any:
            return x + self.linear_1(functional.gelu(self.linear_0(self.layer_norm(x))))

    return FeedForward()


def _heads(sizes: Dimensions, x: Any) -> Any:
    """(n, length, width) as (n, heads, length, head)."""
    return x.unflatten(-1, (sizes.heads, sizes.head)).transpose(1, 2)


def _self_attention(sizes: Dimensions) -> torch.nn.Module:
    from torch import nn
    from torch.nn.functional import scaled_dot_product_attention

    class SelfAttention(nn.Module):  # type: ignore[misc]
        """``linear_0`` gives queries, keys and values in one; ``linear_1`` is the projection."""

        def __init__(self) -> None:
            super().__init__()
            self.layer_norm = nn.LayerNorm(sizes.width)
            self.linear_0 = nn.Linear(sizes.width, 3 * sizes.width)
            self.linear_1 = nn.Linear(sizes.width, sizes.width)

        def project(self, x: Any) -> list[Any]:
            parts = self.linear_0(self.layer_norm(x)).split(sizes.width, dim=-1)
            return [_heads(sizes, part) for part in parts]

        def attend(self, x: Any, query: Any, key: Any, value: Any, mask: Any = None) -> Any:
            y = scaled_dot_product_attention(query, key, value, attn_mask=mask)
            return x + self.linear_1(y.transpose(1, 2).flatten(2))

        def forward(self, x: Any) -> Any:
            return self.attend(x, *self.project(x))

    return SelfAttention()


def _encoder(sizes: Dimensions) -> torch.nn.Module:
    from torch import nn
    from torch.nn import functional

    class EncoderLayer(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.self_attention = _self_attention(sizes)
            self.ffn = _feed_forward(sizes)

        def forward(self, x: Any) -> Any:
            return self.ffn(self.self_attention(x))

    class Body(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv1d(sizes.bands, sizes.width, 3, padding=1)
            self.conv2 = nn.Conv1d(sizes.width, sizes.width, 3, stride=2, padding=1)
            self.position_encodings = _positions(sizes.frames // 2, sizes.width)
            self.layer = nn.ModuleList(EncoderLayer() for _ in range(sizes.encoder_layers))
            self.layer_norm = nn.LayerNorm(sizes.width)

        def forward(self, features: Any) -> Any:
            x = functional.gelu(self.conv2(functional.gelu(self.conv1(features))))
            x = x.transpose(1, 2) + self.position_encodings.encodings
            for layer in self.layer:
                x = layer(x)
            return self.layer_norm(x)

    class CrossKeysValues(nn.Module):  # type: ignore[misc]
        """That part of a decoder layer's cross-attention which depends on the speech alone."""

        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.Module()
            self.attention.linear_1 = nn.Linear(sizes.width, 2 * sizes.width)

        def forward(self, x: Any) -> list[Any]:
            parts = self.attention.linear_1(x).split(sizes.width, dim=-1)
            return [_heads(sizes, part).contiguous() for part in parts]

    class Encoder(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = Body()
            self.decoder = nn.Module()
            self.decoder.layer = nn.ModuleList(
                CrossKeysValues() for _ in range(sizes.decoder_layers)
            )

        def forward(self, features: Any) -> Any:
            x = self.encoder(features)
            state = [part for layer in self.decoder.layer for part in layer(x)]
            return (x.mean((1, 2))[:, None], *state)

    return Encoder()


def _decoder(sizes: Dimensions) -> torch.nn.Module:
    import torch
    from torch import nn
    from torch.nn.functional import linear, scaled_dot_product_attention

    class CrossAttention(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer_norm = nn.LayerNorm(sizes.width)
            self.linear_0 = nn.Linear(sizes.width, sizes.width)
            self.linear_2 = nn.Linear(sizes.width, sizes.width)

        def forward(self, x: Any, key: Any, value: Any) -> Any:
            query = _heads(sizes, self.linear_0(self.layer_norm(x)))
            y = scaled_dot_product_attention(query, key, value)
            return x + self.linear_2(y.transpose(1, 2).flatten(2))

    class DecoderLayer(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.self_attention = _self_attention(sizes)
            self.attention = CrossAttention()
            self.ffn = _feed_forward(sizes)

        def forward(self, x: Any, cross: Any, cache: Any, index: Any, mask: Any) -> Any:
            query, *fresh = self.self_attention.project(x)
            written = [held.scatter(2, index, new) for held, new in zip(cache, fresh, strict=True)]
            x = self.self_attention.attend(x, query, *written, mask)
            return self.ffn(self.attention(x, *cross)), written

    class Body(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embeddings = nn.Embedding(sizes.vocabulary, sizes.width)
            self.position_encodings = _positions(sizes.positions, sizes.width)
            self.layer = nn.ModuleList(DecoderLayer() for _ in range(sizes.decoder_layers))
            self.layer_norm = nn.LayerNorm(sizes.width)

        def forward(self, input_ids: Any, start: Any, last: Any, state: Any) -> Any:
            device = input_ids.device
            position = start[:, None] + torch.arange(input_ids.shape[1], device=device)
            index = position[:, None, :, None].expand(-1, sizes.heads, -1, sizes.head)
            held = torch.arange(sizes.context, device=device)
            mask = held <= position[:, None, :, None]
            x = self.embeddings(input_ids) + self.position_encodings.encodings[position]
            cross, cache = state[: len(state) // 2], state[len(state) // 2 :]
            written: list[Any] = []
            for number, layer in enumerate(self.layer):
                own = slice(2 * number, 2 * number + 2)
                x, new = layer(x, cross[own], cache[own], index, mask)
                written += new
            row = last[:, None, None].expand(-1, 1, sizes.width)
            hidden = self.layer_norm(x.gather(1, row)[:, 0])
            return (linear(hidden, self.embeddings.weight), *written)

    class Decoder(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.decoder = Body()

        def forward(self, input_ids: Any, start: Any, last: Any, *state: Any) -> Any:
            return self.decoder(input_ids, start, last, state)

    return Decoder()


def _positions(count: int, width: int) -> torch.nn.Module:
    import torch

    module = torch.nn.Module()
    module.encodings = torch.nn.Parameter(torch.zeros(count, width))
    return module
