"""Every setup computes the model that it was given, and a wrong weight is refused.

``torch.compile`` is tested in test_frameworks_pytorch.py: it takes longer.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from captured_artefacts import difference
from tiny_models import reference_outputs

from wattmark.contracts import Framework, Inputs, Network, Workspace
from wattmark.errors import ConversionError
from wattmark.frameworks.jax import Jax
from wattmark.frameworks.onnxruntime import OnnxRuntime
from wattmark.frameworks.openvino import OpenVino
from wattmark.frameworks.pytorch import PyTorch
from wattmark.frameworks.tensorflow import TensorFlow
from wattmark.records import Precision
from wattmark.worker.conversion import FP32_TOLERANCE, compare, require_same_model

pytestmark = pytest.mark.slow

#: 8 bits are steps of 1/127 = 0.8 % of each tensor's range; a handful of layers adds up to a few
#: percent of the output, and a layer that is quantised wrongly is off by about 100 %. A processor
#: without VNNI adds pairs of products in 16 bits, which saturates (seen: 0.26)
VNNI = re.search(r"\b(avx512_vnni|avx_vnni|amx_int8)\b", Path("/proc/cpuinfo").read_text())
INT8_TOLERANCE = 0.15 if VNNI else 0.4

SETUPS = [
    (PyTorch, "eager", "fp32"),
    (PyTorch, "eager", "int8-dynamic"),
    (OnnxRuntime, "cpu", "fp32"),
    (OnnxRuntime, "cpu", "int8-dynamic"),
    (OnnxRuntime, "cpu", "int8-static"),
    (OpenVino, "cpu", "fp32"),
    (OpenVino, "cpu", "int8-static"),
    (Jax, "jit", "fp32"),
    (TensorFlow, "graph", "fp32"),
    (TensorFlow, "xla", "fp32"),
]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests, so that each model is exported once."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def outputs(
    workspace: Callable[..., Workspace], exports: Path
) -> Callable[..., list[np.ndarray[Any, Any]]]:
    """Prepare ``model`` with a framework, load it and run all queries before any is looked at:
    an output that the next query overwrites does not equal the reference.
    """

    def run(
        framework: Framework, mode: str, precision: str, model: Network, queries: Sequence[Inputs]
    ) -> list[np.ndarray[Any, Any]]:
        def shared(key: str, build: Callable[[Path], None]) -> Path:
            folder = exports / model.name / key
            if not folder.exists():
                folder.mkdir(parents=True)
                build(folder)
            return folder

        space = workspace(model, framework.name, mode, precision, calibration=queries)
        framework.prepare(replace(space, shared=shared))
        runner = framework.load(space.out, model, space.setup, threads=1)
        return [runner(query) for query in queries]

    return run


def with_wrong_head(model: Network) -> Network:
    """The same architecture, and the same weights but for the head's sign."""

    def build() -> Any:
        net = model.build()
        net.head.weight.data.neg_()
        return net

    return replace(model, name=f"impostor-{model.name}", build=build)


@pytest.mark.parametrize(("framework", "mode", "precision"), SETUPS)
def test_outputs_equal_the_reference(framework, mode, precision, model, queries, outputs):
    ours = outputs(framework(), mode, precision, model, queries)
    reference = reference_outputs(model, queries)
    tolerance = FP32_TOLERANCE if precision == "fp32" else INT8_TOLERANCE
    assert [o.shape for o in ours] == [r.shape for r in reference]
    assert all(o.dtype == np.float32 for o in ours)
    assert difference(ours, reference) <= tolerance


@pytest.mark.parametrize(("framework", "mode", "precision"), SETUPS)
def test_a_wrong_weight_is_refused(framework, mode, precision, model, queries, outputs):
    ours = outputs(framework(), mode, precision, with_wrong_head(model), queries)
    check = compare(ours, reference_outputs(model, queries), Precision(precision))
    with pytest.raises(ConversionError):
        require_same_model(check)
