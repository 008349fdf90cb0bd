"""Where ONNX Runtime executes: the execution provider of each mode, its options, what it needs."""

from __future__ import annotations

import contextlib
import importlib
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wattmark.contracts import Availability, Network
from wattmark.errors import FrameworkError
from wattmark.frameworks.buckets import bucket_shapes
from wattmark.frameworks.support import unavailable
from wattmark.machine.gpus import has_nvidia_gpu
from wattmark.records import Precision, Setup

CPU, CUDA, TENSORRT = "cpu", "cuda", "tensorrt"
_NAMES = {
    CPU: "CPUExecutionProvider",
    CUDA: "CUDAExecutionProvider",
    TENSORRT: "TensorrtExecutionProvider",
}
_ENGINES = "engines"
_GPU_BUILD = "onnxruntime-gpu"


def distribution_name() -> str:
    """The distribution that ONNX Runtime is installed from: the CPU or the GPU build."""
    return _GPU_BUILD if _has_library("cuda") else "onnxruntime"


def availability(setup: Setup) -> Availability:
    """Whether the mode's execution provider can be used here; if not, all that it lacks."""
    if setup.mode == CPU:
        if setup.device != "cpu":
            return unavailable("mode cpu runs on the CPU: take mode cuda or tensorrt for a GPU")
        return Availability(True)
    if setup.device != "cuda":
        label = f"{setup.framework}/{setup.mode}/{setup.precision.value}/cuda"
        return unavailable(f"mode {setup.mode} runs on a GPU and the device is cpu: write {label}")
    lacking = []
    if not has_nvidia_gpu():
        lacking.append("no NVIDIA GPU is visible: run where there is one, with NVIDIA's driver")
    if not _has_library(setup.mode):
        lacking.append(
            f"the installed ONNX Runtime is built without {_NAMES[setup.mode]}: "
            f"pip uninstall onnxruntime, then pip install '{_GPU_BUILD}[cuda,cudnn]'"
        )
    if setup.mode == TENSORRT and not (find_spec("tensorrt") or find_library("nvinfer")):
        lacking.append("TensorRT is not installed: pip install tensorrt")
    return unavailable("; ".join(lacking)) if lacking else Availability(True)


def environment(setup: Setup) -> dict[str, str]:
    """FP32 means FP32: NVIDIA's libraries may else round operands to TF32's 10 bits."""
    exact = setup.mode != CPU and setup.precision.exact_weights
    return {"NVIDIA_TF32_OVERRIDE": "0"} if exact else {}


def providers(
    setup: Setup, network: Network, artefact: Path
) -> list[str | tuple[str, dict[str, str]]]:
    """Execution providers in order of preference; what the first cannot do, the next does.

    TensorRT's engines and timings are kept in the artefact: building one takes minutes.
    """
    cpu = _NAMES[CPU]
    if setup.mode == CPU:
        return [cpu]
    exact = setup.precision.exact_weights
    cuda = (_NAMES[CUDA], {"device_id": "0", "use_tf32": "0" if exact else "1"})
    if setup.mode == CUDA:
        return [cuda, cpu]
    engines = str(artefact / _ENGINES)
    options = {
        "device_id": "0",
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": engines,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": engines,
        "trt_fp16_enable": str(setup.precision is Precision.FP16),
        "trt_int8_enable": str(setup.precision is Precision.INT8_STATIC),
    }
    return [(_NAMES[TENSORRT], options | _profile(network)), cuda, cpu]


def open_session(path: Path, network: Network, setup: Setup, threads: int) -> Any:
    """An inference session on the mode's execution provider, whose pool blocks and never spins.

    Raises FrameworkError where ONNX Runtime would silently execute elsewhere.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if setup.mode != CPU:
        _load_libraries(onnxruntime, setup.mode)
    if setup.mode == TENSORRT:
        (path.parent / _ENGINES).mkdir(exist_ok=True)
    wanted = providers(setup, network, path.parent)
    session = onnxruntime.InferenceSession(path, options, providers=wanted)
    used = session.get_providers()
    if _NAMES[setup.mode] not in used:
        cause = availability(setup).detail or (
            "the versions of CUDA, cuDNN or TensorRT are not those that it was built for: "
            "see 'Requirements' in ONNX Runtime's manual"
        )
        raise FrameworkError(
            f"{setup.label}: ONNX Runtime did not load {_NAMES[setup.mode]} and would use "
            f"{', '.join(used)}: {cause}"
        )
    return session


def _load_libraries(onnxruntime: Any, mode: str) -> None:
    """Load CUDA, cuDNN and TensorRT from Python packages where they are installed as such."""
    preload = getattr(onnxruntime, "preload_dlls", None)
    if preload is not None:
        preload()
    if mode == TENSORRT:
        with contextlib.suppress(ImportError):
            importlib.import_module("tensorrt")


def _has_library(mode: str) -> bool:
    """Whether the installed build holds the mode's provider; imports nothing."""
    spec = find_spec("onnxruntime")
    folders = spec.submodule_search_locations if spec else None
    return any(
        any(Path(folder, "capi").glob(f"*onnxruntime_providers_{mode}.*"))
        for folder in folders or ()
    )


def _profile(network: Network) -> dict[str, str]:
    """The smallest and largest shape of each tensor, so that one engine fits all; best at the
    largest. Empty for a network of fixed shapes."""
    shapes = bucket_shapes(network)
    if len(shapes) == 1:
        return {}
    names = [spec.name for spec in (*network.inputs, *network.reads)]

    def written(choose: Any) -> str:
        fitting = [
            tuple(choose(sizes) for sizes in zip(*taken, strict=True))
            for taken in zip(*shapes, strict=True)
        ]
        return ",".join(
            f"{name}:{'x'.join(map(str, shape))}"
            for name, shape in zip(names, fitting, strict=True)
        )

    largest = written(max)
    return {
        "trt_profile_min_shapes": written(min),
        "trt_profile_opt_shapes": largest,
        "trt_profile_max_shapes": largest,
    }
