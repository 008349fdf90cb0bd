"""What ONNX Runtime's GPU modes ask for, checked without a GPU."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny_models import TinyConvNet, TinyTransformer

from wattmark.errors import FrameworkError
from wattmark.frameworks import onnx_providers, onnx_quantised
from wattmark.frameworks.onnx_export import shared_onnx
from wattmark.frameworks.onnxruntime import OnnxRuntime
from wattmark.records import Precision, Setup


def gpu(mode: str, precision: str = "fp32", device: str = "cuda") -> Setup:
    return Setup(framework="onnxruntime", mode=mode, precision=Precision(precision), device=device)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sessions are not opened but record what they were asked for; providers load as told."""
    import onnxruntime

    asked = SimpleNamespace(providers=None, loads=["TensorrtExecutionProvider"])

    class Session:
        def __init__(self, path: Path, options: Any, providers: Any) -> None:
            asked.path, asked.options, asked.providers = path, options, providers

        def get_providers(self) -> list[str]:
            return [*asked.loads, "CPUExecutionProvider"]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    return asked


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine that has everything, less what a test takes away."""
    has = SimpleNamespace(gpu=True, libraries={"cuda", "tensorrt"}, tensorrt=True)
    monkeypatch.setattr(onnx_providers, "has_nvidia_gpu", lambda: has.gpu)
    monkeypatch.setattr(onnx_providers, "_has_library", lambda mode: mode in has.libraries)
    monkeypatch.setattr(onnx_providers, "find_spec", lambda name: has.tensorrt or None)
    monkeypatch.setattr(onnx_providers, "find_library", lambda name: None)
    return has


def test_tensorrt_keeps_its_engines_in_the_artefact_and_falls_back_to_cuda(session, tmp_path):
    path = tmp_path / "model.onnx"
    network = TinyTransformer()
    onnx_providers.open_session(path, network, gpu("tensorrt", "fp16"), threads=1)
    (first, options), (second, _), third = session.providers
    assert (first, second, third) == (
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    )
    assert options["trt_engine_cache_enable"] == "True"
    assert options["trt_engine_cache_path"] == str(tmp_path / "engines")
    assert (tmp_path / "engines").is_dir()
    assert (options["trt_fp16_enable"], options["trt_int8_enable"]) == ("True", "False")


def test_one_engine_fits_all_sizes(session, tmp_path):
    network = TinyTransformer()
    onnx_providers.open_session(tmp_path / "model.onnx", network, gpu("tensorrt"), threads=1)
    options = session.providers[0][1]
    assert options["trt_profile_min_shapes"] == "input_ids:1x8,attention_mask:1x8"
    assert options["trt_profile_max_shapes"] == "input_ids:1x16,attention_mask:1x16"
    assert options["trt_profile_opt_shapes"] == options["trt_profile_max_shapes"]


def test_a_network_of_fixed_shapes_needs_no_profile(session, tmp_path):
    setup = gpu("tensorrt", "int8-static")
    onnx_providers.open_session(tmp_path / "model.onnx", TinyConvNet(), setup, threads=1)
    options = session.providers[0][1]
    assert options["trt_int8_enable"] == "True"
    assert not [name for name in options if "profile" in name]


@pytest.mark.parametrize(("precision", "tf32"), [("fp32", "0"), ("fp16", "1")])
def test_fp32_on_a_gpu_is_not_tf32(precision, tf32, session, tmp_path):
    session.loads = ["CUDAExecutionProvider"]
    setup = gpu("cuda", precision)
    onnx_providers.open_session(tmp_path / "model.onnx", TinyConvNet(), setup, threads=1)
    assert session.providers[0] == ("CUDAExecutionProvider", {"device_id": "0", "use_tf32": tf32})
    variables = OnnxRuntime().environment(setup, tmp_path, threads=1)
    assert (variables.get("NVIDIA_TF32_OVERRIDE") == "0") == (precision == "fp32")


def test_execution_elsewhere_than_asked_is_refused(session, machine, tmp_path):
    session.loads = []
    machine.libraries = set()
    with pytest.raises(FrameworkError, match=r"would use CPUExecutionProvider.*onnxruntime-gpu"):
        onnx_providers.open_session(tmp_path / "model.onnx", TinyConvNet(), gpu("cuda"), threads=1)


def test_every_cell_is_available_where_there_is_everything(machine):
    framework = OnnxRuntime()
    for mode, precisions in framework.modes.items():
        for precision in precisions:
            setup = gpu(mode, precision.value, "cpu" if mode == "cpu" else "cuda")
            assert onnx_providers.availability(setup).available


@pytest.mark.parametrize(
    ("change", "setup", "cure"),
    [
        ({"gpu": False}, gpu("cuda"), "no NVIDIA GPU is visible"),
        ({"libraries": set()}, gpu("cuda"), "pip install 'onnxruntime-gpu"),
        ({"tensorrt": False}, gpu("tensorrt"), "pip install tensorrt"),
        ({}, gpu("cuda", device="cpu"), "write onnxruntime/cuda/fp32/cuda"),
        ({}, gpu("cpu"), "take mode cuda or tensorrt"),
    ],
)
def test_what_is_missing_is_named_with_its_cure(change, setup, cure, machine):
    vars(machine).update(change)
    found = onnx_providers.availability(setup)
    assert not found.available
    assert cure in found.detail


def test_all_that_is_missing_is_named_at_once(machine):
    vars(machine).update(gpu=False, libraries=set(), tensorrt=False)
    assert onnx_providers.availability(gpu("tensorrt")).detail.count(";") == 2


def test_a_cell_that_does_not_exist_is_unavailable():
    found = OnnxRuntime().available(gpu("cuda", "int8-dynamic"))
    assert "cuda/fp16" in found.detail


def test_the_cpu_build_has_no_gpu_providers_and_is_named_as_what_it_is():
    assert OnnxRuntime().packages[0] == "onnxruntime"
    assert not onnx_providers._has_library("tensorrt")
    assert not OnnxRuntime().available(gpu("tensorrt")).available


@pytest.mark.slow
def test_prepare_builds_the_engine(session, workspace):
    network = TinyConvNet()
    space = workspace(network, "onnxruntime", "tensorrt", "fp16")
    OnnxRuntime().prepare(replace(space, setup=gpu("tensorrt", "fp16")))
    assert session.path == space.out / "model.onnx"
    assert session.providers[0][0] == "TensorrtExecutionProvider"


@pytest.mark.slow
def test_int8_for_tensorrt_is_symmetric(workspace):
    import onnx
    from onnx.numpy_helper import to_array

    network = TinyConvNet()
    queries = network.preprocess([0, 1])
    space = workspace(network, "onnxruntime", "tensorrt", "int8-static", calibration=queries)
    target = space.out / "model.onnx"
    onnx_quantised.quantise_static(shared_onnx(space), target, queries, symmetric=True)
    graph = onnx.load(target).graph
    zeros = {n.input[2] for n in graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")}
    points = [to_array(tensor) for tensor in graph.initializer if tensor.name in zeros]
    assert points
    assert all(point.dtype == "int8" and not point.any() for point in points)
