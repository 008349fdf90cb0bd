"""The quantised layers: their errors are bounded, and their schemes are torchao's."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.records import Precision

pytestmark = pytest.mark.slow


def linear(inputs: int, outputs: int, bias: bool = True) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(inputs * outputs)
    return nn.Linear(inputs, outputs, bias=bias)


def replaced(layer: Any, precision: str, *, packed: bool = True) -> Any:
    """A copy of the layer, quantised, in the types that the precision has."""
    from copy import deepcopy

    import torch

    from wattmark.frameworks.torch_quantised import pack, quantise
    from wattmark.frameworks.torch_runners import activation_type

    module = torch.nn.Sequential(deepcopy(layer)).to(activation_type(Precision(precision)))
    assert quantise(module, Precision(precision)) == 1
    if packed:
        pack(module)
    return module.eval()[0]


@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=40),
    st.integers(1, 3),
)
@settings(derandomize=True, deadline=None, max_examples=50)
def test_int8_is_off_by_at_most_half_a_step(values: list[float], rows: int):
    import torch

    from wattmark.frameworks.torch_quantised import int8_rows

    given = torch.tensor([values] * rows)
    integers, scale = int8_rows(given)
    step = given.abs().amax(-1) / 127.5
    error = (integers.float() * scale[:, None] - given).abs().amax(-1)
    assert (error <= 0.5001 * step + 1e-11).all()


def test_int4_is_off_by_little_more_than_half_a_step_of_its_group():
    import torch

    layer = linear(64, 16, bias=False)
    weight = layer.weight.detach().bfloat16().float()
    exact = replaced(layer, "int4-weight-only")(torch.eye(64).bfloat16()).float().T
    groups = weight.view(16, 2, 32)
    step = (groups.amax(-1) - groups.amin(-1)) / 15
    error = (exact.view(16, 2, 32) - groups).abs().amax(-1)
    # scale, zero point and result are rounded to bfloat16, 8 bits: at most 0.13 steps more
    assert (error <= 0.63 * step).all()


@pytest.mark.parametrize("precision", ["int8-dynamic", "int8-weight-only", "int4-weight-only"])
@pytest.mark.parametrize("rows", [1, 8, 9])
def test_a_quantised_layer_is_nearly_the_layer(precision, rows):
    import torch

    layer = linear(64, 48)
    ours = replaced(layer, precision)
    x = torch.randn(64, 2, rows).permute(1, 2, 0)  # not contiguous
    with torch.inference_mode():
        expected = layer(x)
        y = ours(x if precision == "int8-dynamic" else x.bfloat16()).float()
    assert y.shape == expected.shape
    assert torch.linalg.norm(y - expected) / torch.linalg.norm(expected) < 0.1


@pytest.mark.parametrize("inputs", [6, 24, 40])
@pytest.mark.parametrize("precision", ["int8-dynamic", "int8-weight-only"])
def test_odd_widths_do_not_reach_a_kernel_that_reads_beyond_them(precision, inputs):
    import torch

    layer = linear(inputs, 7)
    ours = replaced(layer, precision)
    x = torch.randn(3, inputs)
    with torch.inference_mode():
        y = ours(x if precision == "int8-dynamic" else x.bfloat16()).float()
    np.testing.assert_allclose(y, layer(x).detach(), atol=0.05)


@pytest.mark.parametrize(("inputs", "outputs"), [(48, 16), (64, 10)])
def test_shapes_that_the_int4_kernel_cannot_do_are_left(inputs, outputs):
    from torch import nn

    from wattmark.frameworks.torch_quantised import quantise

    module = nn.Sequential(linear(inputs, outputs))
    assert quantise(module, Precision.INT4_WEIGHT_ONLY) == 0
    assert type(module[0]) is nn.Linear


def test_a_layer_that_another_asks_for_its_weight_is_left():
    from torch import nn

    from wattmark.frameworks.torch_quantised import quantise

    attention = nn.MultiheadAttention(32, 4)
    assert quantise(attention, Precision.INT8_DYNAMIC) == 0


def test_int8_weights_are_torchaos():
    torchao = pytest.importorskip("torchao.quantization")
    import torch

    from wattmark.frameworks.torch_quantised import int8_rows

    theirs = torch.nn.Sequential(linear(64, 48))
    torchao.quantize_(theirs, torchao.Int8WeightOnlyConfig())
    values, scale = int8_rows(linear(64, 48).weight.detach())
    np.testing.assert_allclose(theirs[0].weight.scale.flatten(), scale, rtol=1e-6)
    difference = (theirs[0].weight.qdata.int() - values.int()).abs()
    assert difference.max() <= 1  # a tie may be rounded either way
    assert (difference > 0).float().mean() < 0.02


def test_int4_weights_are_torchaos():
    utils = pytest.importorskip("torchao.quantization.utils")
    import torch

    layer = linear(64, 48)
    ours = replaced(layer, "int4-weight-only", packed=False)
    weight = layer.weight.detach().bfloat16().float()
    values, scale_and_zero = utils.groupwise_affine_quantize_tensor(weight, 4, 32)
    np.testing.assert_allclose(scale_and_zero.float(), ours.scale.float(), rtol=2**-7, atol=2**-10)
    unpacked = torch.stack((ours.weight >> 4, ours.weight & 15), -1).flatten(1).int()
    difference = (values - unpacked).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 0.02


def test_compiled_int8_dynamic_is_torchaos():
    torchao = pytest.importorskip("torchao.quantization")
    import torch

    layer = linear(64, 48)
    ours = replaced(layer, "int8-dynamic")
    theirs = torch.nn.Sequential(linear(64, 48))
    torchao.quantize_(theirs, torchao.Int8DynamicActivationInt8WeightConfig())
    x = torch.randn(5, 64)
    with torch.inference_mode():
        np.testing.assert_allclose(ours(x), theirs(x), atol=0.02)


def test_a_cpu_whose_integer_products_saturate_is_not_trusted():
    code = (
        "import torch;"
        "from wattmark.frameworks.torch_quantised import Int8DynamicLinear as L;"
        "layer = L(torch.nn.Linear(256, 16, bias=False));"
        "layer.weight.fill_(127); layer.scale.fill_(1); layer.pack();"
        "print(layer(torch.ones(1, 256)).max().item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) == pytest.approx(256 * 127, rel=0.01)
