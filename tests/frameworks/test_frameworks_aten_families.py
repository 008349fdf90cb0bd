"""Every model family that the reader is tried on agrees with PyTorch in JAX and TensorFlow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import operators_page
import pytest
from operator_families import FAMILIES

from wattmark.contracts import Inputs, Network
from wattmark.frameworks.aten import artefact
from wattmark.frameworks.buckets import bucket_shapes
from wattmark.frameworks.jax import Jax
from wattmark.frameworks.tensorflow import TensorFlow
from wattmark.records import Setup

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).parents[2] / "docs" / "operators.md"
TARGETS = [(Jax, "jit"), (TensorFlow, "graph")]


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's programs, captured at the first call."""
    folders: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in folders:
            folders[family] = tmp_path_factory.mktemp("family")
            artefact.build(FAMILIES[family], folders[family])
        return folders[family]

    return folder


def queries(network: Network) -> list[Inputs]:
    """Random inputs and state at every size; positions lie in the middle of a cache."""
    rng = np.random.default_rng(0)
    specs = [*network.inputs, *network.reads]
    return [
        {
            spec.name: rng.standard_normal(shape).astype(np.float32)
            if spec.dtype == "float32"
            else rng.integers(1, 3, shape)
            for spec, shape in zip(specs, shapes, strict=True)
        }
        for shapes in bucket_shapes(network)
    ]


def reference(network: Network, query: Inputs) -> list[Any]:
    import torch

    with torch.inference_mode():
        results = network.module()(*map(torch.from_numpy, query.values()))
    return [r.numpy() for r in (results if network.stateful else [results])]


def ours(network: Network, runner: Any, query: Inputs) -> list[Any]:
    if not network.stateful:
        return [runner(query)]
    names = [spec.name for spec in network.inputs]
    state = {spec.name: query[spec.name] for spec in network.reads}
    output, state = runner.step({name: query[name] for name in names}, state)
    return [output, *(np.asarray(state[spec.name]) for spec in network.writes)]


@pytest.mark.parametrize(("framework", "mode"), TARGETS, ids=["jax", "tensorflow"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_agrees_with_pytorch(family, framework, mode, captured):
    network = FAMILIES[family]
    setup = Setup(framework=framework().name, mode=mode)
    runner = framework().load(captured(family), network, setup, 1)
    for query in queries(network):
        for expected, got in zip(
            reference(network, query), ours(network, runner, query), strict=True
        ):
            assert got.dtype == expected.dtype and got.shape == expected.shape
            assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


def test_the_documented_table_is_the_one_that_the_command_prints(captured):
    found = {
        family: operators_page.operators_of(artefact.read_programs(captured(family)))
        for family in FAMILIES
    }
    text = operators_page.document(found, operators_page.targets())
    assert "| lacks" not in text
    assert text == DOCUMENT.read_text(), "write what scripts/operators_page.py prints"


def test_the_table_names_what_a_target_lacks():
    text = operators_page.document({"A": {"one", "two"}, "B": {"two"}}, {"JAX": {"two"}})
    assert "| A | 2 | lacks `one` |\n| B | 1 | all |" in text
    assert "| `one` | x |  |\n| `two` | x | x |" in text
