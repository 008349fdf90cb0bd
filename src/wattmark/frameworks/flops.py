"""FLOPs of a query, counted from the graphs that PyTorch executes while it is answered.

A multiply-add counts as two FLOPs. Counted are matrix products, convolutions and attention;
element-wise work, normalisation, softmax, biases and look-ups are not (the convention of
``torch.utils.flop_counter``). For a linear layer of n -> m on t rows that is ``2·t·n·m``, for a
convolution ``2·(elements of the output)·(elements of the kernel per output channel)``, for
attention of s queries on k keys with h heads of width d ``4·h·s·k·d``: k is the size of the
cache, empty places included, since a static program computes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from wattmark.contracts import Inputs, Network, Pipeline
from wattmark.errors import FrameworkError
from wattmark.frameworks.torch_runners import runner


def _attention(query: Sequence[int], key: Sequence[int], *_: Any, **__: Any) -> int:
    """Scores and weighted sum: two products of (s, d) x (d, k) per head.

    ``query`` is (batch, heads, s, d), ``key`` (batch, heads, k, d); values are as wide as keys.
    """
    return 4 * prod(query) * key[-2]


def _matrix_vector(matrix: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * prod(matrix)


def _unknown(*_: Any, **__: Any) -> int:
    raise FrameworkError(
        "FLOPs of a fused recurrent layer are not known to the counter: they would be missed"
    )


def count_flops(networks: Iterable[Network], pipeline: Pipeline, inputs: Inputs) -> int:
    """FLOPs of one whole query with these inputs: all calls of all networks of the reference.

    PyTorch's own counter has no rule for the attention kernel that it uses on CPUs and silently
    leaves it out; here it has one. Raises FrameworkError for a fused kernel without a rule.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    aten = torch.ops.aten
    rules = {
        aten._scaled_dot_product_flash_attention_for_cpu: _attention,
        aten.mv: _matrix_vector,
        aten.dot: _matrix_vector,
        aten.mkldnn_rnn_layer: _unknown,
    }
    counter = FlopCounterMode(display=False, custom_mapping=rules)
    fused = torch.backends.mha.get_fastpath_enabled()
    # nn.TransformerEncoderLayer's fused kernel has no rule; unfused it does the same work
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # not inference_mode: under it composite operators reach the counter whole
        runners = {n.name: runner(n.module(), n, guard=torch.no_grad) for n in networks}
        with counter:
            pipeline(runners, inputs, lambda phase, units: None)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return int(counter.get_total_flops())
