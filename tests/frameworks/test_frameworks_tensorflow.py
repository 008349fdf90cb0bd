"""TensorFlow: the models that it is given, by Grappler and by XLA, without torch in the worker."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from captured_artefacts import (
    Sorting,
    difference,
    load_in_a_fresh_process,
    with_one_wrong_tensor,
)
from tiny_models import TinyConvNet, reference_outputs

from wattmark.contracts import Inputs, InputSpec, Model, Workspace
from wattmark.errors import FrameworkError, UnsupportedOpError
from wattmark.frameworks.tensorflow import TensorFlow
from wattmark.records import ModelInfo, Setup

pytestmark = pytest.mark.slow

MODES = ("graph", "xla")


def prepared(space: Workspace) -> Path:
    TensorFlow().prepare(space)
    return space.out


@pytest.mark.parametrize("mode", MODES)
def test_outputs_equal_the_reference_and_a_wrong_weight_shows(
    mode: str, model: Model, queries: list[Inputs], workspace: Callable[..., Workspace]
) -> None:
    space = workspace(model, "tensorflow", mode)
    folder = prepared(space)
    reference = reference_outputs(model, queries)
    runner = TensorFlow().load(folder, model, space.setup, 1)
    ours = [runner(query) for query in queries]
    assert all(type(o) is np.ndarray and o.dtype == np.float32 for o in ours)
    assert difference(ours, reference) < 1e-5

    with_one_wrong_tensor(folder)
    runner = TensorFlow().load(folder, model, space.setup, 1)
    assert difference([runner(query) for query in queries], reference) > 1e-2


def test_layer_norm_keeps_its_epsilon_in_a_graph(workspace: Callable[..., Workspace]) -> None:
    """TensorFlow 2.21 fuses its own layer normalisation into one that takes 0.001 instead."""

    class Norm:
        name, task, axes = "norm", "none", {}
        inputs = (InputSpec("x", "float32", (1, 32, 384)),)

        def info(self) -> ModelInfo:
            return ModelInfo(name=self.name, digest="2" * 64, licence="Apache-2.0")

        def module(self) -> Any:
            import torch

            torch.manual_seed(0)
            norm = torch.nn.LayerNorm(384, eps=1e-12)
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)  # Grappler drops a weight of ones
            torch.nn.init.uniform_(norm.bias, -0.5, 0.5)
            return norm.eval()

    space = workspace(Norm(), "tensorflow", "graph")
    runner = TensorFlow().load(prepared(space), Norm(), space.setup, 1)
    x = np.random.default_rng(0).standard_normal((1, 32, 384)).astype(np.float32)
    query = {"x": 0.03 * x}
    assert difference([runner(query)], reference_outputs(Norm(), [query])) < 1e-5


def test_an_unknown_shape_is_refused(workspace: Callable[..., Workspace]) -> None:
    space = workspace(TinyConvNet(), "tensorflow", "graph")
    runner = TensorFlow().load(prepared(space), TinyConvNet(), space.setup, 1)
    with pytest.raises(FrameworkError, match=r"\(1, 3, 9, 9\).*there are.*\(1, 3, 32, 32\)"):
        runner({"image": np.zeros((1, 3, 9, 9), np.float32)})


def test_an_unknown_operator_is_named_when_preparing(workspace: Callable[..., Workspace]) -> None:
    with pytest.raises(UnsupportedOpError, match=r"TensorFlow.*aten\.sort\.default"):
        TensorFlow().prepare(workspace(Sorting(), "tensorflow", "graph"))


def test_a_worker_does_not_import_torch(workspace: Callable[..., Workspace]) -> None:
    folder = prepared(workspace(TinyConvNet(), "tensorflow", "graph"))
    load_in_a_fresh_process(folder, "tensorflow", "TensorFlow", "graph")


def test_the_installed_distribution_is_named() -> None:
    (package,) = TensorFlow().packages
    assert package in ("tensorflow", "tensorflow-cpu")
    assert version(package)


def test_thread_pools_are_sized(tmp_path: Path) -> None:
    setup = Setup(framework="tensorflow", mode="graph")
    variables = TensorFlow().environment(setup, tmp_path, 2)
    assert variables["TF_NUM_INTRAOP_THREADS"] == variables["OMP_NUM_THREADS"] == "2"
    assert TensorFlow().environment(setup, tmp_path, 0) == {"TF_CPP_MIN_LOG_LEVEL": "2"}
