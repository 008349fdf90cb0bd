"""ONNX Runtime on CPU, CUDA and TensorRT, from the shared ONNX export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
from wattmark.frameworks import onnx_providers
from wattmark.frameworks.buckets import initial_state
from wattmark.frameworks.onnx_export import FILE, OUTPUT, copy_onnx, shared_onnx, written
from wattmark.frameworks.onnx_providers import CPU, CUDA, TENSORRT
from wattmark.frameworks.support import has_cell, lacks
from wattmark.records import Precision, Setup


class OnnxRuntime:
    """Modes are execution providers, with all graph optimisations.

    ``cpu`` computes FP16 in FP32 where it has no FP16 kernel, which is nearly everywhere, and
    casts before and after. ``cuda`` and ``tensorrt`` need the GPU build of ONNX Runtime.
    ``tensorrt`` chooses by itself where FP16 pays; its engines are built by ``prepare``.

    State stays in the host arrays that ONNX Runtime returned, on the CPU: handing them over costs
    no more than binding its own values (measured with 24 small tensors: 0.60 and 0.69 ms a
    call). On a GPU it is bound to the device and never leaves it. In FP16 setups it is FP16.
    """

    name = "onnxruntime"
    modes: Mapping[str, tuple[Precision, ...]] = {
        CPU: (
            Precision.FP32,
            Precision.FP16,
            Precision.INT8_DYNAMIC,
            Precision.INT8_STATIC,
            Precision.INT8_WEIGHT_ONLY,
            Precision.INT4_WEIGHT_ONLY,
        ),
        CUDA: (Precision.FP32, Precision.FP16, Precision.INT4_WEIGHT_ONLY),
        TENSORRT: (Precision.FP32, Precision.FP16, Precision.INT8_STATIC),
    }
    devices = ("cpu", "cuda")
    extra = "onnx"

    def __init__(self) -> None:
        self.packages: tuple[str, ...] = (onnx_providers.distribution_name(), "onnx", "torch")

    def available(self, setup: Setup) -> Availability:
        """Needs the packages and, on a GPU, its driver, the GPU build and TensorRT."""
        missing = has_cell(self.name, self.modes, setup) or lacks(self.packages, self.extra)
        return missing or onnx_providers.availability(setup)

    def environment(self, setup: Setup, artefact: Path, threads: int) -> dict[str, str]:
        """One OpenMP thread: ONNX Runtime has its own pool, sized by its session options."""
        return {"OMP_NUM_THREADS": "1", **onnx_providers.environment(setup)}

    def prepare(self, workspace: Workspace) -> None:
        """Export to ONNX (shared), reduce the precision, and build TensorRT's engine.

        Raises FrameworkError where static quantisation gets no calibration inputs,
        UnsupportedSetupError where there is nothing to quantise.
        """
        setup, target = workspace.setup, workspace.out / FILE
        _convert(workspace, shared_onnx(workspace), target)
        if setup.mode == TENSORRT:
            onnx_providers.open_session(target, workspace.model, setup, setup.threads)

    def load(
        self, artefact: Path, model: Network, setup: Setup, threads: int
    ) -> Runner | StatefulRunner:
        """An inference session on ``threads`` cores; it takes every shape without compiling."""
        session = onnx_providers.open_session(artefact / FILE, model, setup, threads)
        if model.stateful:
            return _HostState(session, model) if setup.mode == CPU else DeviceState(session, model)
        run = session.run

        def runner(inputs: Inputs) -> Output:
            output: Output = run(None, inputs)[0]
            return output

        return runner


def _convert(workspace: Workspace, source: Path, target: Path) -> None:
    from wattmark.frameworks import onnx_half, onnx_quantised

    setup = workspace.setup
    match setup.precision:
        case Precision.FP16 if setup.mode != TENSORRT:
            onnx_half.convert_to_half(source, target, workspace.model)
        case Precision.INT8_DYNAMIC:
            onnx_quantised.quantise_dynamic(source, target)
        case Precision.INT8_STATIC:
            if not workspace.calibration:
                raise FrameworkError(f"{setup.label}: static quantisation needs calibration inputs")
            symmetric = setup.mode == TENSORRT
            onnx_quantised.quantise_static(source, target, workspace.calibration, symmetric)
        case Precision.INT8_WEIGHT_ONLY:
            onnx_quantised.quantise_weights(source, target, 8, setup.label)
        case Precision.INT4_WEIGHT_ONLY:
            onnx_quantised.quantise_weights(source, target, 4, setup.label)
        case _:
            copy_onnx(source, workspace.out)


class _HostState:
    """State in host arrays."""

    def __init__(self, session: Any, network: Network) -> None:
        self._session, self._network = session, network
        self._types = _state_types(session)
        self._taken = tuple(spec.name for spec in network.inputs)
        self._reads = tuple(spec.name for spec in network.reads)
        self._writes = tuple(spec.name for spec in network.writes)

    def start(self, sizes: Mapping[str, int]) -> State:
        zeros = initial_state(self._network, sizes)
        return {name: array.astype(self._types[name]) for name, array in zeros.items()}

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        feed = {name: inputs[name] for name in self._taken}
        feed |= {name: state[name] for name in self._reads}
        output, *news = self._session.run(None, feed)
        return output, {**state, **dict(zip(self._writes, news, strict=True))}


class DeviceState:
    """State in tensors on a device, bound to each call's inputs and outputs."""

    def __init__(self, session: Any, network: Network, device: str = "cuda") -> None:
        self._session, self._network, self._device = session, network, device
        self._types = _state_types(session)

    def start(self, sizes: Mapping[str, int]) -> State:
        """Zeros on the device."""
        from onnxruntime import OrtValue

        zeros = initial_state(self._network, sizes)
        return {
            name: OrtValue.ortvalue_from_numpy(array.astype(self._types[name]), self._device, 0)
            for name, array in zeros.items()
        }

    def step(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        """One call; only the inputs and the output cross between host and device."""
        binding, network = self._session.io_binding(), self._network
        for spec in network.inputs:
            binding.bind_cpu_input(spec.name, inputs[spec.name])
        for spec in network.reads:
            binding.bind_ortvalue_input(spec.name, state[spec.name])
        binding.bind_output(OUTPUT, "cpu")
        for spec in network.writes:
            binding.bind_output(written(spec.name), self._device, 0)
        self._session.run_with_iobinding(binding)
        output, *news = binding.get_outputs()
        names = (spec.name for spec in network.writes)
        return output.numpy(), {**state, **dict(zip(names, news, strict=True))}


def _state_types(session: Any) -> dict[str, str]:
    """The numpy type of each floating input, by name."""
    types = {"tensor(float)": "float32", "tensor(float16)": "float16"}
    return {i.name: types[i.type] for i in session.get_inputs() if i.type in types}
