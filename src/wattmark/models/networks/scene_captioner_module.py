"""The captioner's PyTorch modules: a ConvNet and a transformer, whole and as two networks.

The ConvNet's 8 x 8 map is read by a transformer layer as 64 tokens; the decoder's layers have
self-attention with a key-value cache, cross-attention to the 64 tokens and a feed-forward part,
each with a norm before it (Vaswani et al., "Attention Is All You Need", NeurIPS 2017,
arXiv 1706.03762; norm first after Xiong et al., ICML 2020, arXiv 2002.04745).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SIDE = 64
WIDTH = 128
HEADS = 4
LAYERS = 3
PATCHES = 64
#: positions of the cache: the begin token and the longest caption with its end token
CONTEXT = 24


def untrained(words: int) -> torch.nn.Module:
    """The whole captioner with random weights for ``words`` tokens, begin and end included.

    ``encode(image)`` takes (n, 3, 64, 64) and gives the cross-attention's keys and values, one
    of each for every layer, (n, heads, 64, width / heads). ``decode(ids, start, cross, cache)``
    takes token ids (n, length) whose first stands at position ``start`` (n,), and gives hidden
    states (n, length, width) and the cache with their keys and values, alternating as in
    ``cross``. ``logits(hidden)`` gives those of the tokens that follow, ``empty_cache(n, length)``
    zeros to begin with.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    def convolution(given: int, made: int, stride: int) -> nn.Sequential:
        conv = nn.Conv2d(given, made, 3, stride=stride, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(made), nn.ReLU())

    def heads(x: Any) -> Any:
        return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)

    def feed_forward() -> nn.Sequential:
        return nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    class Attention(nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.query = nn.Linear(WIDTH, WIDTH)
            self.key = nn.Linear(WIDTH, WIDTH)
            self.value = nn.Linear(WIDTH, WIDTH)
            self.out = nn.Linear(WIDTH, WIDTH)

        def keys_values(self, x: Any) -> tuple[Any, Any]:
            return heads(self.key(x)), heads(self.value(x))

        def forward(self, x: Any, key: Any, value: Any, mask: Any = None) -> Any:
            y = functional.scaled_dot_product_attention(
                heads(self.query(x)), key, value, attn_mask=mask
            )
            return self.out(y.transpose(1, 2).flatten(2))

    class EncoderLayer(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.attention, self.feed_forward = Attention(), feed_forward()

        def forward(self, x: Any) -> Any:
            y = self.norm_1(x)
            x = x + self.attention(y, *self.attention.keys_values(y))
            return x + self.feed_forward(self.norm_2(x))

    class DecoderLayer(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.norm_3 = nn.LayerNorm(WIDTH)
            self.attention, self.cross = Attention(), Attention()
            self.feed_forward = feed_forward()

        def forward(self, x: Any, cross: Any, cache: Any, place: Any, mask: Any) -> Any:
            y = self.norm_1(x)
            where = place[:, None, :, None].expand(-1, HEADS, -1, WIDTH // HEADS)
            written = [
                held.scatter(2, where, new.to(held.dtype))
                for held, new in zip(cache, self.attention.keys_values(y), strict=True)
            ]
            x = x + self.attention(y, *written, mask)
            x = x + self.cross(self.norm_2(x), *cross)
            return x + self.feed_forward(self.norm_3(x)), written

    class Captioner(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(
                convolution(3, 32, 2), convolution(32, 64, 2), convolution(64, 64, 1)
            )
            self.body = nn.Sequential(convolution(64, WIDTH, 2), convolution(WIDTH, WIDTH, 1))
            self.patch_position = nn.Parameter(torch.randn(PATCHES, WIDTH) * 0.02)
            self.encoder = EncoderLayer()
            self.encoder_norm = nn.LayerNorm(WIDTH)
            self.word = nn.Embedding(words, WIDTH)
            self.position = nn.Embedding(CONTEXT, WIDTH)
            self.layers = nn.ModuleList([DecoderLayer() for _ in range(LAYERS)])
            self.norm = nn.LayerNorm(WIDTH)
            nn.init.normal_(self.word.weight, std=WIDTH**-0.5)
            nn.init.normal_(self.position.weight, std=0.02)

        def encode(self, image: Any) -> list[Any]:
            x = self.body(self.stem(image)).flatten(2).transpose(1, 2)
            x = self.encoder_norm(self.encoder(x + self.patch_position))
            return [t for layer in self.layers for t in layer.cross.keys_values(x)]

        def decode(self, ids: Any, start: Any, cross: Any, cache: Any) -> tuple[Any, list[Any]]:
            place = start[:, None] + torch.arange(ids.shape[1], device=ids.device)
            held = torch.arange(cache[0].shape[2], device=ids.device)
            mask = held <= place[:, None, :, None]
            x = self.word(ids) + self.position(place)
            written: list[Any] = []
            for n, layer in enumerate(self.layers):
                own = slice(2 * n, 2 * n + 2)
                x, new = layer(x, cross[own], cache[own], place, mask)
                written += new
            return self.norm(x), written

        def logits(self, hidden: Any) -> Any:
            return functional.linear(hidden, self.word.weight)

        def empty_cache(self, batch: int, length: int) -> list[Any]:
            return [torch.zeros(batch, HEADS, length, WIDTH // HEADS)] * (2 * LAYERS)

    return Captioner()


def encode_network(captioner: Any) -> torch.nn.Module:
    """Takes an image; gives one number that nobody reads, then the cross-attention's tensors."""
    import torch

    class Encode(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.captioner = captioner

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
            cross = self.captioner.encode(image)
            return (cross[0].mean((1, 2, 3))[:, None], *cross)

    return Encode().eval()


def decode_network(captioner: Any) -> torch.nn.Module:
    """Takes ids, start, last, the cross-attention's tensors and the cache.

    Gives the logits of the token after ``last`` (n, words), and the cache with what was added.
    """
    import torch

    class Decode(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.captioner = captioner

        def forward(
            self,
            input_ids: torch.Tensor,
            start: torch.Tensor,
            last: torch.Tensor,
            *state: torch.Tensor,
        ) -> tuple[torch.Tensor, ...]:
            cross, cache = state[: 2 * LAYERS], state[2 * LAYERS :]
            hidden, written = self.captioner.decode(input_ids, start, cross, cache)
            final = hidden.gather(1, last[:, None, None].expand(-1, 1, WIDTH))
            return (self.captioner.logits(final[:, 0]), *written)

    return Decode().eval()
