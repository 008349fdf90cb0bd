"""Small networks with random weights, each with queries of its own.

``TinyTransformer`` (padding buckets) and ``TinyConvNet`` have no state. ``TinyDecoder`` has a
key-value cache. ``TinyEncoder`` and ``TinyCrossDecoder`` make up an encoder-decoder: what the one
writes, the other reads. All are :class:`wattmark.contracts.Network`, constructed without
arguments; ``dataclasses.replace(network, build=...)`` makes a variant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wattmark.contracts import Inputs, InputSpec, Network, State

#: a call of a stateful network: its inputs, the state is not among them
Calls = Sequence[Inputs]

VOCABULARY, WIDTH, HEADS, HEAD = 50, 32, 4, 8


def _transformer() -> Any:
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


def _convnet() -> Any:
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


@dataclass(frozen=True)
class TinyTransformer(Network):
    """Embedding, masked self-attention, feed-forward, masked mean, two classes."""

    name: str = "tiny-transformer"
    inputs: tuple[InputSpec, ...] = (
        InputSpec("input_ids", "int64", (1, "length")),
        InputSpec("attention_mask", "int64", (1, "length")),
    )
    build: Callable[[], Any] = _transformer
    axes: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"length": (8, 16)})

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        """Random token ids, as many as each example says."""
        rng = np.random.default_rng(0)
        prepared = []
        for length in examples:
            bucket = next(b for b in self.axes["length"] if b >= length)
            ids = np.zeros((1, bucket), np.int64)
            ids[0, :length] = rng.integers(1, 100, length)
            prepared.append({"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64)})
        return prepared


@dataclass(frozen=True)
class TinyConvNet(Network):
    """Strided, depthwise and pointwise convolutions, batch norm, ReLU6, residual, pooling."""

    name: str = "tiny-convnet"
    inputs: tuple[InputSpec, ...] = (InputSpec("image", "float32", (1, 3, 32, 32)),)
    build: Callable[[], Any] = _convnet

    def preprocess(self, examples: Sequence[Any]) -> list[Inputs]:
        """A random image for each example."""
        rng = np.random.default_rng(0)
        return [{"image": rng.standard_normal((1, 3, 32, 32)).astype(np.float32)} for _ in examples]


def _decoder(layers: int = 2, cross: bool = False) -> Any:
    """Takes input_ids, start, last, then each layer's keys and values: the cross-attention's of
    all layers, where there is one, and the cache's. Returns logits and the cache."""
    import torch
    from torch import nn
    from torch.nn.functional import gelu, scaled_dot_product_attention

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, WIDTH)
            self.positions = nn.Embedding(32, WIDTH)
            self.norm = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(layers))
            self.qkv = nn.ModuleList(nn.Linear(WIDTH, 3 * WIDTH) for _ in range(layers))
            self.asked = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(layers * cross))
            self.up = nn.ModuleList(nn.Linear(WIDTH, 64) for _ in range(layers))
            self.down = nn.ModuleList(nn.Linear(64, WIDTH) for _ in range(layers))
            self.head = nn.Linear(WIDTH, VOCABULARY)

        def forward(self, input_ids: Any, start: Any, last: Any, *state: Any) -> Any:
            batch, length = input_ids.shape
            crossed, cache = state[: 2 * layers * cross], state[2 * layers * cross :]
            context = cache[0].shape[2]
            position = start[:, None] + torch.arange(length, device=start.device)
            visible = torch.arange(context, device=start.device) <= position[:, :, None]
            index = position[:, None, :, None].expand(batch, HEADS, length, HEAD)
            x = self.embedding(input_ids) + self.positions(position)
            written = []
            for i in range(layers):
                qkv = self.qkv[i](self.norm[i](x)).view(batch, length, 3, HEADS, HEAD)
                q, k, v = qkv.permute(2, 0, 3, 1, 4)
                k = torch.scatter(cache[2 * i], 2, index, k)
                v = torch.scatter(cache[2 * i + 1], 2, index, v)
                written += [k, v]
                y = scaled_dot_product_attention(q, k, v, attn_mask=visible[:, None])
                x = x + y.transpose(1, 2).reshape(batch, length, WIDTH)
                if cross:
                    q = self.asked[i](x).view(batch, length, HEADS, HEAD).transpose(1, 2)
                    y = scaled_dot_product_attention(q, crossed[2 * i], crossed[2 * i + 1])
                    x = x + y.transpose(1, 2).reshape(batch, length, WIDTH)
                x = x + self.down[i](gelu(self.up[i](x)))
            row = last[:, None, None].expand(batch, 1, WIDTH)
            logits = self.head(torch.gather(x, 1, row)[:, 0])
            return (logits, *written)

    torch.manual_seed(0)
    return Net().eval()


def _encoder(layers: int = 2) -> Any:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(6, WIDTH)
            self.kv = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(2 * layers))

        def forward(self, features: Any) -> Any:
            batch, frames, _ = features.shape
            x = torch.tanh(self.inner(features))
            heads = [m(x).view(batch, frames, HEADS, HEAD).transpose(1, 2) for m in self.kv]
            return (x.mean((1, 2))[:, None], *(h.contiguous() for h in heads))

    torch.manual_seed(1)
    return Net().eval()


def _kv(prefix: str, axis: str, layers: int = 2) -> tuple[InputSpec, ...]:
    return tuple(
        InputSpec(f"{prefix}_{kind}_{i}", "float32", (1, HEADS, axis, HEAD))
        for i in range(layers)
        for kind in ("key", "value")
    )


_STEP = (
    InputSpec("input_ids", "int64", (1, "length")),
    InputSpec("start", "int64", (1,)),
    InputSpec("last", "int64", (1,)),
)


def _steps(prompt: int, bucket: int, tokens: int) -> list[Inputs]:
    """Prefill of ``prompt`` random tokens padded to ``bucket``, then ``tokens`` single ones."""
    rng = np.random.default_rng(prompt)
    ids = np.zeros((1, bucket), np.int64)
    ids[0, :prompt] = rng.integers(1, VOCABULARY, prompt)
    calls = [{"input_ids": ids, "start": np.array([0]), "last": np.array([prompt - 1])}]
    for n in range(tokens):
        token = rng.integers(1, VOCABULARY, (1, 1))
        calls.append({"input_ids": token, "start": np.array([prompt + n]), "last": np.array([0])})
    return calls


@dataclass(frozen=True)
class TinyDecoder(Network):
    """Two layers with a key-value cache; ``start`` and ``last`` as in every greedy generator."""

    name: str = "decode"
    inputs: tuple[InputSpec, ...] = _STEP
    build: Callable[[], Any] = _decoder
    axes: Mapping[str, tuple[int, ...]] = field(
        default_factory=lambda: {"length": (1, 4, 8), "context": (16, 32)}
    )
    reads: tuple[InputSpec, ...] = _kv("cache", "context")
    writes: tuple[InputSpec, ...] = _kv("cache", "context")
    sizes: tuple[Mapping[str, int], ...] = (
        {"length": 1, "context": 16},
        {"length": 4, "context": 16},
        {"length": 1, "context": 32},
        {"length": 8, "context": 32},
    )

    def conversations(self) -> list[tuple[dict[str, int], Calls]]:
        """Sizes to start with and the calls that follow; every combination of sizes occurs."""
        return [({"context": 16}, _steps(3, 4, 3)), ({"context": 32}, _steps(6, 8, 3))]


@dataclass(frozen=True)
class TinyEncoder(Network):
    """Writes the keys and values that ``TinyCrossDecoder`` reads."""

    name: str = "encode"
    inputs: tuple[InputSpec, ...] = (InputSpec("features", "float32", (1, "frames", 6)),)
    build: Callable[[], Any] = _encoder
    axes: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: {"frames": (5, 10)})
    writes: tuple[InputSpec, ...] = _kv("cross", "frames")


@dataclass(frozen=True)
class TinyCrossDecoder(Network):
    """A decoder of one cache size that also reads what ``TinyEncoder`` wrote."""

    name: str = "decode"
    inputs: tuple[InputSpec, ...] = _STEP
    build: Callable[[], Any] = lambda: _decoder(cross=True)
    axes: Mapping[str, tuple[int, ...]] = field(
        default_factory=lambda: {"length": (1, 4), "context": (16,), "frames": (5, 10)}
    )
    reads: tuple[InputSpec, ...] = _kv("cross", "frames") + _kv("cache", "context")
    writes: tuple[InputSpec, ...] = _kv("cache", "context")

    def conversations(self) -> list[tuple[dict[str, int], Calls]]:
        """As ``TinyDecoder``'s; the first call of each is for the encoder."""
        rng = np.random.default_rng(0)
        return [
            (
                {"context": 16, "frames": frames},
                [
                    {"features": rng.standard_normal((1, frames, 6)).astype(np.float32)},
                    *_steps(3, 4, 2),
                ],
            )
            for frames in (5, 10)
        ]


def run_decoder(decoder: Any, sizes: Mapping[str, int], calls: Calls) -> list[np.ndarray]:
    """The logits of each call of a loaded TinyDecoder, the state passed on from call to call."""
    state: State = decoder.start(sizes)
    outputs = []
    for call in calls:
        output, state = decoder.step(call, state)
        outputs.append(output)
    return outputs


def run_encoder_decoder(
    encoder: Any, decoder: Any, sizes: Mapping[str, int], calls: Calls
) -> list[np.ndarray]:
    """The output of the loaded encoder's call and the logits of each of the decoder's."""
    encoded, written = encoder.step(calls[0], encoder.start(sizes))
    state: State = {**decoder.start(sizes), **written}
    outputs = [encoded]
    for call in calls[1:]:
        output, state = decoder.step(call, state)
        outputs.append(output)
    return outputs


def reference_outputs(network: Network, queries: Sequence[Inputs]) -> list[np.ndarray]:
    """What the PyTorch module of a network without state says."""
    import torch

    module = network.module()
    with torch.inference_mode():
        return [
            module(*(torch.from_numpy(q[spec.name]) for spec in network.inputs)).numpy()
            for q in queries
        ]


class Reference:
    """The PyTorch module of a stateful network as a StatefulRunner, in the plainest way."""

    def __init__(self, network: Network) -> None:
        self.network, self.module = network, network.module()

    def start(self, sizes: Mapping[str, int]) -> State:
        import torch

        return {
            spec.name: torch.zeros([sizes.get(a, a) for a in spec.shape])  # type: ignore[call-overload]
            for spec in self.network.reads
        }

    def step(self, inputs: Inputs, state: State) -> tuple[np.ndarray, State]:
        import torch

        given = [torch.from_numpy(inputs[spec.name]) for spec in self.network.inputs]
        with torch.inference_mode():
            output, *written = self.module(*given, *(state[s.name] for s in self.network.reads))
        names = [spec.name for spec in self.network.writes]
        return output.numpy(), {**state, **dict(zip(names, written, strict=True))}
