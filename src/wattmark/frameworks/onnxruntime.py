"""ONNX Runtime on CPU, from the shared ONNX export."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from wattmark.contracts import Inputs, Model, Output, Runner, Workspace
from wattmark.errors import FrameworkError
from wattmark.frameworks.onnx_export import shared_onnx
from wattmark.records import Precision, Setup

_FILE = "model.onnx"


class OnnxRuntime:
    """The CPU execution provider with all graph optimisations.

    ``int8-dynamic`` quantises weights per channel beforehand and activations per query
    (``onnxruntime.quantization.quantize_dynamic``). Convolutions become ConvInteger, which is
    slower than FP32 on many CPUs. ``int8-static`` quantises both beforehand, in QDQ form, with
    ranges seen on the task's own inputs (min-max calibration); normalisations stay FP32. ONNX
    Runtime's manual recommends dynamic quantisation for transformers and static for ConvNets
    ("Quantize ONNX models", section "Method selection").
    """

    name = "onnxruntime"
    modes: Mapping[str, tuple[Precision, ...]] = {
        "cpu": (Precision.FP32, Precision.INT8_DYNAMIC, Precision.INT8_STATIC)
    }
    packages = ("onnxruntime", "onnx", "torch")
    extra = "onnx"

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """One OpenMP thread: ONNX Runtime has its own pool, sized by its session options."""
        return {"OMP_NUM_THREADS": "1"}

    def prepare(self, workspace: Workspace) -> None:
        """Export to ONNX (shared) and, for the INT8 precisions, quantise.

        Raises FrameworkError where static quantisation gets no calibration inputs.
        """
        source = shared_onnx(workspace)
        target = workspace.out / _FILE
        match workspace.setup.precision:
            case Precision.FP32:
                shutil.copyfile(source, target)
            case Precision.INT8_DYNAMIC:
                _quantize_dynamic(source, target)
            case Precision.INT8_STATIC:
                if not workspace.calibration:
                    raise FrameworkError(
                        f"{workspace.setup.label}: static quantisation needs calibration inputs"
                    )
                _quantize_static(source, target, workspace.calibration)

    def load(self, artefact: Path, model: Model, setup: Setup, threads: int) -> Runner:
        """An inference session on ``threads`` cores whose pool blocks instead of spinning."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(
            artefact / _FILE, options, providers=["CPUExecutionProvider"]
        )
        run = session.run

        def runner(inputs: Inputs) -> Output:
            output: Output = run(None, inputs)[0]
            return output

        return runner


@contextmanager
def _simplified(source: Path) -> Iterator[Path]:
    """The model with constants folded and shapes inferred, as quantisation wants it.

    ONNX Runtime's symbolic shape inference is left out: it gives up on masked attention.
    """
    from onnxruntime.quantization import quant_pre_process

    with TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        quant_pre_process(source, path, skip_symbolic_shape=True)
        yield path


def _quantize_dynamic(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _simplified(source) as model:
        quantize_dynamic(model, target, per_channel=True, weight_type=QuantType.QInt8)


def _quantize_static(source: Path, target: Path, calibration: Sequence[Inputs]) -> None:
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

    with _simplified(source) as model:
        quantize_static(
            model,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            # an INT8 LayerNormalization wrecks a transformer (cosine to FP32 0.27 on MiniLM)
            op_types_to_quantize=[op for op in QDQRegistry if "Normalization" not in op],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
