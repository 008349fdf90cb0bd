"""FLOPs equal a count by hand: 2·t·n·m a linear layer, 4·h·s·k·d attention."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tiny_models import TinyConvNet, TinyCrossDecoder, TinyDecoder, TinyEncoder, TinyTransformer

from wattmark.contracts import Inputs, InputSpec, Mark, Network, Output, Runners
from wattmark.errors import FrameworkError
from wattmark.frameworks.flops import QueryFlops, count_flops, count_query_flops

pytestmark = pytest.mark.slow


class OneCall:
    """Calls the only network once."""

    phases: Mapping[str, str] = {}

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        (runner,) = runners.values()
        return runner(inputs)

    probe = None


class ThreeSteps:
    """Encodes where there is an encoder, prefills four places, decodes one token twice."""

    phases: Mapping[str, str] = {"prefill": "token", "decode": "token"}

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        decoder = runners["decode"]
        state = decoder.start({"context": 16, "frames": 5})
        if "encode" in runners:
            _, written = runners["encode"].step(inputs, runners["encode"].start({}))
            state = {**state, **written}
        for start, length in ((0, 4), (4, 1), (5, 1)):
            ids = np.ones((1, length), np.int64)
            call = {"input_ids": ids, "start": np.array([start]), "last": np.array([length - 1])}
            output, state = decoder.step(call, state)
            mark("decode", 1)
        return output

    probe = None


def transformer_linears(length: int) -> int:
    per_token = 32 * 96 + 32 * 32 + 32 * 128 + 128 * 32
    return 2 * length * per_token + 2 * 32 * 2


@pytest.mark.parametrize("length", TinyTransformer().axes["length"])
def test_a_transformer_counts_its_linear_layers_and_its_attention(length: int):
    network = TinyTransformer()
    (query,) = network.preprocess([length])
    attention = 4 * 4 * length * length * 8  # 4 heads of width 8
    assert count_flops([network], OneCall(), query) == transformer_linears(length) + attention


def test_a_convnet_counts_its_convolutions_and_its_head():
    network = TinyConvNet()
    (query,) = network.preprocess([0])
    pixels = 16 * 16
    stem, depthwise, pointwise = 16 * 3 * 9, 16 * 9, 16 * 16
    expected = 2 * pixels * (stem + depthwise + pointwise) + 2 * 16 * 10
    assert count_flops([network], OneCall(), query) == expected


def decoded(tokens: int, calls: int, context: int) -> int:
    """Two layers of width 32, 4 heads of width 8; the head once a call, after 50 words."""
    linears = tokens * (32 * 96 + 2 * 32 * 64)
    attention = 4 * 4 * tokens * context * 8
    return 2 * (2 * linears + attention) + calls * 2 * 32 * 50


def test_a_generated_text_counts_prefill_and_every_step():
    expected = decoded(tokens=4 + 1 + 1, calls=3, context=16)
    assert count_flops([TinyDecoder()], ThreeSteps(), {}) == expected


def test_an_encoder_counts_once():
    query = {"features": np.ones((1, 5, 6), np.float32)}
    encoder = 2 * 5 * (6 * 32 + 4 * 32 * 32)
    crossing = 2 * (2 * 6 * 32 * 32 + 4 * 4 * 6 * 5 * 8)
    expected = encoder + decoded(tokens=6, calls=3, context=16) + crossing
    networks = [TinyEncoder(), TinyCrossDecoder()]
    assert count_flops(networks, ThreeSteps(), query) == expected


def sequence(layer: Any) -> Network:
    """Ten steps of width 32 through a layer that PyTorch would run as one fused kernel."""
    return Network("sequence", (InputSpec("x", "float32", (1, 10, 32)),), layer.eval)


X = {"x": np.ones((1, 10, 32), np.float32)}


def test_the_fused_encoder_layer_is_not_missed():
    from torch import nn

    network = sequence(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True))
    linears = 2 * 10 * (4 * 32 * 32 + 2 * 32 * 64)
    attention = 4 * 4 * 10 * 10 * 8
    assert count_flops([network], OneCall(), X) == linears + attention


def test_a_matrix_times_a_vector_is_counted():
    import torch
    from torch import nn

    class Scores(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[0] @ torch.ones(32)

    assert count_flops([sequence(Scores())], OneCall(), X) == 2 * 10 * 32


def test_a_batch_counts_as_many_times():
    network = TinyConvNet()
    (query,) = network.preprocess([0])
    one = count_flops([network], OneCall(), query)
    two = {name: np.concatenate([array, array]) for name, array in query.items()}
    assert count_flops([network.with_batch(2)], OneCall(), two) == 2 * one


def test_a_fused_kernel_without_a_rule_is_refused_rather_than_missed():
    from torch import nn

    with pytest.raises(FrameworkError, match="recurrent"):
        count_flops([sequence(nn.LSTM(32, 32, batch_first=True))], OneCall(), X)


class UntilTheEnd(ThreeSteps):
    """Says how long it likes; pinned, a fixed number of tokens."""

    phases: Mapping[str, str] = {"prefill": "token", "decode": "token"}
    open_ended = "decode"

    def __init__(self, tokens: int = 0) -> None:
        self.tokens = tokens

    def pinned(self, tokens: int) -> "UntilTheEnd":
        return UntilTheEnd(tokens)

    def __call__(self, runners: Runners, inputs: Inputs, mark: Mark) -> Output:
        decoder = runners["decode"]
        state = decoder.start({"context": 16, "frames": 5})
        for start in range(self.tokens):
            length = 1 if start else 4
            ids = np.ones((1, length), np.int64)
            call = {"input_ids": ids, "start": np.array([start]), "last": np.array([length - 1])}
            output, state = decoder.step(call, state)
            mark("decode" if start else "prefill", length)
        return output


def test_an_open_ended_query_counts_what_is_fixed_and_each_token_apart():
    whole = [count_flops([TinyDecoder()], UntilTheEnd(tokens), {}) for tokens in (1, 2, 9)]
    found = count_query_flops([TinyDecoder()], UntilTheEnd(), {})
    assert found == QueryFlops(whole[0], whole[1] - whole[0])
    assert found.fixed + 8 * found.each == whole[2], "exact for any number of tokens"
    assert count_query_flops([TinyDecoder()], ThreeSteps(), {}).each == 0
