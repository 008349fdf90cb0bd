"""FLOPs equal a count by hand: 2·t·n·m a linear layer, 4·h·s·k·d attention."""

from typing import Any

import numpy as np
import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.contracts import InputSpec
from wattmark.errors import FrameworkError
from wattmark.frameworks.flops import count_flops

pytestmark = pytest.mark.slow


def transformer_linears(length: int) -> int:
    per_token = 32 * 96 + 32 * 32 + 32 * 128 + 128 * 32
    return 2 * length * per_token + 2 * 32 * 2


@pytest.mark.parametrize("length", TinyTransformer.axes["length"])
def test_a_transformer_counts_its_linear_layers_and_its_attention(length: int):
    model = TinyTransformer()
    (query,) = model.preprocess([length])
    attention = 4 * 4 * length * length * 8  # 4 heads of width 8
    assert count_flops(model, query) == transformer_linears(length) + attention


def test_a_convnet_counts_its_convolutions_and_its_head():
    model = TinyConvNet()
    (query,) = model.preprocess([0])
    pixels = 16 * 16
    stem, depthwise, pointwise = 16 * 3 * 9, 16 * 9, 16 * 16
    assert count_flops(model, query) == 2 * pixels * (stem + depthwise + pointwise) + 2 * 16 * 10


class Sequence:
    """Ten steps of width 32 through a layer that PyTorch would run as one fused kernel."""

    name = "sequence"
    inputs = (InputSpec("x", "float32", (1, 10, 32)),)
    axes: dict[str, tuple[int, ...]] = {}

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def module(self) -> Any:
        return self.layer.eval()


def test_the_fused_encoder_layer_is_not_missed():
    from torch import nn

    model = Sequence(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True))
    linears = 2 * 10 * (4 * 32 * 32 + 2 * 32 * 64)
    attention = 4 * 4 * 10 * 10 * 8
    assert count_flops(model, {"x": np.ones((1, 10, 32), np.float32)}) == linears + attention


def test_a_matrix_times_a_vector_is_counted():
    import torch
    from torch import nn

    class Scores(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[0] @ torch.ones(32)

    assert count_flops(Sequence(Scores()), {"x": np.ones((1, 10, 32), np.float32)}) == 2 * 10 * 32


def test_a_fused_kernel_without_a_rule_is_refused_rather_than_missed():
    from torch import nn

    model = Sequence(nn.LSTM(32, 32, batch_first=True))
    with pytest.raises(FrameworkError, match="recurrent"):
        count_flops(model, {"x": np.ones((1, 10, 32), np.float32)})
