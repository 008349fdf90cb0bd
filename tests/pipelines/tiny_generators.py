"""A decoder and an encoder-decoder of one layer with random weights."""

from __future__ import annotations

from typing import Any

import torch
from torch_runner import TorchRunner

from wattmark.contracts import InputSpec, Network

WORDS, WIDTH, CONTEXT = 40, 16, 24
SIZES = ({"length": 1}, {"length": 4}, {"length": 8})
CACHE = tuple(InputSpec(n, "float32", (1, CONTEXT, WIDTH)) for n in ("keys", "values"))
CROSS = tuple(InputSpec(n, "float32", (1, 5, WIDTH)) for n in ("cross_keys", "cross_values"))
TOKENS = (
    InputSpec("input_ids", "int64", (1, "length")),
    InputSpec("start", "int64", (1,)),
    InputSpec("last", "int64", (1,)),
)


class Encoder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.keys, self.values = torch.nn.Linear(3, WIDTH), torch.nn.Linear(3, WIDTH)

    def forward(self, signal: Any) -> Any:
        return torch.zeros(len(signal), 1), self.keys(signal), self.values(signal)


class Decoder(torch.nn.Module):
    """Self-attention over a cache; where there is an encoder, also over what it wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(WORDS, WIDTH)
        self.place = torch.nn.Embedding(CONTEXT, WIDTH)
        self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH)
        self.head = torch.nn.Linear(WIDTH, WORDS)

    def forward(self, input_ids: Any, start: Any, last: Any, *state: Any) -> Any:
        *cross, keys, values = state
        position = start[:, None] + torch.arange(input_ids.shape[1])
        x = self.embedding(input_ids) + self.place(position)
        q, k, v = self.qkv(x).split(WIDTH, dim=-1)
        index = position[:, :, None].expand(-1, -1, WIDTH)
        keys, values = keys.scatter(1, index, k), values.scatter(1, index, v)
        allowed = torch.arange(CONTEXT) <= position[:, :, None]
        attention = torch.nn.functional.scaled_dot_product_attention
        x = x + 3 * attention(q, keys, values, attn_mask=allowed)
        if cross:
            x = x + 3 * attention(x, *cross)
        return self.head(x[torch.arange(len(x)), last]), keys, values


def decoder() -> Network:
    torch.manual_seed(0)
    module = Decoder().eval()
    return Network(
        "decode", TOKENS, lambda: module, {"length": (1, 4, 8)}, CACHE, CACHE, sizes=SIZES
    )


def encoder_decoder() -> tuple[Network, Network]:
    torch.manual_seed(1)
    encode, decode = Encoder().eval(), Decoder().eval()
    signal = (InputSpec("signal", "float32", (1, 5, 3)),)
    return (
        Network("encode", signal, lambda: encode, writes=CROSS),
        Network("decode", TOKENS, lambda: decode, reads=CROSS + CACHE, writes=CACHE, sizes=SIZES),
    )


def runners(*networks: Network, batch: int = 1) -> dict[str, TorchRunner]:
    return {network.name: TorchRunner(network, batch) for network in networks}
