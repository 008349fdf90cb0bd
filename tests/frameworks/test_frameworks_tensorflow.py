"""TensorFlow: the networks that it is given, by Grappler and by XLA, without torch in the worker.

LiteRT is tested in test_frameworks_litert.py.
"""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from captured_artefacts import (
    conversations,
    difference,
    load_in_a_fresh_process,
    loaded,
    prepared,
    short_cross_decoder,
    short_decoder,
    sorting,
    with_one_wrong_tensor,
)
from tiny_models import (
    Reference,
    TinyConvNet,
    TinyDecoder,
    TinyTransformer,
    reference_outputs,
    run_decoder,
    run_encoder_decoder,
)

from wattmark.contracts import InputSpec, Network, Workspace
from wattmark.errors import FrameworkError, UnsupportedOpError
from wattmark.frameworks import tensorflow
from wattmark.frameworks.tensorflow import TensorFlow
from wattmark.records import Precision, Setup

pytestmark = pytest.mark.slow

MODES = ("graph", "xla")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("network", [TinyTransformer(), TinyConvNet()], ids=lambda n: n.name)
def test_outputs_equal_the_reference_and_a_wrong_weight_shows(network, mode, tmp_path):
    folder = prepared(TensorFlow(), network, tmp_path, mode)
    setup = Setup(framework="tensorflow", mode=mode)
    queries = network.preprocess([3, 8, 11, 16])
    reference = reference_outputs(network, queries)
    runner = TensorFlow().load(folder, network, setup, 1)
    ours = [runner(query) for query in queries]
    assert all(type(o) is np.ndarray and o.dtype == np.float32 for o in ours)
    assert difference(ours, reference) < 1e-5

    with_one_wrong_tensor(folder)
    runner = TensorFlow().load(folder, network, setup, 1)
    assert difference([runner(query) for query in queries], reference) > 1e-2


@pytest.mark.parametrize(
    ("mode", "network", "batch"),
    [("graph", TinyDecoder(), 1), ("graph", short_decoder(2), 2), ("xla", short_decoder(2), 2)],
)
def test_a_decoder_keeps_its_cache(mode, network, batch, tmp_path):
    runner = loaded(TensorFlow(), network, tmp_path, mode)
    for sizes, calls in conversations(network, batch):
        ours = run_decoder(runner, sizes, calls)
        assert all(o.dtype == np.float32 and o.shape == (batch, 50) for o in ours)
        assert difference(ours, run_decoder(Reference(network), sizes, calls)) < 1e-5


def test_an_encoder_hands_its_state_to_a_decoder(tmp_path):
    import tensorflow as tf

    networks = short_cross_decoder()
    encoder, decoder = (loaded(TensorFlow(), network, tmp_path, "graph") for network in networks)
    sizes, calls = networks[1].conversations()[0]
    ours = run_encoder_decoder(encoder, decoder, sizes, calls)
    theirs = run_encoder_decoder(*map(Reference, networks), sizes, calls)
    assert difference(ours, theirs) < 1e-5
    _, state = encoder.step(calls[0], {"passed_by": 7})
    assert state.pop("passed_by") == 7
    assert all(tf.is_tensor(tensor) for tensor in state.values())


def test_large_weights_are_shared_by_all_graphs(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorflow, "_CONSTANTS_LIMIT", 0)
    queries = TinyTransformer().preprocess([3, 16])
    runner = loaded(TensorFlow(), TinyTransformer(), tmp_path, "graph")
    reference = reference_outputs(TinyTransformer(), queries)
    assert difference([runner(query) for query in queries], reference) < 1e-5


def test_layer_norm_keeps_its_epsilon_in_a_graph(workspace: Callable[..., Workspace]) -> None:
    """TensorFlow 2.21 fuses its own layer normalisation into one that takes 0.001 instead."""

    def build() -> Any:
        import torch

        torch.manual_seed(0)
        norm = torch.nn.LayerNorm(384, eps=1e-12)
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)  # Grappler drops a weight of ones
        torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
        return norm.eval()

    norm = Network("norm", (InputSpec("x", "float32", (1, 32, 384)),), build)
    space = workspace(norm, "tensorflow", "graph")
    TensorFlow().prepare(space)
    runner = TensorFlow().load(space.out, norm, space.setup, 1)
    x = np.random.default_rng(0).standard_normal((1, 32, 384)).astype(np.float32)
    query = {"x": 0.03 * x}
    assert difference([runner(query)], reference_outputs(norm, [query])) < 1e-5


def test_an_unknown_shape_is_refused(tmp_path):
    runner = loaded(TensorFlow(), TinyConvNet(), tmp_path, "graph")
    with pytest.raises(FrameworkError, match=r"\(1, 3, 9, 9\).*there are.*\(1, 3, 32, 32\)"):
        runner({"image": np.zeros((1, 3, 9, 9), np.float32)})


def test_an_unknown_operator_is_named_when_preparing(workspace: Callable[..., Workspace]) -> None:
    with pytest.raises(UnsupportedOpError, match=r"TensorFlow.*aten\.sort\.default"):
        TensorFlow().prepare(workspace(sorting(), "tensorflow", "graph"))


def test_a_worker_does_not_import_torch(tmp_path):
    folder = prepared(TensorFlow(), TinyConvNet(), tmp_path, "graph")
    load_in_a_fresh_process(folder, "tensorflow", "TensorFlow", "graph")


def test_the_installed_distributions_are_named() -> None:
    package, runtime = TensorFlow().packages
    assert package in ("tensorflow", "tensorflow-cpu")
    assert version(package) and version(runtime)


def test_thread_pools_are_sized(tmp_path: Path) -> None:
    setup = Setup(framework="tensorflow", mode="graph")
    variables = TensorFlow().environment(setup, tmp_path, 2)
    assert variables["TF_NUM_INTRAOP_THREADS"] == variables["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in TensorFlow().environment(setup, tmp_path, 0)


def test_a_cell_is_available_or_says_why_not(monkeypatch):
    def detail(mode="graph", **fields):
        setup = Setup(framework="tensorflow", mode=mode, **fields)
        found = TensorFlow().available(setup)
        assert found.available is (found.reason is None)
        return found.detail

    assert detail() == detail("xla") == detail("litert", precision=Precision.INT8_STATIC) == ""
    assert "litert/int8-dynamic" in detail("graph", precision=Precision.INT8_DYNAMIC)
    assert "runs on the CPU" in detail("litert", device="cuda")
    monkeypatch.setattr(tensorflow, "has_nvidia_gpu", lambda: False)
    assert "no NVIDIA GPU" in detail(device="cuda")
    monkeypatch.setattr(tensorflow, "has_nvidia_gpu", lambda: True)
    monkeypatch.setattr(tensorflow, "is_installed", lambda name: name == "tensorflow-cpu")
    assert "tensorflow[and-cuda]" in detail(device="cuda")
    monkeypatch.setattr(tensorflow, "is_installed", lambda name: True)
    assert detail(device="cuda") == ""
