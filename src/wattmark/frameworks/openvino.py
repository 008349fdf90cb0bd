"""OpenVINO on CPU, from the shared ONNX export."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattmark.contracts import Inputs, Model, Output, Runner, Workspace
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import bucket_shapes
from wattmark.frameworks.onnx_export import shared_onnx
from wattmark.records import Precision, Setup

_FILE = "model.xml"


class OpenVino:
    """The CPU plug-in with one static program per padding bucket.

    Static programs of MiniLM were a few percent faster than one with a dynamic axis and are
    compiled in 0.3 s each, so that the artefact is the intermediate representation alone:
    OpenVINO's own cache of compiled programs would hold the weights once more per bucket to
    save less than a second. What is not INT8 is computed in FP32
    (``INFERENCE_PRECISION_HINT``); the plug-in's own default may be BF16. ``int8-static`` is
    NNCF's post-training quantisation, calibrated on the task's own inputs, with SmoothQuant
    where the model has attention or LayerNorm.
    """

    name = "openvino"
    modes: Mapping[str, tuple[Precision, ...]] = {"cpu": (Precision.FP32, Precision.INT8_STATIC)}
    packages = ("openvino", "nncf", "torch")
    extra = "openvino"

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Nothing: the plug-in takes its number of threads as a property."""
        return {}

    def prepare(self, workspace: Workspace) -> None:
        """Convert the ONNX export (shared), quantise for INT8, and save in FP32 or INT8.

        Raises FrameworkError where quantisation gets no calibration inputs.
        """
        openvino = _openvino()
        model = openvino.Core().read_model(shared_onnx(workspace))
        if workspace.setup.precision is Precision.INT8_STATIC:
            if not workspace.calibration:
                raise FrameworkError(
                    f"{workspace.setup.label}: static quantisation needs calibration inputs"
                )
            model = _quantised(model, workspace)
        openvino.save_model(model, workspace.out / _FILE, compress_to_fp16=False)

    def load(self, artefact: Path, model: Model, setup: Setup, threads: int) -> Runner:
        """One compiled program per bucket on ``threads`` cores; imports neither torch nor NNCF.

        Cores are not pinned: the worker's affinity has done that. The runner raises
        FrameworkError for inputs of a shape that is no bucket.
        """
        core = _openvino().Core()
        properties = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        network = core.read_model(artefact / _FILE)
        names = [spec.name for spec in model.inputs]
        programs = {}
        for shapes in bucket_shapes(model):
            network.reshape(dict(zip(names, shapes, strict=True)))
            compiled = core.compile_model(network, "CPU", properties)
            programs[shapes] = compiled.create_infer_request().infer

        def runner(inputs: Inputs) -> Output:
            shapes = tuple([inputs[name].shape for name in names])
            try:
                infer = programs[shapes]
            except KeyError:
                raise FrameworkError(f"no program for inputs of shapes {shapes}") from None
            output: Output = infer(inputs, share_inputs=True)[0]
            return output

        return runner


def _openvino() -> Any:
    """Import OpenVINO without its telemetry.

    On import it reports its use to a web analytics service unless told otherwise in the user's
    home; where the telemetry package cannot be imported, OpenVINO and NNCF do without.
    """
    if "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


def _quantised(model: Any, workspace: Workspace) -> Any:
    import nncf
    from torch import nn

    transformer = any(
        isinstance(layer, nn.LayerNorm | nn.MultiheadAttention)
        for layer in workspace.model.module().modules()
    )
    nncf.set_log_level(logging.ERROR)
    # progress bars go to stdout
    with contextlib.redirect_stdout(io.StringIO()):
        return nncf.quantize(
            model,
            nncf.Dataset(workspace.calibration),
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            subset_size=len(workspace.calibration),
        )
