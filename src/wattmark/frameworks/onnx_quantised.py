"""Integer precisions for ONNX files, by ONNX Runtime's own tools.

``int8-dynamic`` quantises weights per channel beforehand and activations per query. Convolutions
become ConvInteger, which is slower than FP32 on many CPUs. ``int8-static`` quantises both
beforehand, in QDQ form, with ranges seen on the task's own inputs (min-max calibration);
normalisations stay FP32. ONNX Runtime's manual recommends dynamic quantisation for transformers
and static for ConvNets ("Quantize ONNX models", section "Method selection").
``int8-weight-only`` and ``int4-weight-only`` store the weights of matrix products as integers,
rounded to the nearest, with one scale and zero point per block of 32 (MatMulNBits of ONNX
Runtime's contributed operators); embeddings stay FP32, since a look-up reads only one row. On
CPU a product is then computed in INT8 (``accuracy_level`` 4, what ONNX Runtime's own generators
use there): its FP32 kernel for 8 bits was ten times slower than an FP32 model, and for 4 bits no
more accurate.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wattmark.contracts import Inputs
from wattmark.errors import UnsupportedSetupError
from wattmark.frameworks.onnx_export import FILE, MAX_BYTES, external_data

_BLOCK = 32
#: MatMulNBits' ``accuracy_level``: activations are quantised to INT8, block by block; only on CPU
_IN_INT8 = 4


def quantise_dynamic(source: Path, target: Path) -> None:
    """INT8 weights per channel; activations are quantised at each call."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with simplified(source) as model:
        quantize_dynamic(
            model,
            target,
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=external_data(source).exists(),
        )


def quantise_static(
    source: Path, target: Path, calibration: Sequence[Inputs], symmetric: bool
) -> None:
    """INT8 weights and activations in QDQ form.

    ``calibration`` holds inputs and, where there is state, what is read. ``symmetric``
    activations (signed, zero point 0) and INT32 biases left out are what TensorRT asks for
    (ONNX Runtime's manual, "NVIDIA - TensorRT", explicit quantisation).
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.registry import QDQRegistry

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.remaining = iter(calibration)

        def get_next(self) -> Inputs | None:
            return next(self.remaining, None)

    with simplified(source) as model:
        quantize_static(
            model,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            # an INT8 LayerNormalization wrecks a transformer (cosine to FP32 0.27 on MiniLM)
            op_types_to_quantize=[op for op in QDQRegistry if "Normalization" not in op],
            per_channel=True,
            activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            use_external_data_format=external_data(source).exists(),
            extra_options={
                "ActivationSymmetric": symmetric,
                "QuantizeBias": not symmetric,
            },
        )


def quantise_weights(source: Path, target: Path, bits: int, label: str) -> None:
    """Weights of matrix products as ``bits``-bit integers (4 or 8).

    Raises UnsupportedSetupError where the model has no matrix product with constant weights.
    """
    import onnx

    with _quiet():
        from onnxruntime.quantization.matmul_nbits_quantizer import (
            DefaultWeightOnlyQuantConfig,
            MatMulNBitsQuantizer,
        )
    with simplified(source) as path:
        model = onnx.load(path)
    _gemm_as_matmul(model.graph)
    config = DefaultWeightOnlyQuantConfig(
        block_size=_BLOCK, is_symmetric=False, accuracy_level=_IN_INT8, bits=bits
    )
    quantiser = MatMulNBitsQuantizer(model, algo_config=config)
    with _quiet():
        quantiser.process()
    quantised = quantiser.model.model
    if not any(node.op_type == "MatMulNBits" for node in quantised.graph.node):
        raise UnsupportedSetupError(
            f"{label}: the model has no matrix product with constant weights to quantise: "
            f"take int8-static, or another precision"
        )
    save(quantised, target)


@contextmanager
def simplified(source: Path) -> Iterator[Path]:
    """The model with constants folded and shapes inferred, as quantisation wants it.

    ONNX Runtime's symbolic shape inference is left out: it gives up on masked attention.
    """
    from onnxruntime.quantization import quant_pre_process

    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        large = external_data(source).exists()
        quant_pre_process(source, path, skip_symbolic_shape=True, save_as_external_data=large)
        yield path


@contextmanager
def _quiet() -> Iterator[None]:
    """Undo what the quantiser's module does to the root logger, and let it not list every node."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        root.handlers[:] = before
        root.setLevel(level)


def save(model: Any, target: Path) -> None:
    """Write an ONNX model; weights go beside the file where they do not fit in it."""
    import onnx

    large = model.ByteSize() >= MAX_BYTES
    onnx.save(model, target, save_as_external_data=large, location=external_data(target).name)


def _gemm_as_matmul(graph: Any) -> None:
    """Replace y = x W^T + b (Gemm) by a MatMul and an Add, which is all that is quantised."""
    from onnx import helper, numpy_helper

    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        plain = attributes.get("alpha", 1) == 1 and attributes.get("beta", 1) == 1
        if (
            node.op_type != "Gemm"
            or node.input[1] not in weights
            or not plain
            or attributes.get("transA", 0)
        ):
            nodes.append(node)
            continue
        weight, product = f"{node.name}_weight", node.output[0]
        matrix = numpy_helper.to_array(weights[node.input[1]])
        transposed = matrix.T if attributes.get("transB", 0) else matrix
        graph.initializer.append(numpy_helper.from_array(transposed.copy(), weight))
        if len(node.input) > 2:
            product = f"{node.name}_product"
        nodes.append(helper.make_node("MatMul", [node.input[0], weight], [product], node.name))
        if len(node.input) > 2:
            bias = [product, node.input[2]]
            nodes.append(helper.make_node("Add", bias, node.output, f"{node.name}_bias"))
    del graph.node[:]
    graph.node.extend(nodes)
