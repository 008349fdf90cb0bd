"""Linear layers with integer weights. Imports PyTorch.

The schemes are those of PyTorch's ``torchao`` package (0.18), the kernels are PyTorch's own, so
that one artefact serves eager, compiled, traced and exported code alike; torchao's tensors can
neither be traced nor, on a CPU, use these kernels.

* ``int8-weight-only`` (``Int8WeightOnlyConfig``): symmetric, one scale per output row.
* ``int4-weight-only`` (``Int4WeightOnlyConfig``, group size 32): asymmetric, a scale and a zero
  point in bfloat16 for every 32 weights of a row: 5 bits a weight. Layers whose inputs are not a
  multiple of 32 or whose outputs not one of 16 stay as they are: the kernels cannot do them.
* ``int8-dynamic`` (``Int8DynamicActivationInt8WeightConfig``): weights as in int8-weight-only;
  activations are quantised at every call, symmetric, one scale per row. (One scale for all rows,
  as in PyTorch's older ``quantize_dynamic``, destroys language models: cosine to FP32 of
  SmolLM2-135M's logits 0.72, here 0.996.)

Weight-only layers take and give bfloat16. Only ``nn.Linear`` is quantised; a weight that is tied
to an embedding is stored a second time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wattmark.records import Precision

#: Weights that share a scale and a zero point in INT4.
GROUP = 32
#: Up to so many rows the INT8 kernel is the faster one, which converts weights as it goes
#: (1024 x 1024, one core with AVX-512: 4 rows 0.17 ms to 0.38 ms, 16 rows 0.63 ms to 0.44 ms).
FEW_ROWS = 8
#: The INT8 kernel reads so many inputs at once, beyond the end of a row of fewer (torch 2.13).
INT8_STEP = 16
#: Rows that a CUDA integer product needs at least.
CUDA_ROWS = 32

aten: Any = torch.ops.aten


class QuantisedLinear(nn.Module, ABC):  # type: ignore[misc]  # torch is untyped here
    """Stands for an ``nn.Linear``. Its buffers are what the artefact holds.

    ``pack`` brings them into the form that the kernel of this device wants, once, after loading.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        bias = None if linear.bias is None else linear.bias.detach()
        self.register_buffer("bias", bias)
        weight, scale = self.quantise(linear.weight.detach().float())
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)

    @classmethod
    def fits(cls, linear: nn.Linear) -> bool:
        """Whether the kernel can do a layer of this shape."""
        return True

    def quantise(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Integer weights and scales of a float32 weight (out, in): symmetric, one per row."""
        return int8_rows(weight)

    def pack(self) -> None:
        """Prepare for the kernel of the device that the buffers are on."""

    @abstractmethod
    def product(self, rows: Tensor) -> Tensor:
        """Rows (n, in) times the weight: (n, out)."""

    def forward(self, x: Tensor) -> Tensor:
        """As ``nn.Linear``."""
        y = self.product(x.reshape(-1, self.in_features).contiguous())
        y = y.view(*x.shape[:-1], self.out_features)
        return y if self.bias is None else y + self.bias


class Int8WeightOnlyLinear(QuantisedLinear):
    """INT8 weights, bfloat16 activations."""

    def quantise(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """As in the base, the scales in bfloat16."""
        return int8_rows(weight, torch.bfloat16)

    def product(self, rows: Tensor) -> Tensor:
        """Few rows: weights are converted as they are read; many: once, before the product."""
        by_element = rows.shape[0] <= FEW_ROWS and self.in_features % INT8_STEP == 0
        if by_element and not rows.is_cuda:
            return aten._weight_int8pack_mm(rows, self.weight, self.scale)
        return functional.linear(rows, self.weight.to(rows.dtype)) * self.scale


class Int4WeightOnlyLinear(QuantisedLinear):
    """INT4 weights in groups of 32, bfloat16 activations.

    ``weight`` uint8 (out, in/2) holds an even input in the high half of a byte and the odd one
    after it in the low half; ``scale`` bfloat16 (in/32, out, 2) scale and zero point, as in
    weight = (value - 8) * scale + zero.
    """

    packed: Tensor
    group: Tensor

    @classmethod
    def fits(cls, linear: nn.Linear) -> bool:
        """In groups of 32 inputs and blocks of 16 outputs."""
        inputs, outputs = int(linear.in_features), int(linear.out_features)
        return inputs % GROUP == 0 and outputs % 16 == 0

    def quantise(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Two weights a byte; scales and zero points."""
        groups = weight.view(self.out_features, -1, GROUP)
        low, high = groups.amin(-1), groups.amax(-1)
        scale = ((high - low).clamp(min=1e-6) / 15).to(torch.bfloat16)
        zero = (low + 8 * scale.float()).to(torch.bfloat16)
        steps = (groups - zero.float()[..., None]) / scale.float()[..., None]
        values = (steps.round() + 8).clamp(0, 15).to(torch.uint8).view_as(weight)
        parameters = torch.stack((scale, zero), -1).transpose(0, 1).contiguous()
        return values[:, ::2] << 4 | values[:, 1::2], parameters

    def pack(self) -> None:
        """The kernel's own order, which depends on the processor."""
        if self.weight.is_cuda:
            packed = aten._convert_weight_to_int4pack(self.weight, 2)
        else:
            values = torch.stack((self.weight >> 4, self.weight & 15), -1).flatten(1)
            packed = aten._convert_weight_to_int4pack_for_cpu(values.int(), 1)
        self.register_buffer("packed", packed)
        # a matrix: Inductor makes smaller tensors constants of its own, which AOTInductor loses
        # where a package holds no weights
        self.register_buffer("group", torch.tensor([[GROUP]]))
        del self.weight

    def product(self, rows: Tensor) -> Tensor:
        """Weights are converted as they are read."""
        if rows.is_cuda:
            return aten._weight_int4pack_mm(rows, self.packed, GROUP, self.scale)
        product = torch.ops.quantized.int4mm_packed_weight_cpu
        return product(rows, self.packed, self.group, self.scale)


class Int8DynamicLinear(QuantisedLinear):
    """INT8 weights and activations, float32 between layers."""

    exact: bool

    def pack(self) -> None:
        """Find out whether this device can multiply integers."""
        self.exact = self.weight.is_cuda or exact_integer_product()

    def product(self, rows: Tensor) -> Tensor:
        """Activations are quantised, the product is of integers."""
        values, scale = int8_rows(rows)
        if self.exact:
            product = integer_product(values, self.weight)
        else:
            product = functional.linear(values.float(), self.weight.float())
        return product * scale[:, None] * self.scale


def int8_rows(rows: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """INT8 values (n, m) and scales (n,) such that values * scale is nearly ``rows``.

    A row's scale is its largest magnitude / 127.5, as in torchao: half of the 255 steps.
    """
    scale = (rows.abs().amax(-1).float().clamp(min=1e-12) / 127.5).to(dtype)
    values = (rows / scale.float()[:, None]).round().clamp(-128, 127).to(torch.int8)
    return values, scale


def integer_product(rows: Tensor, weight: Tensor) -> Tensor:
    """INT8 (n, in) times INT8 (out, in): float32 (n, out)."""
    count = rows.shape[0]
    if rows.is_cuda and count < CUDA_ROWS:
        rows = functional.pad(rows, (0, 0, 0, CUDA_ROWS - count))
    return torch._int_mm(rows, weight.t())[:count].float()


@cache
def exact_integer_product() -> bool:
    """Whether the INT8 product of this CPU adds up in 32 bits.

    Without VNNI oneDNN adds pairs in 16 bits that saturate: 256 products of 127 and 127 give
    32640 (seen with torch 2.13 and ONEDNN_MAX_CPU_ISA=AVX2).
    """
    ones = torch.full((16, 64), 127, dtype=torch.int8)
    return bool((torch._int_mm(ones, ones.t()) == 64 * 127 * 127).all())


LAYERS: dict[Precision, type[QuantisedLinear]] = {
    Precision.INT8_DYNAMIC: Int8DynamicLinear,
    Precision.INT8_WEIGHT_ONLY: Int8WeightOnlyLinear,
    Precision.INT4_WEIGHT_ONLY: Int4WeightOnlyLinear,
}


def quantise(module: nn.Module, precision: Precision) -> int:
    """Replace the module's ``nn.Linear`` layers, in place, where the kernel can do their shape.

    Returns how many it replaced.
    """
    kind = LAYERS[precision]
    found = [
        (parent, name, layer)
        for parent in module.modules()
        for name, layer in parent.named_children()
        # a subclass may be asked for its weight by others: nn.MultiheadAttention does
        if type(layer) is nn.Linear and kind.fits(layer)
    ]
    for parent, name, layer in found:
        setattr(parent, name, kind(layer))
    return len(found)


def pack(module: nn.Module) -> None:
    """Bring all quantised layers into the form that their kernels want."""
    for layer in module.modules():
        if isinstance(layer, QuantisedLinear):
            layer.pack()
