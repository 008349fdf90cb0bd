"""Static quantisation of a LiteRT model to 8 bits, but for what 8 bits would ruin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wattmark.contracts import Inputs

if TYPE_CHECKING:
    from wattmark.frameworks.aten.program import Program

#: LiteRT's operators that are not quantised statically: their results span too many magnitudes
#: for steps of one size, or (BATCH_MATMUL, in attention) both operands are activations
_KEPT_FLOAT = (
    "BATCH_MATMUL",
    *("DIV", "EXP", "LOG", "MEAN", "POW", "RSQRT", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SUM"),
    *("SOFTMAX", "LOG_SOFTMAX", "SIN", "COS", "MAXIMUM", "MINIMUM", "SELECT", "SELECT_V2"),
)
#: the same for what a normalisation and a residual sum are made of, in networks that have them
_ARITHMETIC = ("ADD", "SUB", "MUL")
_NORMS = {
    *("aten.native_layer_norm.default", "aten.native_group_norm.default"),
    *("channels_last.group_norm", "aten.rsqrt.default"),
}


def quantised(
    converter: Any,
    programs: Sequence[Program],
    calibration: Callable[[], Iterator[tuple[str, Inputs]]],
) -> bytes:
    """The flatbuffer, with ranges of activations seen on ``calibration``.

    That gives inputs with their signature. By LiteRT's selective quantisation
    (ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_debugger).
    """
    import tensorflow as tf

    normalises = any(node.op in _NORMS for program in programs for node in program.nodes)
    kept_float = [*_KEPT_FLOAT, *(_ARITHMETIC if normalises else ())]
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=kept_float)
    debugger = tf.lite.experimental.QuantizationDebugger(converter=converter, debug_options=options)
    return _with_shared_buffers(debugger.get_nondebug_quantized_model())


def _with_shared_buffers(flatbuffer: bytes) -> bytes:
    """The same model with equal weights once: the quantiser writes them for every signature."""
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    first: dict[bytes, int] = {}
    stands_for: dict[int, int] = {}
    for place, buffer in enumerate(model.buffers):
        if buffer.data is not None:
            content = hashlib.sha256(np.asarray(buffer.data, np.uint8).tobytes()).digest()
            stands_for[place] = first.setdefault(content, place)
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer = stands_for.get(tensor.buffer, tensor.buffer)
    for place, other in stands_for.items():
        if place != other:
            model.buffers[place].data = None
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
