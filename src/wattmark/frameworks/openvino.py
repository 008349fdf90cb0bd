"""OpenVINO on CPU, from the shared ONNX export."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.contracts import (
    Availability,
    Inputs,
    Network,
    Output,
    Runner,
    State,
    StatefulRunner,
    Workspace,
)
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import bucket_sizes, initial_state, shape_at
from wattmark.frameworks.onnx_export import external_data, shared_onnx, written
from wattmark.frameworks.support import has_cell, lacks, unavailable
from wattmark.records import Precision, Setup

_FILE = "model.xml"
_DYNAMIC = "dynamic"
#: FP32 weights of all programs together above which there is one program for all sizes
MAX_PROGRAM_BYTES = 2**30


class OpenVino:
    """The CPU plug-in with one static program for each of the network's sizes.

    Each program holds its own copy of the weights. Where that would be over 1 GiB in FP32, in
    any precision, one program with dynamic axes serves all sizes: a decoder of 540 MB took
    1.3 GB so and 1.8 GB as two static programs, for about 15 % more CPU time a token. Programs
    are compiled by ``load`` (0.3 s each for MiniLM): OpenVINO's own cache of compiled programs
    would hold the weights once more per size.

    FP32 means FP32 (``INFERENCE_PRECISION_HINT``; the plug-in's own default may be BF16).
    ``fp16`` stores the weights in FP16 and computes in FP16 where the CPU can, else in FP32.
    ``int8-static`` is NNCF's post-training quantisation, calibrated on the task's own inputs.
    The weight-only precisions are NNCF's; the plug-in quantises the activations of their
    products to INT8 in groups, as is its default.

    State is kept in OpenVINO's tensors, which are bound to a call's inputs and outputs: nothing
    is copied, and tensors that a call has read become the outputs of the next.
    """

    name = "openvino"
    modes: Mapping[str, tuple[Precision, ...]] = {
        "cpu": (
            Precision.FP32,
            Precision.FP16,
            Precision.INT8_STATIC,
            Precision.INT8_WEIGHT_ONLY,
            Precision.INT4_WEIGHT_ONLY,
        )
    }
    packages: tuple[str, ...] = ("openvino", "nncf", "torch")
    devices = ("cpu",)
    extra = "openvino"

    def available(self, setup: Setup) -> Availability:
        """Needs its packages; it runs on any x86-64 or 64-bit Arm CPU, and here only on that."""
        missing = has_cell(self.name, self.modes, setup) or lacks(self.packages, self.extra)
        if missing is None and setup.device != "cpu":
            return unavailable("OpenVINO has no plug-in for NVIDIA GPUs: leave the device out")
        return missing or Availability(True)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """Nothing: the plug-in takes its number of threads as a property."""
        return {}

    def prepare(self, workspace: Workspace) -> None:
        """Convert the ONNX export (shared) and reduce the precision of what is saved.

        Raises FrameworkError where quantisation gets no calibration inputs,
        UnsupportedSetupError where there are no weights to compress.
        """
        openvino = _openvino()
        source = shared_onnx(workspace)
        model = _converted(openvino.Core().read_model(source), workspace)
        half = workspace.setup.precision is Precision.FP16
        openvino.save_model(model, workspace.out / _FILE, compress_to_fp16=half)
        files = (file for file in (source, external_data(source)) if file.exists())
        weights = sum(file.stat().st_size for file in files)
        if weights * len(bucket_sizes(workspace.model)) > MAX_PROGRAM_BYTES:
            (workspace.out / _DYNAMIC).touch()

    def load(
        self, artefact: Path, model: Network, setup: Setup, threads: int
    ) -> Runner | StatefulRunner:
        """Compile for every size on ``threads`` cores; imports neither torch nor NNCF.

        Cores are not pinned: the worker's affinity has done that. The runner raises
        FrameworkError for inputs of a size that is not the network's.
        """
        core = _openvino().Core()
        can_half = "FP16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        properties = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": (
                "f16" if setup.precision is Precision.FP16 and can_half else "f32"
            ),
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        graph = core.read_model(artefact / _FILE)
        sizes = bucket_sizes(model)
        specs = (*model.inputs, *model.reads)
        programs = _Programs(model)
        if (artefact / _DYNAMIC).exists():
            request = core.compile_model(graph, "CPU", properties).create_infer_request()
            programs.add(request, sizes)
        else:
            for size in sizes:
                graph.reshape({spec.name: shape_at(spec, size) for spec in specs})
                request = core.compile_model(graph, "CPU", properties).create_infer_request()
                programs.add(request, [size])
        if model.stateful:
            return _TensorState(programs, model)

        def runner(inputs: Inputs) -> Output:
            output: Output = programs.fitting(inputs).infer(inputs, share_inputs=True)[0]
            return output

        return runner


class _Programs:
    """Compiled programs by the sizes of the network's axes."""

    def __init__(self, network: Network) -> None:
        self._requests: dict[tuple[int, ...], Any] = {}
        #: where to read the size of each axis: (axis, tensor, position)
        self._where: dict[str, tuple[str, int]] = {}
        for spec in (*network.inputs, *network.reads):
            for position, axis in enumerate(spec.shape):
                if isinstance(axis, str):
                    self._where.setdefault(axis, (spec.name, position))

    def add(self, request: Any, sizes: list[dict[str, int]]) -> None:
        for size in sizes:
            self._requests[tuple(size[axis] for axis in self._where)] = request

    def fitting(self, tensors: Mapping[str, Any]) -> Any:
        """The program for these inputs and reads."""
        size = tuple([tensors[name].shape[position] for name, position in self._where.values()])
        try:
            return self._requests[size]
        except KeyError:
            raise FrameworkError(
                f"no program for the sizes {dict(zip(self._where, size, strict=True))}: "
                f"there are {sorted(self._requests)} of ({', '.join(self._where)})"
            ) from None


class _TensorState:
    """State in tensors that are bound to inputs and outputs in turn."""

    def __init__(self, programs: _Programs, network: Network) -> None:
        self._programs, self._network = programs, network
        self._tensor = _openvino().Tensor
        reads = {spec.name for spec in network.reads}
        written_names = [spec.name for spec in network.writes]
        self._replaced = tuple(name for name in written_names if name in reads)
        self._new = tuple(name for name in written_names if name not in reads)
        #: tensors that were read and may be written over, by name and shape
        self._spare: dict[tuple[str, tuple[int, ...]], Any] = {}

    def start(self, sizes: Mapping[str, int]) -> State:
        zeros = initial_state(self._network, sizes)
        return {name: self._tensor(array) for name, array in zeros.items()}

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        request = self._programs.fitting({**state, **inputs})
        for spec in self._network.inputs:
            host = np.ascontiguousarray(inputs[spec.name])
            request.set_tensor(spec.name, self._tensor(host, shared_memory=True))
        for spec in self._network.reads:
            request.set_tensor(spec.name, state[spec.name])
        news = {}
        for name in self._replaced:
            news[name] = self._like(name, state[name])
            request.set_tensor(written(name), news[name])
        request.infer()
        for name in self._replaced:
            self._spare[name, tuple(state[name].shape)] = state[name]
        for name in self._new:  # the program's own memory, which its next call overwrites
            news[name] = self._tensor(request.get_tensor(written(name)).data)
        return request.get_output_tensor(0).data.copy(), {**state, **news}

    def _like(self, name: str, tensor: Any) -> Any:
        """Memory for what replaces ``tensor``: what an earlier call has read, or new."""
        spare = self._spare.pop((name, tuple(tensor.shape)), None)
        return self._tensor(tensor.element_type, tensor.shape) if spare is None else spare


def _converted(model: Any, workspace: Workspace) -> Any:
    from wattmark.frameworks import openvino_compressed

    setup = workspace.setup
    match setup.precision:
        case Precision.INT8_STATIC:
            if not workspace.calibration:
                raise FrameworkError(f"{setup.label}: static quantisation needs calibration inputs")
            return openvino_compressed.quantised(model, workspace.model, workspace.calibration)
        case Precision.INT8_WEIGHT_ONLY:
            return openvino_compressed.with_compressed_weights(model, 8, setup.label)
        case Precision.INT4_WEIGHT_ONLY:
            return openvino_compressed.with_compressed_weights(model, 4, setup.label)
        case _:
            return model


def _openvino() -> Any:
    """Import OpenVINO without its telemetry.

    On import it reports its use to a web analytics service unless told otherwise in the user's
    home; where the telemetry package cannot be imported, OpenVINO and NNCF do without.
    """
    if "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino
