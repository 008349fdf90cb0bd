"""PyTorch on a real NVIDIA GPU: every mode and precision says what the reference says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_models import (
    Reference,
    TinyConvNet,
    TinyDecoder,
    TinyTransformer,
    reference_outputs,
    run_decoder,
)

from wattmark.contracts import Network, Workspace
from wattmark.frameworks.pytorch import PyTorch
from wattmark.records import Precision, Setup
from wattmark.worker.conversion import compare, require_same_model

ON_CUDA = PyTorch().available(Setup(framework="pytorch", mode="eager", device="cuda"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ON_CUDA.available, reason=ON_CUDA.detail),
]

MODES = ("eager", "torchscript", "compile", "aotinductor")
CELLS = [(mode, precision) for mode in MODES for precision in PyTorch.modes[mode]]


@pytest.fixture
def loaded(workspace: Callable[..., Workspace]) -> Callable[..., Any]:
    """Prepare a network for the GPU and load it."""

    def load(mode: str, precision: Precision, network: Network) -> Any:
        space = workspace(network, "pytorch", mode, precision)
        space = replace(space, setup=space.setup.model_copy(update={"device": "cuda"}))
        PyTorch().prepare(space)
        return PyTorch().load(space.out, network, space.setup, threads=1)

    return load


@pytest.mark.parametrize(("mode", "precision"), CELLS)
def test_a_decoder_says_what_the_reference_says_at_every_size(mode, precision, loaded):
    network = TinyDecoder()
    decoder = loaded(mode, precision, network)
    for sizes, calls in network.conversations():
        ours = run_decoder(decoder, sizes, calls)
        check = compare(ours, run_decoder(Reference(network), sizes, calls), precision)
        require_same_model(check)
        assert all(output.dtype == np.float32 for output in ours)
        assert (check.max_rel_difference > 1e-4) == (not precision.exact_weights)


@pytest.mark.parametrize(("mode", "precision"), CELLS)
def test_a_batch_is_answered_row_by_row(mode, precision, loaded):
    network = TinyTransformer()
    batched = loaded(mode, precision, network.with_batch(3))
    queries = network.preprocess([5, 7, 8])
    joined = {name: np.concatenate([q[name] for q in queries]) for name in queries[0]}
    expected = np.concatenate(reference_outputs(network, queries))
    require_same_model(compare([batched(joined)], [expected], precision))


@pytest.mark.parametrize("mode", MODES)
def test_fp32_convolutions_are_not_rounded_to_tf32(mode, loaded):
    network = replace(TinyConvNet(), build=wide_convolutions)
    queries = network.preprocess([1, 1])
    runner = loaded(mode, Precision.FP32, network)
    expected = reference_outputs(network, queries)
    check = compare([runner(query) for query in queries], expected, Precision.FP32)
    # with inputs rounded to the ten bits of TF32 it is off by 5e-4
    assert check.max_rel_difference < 2e-5


def wide_convolutions() -> Any:
    """Convolutions with as many channels as tensor cores like."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 128, 3), nn.ReLU(), nn.Conv2d(128, 128, 3), nn.ReLU(), nn.Conv2d(128, 64, 1)
    ).eval()
