"""FLOPs of a query, counted from the graphs that PyTorch executes while it is answered.

A multiply-add counts as two FLOPs. Counted are matrix products, convolutions and attention;
element-wise work, normalisation, softmax, biases and look-ups are not (the convention of
``torch.utils.flop_counter``). For a linear layer of n -> m on t rows that is ``2·t·n·m``, for a
convolution ``2·(elements of the output)·(elements of the kernel per output channel)``, for
attention of s queries on k keys with h heads of width d ``4·h·s·k·d``: k is the size of the
cache, empty places included, since a static program computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

from wattmark.contracts import Inputs, Network, Pipeline
from wattmark.errors import FrameworkError
from wattmark.frameworks.torch_runners import runner

#: the first token ends a prompt's phase; two more are two calls of the open-ended one
_COUNTED_TOKENS = 3


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


@dataclass(frozen=True)
class QueryFlops:
    """``fixed`` are those of every query of one shape; ``each`` are added for every unit of the
    phase whose length the answer decides (a token that is generated; 0 where there is none)."""

    fixed: int
    each: int = 0


def count_query_flops(
    networks: Iterable[Network], pipeline: Pipeline, inputs: Inputs
) -> QueryFlops:
    """FLOPs of a query of this shape, whatever is answered. Raises FrameworkError.

    Where a pipeline has an ``open_ended`` phase (generation until an end token), how often that
    phase runs is the answer's affair and differs from query to query and from setup to setup:
    then a fixed number of its calls is counted (``pinned``), each of which is the same program.
    """
    phase = str(getattr(pipeline, "open_ended", ""))
    if not phase:
        return QueryFlops(count_flops(networks, pipeline, inputs))
    counted = dict.fromkeys(pipeline.phases, 0)
    units = dict(counted)
    since = 0

    def mark(name: str, so_many: int, total: int) -> None:
        nonlocal since
        counted[name] += total - since
        units[name] += so_many
        since = total

    pinned = cast(Any, pipeline).pinned(_COUNTED_TOKENS)
    whole = count_flops(networks, pinned, inputs, mark)
    each = counted[phase] // units[phase] if units[phase] else 0
    if each * units[phase] != counted[phase]:
        raise FrameworkError(f"calls of the phase {phase} differ in FLOPs: they cannot be counted")
    return QueryFlops(whole - counted[phase], each)


def count_flops(
    networks: Iterable[Network],
    pipeline: Pipeline,
    inputs: Inputs,
    mark: Callable[[str, int, int], None] | None = None,
) -> int:
    """FLOPs of one whole query with these inputs: all calls of all networks of the reference.

    ``mark`` gets what the pipeline marks and the FLOPs until then. PyTorch's own counter has no
    rule for the attention kernel that it uses on CPUs and silently leaves it out; here it has one.
    Raises FrameworkError for a fused kernel without a rule.
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

    def marked(phase: str, units: int) -> None:
        if mark is not None:
            mark(phase, units, int(counter.get_total_flops()))

    fused = torch.backends.mha.get_fastpath_enabled()
    # nn.TransformerEncoderLayer's fused kernel has no rule; unfused it does the same work
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # not inference_mode: under it composite operators reach the counter whole
        runners = {n.name: runner(n.module(), n, guard=torch.no_grad) for n in networks}
        with counter:
            pipeline(runners, inputs, marked)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return int(counter.get_total_flops())
