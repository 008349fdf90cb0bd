"""Two small models with random weights: a transformer with padding buckets, and a ConvNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wattmark.contracts import Inputs, InputSpec, Model
from wattmark.records import ModelInfo


class TinyTransformer:
    """Embedding, masked self-attention, feed-forward, masked mean, two classes."""

    name = "tiny-transformer"
    task = "text-classification"
    inputs = (
        InputSpec("input_ids", "int64", (1, "length")),
        InputSpec("attention_mask", "int64", (1, "length")),
    )
    axes = {"length": (8, 16)}

    def info(self) -> ModelInfo:
        return ModelInfo(name=self.name, digest="0" * 64, licence="Apache-2.0")

    def module(self) -> Any:
        import torch
        from torch import nn
        from torch.nn import functional

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.embedding = nn.Embedding(100, 32)
                self.norm = nn.LayerNorm(32)
                self.qkv = nn.Linear(32, 96)
                self.out = nn.Linear(32, 32)
                self.up = nn.Linear(32, 128)
                self.down = nn.Linear(128, 32)
                self.head = nn.Linear(32, 2)

            def forward(self, input_ids: Any, attention_mask: Any) -> Any:
                x = self.norm(self.embedding(input_ids))
                batch, length, width = x.shape
                q, k, v = self.qkv(x).view(batch, length, 3, 4, 8).permute(2, 0, 3, 1, 4)
                mask = attention_mask[:, None, None, :].bool()
                y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
                x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
                x = x + self.down(functional.gelu(self.up(x)))
                weight = attention_mask.unsqueeze(-1).to(x.dtype)
                pooled = (x * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
                return self.head(functional.normalize(pooled, dim=1))

        torch.manual_seed(0)
        return Net().eval()

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        rng = np.random.default_rng(0)
        prepared = []
        for length in examples:
            bucket = next(b for b in self.axes["length"] if b >= length)
            ids = np.zeros((1, bucket), np.int64)
            ids[0, :length] = rng.integers(1, 100, length)
            prepared.append({"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64)})
        return prepared


class TinyConvNet:
    """Strided, depthwise and pointwise convolutions, batch norm, ReLU6, residual, pooling."""

    name = "tiny-convnet"
    task = "image-classification"
    inputs = (InputSpec("image", "float32", (1, 3, 32, 32)),)
    axes: dict[str, tuple[int, ...]] = {}

    def info(self) -> ModelInfo:
        return ModelInfo(name=self.name, digest="1" * 64, licence="Apache-2.0")

    def module(self) -> Any:
        import torch
        from torch import nn
        from torch.nn import functional

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.stem = nn.Conv2d(3, 16, 3, stride=2, bias=False)
                self.bn1 = nn.BatchNorm2d(16)
                self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False)
                self.bn2 = nn.BatchNorm2d(16)
                self.pointwise = nn.Conv2d(16, 16, 1, bias=True)
                self.pool = nn.MaxPool2d(3, stride=2, padding=1)
                self.head = nn.Linear(16, 10)

            def forward(self, image: Any) -> Any:
                x = functional.pad(image, (0, 1, 0, 1))
                x = functional.relu6(self.bn1(self.stem(x)))
                x = x + self.pointwise(functional.relu6(self.bn2(self.depthwise(x))))
                x = functional.adaptive_avg_pool2d(self.pool(x), 1)
                return self.head(torch.flatten(x, 1))

        torch.manual_seed(0)
        net = Net()
        for bn in (net.bn1, net.bn2):
            nn.init.uniform_(bn.running_mean, -0.5, 0.5)
            nn.init.uniform_(bn.running_var, 0.5, 1.5)
            nn.init.uniform_(bn.weight, 0.5, 1.5)
        return net.eval()

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        rng = np.random.default_rng(0)
        return [{"image": rng.standard_normal((1, 3, 32, 32)).astype(np.float32)} for _ in examples]


def reference_outputs(model: Model, queries: Sequence[Inputs]) -> list[np.ndarray]:
    """What the PyTorch module says."""
    import torch

    module = model.module()
    with torch.inference_mode():
        return [
            module(*(torch.from_numpy(q[spec.name]) for spec in model.inputs)).numpy()
            for q in queries
        ]
