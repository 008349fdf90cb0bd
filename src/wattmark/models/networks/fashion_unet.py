"""A small U-Net that removes noise from 32 x 32 images, told the time step and the class.

Ronneberger et al., "U-Net", MICCAI 2015 (arXiv 1505.04597), in the form of Ho et al., "Denoising
Diffusion Probabilistic Models", NeurIPS 2020 (arXiv 2006.11239): residual blocks with group norm
and SiLU, attention at 8 x 8. Time and class scale and shift each block (FiLM, Perez et al., AAAI
2018, arXiv 1709.07871). It works on patches of 2 x 2 pixels, which makes it four times cheaper
(Hoogeboom et al., "simple diffusion", ICML 2023, arXiv 2301.11093, section 3.3).

Imported only where the network is built or trained: it needs torch.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

CHANNELS, DEEP_CHANNELS = 48, 64
EMBEDDING = 128
GROUPS, HEADS = 8, 4
PATCH = 2
TIME_STEPS, CLASSES = 1000, 10


class FashionUnet(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """x (n, 1, 32, 32) float32, t (n,) int64 below 1000, class_id (n,) int64 below 10.

    Returns v (n, 1, 32, 32) float32: what Salimans and Ho (ICLR 2022, arXiv 2202.00512) call the
    velocity, sqrt(a) * noise - sqrt(1 - a) * image, where a is the schedule's cumulative product.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positions", sinusoids(TIME_STEPS, CHANNELS), persistent=False)
        self.time = nn.Sequential(
            nn.Linear(CHANNELS, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING)
        )
        self.classes = nn.Embedding(CLASSES, EMBEDDING)
        self.patches = nn.Conv2d(1, CHANNELS, 2 * PATCH, PATCH, padding=1)
        self.down = nn.ModuleList([Block(CHANNELS, CHANNELS), Block(CHANNELS, CHANNELS)])
        self.halve = nn.Conv2d(CHANNELS, CHANNELS, 3, 2, padding=1)
        self.deep_down = nn.ModuleList(
            [Block(CHANNELS, DEEP_CHANNELS), Block(DEEP_CHANNELS, DEEP_CHANNELS)]
        )
        self.attention = Attention(DEEP_CHANNELS)
        self.middle = Block(DEEP_CHANNELS, DEEP_CHANNELS)
        self.deep_up = nn.ModuleList([Block(2 * DEEP_CHANNELS, DEEP_CHANNELS) for _ in range(2)])
        self.up = nn.ModuleList(
            [Block(DEEP_CHANNELS + CHANNELS, CHANNELS), Block(2 * CHANNELS, CHANNELS)]
        )
        self.normalise = nn.GroupNorm(GROUPS, CHANNELS)
        self.pixels = nn.Conv2d(CHANNELS, PATCH * PATCH, 3, padding=1)

    def forward(self, x: torch.Tensor, t: torch.Tensor, class_id: torch.Tensor) -> torch.Tensor:
        """The velocity."""
        told = functional.silu(
            self.time(functional.embedding(t, self.positions)) + self.classes(class_id)
        )
        x = self.patches(x)
        kept = []
        for block in self.down:
            x = block(x, told)
            kept.append(x)
        x = self.halve(x)
        for block in self.deep_down:
            x = block(x, told)
            kept.append(x)
        x = self.middle(self.attention(x), told)
        for block in self.deep_up:
            x = block(torch.cat([x, kept.pop()], 1), told)
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        for block in self.up:
            x = block(torch.cat([x, kept.pop()], 1), told)
        x = self.pixels(functional.silu(self.normalise(x)))
        return functional.pixel_shuffle(x, PATCH)


class Block(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Residual block: two 3 x 3 convolutions; what it is told scales and shifts between them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.before = nn.GroupNorm(GROUPS, inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.film = nn.Linear(EMBEDDING, 2 * outputs)
        self.between = nn.GroupNorm(GROUPS, outputs)
        self.second = _zeroed(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """x (n, inputs, h, w) and told (n, 128) to (n, outputs, h, w)."""
        scale, shift = self.film(told)[:, :, None, None].chunk(2, 1)
        inner = self.first(functional.silu(self.before(x)))
        inner = self.between(inner) * (1 + scale) + shift
        return self.shortcut(x) + self.second(functional.silu(inner))


class Attention(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Self-attention over the positions of an image, added to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalise = nn.GroupNorm(GROUPS, channels)
        self.project = nn.Linear(channels, 3 * channels)
        self.out = _zeroed(nn.Linear(channels, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (n, channels, h, w) to the same shape."""
        batch, channels, height, width = x.shape
        rows = self.normalise(x).flatten(2).transpose(1, 2)
        query, key, value = (
            part.reshape(batch, height * width, HEADS, channels // HEADS).transpose(1, 2)
            for part in self.project(rows).chunk(3, 2)
        )
        seen = functional.scaled_dot_product_attention(query, key, value)
        mixed = self.out(seen.transpose(1, 2).reshape(batch, height * width, channels))
        return x + mixed.transpose(1, 2).reshape(batch, channels, height, width)


def sinusoids(steps: int, width: int) -> torch.Tensor:
    """Position table (steps, width): Vaswani et al., NeurIPS 2017 (arXiv 1706.03762), 3.5.

    A table and not a formula: sines of large arguments differ between frameworks.
    """
    rates = torch.exp(-math.log(10_000) * torch.arange(width // 2, dtype=torch.float64) * 2 / width)
    angles = torch.arange(steps, dtype=torch.float64)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1).float()


def _zeroed(layer: nn.Module) -> nn.Module:
    """The same layer with its weights at zero: a block starts as the identity."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
